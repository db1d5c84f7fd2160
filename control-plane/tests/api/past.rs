//! What was published once: evaluated with at any version and time, and kept for so long.

use axum::http::Method;
use pennon_control_plane::publish::retention;
use pennon_core::protocol::connection::hex;
use pennon_core::snapshot::Kind;
use serde_json::{Value, json};

use crate::support::*;

on_both_databases!(
    what_a_context_got_at_any_version_and_time,
    what_is_asked_wrongly_is_told,
    old_bodies_are_gone_and_current_ones_stay,
);

const DAY_MS: i64 = 24 * 3_600_000;
const EVALUATE: &str = "/admin/projects/default/environments/development/evaluate";

async fn ask(server: &Server, more: Value) -> Answer {
    let mut question = json!({ "flag": "a", "context": { "targetingKey": "u" } });
    for (name, value) in more.as_object().unwrap() {
        question[name] = value.clone();
    }
    server.admin(Method::POST, EVALUATE, Some(question)).await
}

/// A flag that is off in version 2, on an hour later in 3, and off again two hours later in 4.
async fn a_history(server: &Server) {
    server.boolean_flag("a").await;
    server.publish().await;
    for way in ["on", "off"] {
        server.app.clock.advance(3_600_000);
        server.turn("a", way).await.ok();
        server.publish().await;
    }
}

async fn what_a_context_got_at_any_version_and_time(place: Place) {
    let server = start(&place).await;
    a_history(&server).await;
    let hidden = json!({ "key": "hidden", "definition": { "type": "boolean" } });
    server.post("/admin/projects/default/flags", hidden).await.ok();
    server.publish().await;
    // NOW is 2027-01-15T08:00:00Z.
    for (at, version, value) in [
        (json!("2"), 2, false),
        (json!("3"), 3, true),
        (json!("4"), 4, false),
        (json!("2027-01-15T08:00:00Z"), 2, false),
        (json!("2027-01-15T09:59:59.999+01:00"), 2, false),
        (json!("2027-01-15T09:00:00Z"), 3, true),
        (json!("2027-01-15T09:30:00Z"), 3, true),
        (json!("2100-01-01T00:00:00Z"), 5, false),
        (json!("999"), 5, false),
        (json!(null), 5, false),
    ] {
        let answer = ask(&server, json!({ "at": at })).await.ok().json();
        assert_eq!(
            (&answer["version"], &answer["outcome"]["value"]),
            (&json!(version), &json!(value)),
            "{at}"
        );
        assert!(!answer["trace"].as_array().unwrap().is_empty());
    }
    let then = ask(&server, json!({ "at": "2027-01-15T09:30:00Z" })).await.ok().json();
    assert_eq!(then["created"], NOW + 3_600_000);
    assert_eq!(then["now"], NOW + 5_400_000, "windows and ramps stand as they did then");
    let other = ask(&server, json!({ "at": "3", "now": 5 })).await.ok().json();
    assert_eq!(other["now"], 5);
    // Browsers get fewer flags.
    for (kind, reason) in [("server", "DISABLED"), ("client", "ERROR")] {
        let answer = ask(&server, json!({ "flag": "hidden", "kind": kind })).await.ok().json();
        assert_eq!(answer["outcome"]["reason"], reason, "{kind}");
    }
    let early = ask(&server, json!({ "at": "2000-01-01T00:00:00Z" })).await;
    assert_eq!(early.problem(), (404, "not-found".to_owned()));
}

async fn what_is_asked_wrongly_is_told(place: Place) {
    let server = start(&place).await;
    let deep = (0..40).fold(json!(1), |inner, _| json!({ "a": inner }));
    for (more, field) in [
        (json!({ "at": "yesterday" }), "at"),
        (json!({ "at": "" }), "at"),
        (json!({ "context": deep }), "context"),
        (json!({ "kind": "edge" }), "kind"),
        (json!({ "flag": 7 }), "flag"),
        (json!({ "when": "3" }), "when"),
    ] {
        let answer = ask(&server, more.clone()).await;
        assert!(matches!(answer.status.as_u16(), 400 | 422), "{more}: {answer:?}");
        let problem = answer.json();
        assert!(problem["field"].as_str().unwrap_or(field).contains(field), "{more}: {problem}");
    }
    let nowhere = "/admin/projects/default/environments/nowhere/evaluate";
    assert_eq!(server.post(nowhere, json!({ "flag": "a" })).await.problem().0, 404);
}

async fn old_bodies_are_gone_and_current_ones_stay(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    server.turn("a", "on").await.ok();
    server.publish().await;
    // The other environment never has this one: there the flag is off.
    let on = server.accepted(Kind::Client).await.head.body_sha256;
    server.turn("a", "off").await.ok();
    server.publish().await;
    // Far from memory, which keeps the last three.
    server.app.clock.advance(100 * DAY_MS);
    for number in 0..4 {
        server.boolean_flag(&format!("other-{number}")).await;
        server.publish().await;
    }
    let path = format!("/v1/body/{}?key={}", hex(&on), server.key(0, Kind::Client));
    server.fetch(&path, None).await.ok();
    assert_eq!(retention::expire(&server.app, 101).await.unwrap(), 0);
    let count = retention::expire(&server.app, 90).await.unwrap();
    assert!(count >= 3, "{count} bodies of three kinds");
    assert_eq!(retention::expire(&server.app, 90).await.unwrap(), 0);

    let gone = server.fetch(&path, None).await;
    assert_eq!(gone.headers["cache-control"], "no-store");
    assert_eq!(gone.problem(), (410, "expired".to_owned()));
    let elsewhere = format!("/v1/body/{}?key={}", hex(&on), server.key(1, Kind::Client));
    assert_eq!(server.fetch(&elsewhere, None).await.problem().1, "key-environment");
    let current = server.accepted(Kind::Client).await;
    let delta = format!("/v1/delta/{}/{}", hex(&on), hex(&current.head.body_sha256));
    let delta = server.fetch(&delta, Some(&server.key(0, Kind::Client))).await;
    assert_eq!(delta.problem().0, 404);
    assert_eq!(ask(&server, json!({ "at": "3" })).await.problem(), (410, "expired".to_owned()));
    ask(&server, json!({})).await.ok();
    // The other environment has published nothing since: what is current stays, however old.
    let production = server.environment_id(1);
    let head = format!("/v1/head/{production}/client?key={}", server.key(1, Kind::Client));
    let head =
        pennon_core::snapshot::Head::parse(&server.fetch(&head, None).await.ok().bytes).unwrap();
    let mut tx = server.app.store.begin_read().await.unwrap();
    let kept =
        pennon_control_plane::store::snapshots::body(&mut tx, &head.body_sha256).await.unwrap();
    assert_eq!(kept.unwrap().len(), head.body_length as usize);
    drop(tx);

    // Published once more, a body is there again.
    for number in 0..4 {
        server.discard(&format!("other-{number}")).await;
    }
    server.turn("a", "on").await.ok();
    server.publish().await;
    assert_eq!(server.accepted(Kind::Client).await.head.body_sha256, on);
    server.fetch(&path, None).await.ok();
    let again = start(&place).await;
    again.fetch(&path, None).await.ok();
}
