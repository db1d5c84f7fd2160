//! Conditions that can hold, and conditions that cannot.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::{NOW, SALT, equals, found, named, parsed, rules};
use crate::config::analysis::{Options, examples};

fn contradictions() -> Vec<(&'static str, Value)> {
    let not = |inner: Value| json!({"not": inner});
    let all = |list: Value| json!({"all": list});
    let operator = |word: &str, is: &str, value: Value| json!({word: {"attribute": "a", "is": is, "value": value}});
    let texts = |word: &str, values: Value, ignore_case: bool| json!({word: {"attribute": "a", "values": values, "ignoreCase": ignore_case}});
    let bucket = |from: u32, below: u32| json!({"bucket": {"by": {"salt": SALT}, "from": from, "below": below}});
    vec![
        ("no choice", json!({"any": []})),
        ("a thing and not", all(json!([equals("a", 1), not(equals("a", 1))]))),
        ("two values", all(json!([equals("a", "x"), equals("a", "y")]))),
        ("two types", all(json!([equals("a", 1), texts("starts_with", json!(["x"]), false)]))),
        (
            "a value and none",
            all(json!([equals("a", 1), not(json!({"exists": {"attribute": "a"}}))])),
        ),
        (
            "lists that do not meet",
            all(json!([
                texts("in", json!(["x", "y"]), false),
                texts("in", json!(["z", "X"]), false)
            ])),
        ),
        (
            "lists that do not meet in any case",
            all(json!([texts("in", json!(["x", "y"]), true), texts("in", json!(["z"]), true)])),
        ),
        (
            "a list and none of it",
            all(json!([
                texts("in", json!(["x", "y"]), false),
                not(texts("in", json!(["X", "Y"]), true))
            ])),
        ),
        (
            "prefixes",
            all(json!([
                texts("starts_with", json!(["ab"]), false),
                texts("starts_with", json!(["b", "ac"]), false)
            ])),
        ),
        (
            "a prefix without its own",
            all(json!([
                texts("starts_with", json!(["ab"]), false),
                not(texts("starts_with", json!(["a"]), false))
            ])),
        ),
        (
            "what contains without containing",
            all(json!([
                texts("contains", json!(["xyz"]), false),
                not(texts("contains", json!(["Y"]), true))
            ])),
        ),
        (
            "a suffix that a pattern excludes",
            all(
                json!([texts("ends_with", json!([".com"]), false), {"matches": {"attribute": "a", "pattern": "^[a-z]+$"}}]),
            ),
        ),
        (
            "a value that a pattern excludes",
            all(
                json!([texts("in", json!(["a1", "b2"]), false), {"matches": {"attribute": "a", "pattern": "^[a-z]+$"}}]),
            ),
        ),
        (
            "texts in order",
            all(json!([operator("text", "<", json!("b")), operator("text", ">", json!("c"))])),
        ),
        (
            "numbers",
            all(json!([operator("number", "<", json!(5)), operator("number", ">=", json!(5))])),
        ),
        (
            "a number's two bounds and not it",
            all(json!([
                operator("number", "<=", json!(5)),
                operator("number", ">=", json!(5)),
                operator("number", "!=", json!(5))
            ])),
        ),
        (
            "a number out of bounds",
            all(
                json!([{"in": {"attribute": "a", "values": [1, 2, 3]}}, operator("number", ">", json!(3))]),
            ),
        ),
        (
            "no number at all",
            all(json!([
                operator("number", ">=", json!(0)),
                not(operator("number", ">", json!(-1)))
            ])),
        ),
        (
            "versions",
            all(json!([
                operator("semver", ">=", json!("2.0.0")),
                operator("semver", "<", json!("2.0.0-rc.1"))
            ])),
        ),
        (
            "dates",
            all(json!([
                operator("datetime", ">", json!("2026-01-01T00:00:00Z")),
                operator("datetime", "<", json!("2026-01-01T01:00:00+02:00"))
            ])),
        ),
        (
            "networks",
            all(json!([
                texts("ip_in_cidr", json!(["10.0.0.0/8"]), false),
                texts("ip_in_cidr", json!(["11.0.0.0/8", "::/0"]), false)
            ])),
        ),
        (
            "a network without all of it",
            all(json!([
                texts("ip_in_cidr", json!(["10.0.0.0/30"]), false),
                not(texts("ip_in_cidr", json!(["10.0.0.0/31", "10.0.0.2/31"]), false))
            ])),
        ),
        (
            "booleans",
            all(
                json!([{"is_type": {"attribute": "a", "type": "boolean"}}, not(equals("a", true)), not(equals("a", false))]),
            ),
        ),
        ("an object's part and a string", all(json!([equals("/a/b", 1), equals("a", "x")]))),
        ("a targeting key that is none", equals("targetingKey", true)),
        (
            "one of a list and none of it",
            all(json!([
                texts("any_of", json!(["x"]), false),
                texts("none_of", json!(["x", "y"]), false)
            ])),
        ),
        (
            "all of a list and not one",
            all(json!([
                texts("all_of", json!(["x", "y"]), false),
                not(texts("any_of", json!(["Y"]), true))
            ])),
        ),
        (
            "one of an empty list",
            all(json!([texts("any_of", json!(["x"]), false), operator("size", "<", json!(1))])),
        ),
        ("a list of half a length", operator("size", "=", json!(0.5))),
        (
            "an element that cannot be",
            json!({"some": {"attribute": "a", "when": {"all": [equals("", "x"), equals("", "y")]}}}),
        ),
        ("buckets", all(json!([bucket(0, 10_000), bucket(10_000, 20_000)]))),
        ("no buckets", bucket(5, 5)),
        (
            "times",
            all(
                json!([{"now": {"is": "<", "value": 5_000}}, {"now": {"is": ">=", "value": 5_000}}]),
            ),
        ),
        ("a time that is over", json!({"now": {"is": "<=", "value": NOW - 1}})),
        (
            "each way out closed",
            all(
                json!([{"any": [equals("a", 1), equals("a", 2)]}, {"any": [equals("a", 3), equals("a", 4)]}]),
            ),
        ),
    ]
}

