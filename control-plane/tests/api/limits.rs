//! Over a limit is a clear error to the author, never an environment that can no longer be published.

use serde_json::{Value, json};

use crate::support::*;

on_both_databases!(
    an_environment_never_outgrows_its_snapshots,
    a_flag_is_sound_before_there_is_an_environment,
    endless_conditions_stop_nothing,
    texts_are_bounded_and_so_is_a_page_of_the_log,
);

const FLAGS: &str = "/admin/projects/default/flags";

/// A flag for clients whose body has about 240 KB; five of them are over the megabyte of a client's snapshot.
fn large(key: &str) -> Value {
    let variants = json!([{ "key": "long", "value": "x".repeat(240_000) }]);
    let definition = json!({ "type": "string", "clientVisible": true, "variants": variants });
    let configuration = json!({ "enabled": true, "fallthrough": { "variant": "long" } });
    json!({ "key": key, "definition": definition, "configuration": configuration })
}

async fn an_environment_never_outgrows_its_snapshots(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("kill-switch").await;
    for number in 0..4 {
        server.post(FLAGS, large(&format!("large-{number}"))).await.ok();
    }
    let refused = server.post(FLAGS, large("large-4")).await;
    assert_eq!(refused.problem(), (422, "invalid".to_owned()));
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("client snapshot") && detail.contains("development"), "{detail}");
    assert_eq!(server.get(&format!("{FLAGS}/large-4")).await.problem().0, 404);

    // Turned off it takes little room; turning it on is what goes over the limit.
    let mut off = large("large-4");
    off["configuration"] = json!({ "enabled": false, "fallthrough": { "variant": "long" } });
    server.post(FLAGS, off).await.ok();
    assert_eq!(server.turn("large-4", "on").await.problem().0, 422);
    let path = format!("{DEVELOPMENT}/flags/large-4");
    assert_eq!(server.put(&path, large("")["configuration"].clone()).await.problem().0, 422);
    assert_eq!(server.get(&path).await.ok().json()["enabled"], json!(false));

    // A definition that grows.
    server.discard("large-4").await;
    let mut small = large("small");
    small["definition"]["variants"] = json!([{ "key": "long", "value": "x" }]);
    server.post(FLAGS, small).await.ok();
    let grown = server.put(&format!("{FLAGS}/small"), large("")["definition"].clone()).await;
    assert_eq!(grown.problem().0, 422);

    // Whatever was accepted is published.
    server.turn("kill-switch", "on").await.ok();
    server.publish().await;
    assert_eq!(server.published_value("kill-switch").await, Some(json!(true)));
    assert_eq!(server.fetch("/readyz", None).await.json()["unpublishedEnvironments"], json!(0));
}

async fn a_flag_is_sound_before_there_is_an_environment(place: Place) {
    let server = start(&place).await;
    let project = "/admin/projects/bare";
    server.post("/admin/projects", json!({ "key": "bare" })).await.ok();
    let made = json!({ "key": "f", "definition": { "type": "boolean" } });
    let made = server.post(&format!("{project}/flags"), made).await.ok().json();
    let flag = format!("{project}/flags/f");
    for (field, value) in [("nonsense", json!(1)), ("rules", json!(7)), ("variants", json!([]))] {
        let mut definition = made["definition"].clone();
        definition[field] = value;
        let refused = server.put(&flag, definition).await;
        assert_eq!(refused.problem(), (422, "invalid".to_owned()), "{field}");
        assert!(refused.json()["field"].as_str().unwrap().starts_with(field), "{refused:?}");
    }
    let mut definition = made["definition"].clone();
    definition["description"] = json!("Another text");
    assert_eq!(server.put(&flag, definition.clone()).await.ok().json()["definition"], definition);
    let environment = json!({ "key": "first" });
    server.post(&format!("{project}/environments"), environment).await.ok();
    let kept = server.get(&format!("{project}/environments/first/config")).await.ok().json();
    assert_eq!(kept["flags"]["f"]["description"], "Another text");
    server.put(&format!("{project}/attributes/plan"), json!({ "type": "string" })).await.ok();
    server.publish().await;
}

async fn endless_conditions_stop_nothing(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("kill-switch").await;
    let segment = async |name: &str, inner: &str| {
        let references: Vec<Value> = (0..300).map(|_| json!({ "segment": inner })).collect();
        let when = json!({ "when": { "any": references } });
        server.put(&format!("/admin/projects/default/segments/{name}"), when).await
    };
    let last = json!({ "included": ["zzz"] });
    server.put("/admin/projects/default/segments/s3", last).await.ok();
    segment("s2", "s3").await.ok();
    segment("s1", "s2").await.ok();
    segment("s0", "s1").await.ok();
    let rules = json!([{ "when": { "segment": "s0" }, "serve": { "variant": "on" } }]);
    let body = json!({ "enabled": true, "fallthrough": { "variant": "off" }, "rules": rules });
    let refused = server.put(&format!("{DEVELOPMENT}/flags/kill-switch"), body.clone()).await;
    assert_eq!(refused.problem(), (422, "invalid".to_owned()));
    assert_eq!(refused.json()["field"], "rules");
    server.turn("kill-switch", "on").await.ok();
    server.publish().await;
    assert_eq!(server.published_value("kill-switch").await, Some(json!(true)));
    // Nor may a segment grow under a flag that uses it.
    server.put("/admin/projects/default/segments/s0", json!({ "included": ["u1"] })).await.ok();
    server.put(&format!("{DEVELOPMENT}/flags/kill-switch"), body).await.ok();
    assert_eq!(segment("s0", "s1").await.problem().0, 422);
}

async fn texts_are_bounded_and_so_is_a_page_of_the_log(place: Place) {
    const PAGE_BYTES: usize = 4 * 1024 * 1024;
    let server = start(&place).await;
    let long = "x".repeat(100_000);
    let flag =
        json!({ "key": "a", "definition": { "type": "boolean", "description": long.clone() } });
    let refused = server.post(FLAGS, flag).await;
    assert_eq!(refused.json()["field"], "definition.description", "{refused:?}");
    let segment = json!({ "description": long });
    assert_eq!(server.put("/admin/projects/default/segments/a", segment).await.problem().0, 422);

    // Each of these changes is logged with about 400 KB.
    for round in 0..12 {
        let keys: Vec<String> = (0..2_000).map(|key| format!("{round:02}{key:0100}")).collect();
        let segment = json!({ "included": keys });
        server.put("/admin/projects/default/segments/large", segment).await.ok();
    }
    let mut seen = Vec::new();
    let mut path = "/admin/projects/default/audit?limit=200".to_owned();
    let mut pages = 0;
    loop {
        let page = server.get(&path).await.ok();
        assert!(page.bytes.len() < PAGE_BYTES + 1_000_000, "{} bytes", page.bytes.len());
        pages += 1;
        let page = page.json();
        let entries = page["items"].as_array().unwrap();
        seen.extend(entries.iter().map(|entry| entry["sequence"].as_i64().unwrap()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/admin/projects/default/audit?limit=200&cursor={next}");
    }
    assert!(pages > 1);
    assert_eq!(seen, (1..=13).rev().collect::<Vec<_>>());
}
