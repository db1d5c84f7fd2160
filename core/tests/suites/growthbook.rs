//! GrowthBook: `packages/sdk-js/test/cases.json`.

use std::error::Error;
use std::path::Path;

use pennon_core::config::{Serve, Weight};
use pennon_core::import::growthbook::import;
use serde_json::{Map, Value, json};

use crate::frame::{Suite, Verdict, World, read_json, same};

/// Cases of the topics that the importer is about.
const TOPICS: [(&str, usize); 7] = [
    ("evalCondition", 248),
    ("feature", 55),
    ("hash", 15),
    ("getBucketRange", 13),
    ("chooseVariation", 13),
    ("inNamespace", 16),
    ("getEqualWeights", 6),
];
/// Buckets of the second version of the hash.
const BUCKETS: f64 = 10_000.0;

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
            let verdict = match topic {
                "evalCondition" => condition(case),
                "feature" => feature(case),
                "hash" => hash(case),
                "getBucketRange" => bucket_range(case),
                "chooseVariation" => choose_variation(case),
                "inNamespace" => in_namespace(case),
                _ => equal_weights(case),
            };
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

/// `[seed, value, version, fraction]`: a filter admits that bucket, and not the next.
fn hash(case: &Value) -> Result<Verdict, Box<dyn Error>> {
    let size = if case[2] == 1 { 1_000.0 } else { BUCKETS };
    // Without a fraction, an unknown version, no filter admits.
    let fraction = case[3].as_f64();
    let from = fraction.unwrap_or(0.0);
    let to = if fraction.is_some() { from + 0.5 / size } else { 1.0 };
    for (range, admitted) in [([from, to], fraction.is_some()), ([to, to + 1.0 / size], false)] {
        let filter = json!({ "seed": case[0], "hashVersion": case[2], "ranges": [range] });
        let rule = json!({ "filters": [filter], "force": true });
        let payload = json!({ "features": { "flag": { "defaultValue": false, "rules": [rule] } } });
        let verdict = ask(&payload, "flag", &json!({ "id": case[1] }), &admitted.into())?;
        if !matches!(verdict, Verdict::Pass) {
            return Ok(verdict);
        }
    }
    Ok(Verdict::Pass)
}

/// The parts of the experiment's split; none when nobody is in it.
fn parts(experiment: &Value) -> Result<Vec<Weight>, Box<dyn Error>> {
    let payload = json!({ "features": { "flag": { "defaultValue": -1, "rules": [experiment] } } });
    let import = import(&payload)?;
    let flag = import.configuration.flags.get("flag").ok_or("the flag was refused")?;
    match flag.rules.first().map(|rule| &rule.serve) {
        None => Ok(Vec::new()),
        Some(Serve::Split(split)) => Ok(split.weights.clone()),
        Some(other) => Err(format!("{other:?}").into()),
    }
}

fn experiment(variations: usize) -> Value {
    json!({ "variations": (0..variations).collect::<Vec<_>>(), "hashVersion": 2 })
}

/// To one bucket: the suite rounds.
fn close(left: &[Weight], right: &[Weight]) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).all(|(left, right)| {
            left.variant == right.variant && left.weight.abs_diff(right.weight) <= 1
        })
}

/// `[name, [variations, coverage, weights], ranges]`: computed ranges are those that are given.
fn bucket_range(case: &Value) -> Result<Verdict, Box<dyn Error>> {
    let count = case[1][0].as_u64().ok_or("no number of variations")? as usize;
    let (mut computed, mut given) = (experiment(count), experiment(count));
    computed["coverage"] = case[1][1].clone();
    computed["weights"] = case[1][2].clone();
    given["ranges"] = case[2].clone();
    let (computed, given) = (parts(&computed)?, parts(&given)?);
    Ok(if close(&computed, &given) {
        Verdict::Pass
    } else {
        Verdict::Wrong(format!("expected {given:?}, got {computed:?}"))
    })
}

/// `[name, fraction, ranges, variation]`, -1 for none.
fn choose_variation(case: &Value) -> Result<Verdict, Box<dyn Error>> {
    let mut given = experiment(case[2].as_array().map_or(0, Vec::len));
    given["ranges"] = case[2].clone();
    let bucket = (case[1].as_f64().ok_or("no fraction")? * BUCKETS).round() as u32;
    let mut end = 0;
    let parts = parts(&given)?;
    let part = parts.iter().find(|part| {
        end += part.weight;
        bucket < end
    });
    let variation = part.and_then(|part| part.variant.clone()).unwrap_or_else(|| "-1".into());
    Ok(if case[3] == variation.parse::<i64>()? {
        Verdict::Pass
    } else {
        Verdict::Wrong(format!("expected {}, got {variation}", case[3]))
    })
}

/// `[name, id, namespace, whether it is in]`
fn in_namespace(case: &Value) -> Result<Verdict, Box<dyn Error>> {
    let rule = json!({ "variations": [true, true], "namespace": case[2] });
    let payload = json!({ "features": { "flag": { "defaultValue": false, "rules": [rule] } } });
    ask(&payload, "flag", &json!({ "id": case[1] }), &case[3])
}

/// `[variations, weights]`; with fewer than two nobody is in an experiment.
fn equal_weights(case: &Value) -> Result<Verdict, Box<dyn Error>> {
    let weights = case[1].as_array().map(Vec::as_slice).unwrap_or_default();
    let parts = parts(&experiment(weights.len()))?;
    let expected = if weights.len() < 2 { &[] } else { weights };
    let alike = parts.len() == expected.len()
        && parts.iter().zip(expected).all(|(part, weight)| {
            weight
                .as_f64()
                .is_some_and(|weight| (f64::from(part.weight) - weight * BUCKETS).abs() <= 1.0)
        });
    Ok(if alike { Verdict::Pass } else { Verdict::Wrong(format!("got {parts:?}")) })
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
