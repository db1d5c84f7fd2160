//! Where fuzzing starts from: sound inputs, made of the vectors and of the sample; and the forms of inputs with several parts.

use std::fs;
use std::io;
use std::path::Path;

use pennon_core::config::{Configuration, compile};
use pennon_core::context::Context;
use pennon_core::snapshot::{Kind, Snapshot, delta};
use serde_json::{Value, json};

use crate::ground::GROUND;

/// A seed longer than this would slow every mutation of it down.
const LONGEST: usize = 6_000;

/// The context and the rest of an input, which starts with the context's length in two bytes.
pub(crate) fn with_context(bytes: &[u8]) -> (&[u8], &[u8]) {
    let Some((length, rest)) = bytes.split_first_chunk::<2>() else { return (&[], &[]) };
    let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
    rest.split_at(length)
}

fn prefixed(context: &[u8], rest: &[u8]) -> Vec<u8> {
    [&(context.len() as u16).to_le_bytes(), context, rest].concat()
}

/// The delta that lays out chunks, each of which stands behind its length in two bytes; what is left at the end is one too.
pub(crate) fn chunks_of(mut bytes: &[u8]) -> Vec<u8> {
    let (mut count, mut content) = (0u32, 0u32);
    let mut steps = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let (chunk, rest) = rest.split_at(usize::from(u16::from_le_bytes(*length)).min(rest.len()));
        bytes = rest;
        count += 1;
        content += chunk.len() as u32;
        // A patch of no chunk: nothing of it at the start, nothing at the end, and this between.
        steps.push(2);
        steps.extend([0; 12]);
        steps.extend((chunk.len() as u32).to_le_bytes());
        steps.extend(chunk);
    }
    [b"PND1", &count.to_le_bytes()[..], &content.to_le_bytes(), &steps].concat()
}

/// The chunks of a body in that form, cut by its directory (core/spec/snapshot.md section 5).
fn chunks(body: &[u8]) -> Vec<u8> {
    let word = |at: usize| {
        let word = body.get(at..).and_then(|rest| rest.first_chunk::<4>());
        word.map_or(0, |word| u32::from_le_bytes(*word) as usize)
    };
    let (count, directory) = (word(12), word(24));
    let chunk = |index: usize| {
        let chunk = body.get(word(directory + 4 * index)..word(directory + 4 * index + 4));
        let chunk = chunk.unwrap_or_default();
        [&(chunk.len() as u16).to_le_bytes(), chunk].concat()
    };
    (0..count).flat_map(chunk).collect()
}

/// Writes `corpus/<target>/seed-<name>` for every target, in place of those that were there.
///
/// # Errors
/// Of the file system, and [`io::ErrorKind::InvalidData`] for vectors that are none.
pub fn write(vectors: &Path, corpus: &Path) -> io::Result<usize> {
    for target in crate::TARGETS {
        let folder = corpus.join(target.name);
        fs::create_dir_all(&folder)?;
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("seed-")) {
                fs::remove_file(path)?;
            }
        }
    }
    let mut written = 0;
    let mut write = |target: &str, name: &str, bytes: &[u8]| {
        if bytes.len() > LONGEST {
            return Ok(());
        }
        written += 1;
        fs::write(corpus.join(target).join(format!("seed-{name}")), bytes)
    };
    let mut files: Vec<_> = fs::read_dir(vectors)?.collect::<Result<_, _>>()?;
    files.sort_by_key(fs::DirEntry::path);
    for entry in files {
        let name = entry.file_name().to_string_lossy().replace(".json", "");
        of_vectors(&serde_json::from_slice(&fs::read(entry.path())?)?, &name, &mut write)?;
    }
    write("head", "genuine", &GROUND.signed_head)?;
    write("keyset", "genuine", &GROUND.keyset)?;
    let push = pennon_core::protocol::push::Push {
        head: &GROUND.signed_head,
        keyset: &GROUND.keyset,
        body: b"body",
    };
    write("push", "genuine", &push.to_bytes())?;
    let key = "k".repeat(43);
    let connection = format!("https://pns_{key}:{key}@localhost:8080/{}", "02".repeat(16));
    write("push", "connection", connection.as_bytes())?;
    for (product, name, file) in exports() {
        write("import", name, &[&[product], file.to_string().as_bytes()].concat())?;
    }
    Ok(written)
}

