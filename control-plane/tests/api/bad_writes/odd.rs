//! Requests that are wrong beside their fields: paths to what is not there or is another project's, versions that nobody has seen, bytes that
//! are no document.

use axum::http::Method;

use super::Operation;
use super::samples::Sample;
use crate::support::Answer;

/// A request that must be refused.
pub(super) struct Odd {
    pub(super) how: String,
    pub(super) path: String,
    /// In the place of those that a good request has.
    pub(super) headers: Vec<(&'static str, Vec<u8>)>,
    pub(super) body: Vec<u8>,
    /// What it may be answered with.
    statuses: &'static [u16],
    /// What the answer has to name, if anything.
    field: Option<&'static str>,
}

impl Odd {
    pub(super) fn judge(&self, answer: &Answer) -> Result<(), String> {
        let told = || format!("{answer:?}").chars().take(400).collect::<String>();
        if !self.statuses.contains(&answer.status.as_u16()) {
            return Err(told());
        }
        answer.problem();
        match self.field {
            Some(field) if answer.json()["field"] != field => Err(told()),
            _ => Ok(()),
        }
    }
}

/// All the odd requests of an operation.
pub(super) fn requests(operation: &Operation, sample: &Sample) -> Vec<Odd> {
    let body = || sample.body.as_ref().map_or_else(Vec::new, |body| body.to_string().into_bytes());
    let mut all = Vec::new();
    for (how, path) in paths(operation, &sample.path) {
        // Of what is made where nothing is: nothing is there that `*` could mean, and the key is none that something new could have.
        let statuses = if operation.takes_new() { &[400, 404, 412, 422][..] } else { &[400, 404] };
        all.push(Odd { how, path, headers: Vec::new(), body: body(), statuses, field: None });
    }
    if operation.takes("If-Match") {
        for tag in VERSIONS {
            all.push(Odd {
                how: format!("If-Match: {}", String::from_utf8_lossy(tag)),
                path: sample.path.clone(),
                headers: vec![("if-match", tag.to_vec())],
                body: body(),
                statuses: &[412],
                field: None,
            });
        }
    }
    if let Some(kind) = operation.body() {
        for (how, bytes, statuses, field) in bytes(&body()) {
            let (path, headers) = (sample.path.clone(), Vec::new());
            all.push(Odd { how: how.to_owned(), path, headers, body: bytes, statuses, field });
        }
        for given in
            ["", "text/plain", "application/x-www-form-urlencoded", "application/xml", "\u{1f600}"]
        {
            assert_ne!(given, kind);
            all.push(Odd {
                how: format!("Content-Type: {given}"),
                path: sample.path.clone(),
                headers: vec![("content-type", given.as_bytes().to_vec())],
                body: body(),
                statuses: &[415],
                field: Some("Content-Type"),
            });
        }
    }
    all
}

/// Versions that nobody has seen.
const VERSIONS: [&[u8]; 10] = [
    b"",
    b"1",
    b"\"\"",
    b"\"0\"",
    b"\"-1\"",
    b"\"1.0\"",
    b"\"99999999999999999999999\"",
    b"W/\"1\"",
    b"\"*\"",
    b"\xff",
];

/// The operation's path with one part of it replaced.
fn paths(operation: &Operation, good: &str) -> Vec<(String, String)> {
    let (good, query) = good.split_once('?').map_or((good, ""), |(path, query)| (path, query));
    let parts: Vec<&str> = good.split('/').collect();
    let names: Vec<&str> = operation.template.split('/').collect();
    let long = "a".repeat(5_000);
    // Whoever puts something under a new key makes it.
    let makes_last = operation.method == Method::PUT
        && operation.takes_new()
        && names.last().is_some_and(|name| name.starts_with('{'));
    let mut all = Vec::new();
    for (at, name) in names.iter().enumerate().filter(|(_, name)| name.starts_with('{')) {
        let mut odd =
            vec!["%00", "a%00b", "%ff", "%20", "..%2f..", "A%20B", "%F0%9F%98%80", long.as_str()];
        let is_last = at + 1 == names.len();
        if !(makes_last && is_last) {
            odd.push("nobody-has-this");
            odd.push("00000000000000000000000000000000");
        }
        if *name == "{version}" {
            odd.extend(["-1", "0", "1.5", "99999999999999999999999", "x"]);
        }
        // The same thing of another project, or of another environment.
        let below =
            names[at + 1..].iter().any(|name| name.starts_with('{') && *name != "{environment}");
        if *name == "{project}" && below && !makes_last {
            odd.push("elsewhere");
        }
        if *name == "{environment}" && names.contains(&"{id}") {
            odd.push("production");
        }
        for other in odd {
            let mut parts = parts.clone();
            parts[at] = other;
            let path = parts.join("/");
            let path = if query.is_empty() { path } else { format!("{path}?{query}") };
            let other: String = other.chars().take(40).collect();
            all.push((format!("{name} {other}"), path));
        }
    }
    all
}

type Bytes = (&'static str, Vec<u8>, &'static [u16], Option<&'static str>);

/// Bodies that are no JSON, or JSON that is no object.
fn bytes(good: &[u8]) -> Vec<Bytes> {
    let with = |before: &[u8], after: &[u8]| [before, good, after].concat();
    // The first field once more, behind the others.
    let end = good.len() - 1;
    let text = String::from_utf8_lossy(good);
    let name = text.split('"').nth(1).unwrap_or_default();
    let twice = [&good[..end], format!(",\"{name}\":null}}").as_bytes()].concat();
    vec![
        ("no bytes", Vec::new(), &[400], None),
        ("a cut body", good[..end].to_vec(), &[400], None),
        ("something behind", with(b"", b"{}"), &[400], None),
        ("a byte order mark", with(b"\xef\xbb\xbf", b""), &[400], None),
        ("no UTF-8", with(b"\xff", b""), &[400], None),
        ("UTF-16", text.encode_utf16().flat_map(u16::to_le_bytes).collect(), &[400], None),
        ("a NUL in front", with(b"\0", b""), &[400], None),
        ("a list", b"[]".to_vec(), &[422], Some("")),
        ("null", b"null".to_vec(), &[422], Some("")),
        ("a text", b"\"x\"".to_vec(), &[422], Some("")),
        ("a number", b"1e400".to_vec(), &[400, 422], None),
        ("a field twice", twice, &[422], None),
        ("depth", "[".repeat(100_000).into_bytes(), &[400, 413], None),
    ]
}
