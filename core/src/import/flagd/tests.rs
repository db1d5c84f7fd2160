//! What flagd's features leave open; the answers are those of its engine for JavaScript (@openfeature/flagd-core 4.0.1).

use alloc::string::ToString;
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::import;
use crate::config::compile;
use crate::context::Context;
use crate::snapshot::{Kind, Snapshot};

const NOW: i64 = 1_700_000_000_500;

/// The value that a flag with variants `yes`, `no`, `true` and `false` has; null for the caller's default.
fn value(targeting: &Value, context: &Value) -> Value {
    let variants = json!({ "yes": "yes", "no": "no", "true": "true", "false": "false" });
    let flag = json!({
        "state": "ENABLED", "variants": variants, "defaultVariant": "no", "targeting": targeting
    });
    let imported = import(&json!({ "flags": { "f": flag } })).unwrap();
    assert_eq!(imported.report.refused, [], "{targeting}");
    let body = compile(&imported.configuration, Kind::Server, &[]).unwrap();
    let snapshot = Snapshot::open(body, Kind::Server).unwrap();
    let outcome = snapshot.evaluate("f", &Context::from_json(context).unwrap(), NOW).to_json();
    outcome.get("value").cloned().unwrap_or(Value::Null)
}

fn check(cases: &[(Value, Value, Value)]) {
    for (targeting, context, expected) in cases {
        assert_eq!(value(targeting, context), *expected, "{targeting} for {context}");
    }
}

fn refusal(targeting: &Value) -> alloc::string::String {
    let flag = json!({ "state": "ENABLED", "variants": { "yes": 1 }, "targeting": targeting });
    let imported = import(&json!({ "flags": { "f": flag } })).unwrap();
    imported.report.refused.first().map(|refused| refused.reason.to_string()).unwrap_or_default()
}

#[test]
fn equality_converts_and_gives_up_on_what_is_no_number() {
    let if_equal =
        |left: Value, right: Value| json!({ "if": [{ "==": [left, right] }, "yes", "no"] });
    let x = || json!({ "var": "x" });
    check(&[
        (if_equal(x(), json!(5)), json!({ "x": 5 }), json!("yes")),
        (if_equal(x(), json!(5)), json!({ "x": "5" }), json!("yes")),
        (if_equal(x(), json!(5)), json!({ "x": "5.0" }), json!("yes")),
        (if_equal(x(), json!(5)), json!({ "x": "abc" }), Value::Null),
        (if_equal(x(), json!(5)), json!({ "x": [5] }), Value::Null),
        (if_equal(x(), json!(5)), json!({}), json!("no")),
        (if_equal(x(), json!(0)), json!({}), json!("yes")),
        (if_equal(x(), json!(0)), json!({ "x": "" }), json!("yes")),
        (if_equal(x(), json!(1)), json!({ "x": true }), json!("yes")),
        (if_equal(x(), json!("gold")), json!({ "x": "gold" }), json!("yes")),
        (if_equal(x(), json!("gold")), json!({ "x": 5 }), Value::Null),
        (if_equal(x(), json!("gold")), json!({ "x": null }), json!("no")),
        (if_equal(x(), json!("5")), json!({ "x": 5 }), json!("yes")),
        (if_equal(x(), json!(false)), json!({}), json!("yes")),
        (if_equal(x(), json!(null)), json!({}), json!("yes")),
        (if_equal(x(), json!(null)), json!({ "x": 0 }), json!("yes")),
        // What is compiled looks at no types when the constant stands first.
        (if_equal(json!("gold"), x()), json!({ "x": 5 }), json!("no")),
        (if_equal(json!(0), x()), json!({}), json!("no")),
        // What is interpreted does.
        (json!({ "if": [{ "==": ["gold", x()] }, "yes"] }), json!({ "x": 5 }), Value::Null),
        (json!({ "if": [{ "==": [0, x()] }, "yes"] }), json!({}), json!("yes")),
        (json!({ "if": [{ "===": [x(), 5] }, "yes", "no"] }), json!({ "x": "5" }), json!("no")),
        (json!({ "if": [{ "!==": [x(), 5] }, "yes", "no"] }), json!({ "x": [] }), json!("yes")),
        (json!({ "if": [{ "!=": [x(), "a"] }, "yes", "no"] }), json!({}), json!("yes")),
    ]);
}

