//! Versions: every state of everything, what changed, and the way back.

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::*;

on_both_databases!(
    every_change_makes_a_version,
    pages_of_versions,
    any_two_versions_are_compared,
    a_configuration_goes_back,
    what_does_not_fit_any_more_is_refused,
    deleted_things_come_back,
    a_change_tells_what_it_did,
    the_project_at_any_time,
    history_is_what_is_there,
);

const PROJECT: &str = "/admin/projects/default";

fn path(flag: &str) -> String {
    format!("{DEVELOPMENT}/flags/{flag}")
}

async fn sentences(server: &Server, versions: &str) -> Vec<Value> {
    let page = server.get(versions).await.ok().json();
    page["items"].as_array().unwrap().iter().map(|item| item["changes"].clone()).collect()
}

async fn every_change_makes_a_version(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    server.turn("a", "on").await.ok();
    let definition = json!({ "type": "boolean", "description": "About", "variants": [{ "key": "on", "value": true }, { "key": "off", "value": false }] });
    server.put(&format!("{PROJECT}/flags/a"), definition).await.ok();
    assert_eq!(
        sentences(&server, &format!("{PROJECT}/flags/a/versions")).await,
        [json!(["hidden from clients", "description: now About"]), json!(["created"])]
    );
    let versions = server.get(&format!("{}/versions", path("a"))).await.ok().json();
    assert_eq!(versions["items"].as_array().unwrap().len(), 2);
    let newest = &versions["items"][0];
    assert_eq!(newest["changes"], json!(["turned on"]));
    assert_eq!(newest["action"], json!("flag-configuration.turned-on"));
    assert_eq!((&newest["at"], &newest["author"]), (&json!(NOW), &json!("token:admin")));
    for (path, bodies) in [
        ("segments/s", [json!({ "included": ["u1"] }), json!({ "included": ["u1", "u2"] })]),
        ("attributes/plan", [json!({ "type": "string" }), json!({ "type": "number" })]),
        ("layers/l", [json!({ "by": {} }), json!({ "by": { "unit": "company" } })]),
        ("holdouts/h", [json!({ "by": {}, "weight": 5 }), json!({ "by": {}, "weight": 6 })]),
    ] {
        for body in bodies {
            server.put(&format!("{PROJECT}/{path}"), body).await.ok();
        }
        let told = sentences(&server, &format!("{PROJECT}/{path}/versions")).await;
        assert_eq!((told.len(), &told[1]), (2, &json!(["created"])), "{path}");
    }
    let gone = server.get(&format!("{PROJECT}/segments/nobody/versions")).await;
    assert_eq!(gone.problem(), (404, "not-found".to_owned()));
}

