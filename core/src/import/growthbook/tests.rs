//! What the suite of GrowthBook misses. Expectations were printed by the vendor's SDK for JavaScript.

use serde_json::{Value, json};

use super::import;
use crate::config::compile;
use crate::context::Context;
use crate::snapshot::{Kind, Snapshot};

fn value(features: &Value, flag: &str, context: &Value) -> Value {
    let import = import(&json!({ "features": features })).unwrap();
    assert_eq!(import.report.refused, [], "{features}");
    let body = compile(&import.configuration, Kind::Server, &[]).unwrap();
    let snapshot = Snapshot::open(body, Kind::Server).unwrap();
    let outcome = snapshot.evaluate(flag, &Context::from_json(context).unwrap(), 0);
    outcome.to_json().remove("value").unwrap_or_default()
}

fn holds(condition: Value, context: Value) -> bool {
    let features = json!({ "f": { "defaultValue": false, "rules": [{ "condition": condition, "force": true }] } });
    value(&features, "f", &context) == true
}

#[test]
fn values_are_coerced_as_javascript_does() {
    for (condition, attribute, expected) in [
        (json!("5"), json!(5), true),
        (json!("5.0"), json!(5), false),
        (json!("true"), json!(true), true),
        (json!("null"), Value::Null, true),
        (json!("a"), json!(["a"]), true),
        (json!("a"), json!(["a", "b"]), false),
        (json!(""), json!([]), true),
        (json!("[object Object]"), json!({}), true),
        (json!(0), Value::Null, true),
        (json!(0), json!(""), true),
        (json!(0), json!([]), true),
        (json!(1), json!(true), true),
        (json!(5), json!("5.0"), true),
        (json!(5), json!(["5"]), true),
        (json!(5), json!("x"), false),
        (json!(true), json!("x"), true),
        (json!(true), json!([]), true),
        (json!(true), json!(0), false),
        (json!(false), Value::Null, false),
        (json!({ "$lt": 5 }), Value::Null, true),
        (json!({ "$lt": "5" }), json!(4), true),
        (json!({ "$lt": "b" }), json!(4), false),
        (json!({ "$gte": 1 }), json!(true), true),
        (json!({ "$gt": "a" }), json!({}), false),
        (json!({ "$in": [null, 3] }), Value::Null, true),
        (json!({ "$nin": [null] }), json!(["a", null]), false),
        (json!({ "$vgt": "1.9" }), json!(1.1), false),
        (json!({ "$vgt": "1.9" }), json!(1.11), true),
        (json!({ "$vgte": "2" }), json!(2), true),
        (json!({ "$veq": "0" }), Value::Null, true),
        (json!({ "$regex": "ul" }), Value::Null, true),
        (json!({ "$regexi": "^TRUE$" }), json!(true), true),
        (json!({ "$not": { "$elemMatch": { "$ne": 1 } } }), json!([1, null]), true),
        (json!({ "$all": ["null", 1] }), json!([null, "1"]), true),
        (json!({ "$size": { "$gt": 1 } }), json!("ab"), false),
        (json!({ "$and": 1 }), json!(1), false),
    ] {
        let context = json!({ "a": attribute });
        assert_eq!(
            holds(json!({ "a": condition }), context),
            expected,
            "{condition} of {attribute}"
        );
    }
}

#[test]
fn a_gate_in_the_middle_stops_there() {
    let features = json!({
        "parent": { "defaultValue": 1, "rules": [{ "condition": { "plan": "pro" }, "force": 2 }] },
        "f": { "defaultValue": "default", "rules": [
            { "condition": { "vip": true }, "force": "vip" },
            { "parentConditions": [{ "id": "parent", "condition": { "value": { "$gt": 1 } }, "gate": true }] },
            { "parentConditions": [{ "id": "unknown", "condition": { "value": { "$ne": 1 } } }], "force": "open" },
        ] },
    });
    assert_eq!(value(&features, "f", &json!({ "vip": true })), "vip");
    assert_eq!(value(&features, "f", &json!({})), Value::Null);
    assert_eq!(value(&features, "f", &json!({ "plan": "pro" })), "open");
}

#[test]
fn zero_is_no_unit() {
    let features =
        json!({ "f": { "defaultValue": false, "rules": [{ "force": true, "coverage": 1 }] } });
    assert_eq!(value(&features, "f", &json!({ "targetingKey": 0 })), false);
    assert_eq!(value(&features, "f", &json!({ "targetingKey": 7 })), true);
    assert_eq!(value(&features, "f", &json!({})), false);
}

/// `hash("b", "a", 1)` is 0.946 in the vendor's table: coverage counts with its end, a range without.
#[test]
fn coverage_includes_its_end() {
    for (rule, expected) in [
        (json!({ "coverage": 0.946 }), true),
        (json!({ "coverage": 0.945 }), false),
        (json!({ "range": [0.946, 1] }), true),
        (json!({ "range": [0, 0.946] }), false),
    ] {
        let mut rule = rule;
        rule["force"] = json!(true);
        rule["seed"] = json!("b");
        let features = json!({ "f": { "defaultValue": false, "rules": [rule] } });
        assert_eq!(value(&features, "f", &json!({ "targetingKey": "a" })), expected, "{features}");
    }
}

#[test]
fn what_cannot_be_said_is_refused() {
    for condition in [
        json!({ "a": { "b": 1, "c": 2 } }),
        json!({ "a": [{ "b": 1, "c": 2 }] }),
        json!({ "a.0": 1 }),
        json!({ "a.length": 1 }),
        json!({ "a": { "$regex": "(?=x)" } }),
        json!({ "a": { "$notRegex": "x" } }),
        json!({ "$or": {} }),
        json!({ "targetingKey": "u" }),
    ] {
        let feature =
            json!({ "defaultValue": false, "rules": [{ "condition": condition, "force": true }] });
        let import = import(&json!({ "features": { "f": feature } })).unwrap();
        assert_eq!(import.report.refused.len(), 1, "{condition}");
    }
}