#[test]
fn order_is_javascripts() {
    let order = |operator: &str, right: Value| json!({ "if": [{ operator: [{ "var": "x" }, right] }, "yes", "no"] });
    check(&[
        (order(">", json!(18)), json!({ "x": 19 }), json!("yes")),
        (order(">", json!(18)), json!({ "x": "19" }), json!("yes")),
        (order("<", json!(18)), json!({}), json!("yes")),
        (order(">=", json!(0)), json!({}), json!("yes")),
        (order("<", json!("b")), json!({ "x": "a" }), json!("yes")),
        (order("<", json!("b")), json!({ "x": 1 }), Value::Null),
        (order("<", json!("b")), json!({}), json!("no")),
        (
            json!({ "if": [{ "<=": [1, { "var": "x" }, 3] }, "yes", "no"] }),
            json!({ "x": 3 }),
            json!("yes"),
        ),
        (
            json!({ "if": [{ "<=": [1, { "var": "x" }, 3] }, "yes", "no"] }),
            json!({ "x": 4 }),
            json!("no"),
        ),
        (
            json!({ "if": [{ "<": [{ "var": "$flagd.timestamp" }, 1_700_000_001] }, "yes", "no"] }),
            json!({}),
            json!("yes"),
        ),
        (
            json!({ "if": [{ "==": [{ "var": "$flagd.timestamp" }, 1_700_000_000] }, "yes", "no"] }),
            json!({}),
            json!("yes"),
        ),
    ]);
}

#[test]
fn membership_and_affixes() {
    let within =
        |item: Value, whole: Value| json!({ "if": [{ "in": [item, whole] }, "yes", "no"] });
    let x = || json!({ "var": "x" });
    check(&[
        (within(x(), json!(["US", 5])), json!({ "x": "US" }), json!("yes")),
        (within(x(), json!(["US", 5])), json!({ "x": "5" }), json!("no")),
        (within(x(), json!([null])), json!({}), json!("yes")),
        (within(json!("@corp.com"), x()), json!({ "x": "a@corp.com" }), json!("yes")),
        (within(json!("admin"), x()), json!({ "x": ["admin"] }), json!("yes")),
        (within(json!("admin"), x()), json!({}), json!("no")),
        (within(json!("admin"), x()), json!({ "x": 5 }), Value::Null),
        (within(x(), json!("gold card")), json!({ "x": "card" }), json!("yes")),
        (within(x(), json!("gold card")), json!({ "x": "silver" }), json!("no")),
        (json!({ "starts_with": [x(), "a"] }), json!({ "x": "abc" }), json!("true")),
        (json!({ "starts_with": [x(), "a"] }), json!({ "x": "cba" }), json!("false")),
        (json!({ "starts_with": [x(), "a"] }), json!({ "x": 1 }), json!("no")),
        (json!({ "ends_with": ["abc", x()] }), json!({ "x": "bc" }), json!("true")),
        (json!({ "var": "x" }), json!({ "x": "yes" }), json!("yes")),
        (json!({ "var": "x" }), json!({ "x": true }), json!("true")),
        (json!({ "var": "x" }), json!({ "x": "other" }), Value::Null),
        (json!({ "var": "x" }), json!({}), json!("no")),
        (json!({ "or": [{ "var": "x" }, "yes"] }), json!({ "x": "" }), json!("yes")),
        (json!({ "if": [{ "!": { "var": "x" } }, "yes", "no"] }), json!({ "x": [] }), json!("yes")),
    ]);
}