async fn pages_of_versions(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    for way in ["on", "off", "on", "off"] {
        server.turn("a", way).await.ok();
    }
    let whole = sentences(&server, &format!("{}/versions", path("a"))).await;
    assert_eq!(whole.len(), 5);
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.get(&format!("{}/versions?limit=2{cursor}", path("a"))).await.ok().json();
        let items = page["items"].as_array().unwrap();
        assert!((1..=2).contains(&items.len()));
        paged.extend(items.iter().map(|item| item["changes"].clone()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(paged, whole);
    for query in ["limit=0", "limit=201", "limit=x", "cursor=x", "colour=1"] {
        let refused = server.get(&format!("{}/versions?{query}", path("a"))).await;
        assert!(refused.status.is_client_error(), "{query}");
    }
}

async fn any_two_versions_are_compared(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    let weights =
        |on: u32| json!([{ "op": "setWeights", "weights": { "on": on, "off": 100_000 - on } }]);
    let operations = format!("{}/operations", path("a"));
    for on in [10_000, 20_000, 25_000] {
        server.post(&operations, json!({ "operations": weights(on) })).await.ok();
    }
    let version = format!("{}/versions/5", path("a"));
    let shown = server.get(&version).await.ok().json();
    assert_eq!(shown["against"], json!(4));
    assert_eq!(
        shown["differences"][0]["sentence"],
        json!("fallthrough: weights 20/80 -> 25/75 (on/off)")
    );
    assert_eq!(shown["differences"][0]["path"], json!("/fallthrough/split/weights"));
    assert_eq!(shown["document"]["fallthrough"]["split"]["weights"][0]["weight"], json!(25_000));
    let from = |against: i64| format!("{version}?against={against}");
    let shown = server.get(&from(3)).await.ok().json();
    assert_eq!(
        shown["differences"][0]["sentence"],
        json!("fallthrough: weights 10/90 -> 25/75 (on/off)")
    );
    let first = server.get(&from(5)).await.ok().json();
    assert_eq!(first["differences"], json!([]));
    assert_eq!(server.get(&from(1)).await.problem().0, 404);
    assert_eq!(server.get(&format!("{}/versions/99", path("a"))).await.problem().0, 404);
    let shown = server.get(&format!("{}/versions/2", path("a"))).await.ok().json();
    assert_eq!((&shown["against"], &shown["changes"]), (&Value::Null, &json!(["created"])));
}

async fn a_configuration_goes_back(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    let split = json!([{ "op": "turnOn" }, { "op": "setWeights", "weights": { "on": 10_000, "off": 90_000 } }]);
    let operations = format!("{}/operations", path("a"));
    let then = server.post(&operations, json!({ "operations": split })).await.ok().json();
    server
        .post(
            &operations,
            json!({ "operations": [{ "op": "setFallthrough", "serve": { "variant": "off" } }] }),
        )
        .await
        .ok();
    let back = format!("{}/versions/3/rollback", path("a"));
    let lost = server.admin_if(Method::POST, &back, None, Some("\"3\"")).await;
    assert_eq!(lost.problem(), (412, "changed-since".to_owned()));
    let done = server.admin_if(Method::POST, &back, None, Some("\"4\"")).await.ok();
    assert_eq!(done.headers["etag"], "\"5\"");
    // The salt as well: everybody gets what they got.
    assert_eq!(done.json()["configuration"], then["configuration"]);
    let newest = server.get(&format!("{}/versions?limit=1", path("a"))).await.ok().json();
    assert_eq!(newest["items"][0]["action"], json!("flag-configuration.rolled-back"));
    // Again changes nothing.
    assert_eq!(server.roll_back(&path("a"), 3).await.ok().headers["etag"], "\"5\"");
    // The definition goes its own way.
    let definition = json!({ "type": "boolean", "description": "x", "variants": [{ "key": "on", "value": true }, { "key": "off", "value": false }] });
    server.put(&format!("{PROJECT}/flags/a"), definition).await.ok();
    let back = server.roll_back(&format!("{PROJECT}/flags/a"), 2).await.ok().json();
    assert_eq!(back["definition"]["clientVisible"], json!(true));
}

async fn what_does_not_fit_any_more_is_refused(place: Place) {
    let server = start(&place).await;
    let segment = format!("{PROJECT}/segments/beta");
    server.put(&segment, json!({ "included": ["u1"] })).await.ok();
    server.boolean_flag("a").await;
    let rule = json!({ "id": "r", "when": { "segment": "beta" }, "serve": { "variant": "off" } });
    let operations = format!("{}/operations", path("a"));
    let ruled = server
        .post(&operations, json!({ "operations": [{ "op": "addRule", "rule": rule }] }))
        .await
        .ok();
    let version = ruled.json()["version"].as_i64().unwrap();
    server
        .post(&operations, json!({ "operations": [{ "op": "removeRule", "id": "r" }] }))
        .await
        .ok();
    server.delete(&segment).await.ok();
    let refused = server.roll_back(&path("a"), version).await;
    assert_eq!(refused.problem(), (409, "conflict".to_owned()));
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(
        detail.contains(&format!("version {version}")) && detail.contains("rules[0].when"),
        "{detail}"
    );
    // With the segment it fits again.
    let deleted = server.get(&format!("{segment}/versions?limit=1")).await.ok().json();
    assert_eq!(deleted["items"][0]["deleted"], json!(true));
    let gone = deleted["items"][0]["version"].as_i64().unwrap();
    let refused = server.roll_back(&segment, gone).await;
    assert_eq!(refused.problem().0, 409);
    let made = server.roll_back(&segment, 2).await;
    assert_eq!(made.status, 201);
    server.roll_back(&path("a"), version).await.ok();
}

async fn deleted_things_come_back(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    let split = json!([{ "op": "turnOn" }, { "op": "setWeights", "weights": { "on": 10_000, "off": 90_000 } }]);
    let then = server
        .post(&format!("{}/operations", path("a")), json!({ "operations": split }))
        .await
        .ok()
        .json();
    server.post(&format!("{PROJECT}/flags/a/archive"), json!({})).await.ok();
    let archived = server.get(&format!("{PROJECT}/flags/a/versions?limit=1")).await.ok().json();
    assert_eq!(archived["items"][0]["archived"], json!(true));
    server.delete(&format!("{PROJECT}/flags/a")).await.ok();
    for path in [format!("{PROJECT}/flags/a/versions"), format!("{}/versions", path("a"))] {
        let newest = server.get(&format!("{path}?limit=1")).await.ok().json();
        assert_eq!(newest["items"][0]["changes"], json!(["deleted"]), "{path}");
        assert_eq!(newest["items"][0]["version"], json!(5), "{path}");
    }
    // Version 2 is the newest of the definition; the configuration is taken as it was then, not as it was last.
    let back = server.roll_back(&format!("{PROJECT}/flags/a"), 2).await.ok();
    assert_eq!(back.json()["definition"]["type"], json!("boolean"));
    let now = server.get(&path("a")).await.ok().json();
    assert_eq!(now["enabled"], json!(false));
    let last = server.roll_back(&path("a"), 3).await.ok().json();
    assert_eq!(last["configuration"], then["configuration"]);
}

async fn a_change_tells_what_it_did(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    server.turn("a", "on").await.ok();
    let made = server.get(&format!("{PROJECT}/changes/2")).await.ok().json();
    let objects: Vec<_> = made["objects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|object| {
            (object["kind"].as_str().unwrap(), object["environment"].as_str().unwrap_or(""))
        })
        .collect();
    let mut objects = objects;
    objects.sort_unstable();
    assert_eq!(
        objects,
        [("flag", ""), ("flag-configuration", "development"), ("flag-configuration", "production")]
    );
    let turned = server.get(&format!("{PROJECT}/changes/3")).await.ok().json();
    assert_eq!(turned["objects"][0]["differences"][0]["sentence"], json!("turned on"));
    assert_eq!(
        (&turned["action"], &turned["more"]),
        (&json!("flag-configuration.turned-on"), &json!(false))
    );
    for unknown in [0, 4, -1] {
        assert_eq!(server.get(&format!("{PROJECT}/changes/{unknown}")).await.problem().0, 404);
    }
}

async fn the_project_at_any_time(place: Place) {
    let server = start(&place).await;
    let config = format!("{DEVELOPMENT}/config");
    let mut states = vec![server.get(&config).await.ok().json()];
    let step = async |path: String, body: Option<Value>, method: Method| {
        server.app.clock.advance(1_000);
        let seen = if method == Method::POST { None } else { server.seen(&path).await };
        server.admin_if(method, &path, body, seen.as_deref()).await.ok();
    };
    let rule = json!([{ "op": "addRule", "rule": { "id": "r", "when": { "segment": "s" }, "serve": { "variant": "off" } } }]);
    let flag = json!({ "key": "a", "definition": { "type": "boolean" } });
    for (method, path, body) in [
        (Method::PUT, format!("{PROJECT}/segments/s"), Some(json!({ "included": ["u"] }))),
        (Method::POST, format!("{PROJECT}/flags"), Some(flag)),
        (Method::POST, format!("{}/on", path("a")), None),
        (Method::PUT, format!("{PROJECT}/attributes/plan"), Some(json!({ "type": "string" }))),
        (Method::POST, format!("{}/operations", path("a")), Some(json!({ "operations": rule }))),
        (Method::POST, format!("{PROJECT}/flags/a/archive"), None),
        (Method::DELETE, format!("{PROJECT}/flags/a"), None),
        (Method::DELETE, format!("{PROJECT}/segments/s"), None),
    ] {
        step(path, body, method).await;
        states.push(server.get(&config).await.ok().json());
    }
    for (index, state) in states.iter().enumerate() {
        let version = index + 1;
        let time = NOW + 1_000 * index as i64;
        let mut queries =
            vec![format!("version={version}"), format!("at={time}"), format!("at={}", time + 999)];
        // Deleting what is archived changes no snapshot, and is no revision.
        if version <= 7 {
            queries.push(format!("revision={version}"));
        }
        for query in queries {
            let then = server.get(&format!("{config}?{query}")).await.ok().json();
            assert_eq!(&then, state, "{query}");
        }
    }
    let distinct: std::collections::BTreeSet<String> =
        states.iter().map(Value::to_string).collect();
    assert!(distinct.len() >= 7);
    for query in ["version=99", "revision=99", "at=1", "version=0"] {
        assert_eq!(server.get(&format!("{config}?{query}")).await.problem().0, 404, "{query}");
    }
    let both = server.get(&format!("{config}?version=1&at=1")).await;
    assert_eq!(both.problem().0, 422);
}

/// Whatever is done: the newest state in the history is what is there.
async fn history_is_what_is_there(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    server.put(&format!("{PROJECT}/segments/s"), json!({})).await.ok();
    server.post(&format!("{PROJECT}/environments"), json!({ "key": "staging" })).await.ok();
    server.turn("a", "on").await.ok();
    server.delete(&format!("{PROJECT}/segments/s")).await.ok();
    server.put(&format!("{PROJECT}/segments/s"), json!({ "included": ["u"] })).await.ok();
    for environment in ["development", "production", "staging"] {
        let config = format!("{PROJECT}/environments/{environment}/config");
        let now = server.get(&config).await.ok().json();
        let newest = server.get(&format!("{config}?at={}", i64::MAX)).await.ok().json();
        assert_eq!(newest, now, "{environment}");
    }
}
