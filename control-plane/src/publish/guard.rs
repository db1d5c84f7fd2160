//! What nearly nobody means: a snapshot that loses a third of its flags, or is twice as large as the one before. It is held back until
//! somebody says that it is meant; until then the one before goes on being served.

use std::collections::HashSet;

use pennon_core::context::Context;
use pennon_core::snapshot::Snapshot;

/// Of so many flags one may be lost, or fail where it did not before, without a question.
const LOST_ONE_IN: usize = 3;
/// Fewer lost flags than this are never asked about.
const MIN_LOST: usize = 10;
/// How many times as large as the one before a body may be without a question.
const GROWN_TIMES: usize = 2;
/// A body smaller than this may grow as it likes: a project that begins.
const MIN_GROWN_BYTES: usize = 64 * 1024;
/// Flags that a sentence names.
const MAX_NAMED: usize = 5;

/// What somebody should look at before `new` replaces `old`, in words.
pub(super) fn doubts(old: &Snapshot, new: &Snapshot, contexts: &[Context]) -> Vec<String> {
    let kind = new.kind().as_str();
    let mut doubts = Vec::new();
    let old_keys = keys(old);
    let new_keys: HashSet<&str> = keys(new).into_iter().collect();
    let lost: Vec<&str> = old_keys.iter().copied().filter(|key| !new_keys.contains(key)).collect();
    if too_many(lost.len(), old_keys.len()) {
        let (lost, all, named) = (lost.len(), old_keys.len(), named(&lost));
        doubts.push(format!("the {kind} snapshot loses {lost} of {all} flags: {named}"));
    }
    let (before, after) = (old.bytes().len(), new.bytes().len());
    if before >= MIN_GROWN_BYTES && after >= before * GROWN_TIMES {
        doubts.push(format!("the {kind} snapshot grows from {before} to {after} bytes"));
    }
    let failing = newly_failing(old, new, contexts);
    if too_many(failing.len(), old_keys.len()) {
        let (failing, all, named) = (failing.len(), old_keys.len(), named(&failing));
        doubts.push(format!(
            "in the {kind} snapshot {failing} of {all} flags fail for somebody whom they served before: {named}"
        ));
    }
    doubts
}

fn too_many(lost: usize, all: usize) -> bool {
    lost >= MIN_LOST && lost * LOST_ONE_IN >= all
}

fn keys(snapshot: &Snapshot) -> Vec<&str> {
    let flags = (0..snapshot.flag_count()).filter_map(|position| snapshot.flag_at(position));
    flags.map(|flag| flag.key()).collect()
}

/// Flags that serve nothing in a context in which they did.
fn newly_failing<'s>(old: &'s Snapshot, new: &'s Snapshot, contexts: &[Context]) -> Vec<&'s str> {
    let fails = |flag: &&str| {
        contexts.iter().any(|context| {
            new.evaluate(flag, context, 0).error.is_some()
                && old.find(flag).is_some()
                && old.evaluate(flag, context, 0).error.is_none()
        })
    };
    keys(new).into_iter().filter(fails).collect()
}

fn named(flags: &[&str]) -> String {
    let mut list = flags[..flags.len().min(MAX_NAMED)].join(", ");
    if let Some(more) = flags.len().checked_sub(MAX_NAMED).filter(|more| *more > 0) {
        list.push_str(&format!(" and {more} more"));
    }
    list
}

#[cfg(test)]
mod tests {
    use pennon_core::config::{Configuration, compile};
    use pennon_core::snapshot::Kind;
    use serde_json::{Map, Value, json};

    use super::*;

    fn snapshot(flags: usize, text: usize, unit: Option<&str>) -> Snapshot {
        let flags: Map<String, Value> = (0..flags)
            .map(|number| {
                let fallthrough = match unit {
                    None => json!({ "variant": "only" }),
                    Some(unit) => json!({ "split": {
                        "by": { "salt": "0".repeat(32), "unit": unit },
                        "weights": [{ "variant": "only", "weight": 100_000 }],
                    } }),
                };
                let flag = json!({
                    "type": "string", "enabled": true, "fallthrough": fallthrough,
                    "variants": [{ "key": "only", "value": "x".repeat(text) }],
                });
                (format!("flag-{number:02}"), flag)
            })
            .collect();
        let whole: Configuration =
            serde_json::from_value(json!({ "format": 1, "flags": flags })).unwrap();
        Snapshot::open(compile(&whole, Kind::Server, &[]).unwrap(), Kind::Server).unwrap()
    }

    #[test]
    fn what_is_hardly_meant_is_told() {
        let somebody = Context::from_json(&json!({ "targetingKey": "u" })).unwrap();
        for (name, old, new, expected) in [
            ("nothing", snapshot(30, 1, None), snapshot(30, 1, None), None),
            ("below a third", snapshot(30, 1, None), snapshot(21, 1, None), None),
            ("a third", snapshot(30, 1, None), snapshot(20, 1, None), Some("loses 10 of 30 flags")),
            ("all", snapshot(30, 1, None), snapshot(0, 1, None), Some("loses 30 of 30 flags")),
            ("few", snapshot(9, 1, None), snapshot(0, 1, None), None),
            ("a beginning", snapshot(1, 1, None), snapshot(90, 9_000, None), None),
            ("less than twice", snapshot(20, 9_000, None), snapshot(39, 9_000, None), None),
            ("twice", snapshot(20, 9_000, None), snapshot(41, 9_000, None), Some("grows from")),
            (
                "without their unit",
                snapshot(30, 1, Some("targetingKey")),
                snapshot(30, 1, Some("company")),
                Some("30 of 30 flags fail"),
            ),
            ("as before", snapshot(30, 1, Some("company")), snapshot(30, 1, Some("company")), None),
        ] {
            let doubts = doubts(&old, &new, std::slice::from_ref(&somebody)).join("; ");
            match expected {
                Some(expected) => assert!(doubts.contains(expected), "{name}: {doubts:?}"),
                None => assert_eq!(doubts, "", "{name}"),
            }
        }
        let doubts = doubts(&snapshot(12, 1, None), &snapshot(0, 1, None), &[]);
        assert_eq!(
            doubts,
            [
                "the server snapshot loses 12 of 12 flags: flag-00, flag-01, flag-02, flag-03, flag-04 and 7 more"
            ]
        );
    }
}
