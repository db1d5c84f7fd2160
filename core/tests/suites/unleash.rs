//! Unleash: github.com/Unleash/client-specification. Delta events are not what the importer reads.

use std::error::Error;
use std::path::Path;

use pennon_core::import::unleash::import;
use serde_json::{Map, Value, json};

use crate::frame::{Suite, Verdict, World, read_json, same};

/// Pure evaluations in the suite.
const CASES: usize = 275;
/// When a case's context does not say.
const NOW: i64 = 1_700_000_000_000;

pub(crate) fn suite(folder: &Path) -> Result<Suite, Box<dyn Error>> {
    let folder = folder.join("unleash/specifications");
    let mut suite = Suite::new("unleash");
    let index = read_json(&folder.join("index.json"))?;
    let mut cases = 0;
    for file in index.as_array().into_iter().flatten().filter_map(Value::as_str) {
        let specification = read_json(&folder.join(file))?;
        let state = &specification["state"];
        if state.get("features").is_none() {
            continue;
        }
        let world = World::open(import(state))?;
        for kind in ["tests", "variantTests"] {
            let tests = specification[kind].as_array().into_iter().flatten();
            for (at, test) in tests.enumerate() {
                cases += 1;
                suite.case(format!("{file} {kind}[{at}]"), verdict(&world, test)?);
            }
        }
    }
    if cases != CASES {
        return Err(format!("Unleash's suite has {cases} cases instead of {CASES}").into());
    }
    Ok(suite)
}

fn verdict(world: &World, test: &Value) -> Result<Verdict, Box<dyn Error>> {
    let toggle = test["toggleName"].as_str().ok_or("a test names no toggle")?;
    if let Some(reason) = world.refusal(toggle) {
        return Ok(Verdict::Refused(reason.into()));
    }
    let outcome = world.outcome(toggle, &context(&test["context"]), NOW)?;
    let variant = outcome.get("variant").and_then(Value::as_str);
    let value = outcome.get("value");
    let expected = &test["expectedResult"];
    let pass = match expected {
        Value::Bool(on) => variant.is_some_and(|variant| variant != "off") == *on,
        _ if expected["name"] == "disabled" => {
            let on = expected["feature_enabled"] == true;
            value.map_or(!on, |value| *value == Value::Bool(on))
        }
        _ => {
            variant == expected["name"].as_str()
                && value.is_some_and(|value| same(value, &payload(&expected["payload"])))
        }
    };
    Ok(if pass {
        Verdict::Pass
    } else {
        Verdict::Wrong(format!(
            "{toggle} for {}: expected {expected}, got {}",
            test["context"],
            Value::from(outcome)
        ))
    })
}

/// `userId` is the targeting key, properties are attributes like the others.
fn context(unleash: &Value) -> Value {
    let mut context = Map::new();
    for (name, value) in unleash.as_object().into_iter().flatten() {
        match name.as_str() {
            "userId" => drop(context.insert("targetingKey".into(), value.clone())),
            "properties" => context.extend(value.as_object().cloned().into_iter().flatten()),
            _ => drop(context.insert(name.clone(), value.clone())),
        }
    }
    Value::Object(context)
}

fn payload(payload: &Value) -> Value {
    let text = payload["value"].as_str().unwrap_or_default();
    match payload["type"].as_str() {
        None => json!(true),
        Some("json" | "number") => serde_json::from_str(text).unwrap_or_default(),
        Some(_) => text.into(),
    }
}