/// Conditions that look alike and can hold.
fn possibilities() -> Vec<(&'static str, Value)> {
    let not = |inner: Value| json!({"not": inner});
    let all = |list: Value| json!({"all": list});
    let operator = |word: &str, is: &str, value: Value| json!({word: {"attribute": "a", "is": is, "value": value}});
    let texts = |word: &str, values: Value, ignore_case: bool| json!({word: {"attribute": "a", "values": values, "ignoreCase": ignore_case}});
    vec![
        ("nothing asked", json!({"all": []})),
        (
            "prefix and suffix",
            all(json!([
                texts("starts_with", json!(["ab"]), false),
                texts("ends_with", json!(["ba"]), false),
                not(texts("in", json!(["aba"]), false))
            ])),
        ),
        (
            "a pattern and a prefix",
            all(
                json!([{"matches": {"attribute": "a", "pattern": "^[a-z]+@[a-z]+\\.com$"}}, texts("starts_with", json!(["ann"]), false)]),
            ),
        ),
        (
            "between two numbers",
            all(json!([
                operator("number", ">", json!(5)),
                operator("number", "<", json!(5.000_001))
            ])),
        ),
        (
            "between two versions",
            all(json!([
                operator("semver", ">", json!("1.2.3")),
                operator("semver", "<", json!("1.2.4"))
            ])),
        ),
        (
            "between two moments",
            all(json!([
                operator("datetime", ">", json!("2026-01-01T00:00:00Z")),
                operator("datetime", "<", json!("2026-01-01T00:00:01Z"))
            ])),
        ),
        (
            "a network without another",
            all(json!([
                texts("ip_in_cidr", json!(["10.0.0.0/8"]), false),
                not(texts("ip_in_cidr", json!(["10.0.0.0/9"]), false))
            ])),
        ),
        (
            "without regard to case",
            all(json!([
                texts("in", json!(["xY"]), true),
                not(texts("in", json!(["xy", "XY", "xY"]), false))
            ])),
        ),
        (
            "a list of two",
            all(json!([
                texts("all_of", json!(["x", "y"]), false),
                operator("size", "=", json!(2)),
                texts("none_of", json!(["z"]), false)
            ])),
        ),
        (
            "a long list",
            all(json!([texts("any_of", json!(["x"]), false), operator("size", ">=", json!(7))])),
        ),
        (
            "nested",
            all(json!([
                equals("/a/b", 1),
                not(equals("/a/c", 1)),
                json!({"exists": {"attribute": "a"}})
            ])),
        ),
        ("a small bucket", json!({"bucket": {"by": {"salt": SALT}, "from": 500, "below": 2_000}})),
        (
            "a bucket of a known unit",
            all(
                json!([texts("starts_with", json!(["x-"]), false), {"bucket": {"by": {"unit": "a", "salt": SALT}, "below": 5_000}}]),
            ),
        ),
        (
            "an element",
            json!({"some": {"attribute": "a", "when": {"all": [equals("name", "x"), {"number": {"attribute": "n", "is": ">", "value": 3}}]}}}),
        ),
        ("a time to come", json!({"now": {"is": ">", "value": NOW + 5}})),
        ("a whole object", json!({"deep_equals": {"attribute": "a", "value": {"b": [1, null]}}})),
        (
            "numbers in texts",
            all(
                json!([{"is_type": {"attribute": "a", "type": "string"}}, {"number": {"attribute": "a", "is": ">", "value": 3, "parse": true}}]),
            ),
        ),
        (
            "partial versions",
            json!({"semver": {"attribute": "a", "is": "<", "value": "2", "partial": true}}),
        ),
        (
            "padded versions",
            json!({"padded_version": {"attribute": "a", "is": "<", "value": "1.2"}}),
        ),
    ]
}

#[test]
fn what_excludes_itself_never_matches() {
    let mut wrong = Vec::new();
    for (name, condition) in contradictions() {
        let found = named(&found(&rules(&[condition])));
        if found != ["rule-never-matches /flags/f/rules/0"] {
            wrong.push(format!("{name}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_can_hold_has_an_example() {
    let mut wrong = Vec::new();
    for (name, condition) in possibilities() {
        let whole = rules(&[condition]);
        let found = named(&found(&whole));
        let examples = examples(&parsed(&whole), "f", &Options { now: Some(NOW) });
        let expected: &[&str] = if name == "nothing asked" {
            &["fallthrough-unreachable /flags/f/fallthrough"]
        } else {
            &[]
        };
        if found != expected || examples.len() != 1 {
            wrong.push(format!("{name}: {found:?} {examples:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
