//! GrowthBook: `packages/sdk-js/test/cases.json`.

use std::error::Error;
use std::path::Path;

use pennon_core::import::growthbook::import;
use serde_json::{Map, Value, json};

use crate::frame::{Suite, Verdict, World, read_json, same};

/// Cases of the topics that the importer is about.
const TOPICS: [(&str, usize); 2] = [("evalCondition", 248), ("feature", 55)];

pub(crate) fn suite(folder: &Path) -> Result<Suite, Box<dyn Error>> {
    let topics = read_json(&folder.join("growthbook/cases.json"))?;
    let mut suite = Suite::new("growthbook");
    for (topic, count) in TOPICS {
        let cases = topics[topic].as_array().map(Vec::as_slice).unwrap_or_default();
        if cases.len() != count {
            return Err(format!(
                "GrowthBook's {topic} has {} cases instead of {count}",
                cases.len()
            )
            .into());
        }
        for (at, case) in cases.iter().enumerate() {
            let name = format!("{topic}[{at}] {}", case[0].as_str().unwrap_or_default());
            let verdict = if topic == "feature" { feature(case) } else { condition(case) };
            suite.case(name, verdict?);
        }
    }
    Ok(suite)
}

/// `[name, condition, attributes, expected, savedGroups?]`
fn condition(case: &Value) -> Result<Verdict, Box<dyn Error>> {
    let payload = json!({
        "features": { "flag": { "defaultValue": false, "rules": [{ "condition": case[1], "force": true }] } },
        "savedGroups": case[4],
    });
    ask(&payload, "flag", &case[2], &case[3])
}

/// `[name, context, feature, expected]`
fn feature(case: &Value) -> Result<Verdict, Box<dyn Error>> {
    let mut payload = case[1].clone();
    let attributes = payload["attributes"].take();
    if payload.get("features").is_none() {
        payload["features"] = json!({});
    }
    let key = case[2].as_str().ok_or("a case names no feature")?;
    ask(&payload, key, &attributes, &case[3]["value"])
}

/// Null means that the caller's default applies.
fn ask(
    payload: &Value,
    flag: &str,
    attributes: &Value,
    expected: &Value,
) -> Result<Verdict, Box<dyn Error>> {
    let world = World::open(import(payload))?;
    if let Some(reason) = world.refusal(flag) {
        return Ok(Verdict::Refused(reason.into()));
    }
    let outcome = world.outcome(flag, &context(attributes), 0)?;
    let value = outcome.get("value").unwrap_or(&Value::Null);
    Ok(if same(value, expected) {
        Verdict::Pass
    } else {
        Verdict::Wrong(format!(
            "{payload} for {attributes}: expected {expected}, got {}",
            Value::from(outcome.clone())
        ))
    })
}

/// `id` is the targeting key.
fn context(attributes: &Value) -> Value {
    let attributes = attributes.as_object().into_iter().flatten();
    let renamed = attributes.map(|(name, value)| {
        let name = if name == "id" { "targetingKey" } else { name };
        (name.to_owned(), value.clone())
    });
    Value::Object(renamed.collect::<Map<_, _>>())
}
