//! Every case of core/spec/vectors as a test of its own: whole outcomes compared.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use pennon_core::config::{Configuration, compile};
use pennon_core::context::Context;
use pennon_core::snapshot::{Kind, Snapshot};
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    #[expect(dead_code, reason = "names the section of evaluation.md, for tests/coverage.rs")]
    section: String,
    config: Configuration,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    flag: String,
    context: Value,
    now: i64,
    expect: Map<String, Value>,
    #[expect(
        dead_code,
        reason = "the section where it differs from the file's, for tests/coverage.rs"
    )]
    section: Option<String>,
    /// The steps that lead there, where the case is about them.
    explain: Option<Value>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::from_args();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("spec/vectors");
    let mut trials = Vec::new();
    let mut files: Vec<_> = fs::read_dir(&folder)?.collect::<Result<_, _>>()?;
    files.sort_by_key(fs::DirEntry::path);
    for entry in files {
        let file: File = serde_json::from_slice(&fs::read(entry.path())?)
            .map_err(|error| format!("{}: {error}", entry.path().display()))?;
        let body = compile(&file.config, Kind::Server, &[])
            .map_err(|error| format!("{}: {error}", file.name))?;
        let snapshot = Arc::new(Snapshot::open(body, Kind::Server)?);
        for case in file.cases {
            let snapshot = Arc::clone(&snapshot);
            let name = format!("{}: {}", file.name, case.name);
            trials.push(Trial::test(name, move || check(&snapshot, &case)));
        }
    }
    if trials.is_empty() {
        return Err(format!("no vectors in {}", folder.display()).into());
    }
    libtest_mimic::run(&arguments, trials).exit()
}

fn check(snapshot: &Snapshot, case: &Case) -> Result<(), Failed> {
    let context = Context::from_json(&case.context)?;
    let outcome = snapshot.evaluate(&case.flag, &context, case.now).to_json();
    compare(&Value::Object(case.expect.clone()), &Value::Object(outcome.clone()))?;
    let (explained, trace) = snapshot.explain(&case.flag, &context, case.now);
    compare(&Value::Object(outcome), &Value::Object(explained.to_json()))?;
    let steps = numbers(serde_json::from_str(&trace)?);
    case.explain.as_ref().map_or(Ok(()), |expected| compare(expected, &steps))
}

fn compare(expected: &Value, actual: &Value) -> Result<(), Failed> {
    if same(expected, actual) {
        return Ok(());
    }
    Err(format!("expected {expected}\n     got {actual}").into())
}

/// Turns `{"binary64": "<16 hexadecimal digits>"}` into the number that it stands for.
fn numbers(value: Value) -> Value {
    match value {
        Value::Array(list) => list.into_iter().map(numbers).collect(),
        Value::Object(object) => {
            let bits = object.get("binary64").and_then(Value::as_str);
            match bits.and_then(|digits| u64::from_str_radix(digits, 16).ok()) {
                Some(bits) => f64::from_bits(bits).into(),
                None => object.into_iter().map(|(name, inner)| (name, numbers(inner))).collect(),
            }
        }
        other => other,
    }
}

/// As JSON values; 1 and 1.0 are one number.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(l, r)| same(l, r))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, l)| right.get(key).is_some_and(|r| same(l, r)))
        }
        _ => left == right,
    }
}
