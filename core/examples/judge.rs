//! What the vendors' own engines are compared with, by `cargo xtask judge`: `judge VENDOR` reads lines of JSON,
//! `{payload, questions: [{flag, context, now}]}`, imports each payload and answers with a line,
//! `{refused: {flag: reason}, notes, outcomes}`, an outcome for each question.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::{env, io};

use pennon_core::config::compile;
use pennon_core::context::Context;
use pennon_core::import::{Import, ImportError, flagd, growthbook, launchdarkly, unleash};
use pennon_core::snapshot::{Kind, Snapshot};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let import: fn(&Value) -> Result<Import, ImportError> = match env::args().nth(1).as_deref() {
        Some("flagd") => flagd::import,
        Some("growthbook") => growthbook::import,
        Some("launchdarkly") => launchdarkly::import,
        Some("unleash") => unleash::import,
        _ => return Err("usage: judge flagd|growthbook|launchdarkly|unleash".into()),
    };
    let mut answers = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let line: Value = serde_json::from_str(&line?)?;
        let imported = import(&line["payload"])?;
        let body = compile(&imported.configuration, Kind::Server, &[])?;
        let snapshot = Snapshot::open(body, Kind::Server)?;
        let questions = line["questions"].as_array().ok_or("no questions")?;
        let outcomes: Vec<Value> = questions.iter().map(|one| outcome(&snapshot, one)).collect();
        let report = imported.report;
        let refused: BTreeMap<String, String> =
            report.refused.into_iter().map(|refused| (refused.flag, refused.reason)).collect();
        let answer = json!({ "refused": refused, "notes": report.notes, "outcomes": outcomes });
        writeln!(answers, "{answer}")?;
        answers.flush()?;
    }
    Ok(())
}

fn outcome(snapshot: &Snapshot, question: &Value) -> Value {
    let flag = question["flag"].as_str().unwrap_or_default();
    match Context::from_json(&question["context"]) {
        Ok(context) => {
            let now = question["now"].as_i64().unwrap_or(0);
            Value::Object(snapshot.evaluate(flag, &context, now).to_json())
        }
        Err(error) => json!({ "refusedContext": error.to_string() }),
    }
}
