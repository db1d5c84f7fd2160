//! Environments and their SDK keys: what people say about them, and in which order they stand.

use axum::http::Method;
use pennon_core::snapshot::Kind;
use serde_json::{Value, json};

use crate::support::*;

on_both_databases!(
    settings_change_and_nothing_is_published,
    environments_stand_in_their_order,
    odd_settings_are_refused,
    an_sdk_key_is_renamed,
    the_last_use_of_a_key_is_written_once_for_many,
);

const ENVIRONMENTS: &str = "/admin/projects/default/environments";

async fn keys(server: &Server) -> Vec<String> {
    let list = server.get(ENVIRONMENTS).await.ok().json();
    let items = list["items"].as_array().unwrap();
    for (at, environment) in items.iter().enumerate() {
        assert_eq!(environment["position"], json!(at), "{list}");
    }
    items.iter().map(|environment| environment["key"].as_str().unwrap().to_owned()).collect()
}

async fn settings_change_and_nothing_is_published(place: Place) {
    let server = start(&place).await;
    let before = server.get(DEVELOPMENT).await.ok();
    let tag = before.headers["etag"].to_str().unwrap().to_owned();
    let whole = json!({ "name": "Try out", "protected": true, "colour": "#1a7f37" });
    let put = server.admin_if(Method::PUT, DEVELOPMENT, Some(whole.clone()), Some(&tag)).await.ok();
    let shown = put.json();
    for (name, value) in whole.as_object().unwrap() {
        assert_eq!(&shown[name], value, "{name}");
    }
    for same in ["id", "key", "epoch", "revision", "position", "createdAt"] {
        assert_eq!(shown[same], before.json()[same], "{same}");
    }
    assert_ne!(put.headers["etag"], before.headers["etag"]);
    assert_eq!(server.get(DEVELOPMENT).await.ok().json(), shown);
    let lost = server.admin_if(Method::PUT, DEVELOPMENT, Some(whole), Some(&tag)).await;
    assert_eq!(lost.problem(), (412, "changed-since".to_owned()));
    assert_eq!(lost.json()["current"], shown);
    // A patch leaves the rest.
    let patched = server.patch(DEVELOPMENT, json!({ "protected": false })).await.ok().json();
    assert_eq!((&patched["name"], &patched["colour"]), (&json!("Try out"), &json!("#1a7f37")));
    let patched = server.patch(DEVELOPMENT, json!({ "colour": null })).await.ok().json();
    assert_eq!(patched.get("colour"), None);
    let log = server.get("/admin/projects/default/audit").await.ok().json();
    assert_eq!(log["items"][0]["action"], "environment.updated");
    assert_eq!(log["items"][0]["environmentId"], json!(server.environment_id(0)));
    assert_eq!(log["items"][0]["oldValue"]["colour"], "#1a7f37");
    assert_eq!(log["items"][0]["newValue"].get("colour"), None);
}

async fn environments_stand_in_their_order(place: Place) {
    let server = start(&place).await;
    let new = json!({ "key": "staging", "colour": "#ff8800" });
    let made = server.post(ENVIRONMENTS, new).await.ok().json();
    assert_eq!((&made["colour"], &made["position"]), (&json!("#ff8800"), &json!(2)));
    let first = keys(&server).await;
    assert_eq!(first[2], "staging");
    let move_to = async |key: &str, position: usize| {
        let path = format!("{ENVIRONMENTS}/{key}");
        let moved = server.patch(&path, json!({ "position": position })).await.ok().json();
        assert_eq!(moved["position"], json!(position));
        keys(&server).await
    };
    assert_eq!(move_to("staging", 0).await, ["staging", &first[0], &first[1]]);
    assert_eq!(move_to("staging", 1).await, [&first[0], "staging", &first[1]]);
    assert_eq!(move_to("staging", 2).await, first);
    assert_eq!(move_to(&first[0], 2).await, [&first[1], "staging", &first[0]]);
    // Where it stays, and what is not about its place, moves nothing.
    assert_eq!(move_to("staging", 1).await, [&first[1], "staging", &first[0]]);
    server.patch(&format!("{ENVIRONMENTS}/staging"), json!({ "name": "S" })).await.ok();
    assert_eq!(keys(&server).await, [&first[1], "staging", &first[0]]);
    // A document of the project has the order and the colours.
    let whole = server.get("/admin/projects/default/export").await.ok().json();
    assert_eq!(whole["environments"][1]["colour"], "#ff8800");
    server.post("/admin/projects", json!({ "key": "other" })).await.ok();
    server.post("/admin/projects/other/import", whole.clone()).await.ok();
    let again = server.get("/admin/projects/other/export").await.ok().json();
    assert_eq!(again["environments"], whole["environments"]);
}

