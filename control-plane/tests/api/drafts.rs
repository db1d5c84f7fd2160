//! Environments as they would be, compiled and not signed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pennon_control_plane::app::MAX_COMPILING;
use pennon_core::context::Context;
use pennon_core::outcome::Value as Served;
use pennon_core::snapshot::{Kind, Snapshot};
use serde_json::{Value, json};

use crate::support::*;

on_both_databases!(
    a_draft_is_compiled_and_not_written,
    what_is_wrong_with_a_draft,
    drafts_are_bounded
);

const PROJECT: &str = "/admin/projects/default";

async fn draft(server: &Server, flags: Value) -> Answer {
    server.post(&format!("{DEVELOPMENT}/draft"), json!({ "flags": flags })).await
}

fn open(answer: &Answer) -> Snapshot {
    let body = STANDARD.decode(answer.json()["body"].as_str().unwrap()).unwrap();
    Snapshot::open(body, Kind::Server).unwrap()
}

fn served(snapshot: &Snapshot, flag: &str) -> Option<Value> {
    snapshot.evaluate(flag, &Context::empty(), NOW).value().map(Served::to_json)
}

fn on() -> Value {
    json!({ "enabled": true, "offVariant": "off", "fallthrough": { "variant": "on" } })
}

async fn a_draft_is_compiled_and_not_written(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    server.boolean_flag("b").await;
    let newest = || async { server.get(&format!("{PROJECT}/audit?limit=1")).await.ok().json() };
    let before = newest().await;

    let stands = draft(&server, json!({})).await.ok();
    assert_eq!(stands.json()["findings"], json!([]));
    let stands = open(&stands);
    assert_eq!((stands.flag_count(), served(&stands, "a")), (2, Some(json!(false))));

    let changed = draft(&server, json!({ "a": { "configuration": on() } })).await.ok();
    let changed = open(&changed);
    assert_eq!(served(&changed, "a"), Some(json!(true)));
    assert_eq!(served(&changed, "b"), Some(json!(false)));

    // What it is, and a flag that is not there yet.
    let definition = json!({ "type": "string", "variants": [{ "key": "on", "value": "new" }, { "key": "off", "value": "old" }] });
    let flags = json!({ "a": { "definition": definition }, "c": { "definition": definition, "configuration": on() } });
    let changed = open(&draft(&server, flags).await.ok());
    assert_eq!(served(&changed, "a"), Some(json!("old")));
    assert_eq!(served(&changed, "c"), Some(json!("new")));

    // What authors leave out is drawn, as it is when they save it.
    let weights =
        json!([{ "variant": "on", "weight": 50_000 }, { "variant": "off", "weight": 50_000 }]);
    let split = json!({ "enabled": true, "fallthrough": { "split": { "weights": weights } } });
    let drawn = draft(&server, json!({ "a": { "configuration": split } })).await.ok();
    assert!(drawn.json()["body"].is_string(), "{drawn:?}");

    assert_eq!(newest().await, before);
    let kept = server.get(&format!("{DEVELOPMENT}/flags/a")).await.ok().json();
    assert_eq!(kept["enabled"], json!(false));
}

async fn what_is_wrong_with_a_draft(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    // Sound, and hardly meant.
    let never = json!({ "enabled": true, "fallthrough": { "variant": "off" },
        "rules": [{ "when": { "in": { "attribute": "plan", "values": [] } }, "serve": { "variant": "on" } }] });
    let answer = draft(&server, json!({ "a": { "configuration": never } })).await.ok().json();
    assert!(answer["body"].is_string());
    let places: Vec<&str> = answer["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| found["place"].as_str().unwrap())
        .collect();
    assert!(places.iter().any(|place| place.starts_with("/flags/a/rules/0")), "{places:?}");

    // Unsound: no body, and why.
    let unknown = json!({ "enabled": true, "fallthrough": { "variant": "blue" } });
    let answer = draft(&server, json!({ "a": { "configuration": unknown } })).await.ok().json();
    assert_eq!(answer.get("body"), None);
    assert!(answer["problem"].as_str().unwrap().contains("blue"), "{answer}");
    let found = answer["findings"].as_array().unwrap();
    assert!(found.iter().any(|found| found["severity"] == "error"), "{answer}");

    // No draft at all.
    let cases = [
        (json!({ "new-one": { "configuration": on() } }), "flags.new-one"),
        (json!({ "new-one": {} }), "flags.new-one"),
        (json!({ "A key": { "configuration": on() } }), "flags.A key"),
        (
            json!({ "a": { "configuration": { "enabled": "yes" } } }),
            "flags.a.configuration.enabled",
        ),
        (json!({ "a": { "config": {} } }), "flags.a.config"),
    ];
    for (flags, field) in cases {
        let answer = draft(&server, flags.clone()).await;
        assert_eq!(answer.problem().0, 422, "{flags}");
        assert_eq!(answer.json()["field"], json!(field), "{flags}");
    }
}

async fn drafts_are_bounded(place: Place) {
    let server = start(&place).await;
    let many: serde_json::Map<String, Value> =
        (0..=100).map(|number| (format!("flag-{number}"), json!({}))).collect();
    let answer = draft(&server, Value::Object(many)).await;
    assert_eq!((answer.problem().0, answer.json()["field"].clone()), (422, json!("flags")));
    let count = u32::try_from(MAX_COMPILING).unwrap();
    let busy = server.app.compiling.try_acquire_many(count).unwrap();
    let answer = draft(&server, json!({})).await;
    assert_eq!(answer.problem(), (503, "busy".to_owned()));
    assert_eq!(answer.headers["retry-after"], "1");
    drop(busy);
    draft(&server, json!({})).await.ok();
}
