//! What the suite of Unleash misses.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::import;
use crate::config::compile;
use crate::context::Context;
use crate::import::Import;
use crate::snapshot::{Kind, Snapshot};

/// A file of one feature `f`, and of `more`.
fn one(strategies: Value, more: Value) -> Import {
    let mut feature = json!({ "name": "f", "enabled": true, "strategies": strategies });
    if let (Some(feature), Some(more)) = (feature.as_object_mut(), more.as_object()) {
        feature.extend(more.clone());
    }
    import(&json!({ "version": 2, "features": [feature], "segments": [{ "id": 1, "constraints": [
        { "contextName": "country", "operator": "IN", "values": ["NO"] }
    ] }] }))
    .unwrap()
}

fn variant(import: &Import, context: Value) -> String {
    assert_eq!(import.report.refused, [], "{:?}", import.configuration);
    let body = compile(&import.configuration, Kind::Server, &[]).unwrap();
    let snapshot = Snapshot::open(body, Kind::Server).unwrap();
    let outcome = snapshot.evaluate("f", &Context::from_json(&context).unwrap(), 0);
    outcome.variant().unwrap_or("none").to_string()
}

fn constrained(constraint: Value) -> Import {
    one(json!([{ "name": "default", "constraints": [constraint] }]), json!({}))
}

#[test]
fn missing_fields_turn_around_with_the_constraint() {
    for (operator, extra) in [
        ("IN", json!({ "values": ["x"] })),
        ("STR_CONTAINS", json!({ "values": ["x"] })),
        ("NUM_GT", json!({ "value": "3" })),
        ("SEMVER_LT", json!({ "value": "1.0.0" })),
        ("REGEX", json!({ "value": "x" })),
    ] {
        for (inverted, expected) in [(false, "off"), (true, "on")] {
            let mut constraint =
                json!({ "contextName": "p", "operator": operator, "inverted": inverted });
            constraint.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            assert_eq!(
                variant(&constrained(constraint), json!({})),
                expected,
                "{operator} {inverted}"
            );
        }
    }
}

#[test]
fn without_current_time_the_time_of_the_evaluation_counts() {
    let after = |value: &str| {
        constrained(
            json!({ "contextName": "currentTime", "operator": "DATE_AFTER", "value": value }),
        )
    };
    assert_eq!(variant(&after("1969-12-31T23:59:59.999Z"), json!({})), "on");
    assert_eq!(variant(&after("1970-01-01T00:00:00.000Z"), json!({})), "off");
    let given = json!({ "currentTime": "2030-01-01T00:00:00Z" });
    assert_eq!(variant(&after("2022-01-29T13:00:00.000Z"), given), "on");
    let unreadable = json!({ "currentTime": "soon" });
    assert_eq!(variant(&after("1969-12-31T23:59:59.999Z"), unreadable), "off");
}

#[test]
fn what_the_engines_disagree_about_is_refused() {
    let unknown = json!({ "contextName": "p", "operator": "LIKE", "value": "x" });
    let broken = json!({ "name": "default", "constraints": [unknown] });
    assert_eq!(variant(&one(json!([broken]), json!({})), json!({})), "off");
    for strategies in [
        json!([broken, { "name": "default" }]),
        json!([{ "name": "default" }, broken]),
        json!([{ "name": "default" }, { "name": "default", "segments": [404] }]),
        json!([{ "name": "default", "constraints": [{ "contextName": "p", "operator": "NUM_EQ", "value": "" }] }]),
        json!([{ "name": "default", "constraints": [{ "contextName": "p", "operator": "IN", "values": [" x"] }] }]),
        json!([{ "name": "default", "constraints": [{ "contextName": "p", "operator": "DATE_AFTER", "value": "2022-01-29T13:00:00.000Z" }] }]),
        json!([{ "name": "flexibleRollout", "parameters": { "rollout": "12.5", "groupId": "g" } }]),
        json!([{ "name": "flexibleRollout", "parameters": { "rollout": "50", "stickiness": "random", "groupId": "g" } }]),
        json!([{ "name": "applicationHostname", "parameters": { "hostNames": "a" } }]),
        json!([{ "name": "ourOwn" }]),
        Value::Null,
    ] {
        let import = one(strategies.clone(), json!({}));
        assert_eq!(import.report.refused.len(), 1, "{strategies}");
        assert!(import.configuration.flags.is_empty());
    }
}

#[test]
fn variants_go_by_what_there_is() {
    let variants = json!({ "variants": [
        { "name": "a", "weight": 500, "payload": { "type": "json", "value": "[1]" } },
        { "name": "b", "weight": 500, "overrides": [{ "contextName": "country", "values": ["NO"] }] }
    ] });
    let import = one(
        json!([{ "name": "default", "segments": [1] }, { "name": "userWithId", "parameters": { "userIds": "7, 9" } }]),
        variants,
    );
    assert_eq!(variant(&import, json!({ "targetingKey": "7", "country": "NO" })), "b");
    assert_eq!(variant(&import, json!({ "targetingKey": "8" })), "off");
    // By murmurhash3js: murmur3_32("f:7", 86028157) mod 1,000 is 110, of "f:9" 806.
    assert_eq!(variant(&import, json!({ "targetingKey": "7" })), "a");
    assert_eq!(variant(&import, json!({ "targetingKey": "9" })), "b");
    let anonymous = one(
        json!([]),
        json!({ "variants": [{ "name": "a", "weight": 1 }, { "name": "b", "weight": 1 }] }),
    );
    assert_eq!(variant(&anonymous, json!({})), "a");
    assert!(import.report.notes.iter().any(|note| note.contains("dice")));
}

#[test]
fn what_stands_twice_is_refused_with_what_depends_on_it() {
    let feature = |name: &str, more: Value| {
        let mut feature = json!({ "name": name, "enabled": true, "strategies": [] });
        feature.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        feature
    };
    let segmented = json!({ "strategies": [{ "name": "default", "segments": [1] }] });
    let constraint = json!({ "contextName": "country", "operator": "IN", "values": ["NO"] });
    let import = import(&json!({
        "features": [
            feature("alone", json!({})),
            feature("needs", json!({ "dependencies": [{ "feature": "twice" }] })),
            feature("segmented", segmented),
            feature("twice", json!({})),
            feature("twice", json!({ "enabled": false })),
        ],
        "segments": [{ "id": 1, "constraints": [constraint] }, { "id": 1, "constraints": [] }],
    }))
    .unwrap();
    assert_eq!(import.report.imported, ["alone"]);
    let refused: Vec<&str> = import.report.refused.iter().map(|refused| &*refused.flag).collect();
    assert_eq!(refused, ["needs", "segmented", "twice"]);
}
