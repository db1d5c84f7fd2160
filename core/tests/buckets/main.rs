//! Buckets: the golden ones of another implementation, and what makes a hash good enough to split users by.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod golden;
mod statistics;

use pennon_core::config::{Configuration, compile};
use pennon_core::context::Context;
use pennon_core::snapshot::{Kind, Snapshot};
use serde_json::{Value, json};

/// A flag `split` in `parts` equal parts, of which each serves its number.
fn split(salt: &str, parts: u32) -> Snapshot {
    let variant = |part: u32| json!({"key": part.to_string(), "value": part});
    let cut = |part: u32| u64::from(part) * 100_000 / u64::from(parts);
    let weight =
        |part: u32| json!({"variant": part.to_string(), "weight": cut(part + 1) - cut(part)});
    let configuration: Configuration = serde_json::from_value(json!({"format": 1, "flags": {"split": {
        "type": "number",
        "enabled": true,
        "variants": (0..parts).map(variant).collect::<Vec<_>>(),
        "fallthrough": {"split": {"by": {"salt": salt}, "weights": (0..parts).map(weight).collect::<Vec<_>>()}},
    }}}))
    .expect("a configuration");
    let body = compile(&configuration, Kind::Server, &[]).expect("it compiles");
    Snapshot::open(body, Kind::Server).expect("a body just compiled")
}

fn user(unit: &Value) -> Context {
    Context::from_json(&json!({"targetingKey": unit})).expect("a context of one unit")
}

/// The bucket as the evaluator explains it.
fn bucket(split: &Snapshot, user: &Context) -> u32 {
    let (_, trace) = split.explain("split", user, 0);
    let (_, rest) = trace.split_once("\"bucket\":").unwrap_or_else(|| panic!("no bucket: {trace}"));
    let end = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().expect("a bucket")
}

/// The part that serves the user.
fn part(split: &Snapshot, user: &Context) -> usize {
    let outcome = split.evaluate("split", user, 0);
    usize::from(outcome.variant_index().expect("a variant"))
}
