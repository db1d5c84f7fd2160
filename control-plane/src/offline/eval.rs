//! `pennon eval`: one outcome a line for one case a line, in order.

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use pennon_core::config::compile;
use pennon_core::context::Context;
use pennon_core::outcome::{ErrorCode, Reason};
use pennon_core::snapshot::{Kind, Snapshot};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Failed;
use super::compile::read_configuration;

/// Where the flags come from.
#[derive(Debug)]
pub enum Source<'a> {
    /// CONFIG.json.
    Config(&'a Path),
    /// A body. Its kind is in it.
    Snapshot(&'a Path),
}

/// A line of CASES.jsonl. Further members are ignored, so that a file of expectations can be fed as it is.
#[derive(Debug, Deserialize)]
struct Case {
    #[serde(default)]
    id: Value,
    flag: String,
    #[serde(default = "empty")]
    context: Value,
    /// Unix milliseconds.
    #[serde(default)]
    now: i64,
}

fn empty() -> Value {
    Value::Object(Map::new())
}

/// Evaluates every case. A line that is no case gives an outcome with the error PARSE_ERROR and is named on standard
/// error, so that the n-th outcome always belongs to the n-th line that is not blank.
///
/// # Errors
/// When the flags or the cases cannot be read, or the outcomes cannot be written. `Ok(false)`: some lines were no cases.
pub fn run(
    source: &Source<'_>,
    cases: &Path,
    kind: Kind,
    out: &mut dyn Write,
    complain: &mut dyn Write,
) -> Result<bool, Failed> {
    let snapshot = match source {
        Source::Config(path) => {
            let configuration = read_configuration(path)?;
            let body =
                compile(&configuration, kind, &[]).map_err(|error| Failed::at(path, error))?;
            Snapshot::open(body, kind).map_err(|refusal| Failed::at(path, refusal))?
        }
        Source::Snapshot(path) => super::snapshot::open_body(path)?,
    };
    let file = std::fs::File::open(cases).map_err(|error| Failed::at(cases, error))?;
    let mut out = BufWriter::new(out);
    let mut clean = true;
    let written = |error| Failed(format!("standard output: {error}"));
    for (number, line) in BufReader::new(file).split(b'\n').enumerate() {
        let line = line.map_err(|error| Failed::at(cases, error))?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let answer = match serde_json::from_slice::<Case>(&line) {
            Ok(case) => evaluated(&snapshot, &case),
            Err(error) => {
                clean = false;
                let place = format!("{} line {}: {error}\n", cases.display(), number + 1);
                complain.write_all(place.as_bytes()).map_err(written)?;
                let id = serde_json::from_slice::<Value>(&line)
                    .ok()
                    .and_then(|mut case| Some(case.get_mut("id")?.take()));
                failed(id.unwrap_or(Value::Null), ErrorCode::ParseError)
            }
        };
        serde_json::to_writer(&mut out, &answer).map_err(|error| Failed(error.to_string()))?;
        out.write_all(b"\n").map_err(written)?;
    }
    out.flush().map_err(written)?;
    Ok(clean)
}

fn evaluated(snapshot: &Snapshot, case: &Case) -> Map<String, Value> {
    let Ok(context) = Context::from_json(&case.context) else {
        return failed(case.id.clone(), ErrorCode::InvalidContext);
    };
    let mut answer = snapshot.evaluate(&case.flag, &context, case.now).to_json();
    // Of no use to whoever compares outcomes of different evaluators.
    answer.remove("rule");
    answer.remove("until");
    answer.insert("id".to_owned(), case.id.clone());
    answer
}

fn failed(id: Value, code: ErrorCode) -> Map<String, Value> {
    let mut answer = Map::new();
    answer.insert("id".to_owned(), id);
    answer.insert("reason".to_owned(), Value::from(Reason::Error.as_str()));
    answer.insert("errorCode".to_owned(), Value::from(code.as_str()));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nth_outcome_belongs_to_the_nth_line() {
        let folder = std::env::temp_dir().join(format!("pennon-eval-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (config, cases) = (folder.join("config.json"), folder.join("cases.jsonl"));
        let flags = r#"{"a":{"type":"boolean","enabled":true,"variants":[{"key":"on","value":true}],"fallthrough":{"variant":"on"}}}"#;
        std::fs::write(&config, format!(r#"{{"format":1,"flags":{flags}}}"#)).unwrap();
        let lines = [
            r#"{"id":"1","flag":"a","context":{"targetingKey":"u"},"now":5}"#,
            "",
            r#"{"id":"2","context":{}}"#,
            "not json",
            r#"{"id":"3","flag":"gone","context":{}}"#,
            r#"{"id":"4","flag":"a","context":[]}"#,
        ];
        std::fs::write(&cases, lines.join("\n")).unwrap();
        let (mut out, mut complaints) = (Vec::new(), Vec::new());
        let clean =
            run(&Source::Config(&config), &cases, Kind::Server, &mut out, &mut complaints).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        let text = String::from_utf8(out).unwrap();
        let outcomes: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(
            outcomes,
            [
                serde_json::json!({ "id": "1", "value": true, "variant": "on", "reason": "STATIC" }),
                serde_json::json!({ "id": "2", "reason": "ERROR", "errorCode": "PARSE_ERROR" }),
                serde_json::json!({ "id": null, "reason": "ERROR", "errorCode": "PARSE_ERROR" }),
                serde_json::json!({ "id": "3", "reason": "ERROR", "errorCode": "FLAG_NOT_FOUND" }),
                serde_json::json!({ "id": "4", "reason": "ERROR", "errorCode": "INVALID_CONTEXT" }),
            ]
        );
        assert!(!clean);
        let complaints = String::from_utf8(complaints).unwrap();
        assert!(complaints.contains("line 3") && complaints.contains("line 4"), "{complaints}");
    }
}
