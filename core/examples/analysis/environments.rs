//! Environments as large as the limits allow, in one direction each.

use std::error::Error;

use pennon_core::config::Configuration;
use serde_json::{Map, Value, json};

use crate::model;

type Build = fn(usize) -> Result<Configuration, Box<dyn Error>>;

/// What it is about, its sizes, and how it is made.
pub(crate) const ALL: &[(&str, &[usize], Build)] = &[
    (
        "typical flags: three rules of two conditions, a split",
        &[2_500, 10_000],
        model::configuration,
    ),
    ("the same with 1,000 declared attributes", &[2_500, 10_000], declared),
    ("20 rules a flag over three segments of 100,000 keys", &[250, 1_000], segmented),
    ("50 rules a flag that overlap", &[250, 1_000], overlapping),
    ("a chain: each flag a prerequisite of the next seven", &[1_250, 10_000], chained),
    ("one flag of as many rules as one may have", &[1, 2], longest),
];

fn declared(flags: usize) -> Result<Configuration, Box<dyn Error>> {
    let mut configuration = model::configuration(flags)?;
    let mut attributes: Map<String, Value> =
        (0..990).map(|n| (format!("attribute-{n:03}"), json!({"type": "string"}))).collect();
    let known = [
        ("country", "string"),
        ("language", "string"),
        ("city", "string"),
        ("plan", "string"),
        ("platform", "string"),
        ("appVersion", "semver"),
        ("email", "string"),
        ("age", "number"),
        ("sessions", "number"),
    ];
    attributes.extend(known.map(|(name, kind)| (name.to_owned(), json!({"type": kind}))));
    configuration.attributes = serde_json::from_value(Value::Object(attributes))?;
    Ok(configuration)
}

fn flag(rules: &[Value]) -> Value {
    json!({
        "type": "boolean", "enabled": true,
        "variants": [{"key": "on", "value": true}, {"key": "off", "value": false}],
        "offVariant": "off", "rules": rules, "fallthrough": {"variant": "off"}
    })
}

fn rule(number: usize, when: &Value) -> Value {
    let variant = if number.is_multiple_of(2) { "on" } else { "off" };
    json!({"id": format!("rule-{number}"), "when": when, "serve": {"variant": variant}})
}

fn segmented(flags: usize) -> Result<Configuration, Box<dyn Error>> {
    let segments: Map<String, Value> = (0..3)
        .map(|segment| {
            let keys: Vec<String> =
                (0..100_000).map(|n| model::user(segment * 100_000 + n)).collect();
            (format!("segment-{segment}"), json!({"included": keys}))
        })
        .collect();
    let flags: Map<String, Value> = (0..flags)
        .map(|number| {
            let rules: Vec<Value> = (0..20)
                .map(|at| {
                    let segment = format!("segment-{}", at % 3);
                    let above = json!({"number": {"attribute": "age", "is": ">", "value": at}});
                    rule(at, &json!({"all": [{"segment": segment}, above]}))
                })
                .collect();
            (model::flag_key(number), flag(&rules))
        })
        .collect();
    Ok(serde_json::from_value(json!({"format": 1, "segments": segments, "flags": flags}))?)
}

fn overlapping(flags: usize) -> Result<Configuration, Box<dyn Error>> {
    let flags: Map<String, Value> = (0..flags)
        .map(|number| {
            let rules: Vec<Value> = (0..50)
                .map(|at| {
                    let domain = json!({"ends_with": {"attribute": "email", "values": [format!("@corp{at}.example.com")]}});
                    let above = json!({"number": {"attribute": "age", "is": ">", "value": at}});
                    rule(at, &json!({"any": [domain, {"all": [above, {"not": {"equals": {"attribute": "plan", "value": format!("plan-{at}")}}}]}]}))
                })
                .collect();
            (model::flag_key(number), flag(&rules))
        })
        .collect();
    Ok(serde_json::from_value(json!({"format": 1, "flags": flags}))?)
}

fn chained(flags: usize) -> Result<Configuration, Box<dyn Error>> {
    let mut configuration = model::configuration(flags)?;
    let keys: Vec<String> = configuration.flags.keys().cloned().collect();
    for (number, flag) in configuration.flags.values_mut().enumerate() {
        // Eight levels deep at most.
        if number % 8 != 0
            && let Some(before) = number.checked_sub(1).and_then(|before| keys.get(before))
        {
            flag.prerequisites =
                serde_json::from_value(json!([{"flag": before, "variants": ["v0", "r0"]}]))?;
        }
    }
    Ok(configuration)
}

fn longest(flags: usize) -> Result<Configuration, Box<dyn Error>> {
    let flags: Map<String, Value> = (0..flags)
        .map(|number| {
            let rules: Vec<Value> = (0..1_000)
                .map(|at| {
                    let values = [format!("city-{at:03}"), format!("city-{:03}", at + 1)];
                    rule(at, &json!({"in": {"attribute": "city", "values": values}}))
                })
                .collect();
            (model::flag_key(number), flag(&rules))
        })
        .collect();
    Ok(serde_json::from_value(json!({"format": 1, "flags": flags}))?)
}