#[test]
fn versions() {
    let mut cases = Vec::new();
    for (version, operator, bound, expected) in [
        (json!("1.2.3"), "=", "1.2.3", Some(true)),
        (json!("v1.2.3"), "=", "V1.2.3", Some(true)),
        (json!("1.2.3+build"), "=", "1.2.3", Some(true)),
        (json!("1.2.3-rc.1"), "<", "1.2.3", Some(true)),
        (json!("1.10.0"), ">", "1.9.9", Some(true)),
        (json!("1.9.9"), ">", "1.10.0", Some(false)),
        (json!("2"), ">=", "1.99", Some(true)),
        (json!("1.2"), "~", "1.2.9", Some(true)),
        (json!("1.3.0"), "~", "1.2.9", Some(false)),
        (json!("1.3.0"), "^", "1.2.9", Some(true)),
        (json!("1.0.0"), "!=", "1.0.0", Some(false)),
        (json!("2.0.0-beta.11"), ">", "2.0.0-beta.2", Some(true)),
        (json!("2.0.0-beta"), "<", "2.0.0-beta.2", Some(true)),
        (json!("2.0.0-alpha.9"), "<", "2.0.0-beta.2", Some(true)),
        (json!("2.0.0-1"), "<", "2.0.0-beta.2", Some(true)),
        (json!("2.0.0"), "<=", "2.0.0-beta.2", Some(false)),
        (json!(1.2), "=", "1.2", Some(true)),
        (json!(1.15), ">", "1.2", Some(true)),
        (json!(1.05), ">", "1.0.0", None),
        (json!(2), ">", "1.9", Some(true)),
        (json!("01.2.3"), ">", "1.0.0", None),
        (json!("1.2.3.4"), ">", "1.0.0", None),
        (json!("1.2-rc"), ">", "1.0.0", None),
        (json!(true), ">", "1.0.0", None),
        (json!(null), ">", "1.0.0", None),
    ] {
        // Null is the default variant, `no`.
        let expected = expected.map_or("no".to_string(), |holds| holds.to_string());
        cases.push((
            json!({ "sem_ver": [{ "var": "x" }, operator, bound] }),
            json!({ "x": version }),
            json!(expected),
        ));
    }
    check(&cases);
}

#[test]
fn what_has_no_text_has_no_bucket() {
    let by =
        |attribute: &str| json!({ "fractional": [{ "var": attribute }, ["yes", 1], ["true", 1]] });
    let shorthand = || json!({ "fractional": [["yes", 1]] });
    check(&[
        (by("x"), json!({ "x": 5 }), json!("no")),
        (by("x"), json!({}), json!("no")),
        // murmur3 of nothing is 0.
        (by("x"), json!({ "x": "" }), json!("yes")),
        (shorthand(), json!({ "targetingKey": "u" }), json!("yes")),
        (shorthand(), json!({ "targetingKey": "" }), json!("no")),
        (shorthand(), json!({}), json!("no")),
        (json!({ "fractional": [["yes", 1.5]] }), json!({ "targetingKey": "u" }), json!("no")),
        (json!({ "fractional": [["yes", 1, 2]] }), json!({ "targetingKey": "u" }), json!("no")),
        (json!({ "fractional": [["missing", 1]] }), json!({ "targetingKey": "u" }), Value::Null),
        (json!({ "fractional": [[null, 1]] }), json!({ "targetingKey": "u" }), json!("no")),
    ]);
}

#[test]
fn refuses_with_a_reason() {
    for (targeting, reason) in [
        (
            json!({ "if": [{ "==": [{ "var": "a" }, { "var": "b" }] }, "yes"] }),
            "compares two attributes",
        ),
        (
            json!({ "if": [{ ">": [{ "var": "$flagd.timestamp" }, "soon"] }, "yes"] }),
            "compares the time",
        ),
        (json!({ "if": [{ "some": [{ "var": "a" }, true] }, "yes"] }), "operator `some`"),
        (json!({ "if": [{ "==": [{ "var": "a.0" }, 1] }, "yes"] }), "no attribute of a context"),
        (
            json!({ "fractional": [{ "cat": [{ "var": "a" }, "x"] }, ["yes", 1]] }),
            "something behind it",
        ),
        (json!({ "if": [{ "==": [{ "+": [1, 1] }, 2] }, "yes"] }), "compares what `+` comes to"),
    ] {
        let found = refusal(&targeting);
        assert!(found.contains(reason), "{targeting}: {found}");
    }
    assert!(import(&json!([])).is_err());
    let state = json!({ "flags": { "f": { "state": "ON", "variants": { "a": 1 } } } });
    assert_eq!(import(&state).unwrap().report.refused.len(), 1);
}
