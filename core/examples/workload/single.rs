//! Configurations of one flag: without rules, and with a rule whose segment has ten thousand keys.

use serde_json::{Value, json};

use crate::contexts::STRIDE;
use crate::model::user;

/// How many keys the segment has, and how many of them are those of every other context of a thousand.
const SEGMENT: (usize, usize) = (10_000, 500);

/// One boolean flag that is on for everybody.
pub(crate) fn one_boolean() -> Value {
    json!({"format": 1, "flags": {"simple": boolean(&[], "on")}})
}

/// One boolean flag that is on in a segment.
pub(crate) fn one_segment() -> Value {
    let (size, ours) = SEGMENT;
    let included: Vec<String> = (0..size)
        .map(|n| if n < ours { user(n * 2 * STRIDE) } else { user(100_000 + n) })
        .collect();
    let rule = json!({"id": "listed", "when": {"segment": "heavy"}, "serve": {"variant": "on"}});
    json!({
        "format": 1,
        "segments": {"heavy": {"included": included}},
        "flags": {"listed": boolean(&[rule], "off")}
    })
}

fn boolean(rules: &[Value], fallthrough: &str) -> Value {
    json!({
        "type": "boolean", "enabled": true,
        "variants": [{"key": "on", "value": true}, {"key": "off", "value": false}],
        "offVariant": "off", "rules": rules, "fallthrough": {"variant": fallthrough}
    })
}