async fn odd_settings_are_refused(place: Place) {
    let server = start(&place).await;
    let before = server.get(ENVIRONMENTS).await.ok().json();
    for (patch, field) in [
        (json!({ "name": "" }), "name"),
        (json!({ "name": null }), "name"),
        (json!({ "name": 1 }), "name"),
        (json!({ "colour": "red" }), "colour"),
        (json!({ "colour": 1 }), "colour"),
        (json!({ "protected": "yes" }), "protected"),
        (json!({ "position": 2 }), "position"),
        (json!({ "position": -1 }), "position"),
        (json!({ "position": 1.5 }), "position"),
        (json!({ "key": "x" }), "key"),
        (json!({ "epoch": 7 }), "epoch"),
    ] {
        let refused = server.patch(DEVELOPMENT, patch.clone()).await;
        assert_eq!(refused.problem(), (422, "invalid".to_owned()), "{patch}");
        assert_eq!(refused.json()["field"], field, "{patch}: {refused:?}");
    }
    let refused = server.post(ENVIRONMENTS, json!({ "key": "x", "colour": "#12345" })).await;
    assert_eq!((refused.problem().0, &refused.json()["field"]), (422, &json!("colour")));
    assert_eq!(server.get(ENVIRONMENTS).await.ok().json(), before);
    let nowhere = server.patch(&format!("{ENVIRONMENTS}/nowhere"), json!({})).await;
    assert_eq!(nowhere.problem().0, 404);
}

/// The path of development's first key of a kind, in the admin API.
async fn key_path(server: &Server, kind: Kind) -> String {
    let keys = format!("{DEVELOPMENT}/sdk-keys");
    let list = server.get(&keys).await.ok().json();
    let items = list["items"].as_array().unwrap();
    let own = items.iter().find(|key| key["kind"] == kind.as_str()).unwrap();
    format!("{keys}/{}", own["id"].as_str().unwrap())
}

async fn an_sdk_key_is_renamed(place: Place) {
    let server = start(&place).await;
    let path = key_path(&server, Kind::Client).await;
    let revision = server.get(DEVELOPMENT).await.ok().json()["revision"].clone();
    let before = server.get(&path).await.ok();
    let patch = async |patch: Value| server.patch(&path, patch).await;
    let renamed = patch(json!({ "name": "the shop" })).await.ok();
    assert_eq!(renamed.json()["name"], "the shop");
    assert_ne!(renamed.headers["etag"], before.headers["etag"]);
    assert_eq!(server.get(&path).await.ok().json(), renamed.json());
    for (odd, field) in [
        (json!({ "name": "" }), "name"),
        (json!({ "name": null }), "name"),
        (json!({ "kind": "server" }), "kind"),
    ] {
        let refused = patch(odd.clone()).await;
        assert_eq!((refused.problem().0, &refused.json()["field"]), (422, &json!(field)), "{odd}");
    }
    assert_eq!(server.get(DEVELOPMENT).await.ok().json()["revision"], revision);
    let other = path.replace("development", "production");
    assert_eq!(server.get(&other).await.problem().0, 404);
    assert_eq!(server.patch(&other, json!({ "name": "x" })).await.problem().0, 404);
    assert_eq!(server.delete(&path).await.status, 204);
    assert_eq!(server.get(&path).await.ok().json()["revokedAt"], json!(NOW));
}

async fn the_last_use_of_a_key_is_written_once_for_many(place: Place) {
    let server = start(&place).await;
    let path = key_path(&server, Kind::Client).await;
    let last_use = async || server.get(&path).await.ok().json().get("lastUsedAt").cloned();
    let (environment, key) = (server.environment_id(0), server.key(0, Kind::Client));
    let read = async || {
        server.fetch(&format!("/v1/head/{environment}/client?key={key}"), None).await.ok();
    };
    let note =
        async |now: i64| server.app.sdk_keys.note_uses(&server.app.store, now).await.unwrap();
    note(NOW + 1).await;
    assert_eq!(last_use().await, None);
    read().await;
    // A request writes nothing.
    assert_eq!(last_use().await, None);
    // What was used is remembered when the keys are read anew.
    server.app.sdk_keys.reload(&server.app.store).await.unwrap();
    note(NOW + 2).await;
    assert_eq!(last_use().await, Some(json!(NOW + 2)));
    // Without a further use nothing is written, and a clock that went back takes nothing away.
    note(NOW + 3).await;
    assert_eq!(last_use().await, Some(json!(NOW + 2)));
    read().await;
    note(NOW + 1).await;
    assert_eq!(last_use().await, Some(json!(NOW + 2)));
    // What cannot be written is written the next time.
    read().await;
    server.app.store.set_away(true);
    assert!(server.app.sdk_keys.note_uses(&server.app.store, NOW + 4).await.is_err());
    server.app.store.set_away(false);
    note(NOW + 5).await;
    assert_eq!(last_use().await, Some(json!(NOW + 5)));
    // The others were not used.
    let other = key_path(&server, Kind::Server).await;
    assert_eq!(server.get(&other).await.ok().json().get("lastUsedAt"), None);
    let refused = server.fetch(&format!("/v1/head/{environment}/server?key={key}"), None).await;
    assert_eq!(refused.status, 403);
}
