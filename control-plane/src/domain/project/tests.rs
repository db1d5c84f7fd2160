//! Imports by example; that a document goes round without loss.

use serde_json::{Value, json};

use super::*;
use crate::ambient::Random;

const NOW: i64 = 1_800_000_000_000;

fn variants() -> Value {
    json!([{ "key": "on", "value": true }, { "key": "off", "value": false }])
}

fn definition() -> Value {
    json!({ "type": "boolean", "variants": variants() })
}

fn on() -> Value {
    json!({ "enabled": true, "fallthrough": { "variant": "on" } })
}

fn ruled(segment: &str) -> Value {
    json!({ "enabled": true, "fallthrough": { "variant": "on" },
        "rules": [{ "id": "r", "when": { "segment": segment }, "serve": { "variant": "off" } }] })
}

fn project(fields: Value) -> Project {
    let mut whole = json!({ "projectFormat": 1 });
    whole.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let mut project = Project::read(whole).unwrap();
    project.complete(&Random::seeded(1)).unwrap();
    project
}

/// As it is kept: what an import into an empty project makes of it.
fn kept(fields: Value) -> Project {
    let plan = plan(&project(json!({})), &project(fields), NOW).unwrap();
    assert_eq!(plan.report.refused, [], "{:?}", plan.report);
    plan.after
}

fn current() -> Project {
    kept(json!({
        "segments": { "staff": { "included": ["ada"] } },
        "flags": { "old": definition(), "ruled": definition() },
        "environments": [
            { "key": "development", "flags": { "old": on(), "ruled": ruled("staff") } },
            { "key": "production", "protected": true },
        ],
    }))
}

fn names(items: &[Item]) -> Vec<String> {
    items
        .iter()
        .map(|item| {
            let place =
                item.environment.as_ref().map_or(String::new(), |place| format!("@{place}"));
            format!("{} {}{place}", item.kind, item.key)
        })
        .collect()
}

#[test]
fn creates_updates_and_leaves_alone() {
    let incoming = project(json!({
        "segments": { "staff": { "included": ["ada", "grace"] }, "beta": {} },
        "flags": { "old": definition(), "new": definition() },
        "environments": [{ "key": "production", "protected": true, "flags": { "old": on(), "new": ruled("beta") } }, { "key": "staging" }],
    }));
    let plan = plan(&current(), &incoming, NOW).unwrap();
    assert_eq!(
        names(&plan.report.created),
        ["segment beta", "flag new", "flag-configuration new@production", "environment staging"]
    );
    assert_eq!(names(&plan.report.updated), ["segment staff", "flag-configuration old@production"]);
    assert_eq!(plan.report.updated[0].changes, ["included grace"]);
    assert_eq!(names(&plan.report.unchanged), ["flag old", "environment production"]);
    assert_eq!(plan.report.refused, []);
    let enabled = |environment: &str, flag: &str| {
        plan.after.environment(environment).unwrap().flags[flag]["enabled"].clone()
    };
    assert_eq!(enabled("development", "old"), json!(true));
    assert_eq!(enabled("production", "old"), json!(true));
    assert_eq!(enabled("development", "new"), json!(false));
    assert_eq!(enabled("staging", "old"), json!(false));
    assert_eq!(enabled("staging", "new"), json!(false));
}

#[test]
fn what_is_unsound_is_refused_alone() {
    let before = current();
    let incoming = project(json!({
        "segments": { "staff": { "when": { "segment": "nowhere" } }, "good": {}, "broken": { "whn": {} } },
        "layers": { "l": { "by": { "salt": "no salt" } } },
        "flags": {
            "good": definition(), "unreadable": { "type": "boolean", "colour": 1 }, "unsound": definition(),
            "depends": definition(), "\u{7}": definition(),
            "old": { "type": "string", "variants": [{ "key": "on", "value": "x" }] },
        },
        "environments": [{ "key": "production", "flags": {
            "good": ruled("good"), "unsound": ruled("nowhere"), "undefined": on(),
            "depends": { "enabled": true, "fallthrough": { "variant": "on" }, "prerequisites": [{ "flag": "unsound", "variants": ["on"] }] },
        } }],
    }));
    let plan = plan(&before, &incoming, NOW).unwrap();
    let mut refused: Vec<_> = plan
        .report
        .refused
        .iter()
        .map(|refused| format!("{} {}", refused.kind, refused.key))
        .collect();
    refused.sort();
    assert_eq!(
        refused,
        [
            "flag \u{7}",
            "flag depends",
            "flag old",
            "flag undefined",
            "flag unreadable",
            "flag unsound",
            "layer l",
            "segment broken",
            "segment staff"
        ]
    );
    assert!(plan.report.refused.iter().all(|refused| refused.reason.len() > 10));
    // The rest goes in, and what was refused is as it was.
    let mut expected = before.clone();
    expected.segments.insert("good".to_owned(), json!({}));
    expected.flags.insert("good".to_owned(), definition().as_object().unwrap().clone());
    expected.environments[0].flags.insert(
        "good".to_owned(),
        json!({ "enabled": false, "offVariant": "off", "fallthrough": { "variant": "on" } })
            .as_object()
            .unwrap()
            .clone(),
    );
    expected.environments[1]
        .flags
        .insert("good".to_owned(), ruled("good").as_object().unwrap().clone());
    assert_eq!(plan.after, expected);
}

#[test]
fn what_would_spoil_others_is_refused_as_a_whole() {
    // The attribute is sound, but the client-visible flag that is there reads it.
    let visible = json!({ "type": "boolean", "clientVisible": true, "variants": variants() });
    let reading = json!({ "enabled": true, "fallthrough": { "variant": "on" },
        "rules": [{ "id": "r", "when": { "exists": { "attribute": "salary" } }, "serve": { "variant": "off" } }] });
    let before = kept(
        json!({ "flags": { "f": visible }, "environments": [{ "key": "production", "flags": { "f": reading } }] }),
    );
    let incoming =
        project(json!({ "attributes": { "salary": { "type": "number", "private": true } } }));
    let wrong = plan(&before, &incoming, NOW).unwrap_err();
    assert!(wrong.detail.contains("production") && wrong.detail.contains("/flags/f"), "{wrong:?}");
}

#[test]
fn goes_round_without_loss() {
    let whole = current();
    let text = serde_json::to_string(&whole).unwrap();
    let read = Project::read(serde_json::from_str(&text).unwrap()).unwrap();
    assert_eq!(read, whole);
    let again = plan(&project(json!({})), &read, NOW).unwrap();
    assert_eq!(again.after, whole);
    let nothing = plan(&whole, &read, NOW).unwrap().report;
    assert!(nothing.created.is_empty() && nothing.updated.is_empty() && nothing.refused.is_empty());
    assert_eq!(nothing.unchanged.len(), 1 + 2 + 2 + 4);
}

#[test]
fn another_document_is_none() {
    for (value, field) in [
        (json!({ "projectFormat": 2 }), "projectFormat"),
        (json!({ "format": 1 }), "format"),
        (json!({ "projectFormat": 1, "flags": [] }), "flags"),
        (
            json!({ "projectFormat": 1, "environments": [{ "key": "UPPER" }] }),
            "environments[0].key",
        ),
        (
            json!({ "projectFormat": 1, "environments": [{ "key": "a" }, { "key": "a" }] }),
            "environments[1].key",
        ),
    ] {
        assert_eq!(Project::read(value.clone()).unwrap_err().field, field, "{value}");
    }
}
