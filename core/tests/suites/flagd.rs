//! flagd: github.com/open-feature/flagd-testbed, its evaluator's features and what of its providers' features is evaluation.

use std::error::Error;
use std::path::Path;

use pennon_core::import::flagd::import;
use serde_json::{Map, Value, json};

use crate::frame::{Suite, Verdict, World, read_json, same};
use crate::gherkin::{self, Scenario};

/// Scenarios of the evaluator that do not contradict the present algorithm.
const EVALUATOR: usize = 125;
/// Buckets as they were before.
const OUTDATED: &str = "@fractional-v1";
/// Any moment between the two that the features know.
const NOW: i64 = 1_700_000_000_000;
const FLAGS: [&str; 7] = [
    "testing-flags",
    "custom-ops",
    "edge-case-flags",
    "evaluator-refs",
    "zero-flags",
    "disabled-flags",
    "metadata-flags",
];

pub(crate) fn suite(folder: &Path) -> Result<Suite, Box<dyn Error>> {
    let folder = folder.join("flagd");
    let mut suite = Suite::new("flagd");

    let testkit = read_json(&folder.join("evaluator/flags/testkit-flags.json"))?;
    let world = World::open(import(&testkit))?;
    let mut files: Vec<_> = std::fs::read_dir(folder.join("evaluator/gherkin"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.sort();
    let mut cases = 0;
    for file in files {
        cases += add(&mut suite, &world, "evaluator", &file)?;
    }
    if cases != EVALUATOR {
        return Err(format!("flagd's evaluator has {cases} cases instead of {EVALUATOR}").into());
    }

    let mut all = json!({ "flags": {}, "$evaluators": {} });
    for name in FLAGS {
        let file = read_json(&folder.join(format!("flags/{name}.json")))?;
        for part in ["flags", "$evaluators"] {
            if let (Value::Object(all), Some(Value::Object(more))) =
                (&mut all[part], file.get(part))
            {
                all.extend(more.clone());
            }
        }
    }
    let world = World::open(import(&all))?;
    for name in ["targeting", "evaluation", "disabled", "metadata"] {
        let file = folder.join(format!("gherkin/{name}.feature"));
        add(&mut suite, &world, "provider", &file)?;
    }
    Ok(suite)
}

/// How many scenarios of the file are cases.
fn add(suite: &mut Suite, world: &World, part: &str, file: &Path) -> Result<usize, Box<dyn Error>> {
    let mut cases = 0;
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    for scenario in gherkin::read(file)? {
        let left_out = |tag: &String| tag == OUTDATED || tag == "@deprecated";
        if scenario.tags.iter().any(left_out) {
            continue;
        }
        if let Some(verdict) = verdict(world, &scenario)? {
            cases += 1;
            suite.case(format!("{part}/{stem}: {}", scenario.name), verdict);
        }
    }
    Ok(cases)
}

/// None when the scenario is about more than evaluation.
fn verdict(world: &World, scenario: &Scenario) -> Result<Option<Verdict>, Box<dyn Error>> {
    let mut context = Map::new();
    let mut asked: Option<(String, String, Value)> = None;
    let mut outcome = Map::new();
    let mut wrong = Vec::new();
    for step in &scenario.steps {
        let quoted: Vec<String> = quoted(&step.text);
        let unquoted = step.text.replace("\\\"", "");
        let words = unquoted.split('"').step_by(2).collect::<Vec<_>>().join("_");
        match (words.as_str(), quoted.as_slice()) {
            ("an evaluator" | "a stable flagd provider", []) => {}
            ("an option _ of type _ with value _", [name, ..]) if name == "cache" => {}
            ("a context containing a key _, with type _ and with value _", [key, kind, value]) => {
                context.insert(key.clone(), typed(kind, value)?);
            }
            ("a context containing a targeting key with value _", [key]) => {
                context.insert("targetingKey".into(), json!(key));
            }
            (
                "a context containing a nested property with outer key _ and inner key _, with value _",
                [outer, inner, value],
            ) => drop(context.insert(outer.clone(), json!({ inner: value }))),
            ("the flag was evaluated with details", []) => {
                let (kind, flag, default) = asked.as_ref().ok_or("no flag was asked for")?;
                if let Some(reason) = world.refusal(flag) {
                    return Ok(Some(Verdict::Refused(reason.into())));
                }
                outcome = world.outcome(flag, &Value::Object(context.clone()), NOW)?;
                as_host(&mut outcome, kind, default);
            }
            ("the resolved details value should be _", [expected]) => {
                let (kind, ..) = asked.as_ref().ok_or("no flag was asked for")?;
                let expected = typed(kind, expected)?;
                if !same(&outcome["value"], &expected) {
                    wrong.push(format!("expected {expected}"));
                }
            }
            ("the reason should be _", [expected]) => {
                // Ours tells the caller's default and a split apart.
                let exact = ["STATIC", "DISABLED"].contains(&expected.as_str());
                if exact && outcome["reason"] != **expected {
                    wrong.push(format!("expected the reason {expected}"));
                }
            }
            ("the error-code should be _", [expected]) => {
                let code = outcome.get("errorCode").and_then(Value::as_str).unwrap_or_default();
                let of_host = ["FLAG_NOT_FOUND", "TYPE_MISMATCH"].contains(&expected.as_str());
                if (of_host && code != expected) || expected.is_empty() != code.is_empty() {
                    wrong.push(format!("expected the error {expected}"));
                }
            }
            ("the resolved metadata should contain", []) => {
                for row in &step.table {
                    let expected = typed(&row["metadata_type"], &row["value"])?;
                    let metadata = outcome.get("metadata").unwrap_or(&Value::Null);
                    if !same(&metadata[&row["key"]], &expected) {
                        wrong.push(format!("expected the metadata {} = {expected}", row["key"]));
                    }
                }
            }
            ("the resolved metadata is empty", []) => {
                if outcome.contains_key("metadata") {
                    wrong.push("expected no metadata".to_owned());
                }
            }
            (text, [flag, default]) if text.contains("-flag with key _ and a ") => {
                let kind = step.text.split(['-', ' ']).nth(1).unwrap_or_default().to_owned();
                let default = typed(&kind, default)?;
                asked = Some((kind, flag.clone(), default));
            }
            _ => return Ok(None),
        }
    }
    Ok(Some(if wrong.is_empty() {
        Verdict::Pass
    } else {
        let got = Value::Object(outcome);
        Verdict::Wrong(format!("{}; got {got} for {}", wrong.join(", "), Value::Object(context)))
    }))
}

/// What an OpenFeature SDK makes of an outcome: no value, or one of another type, is the caller's default.
fn as_host(outcome: &mut Map<String, Value>, kind: &str, default: &Value) {
    let fits = |value: &Value| match kind {
        "Boolean" => value.is_boolean(),
        "String" => value.is_string(),
        "Integer" | "Float" => value.is_number(),
        _ => value.is_object() || value.is_array(),
    };
    match outcome.get("value") {
        Some(value) if fits(value) => {}
        Some(_) => {
            outcome.insert("errorCode".into(), json!("TYPE_MISMATCH"));
            outcome.insert("value".into(), default.clone());
        }
        None => drop(outcome.insert("value".into(), default.clone())),
    }
}

/// What stands between quotation marks; those within a value are escaped.
fn quoted(text: &str) -> Vec<String> {
    let text = text.replace("\\\"", "\u{1}");
    text.split('"').skip(1).step_by(2).map(|part| part.replace('\u{1}', "\"")).collect()
}

fn typed(kind: &str, text: &str) -> Result<Value, Box<dyn Error>> {
    Ok(match kind {
        "String" => json!(text),
        "Integer" | "Float" => {
            json!(text.parse::<f64>().map_err(|error| format!("{text}: {error}"))?)
        }
        _ => serde_json::from_str(text).map_err(|error| format!("{text}: {error}"))?,
    })
}