/// Of each file: its flags in two parts, and the contexts of some of their cases.
fn of_vectors(
    file: &Value,
    name: &str,
    write: &mut impl FnMut(&str, &str, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let invalid = |error: String| io::Error::new(io::ErrorKind::InvalidData, error);
    let whole: Configuration = serde_json::from_value(file["config"].clone())
        .map_err(|error| invalid(format!("{name}: {error}")))?;
    let cases = file["cases"].as_array().map(Vec::as_slice).unwrap_or_default();
    let context = |case: Option<&Value>| {
        let context = case.and_then(|case| Context::from_json(&case["context"]).ok());
        context.unwrap_or_default().encoded().to_vec()
    };
    for (number, case) in cases.iter().step_by(cases.len().div_ceil(2).max(1)).enumerate() {
        write("context", &format!("{name}-{number}"), &context(Some(case)))?;
        let request = json!({"context": case["context"]}).to_string();
        write("ofrep", &format!("{name}-{number}"), request.as_bytes())?;
    }
    let keys: Vec<&String> = whole.flags.keys().collect();
    let some = keys.chunks(keys.len().div_ceil(2).max(1));
    for (number, keys) in some.enumerate() {
        let name = format!("{name}-{number}");
        let mut configuration = whole.clone();
        configuration.flags.retain(|key, _| keys.contains(&key));
        let text = serde_json::to_string(&configuration).map_err(|e| invalid(e.to_string()))?;
        write("config", &name, text.as_bytes())?;
        // Those whose prerequisites are in another part do not compile alone.
        let Ok(body) = compile(&configuration, Kind::Server, &[]) else { continue };
        let case = cases.iter().find(|case| keys.iter().any(|key| case["flag"] == **key));
        let context = context(case);
        write("body", &name, &prefixed(&context, &body))?;
        write("chunks", &name, &prefixed(&context, &chunks(&body)))?;
        let to = Snapshot::open(body, Kind::Server).map_err(|e| invalid(e.to_string()))?;
        let delta = delta::make(&GROUND.server, &to).map_err(|e| invalid(e.to_string()))?;
        write("delta", &name, &delta)?;
    }
    Ok(())
}

/// A small export of each product, by the number of its importer.
fn exports() -> [(u8, &'static str, Value); 4] {
    let flagd = json!({"flags": {"f": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
        "targeting": {"if": [{"and": [{"ends_with": [{"var": "email"}, "@example.com"]},
            {"sem_ver": [{"var": "version"}, "^", "1.2.3"]}, {">=": [{"var": "age"}, 18]}]}, "on",
            {"fractional": [{"var": "targetingKey"}, ["on", 25], ["off", 75]]}]}}}});
    let growthbook = json!({"features": {"f": {"defaultValue": false, "rules": [
        {"condition": {"country": {"$in": ["AT", "DE"]}, "age": {"$gte": 18}, "tags": {"$elemMatch": {"$eq": "x"}},
            "$not": {"email": {"$regex": "@x$"}}, "v": {"$vgt": "1.2.3"}}, "force": true, "coverage": 0.5, "hashAttribute": "id"},
        {"variations": [false, true], "weights": [0.5, 0.5], "key": "e", "hashVersion": 2, "seed": "s", "coverage": 1}]}}});
    let launchdarkly = json!({"flags": {"f": {"key": "f", "version": 1, "on": true, "variations": [true, false], "offVariation": 1,
        "fallthrough": {"rollout": {"variations": [{"variation": 0, "weight": 40_000}, {"variation": 1, "weight": 60_000}]}},
        "salt": "s", "targets": [{"variation": 0, "values": ["a"]}], "prerequisites": [],
        "rules": [{"id": "r", "variation": 0, "clauses": [{"attribute": "email", "op": "endsWith", "values": ["@x.com"], "negate": false},
            {"attribute": "", "op": "segmentMatch", "values": ["s"]}]}]}},
        "segments": {"s": {"key": "s", "version": 1, "included": ["u"], "excluded": [], "salt": "t",
            "rules": [{"clauses": [{"attribute": "plan", "op": "in", "values": ["pro", 5]}]}]}}});
    let unleash = json!({"version": 2, "segments": [{"id": 1, "constraints": [
            {"contextName": "country", "operator": "IN", "values": ["AT"]}]}], "features": [{"name": "f", "enabled": true,
        "strategies": [{"name": "flexibleRollout", "parameters": {"rollout": "30", "stickiness": "userId", "groupId": "g"},
            "segments": [1], "constraints": [{"contextName": "version", "operator": "SEMVER_GT", "value": "1.2.3"},
            {"contextName": "email", "operator": "STR_ENDS_WITH", "values": ["@x.com"], "caseInsensitive": true}],
            "variants": [{"name": "a", "weight": 500, "stickiness": "userId", "payload": {"type": "string", "value": "A"}},
                {"name": "b", "weight": 500, "stickiness": "userId"}]}]}]});
    [
        (0, "flagd", flagd),
        (1, "growthbook", growthbook),
        (2, "launchdarkly", launchdarkly),
        (3, "unleash", unleash),
    ]
}
