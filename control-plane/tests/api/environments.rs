//! Environments and their SDK keys: what people say about them, and in which order they stand.

use axum::http::Method;
use pennon_control_plane::publish::{publisher, replicas};
use pennon_core::snapshot::Kind;
use serde_json::{Value, json};

use crate::support::*;

on_both_databases!(
    settings_change_and_nothing_is_published,
    environments_stand_in_their_order,
    odd_settings_are_refused,
    an_sdk_key_is_renamed,
    the_last_use_of_a_key_is_written_once_for_many,
    a_deleted_environment_ends_everywhere,
    what_is_used_or_protected_is_not_deleted_by_mistake,
    nothing_is_published_of_what_is_deleted,
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

async fn a_deleted_environment_ends_everywhere(place: Place) {
    let server = start(&place).await;
    let other = start(&place).await;
    server.boolean_flag("a").await;
    server.turn("a", "on").await.ok();
    server.publish().await;
    replicas::refresh(&other.app).await.unwrap();
    let id = server.environment_id(0);
    let key = server.key(0, Kind::Server);
    let head = format!("/v1/head/{id}/server");
    let narrowed = json!({ "name": "ci", "role": "editor", "environments": { "development": "viewer", "production": "viewer" } });
    let token = server.post("/admin/projects/default/tokens", narrowed).await.ok().json();
    let mut streams = Vec::new();
    for replica in [&server, &other] {
        let mut events = crate::streams::open(replica).await.ok().unwrap();
        assert!(events.next().await.unwrap().contains("event: head"));
        replica.fetch(&head, Some(&key)).await.ok();
        streams.push(events);
    }

    let kept = server.get(DEVELOPMENT).await.ok().json();
    assert_eq!(server.admin(Method::DELETE, DEVELOPMENT, None).await.problem().0, 428);
    assert_eq!(server.delete(DEVELOPMENT).await.ok().status, 204);
    // The other replica finds it in the database.
    replicas::refresh(&other.app).await.unwrap();
    for (replica, mut events) in [&server, &other].into_iter().zip(streams) {
        assert!(events.next().await.unwrap().starts_with("event: goodbye"));
        assert_eq!(events.next().await, None);
        let refused = replica.fetch(&head, Some(&key)).await;
        assert_eq!(refused.problem(), (401, "key-unknown".to_owned()));
        assert_eq!(replica.get(DEVELOPMENT).await.problem().0, 404);
        assert_eq!(replica.app.published.all().len(), Kind::ALL.len(), "production alone");
    }
    assert_eq!(keys(&server).await, ["production"]);
    let flag = server.get("/admin/projects/default/flags/a").await.ok();
    assert_eq!(flag.json()["key"], "a", "what it is stays");
    let tokens = server.get("/admin/projects/default/tokens").await.ok().json();
    let own = tokens["items"].as_array().unwrap().iter().find(|one| one["id"] == token["id"]);
    assert_eq!(own.unwrap()["environments"], json!({ "production": "viewer" }));

    let log = server.get("/admin/projects/default/audit").await.ok().json();
    let entry = &log["items"][0];
    assert_eq!(
        (&entry["action"], &entry["target"]),
        (&json!("environment.deleted"), &json!("development"))
    );
    assert_eq!((&entry["oldValue"], &entry["newValue"]), (&kept, &json!(null)));
    let change = format!("/admin/projects/default/changes/{}", entry["sequence"]);
    let change = server.get(&change).await.ok().json();
    assert_eq!(change["objects"][0]["environment"], "development", "{change}");

    // Its key is free, and what is made under it is another environment, with nothing of the old one.
    let made = server.post(ENVIRONMENTS, json!({ "key": "development" })).await.ok().json();
    assert_ne!(made["id"], json!(id));
    assert_eq!(
        server.get(&format!("{DEVELOPMENT}/sdk-keys")).await.ok().json()["items"],
        json!([])
    );
    let does = server.get(&format!("{DEVELOPMENT}/flags/a")).await.ok().json();
    assert_eq!(does["enabled"], json!(false));
    server.publish().await;
    assert_eq!(server.fetch(&head, Some(&key)).await.problem().0, 401);
    // And so after a start.
    let again = start(&place).await;
    assert_eq!(again.fetch(&head, Some(&key)).await.problem().0, 401);
    assert_eq!(again.app.published.all().len(), 2 * Kind::ALL.len());
}

async fn what_is_used_or_protected_is_not_deleted_by_mistake(place: Place) {
    let server = start(&place).await;
    let production = format!("{ENVIRONMENTS}/production");
    let hook = |environments: Value| json!({ "name": "Chat", "url": "https://example.com/", "events": ["*"], "environments": environments });
    let made = server.post("/admin/projects/default/webhooks", hook(json!(["production"]))).await;
    let path =
        format!("/admin/projects/default/webhooks/{}", made.ok().json()["id"].as_str().unwrap());
    let delete = async |query: &str| {
        let seen = server.seen(&production).await;
        let path = format!("{production}{query}");
        server.admin_if(Method::DELETE, &path, None, seen.as_deref()).await
    };
    let refused = delete("").await;
    assert_eq!(refused.problem(), (409, "conflict".to_owned()));
    assert_eq!(refused.json()["field"], "confirm");
    for wrong in ["?confirm=development", "?confirm="] {
        let refused = delete(wrong).await;
        assert_eq!(refused.problem(), (422, "invalid".to_owned()));
        assert_eq!(refused.json()["field"], "confirm");
    }
    assert_eq!(delete("?force=true").await.json()["field"], "force");
    let refused = delete("?confirm=production").await;
    assert_eq!(refused.problem(), (409, "conflict".to_owned()));
    assert!(refused.json()["detail"].as_str().unwrap().contains("webhook \"Chat\""));
    server.put(&path, hook(json!(["development"]))).await.ok();
    let stale = server.admin_if(Method::DELETE, &production, None, Some("\"0\"")).await;
    assert_eq!(stale.json()["current"]["key"], "production");
    assert_eq!(keys(&server).await, ["development", "production"]);
    delete("?confirm=production").await.ok();
    assert_eq!(keys(&server).await, ["development"]);
}

/// The publisher has read an environment, or even signed its snapshot, when it is deleted.
async fn nothing_is_published_of_what_is_deleted(place: Place) {
    let server = start(&place).await;
    let id = server.environment_id(0);
    let own = server.connection(0, Kind::Server).environment;
    let held = server.app.published.current((own, Kind::Server)).unwrap();
    server.boolean_flag("a").await;
    let (published, deleted) =
        tokio::join!(publisher::publish(&server.app, &id), server.delete(DEVELOPMENT));
    published.unwrap();
    deleted.ok();
    assert!(server.app.published.all().iter().all(|(place, _)| *place != own));
    // What comes late is not taken.
    assert!(!server.app.published.install(own, held));
    assert!(server.app.published.current((own, Kind::Server)).is_none());
    server.publish().await;
    replicas::refresh(&server.app).await.unwrap();
    assert!(server.app.published.all().iter().all(|(place, _)| *place != own));
}
