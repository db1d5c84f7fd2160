//! What comes in wrong gets a problem document that names the field, and leaves no trace.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::{Body, Bytes};
use axum::http::Request;
use pennon_control_plane::routes::body::MAX_PUBLIC_BYTES;
use serde_json::json;

use crate::support::*;

on_both_databases!(
    without_a_valid_token_nothing_is_told,
    odd_paths_do_not_exist,
    odd_bodies_are_refused,
    odd_keys_are_refused,
    bodies_are_read_of_those_alone_who_may_send_them,
    what_has_another_shape_is_told_by_its_field,
);

async fn without_a_valid_token_nothing_is_told(place: Place) {
    let server = start(&place).await;
    let wrong = format!("pna_{}", "A".repeat(43));
    let longer = format!("{}A", server.token);
    let client = server.key(0, pennon_core::snapshot::Kind::Client);
    for token in ["", "Bearer", "Bearer ", "Basic x", "Bearer \u{e4}"]
        .map(str::to_owned)
        .into_iter()
        .chain([format!("Bearer {wrong}"), format!("Bearer {longer}"), format!("Bearer {client}")])
    {
        let request = Request::get("/admin/projects").header("authorization", token.as_bytes());
        let answer = server.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.problem(), (401, "token".to_owned()), "{token}");
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
        assert!(answer.headers.contains_key("x-request-id"));
    }
    let without = server.send(Request::get("/admin/projects").body(Body::empty()).unwrap()).await;
    assert_eq!(without.problem().0, 401);
    // Even a body that is wrong is not looked at.
    let request = Request::post("/admin/projects").body(Body::from("{")).unwrap();
    assert_eq!(server.send(request).await.problem().0, 401);
}

async fn odd_paths_do_not_exist(place: Place) {
    let server = start(&place).await;
    for path in [
        "/admin/projects/%00",
        "/admin/projects/DEFAULT",
        "/admin/projects/default/flags/a%00b",
        "/admin/projects/default/flags/%ff",
        "/admin/projects/default/environments/x%27%3B--",
        "/admin/projects/default/segments/..%2f..",
        &format!("/admin/projects/default/flags/{}", "a".repeat(5_000)),
        "/admin/projects/default/environments/development/flags/nowhere",
        "/admin/nowhere",
        "/nowhere",
    ] {
        let answer = server.get(path).await;
        let (status, _) = answer.problem();
        assert!(status == 404 || (status == 400 && path.contains("%ff")), "{path}: {answer:?}");
    }
    assert_eq!(
        server.admin(axum::http::Method::PATCH, "/admin/projects", None).await.problem().0,
        405
    );
    assert_eq!(server.get("/admin/projects/default/audit?limit=x").await.problem().0, 422);
    assert_eq!(server.get("/admin/projects/default/audit?limit=0").await.problem().0, 422);
    assert_eq!(server.delete(&format!("{DEVELOPMENT}/sdk-keys/%00")).await.problem().0, 404);
}

async fn odd_bodies_are_refused(place: Place) {
    let server = start(&place).await;
    let post = async |content_type: &str, body: Vec<u8>| {
        let request = Request::post("/admin/projects/default/flags")
            .header("authorization", format!("Bearer {}", server.token))
            .header("content-type", content_type);
        server.send(request.body(Body::from(body)).unwrap()).await
    };
    let json = "application/json";
    assert_eq!(
        post("text/plain", b"{}".to_vec()).await.problem(),
        (415, "content-type".to_owned())
    );
    assert_eq!(post(json, b"{".to_vec()).await.problem(), (400, "not-json".to_owned()));
    assert_eq!(post(json, b"{} {}".to_vec()).await.problem(), (400, "not-json".to_owned()));
    assert_eq!(post(json, b"\xff\xfe".to_vec()).await.problem().0, 400);
    assert_eq!(post(json, b"[1]".to_vec()).await.problem().0, 422);
    let deep = "[".repeat(100_000);
    assert_eq!(post(json, deep.into_bytes()).await.problem().0, 400);
    let nested = format!(r#"{{"key":"a","definition":{}"#, r#"{"a":"#.repeat(5_000));
    assert_eq!(post(json, nested.into_bytes()).await.problem().0, 400);
    let long = vec![b' '; pennon_control_plane::routes::body::MAX_JSON_BYTES + 1];
    assert_eq!(post(json, long).await.problem(), (413, "too-large".to_owned()));
    let unknown = post(json, br#"{"key":"a","definition":{},"colour":1}"#.to_vec()).await;
    assert_eq!(unknown.problem(), (422, "invalid".to_owned()));
    assert_eq!(unknown.json()["field"], "colour");
    let wrong = post(
        json,
        br#"{"key":"a","definition":{"type":"boolean","variants":[{"key":"on","value":1}]}}"#
            .to_vec(),
    )
    .await;
    assert_eq!(wrong.problem().0, 422);
    assert!(
        wrong.json()["field"].as_str().unwrap().starts_with("definition.variants"),
        "{wrong:?}"
    );
    // No database's text holds a NUL, wherever it stands.
    let described =
        json!({ "key": "nul", "definition": { "type": "boolean", "description": "a\0b" } });
    let refused = server.post("/admin/projects/default/flags", described).await;
    assert_eq!(refused.problem().0, 422);
    assert_eq!(refused.json()["field"], "definition.description");
    assert_eq!(
        server.get("/admin/projects/default/flags").await.ok().json()["items"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
}

async fn odd_keys_are_refused(place: Place) {
    let server = start(&place).await;
    for key in ["", "A", "a b", "a/b", "new", "constructor", "on", "a\0", &"a".repeat(129)] {
        let flag = json!({ "key": key, "definition": { "type": "boolean" } });
        let refused = server.post("/admin/projects/default/flags", flag).await;
        assert_eq!(refused.problem().0, 422, "{key:?}");
        assert_eq!(refused.json()["field"], "key");
        assert_eq!(server.post("/admin/projects", json!({ "key": key })).await.problem().0, 422);
    }
    let nameless = server.post("/admin/projects", json!({ "key": "a", "name": "a\0b" })).await;
    assert_eq!(nameless.json()["field"], "name");
    let keys = format!("{DEVELOPMENT}/sdk-keys");
    assert_eq!(server.post(&keys, json!({ "kind": "admin" })).await.json()["field"], "kind");
}

/// A body that has no end, and counts what is taken of it.
fn endless() -> (Body, Arc<AtomicUsize>) {
    const PART: usize = 1_024;
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    let parts = futures_util::stream::repeat_with(move || {
        count.fetch_add(PART, Ordering::Relaxed);
        Ok::<_, Infallible>(Bytes::from_static(&[b' '; PART]))
    });
    (Body::from_stream(parts), taken)
}

async fn bodies_are_read_of_those_alone_who_may_send_them(place: Place) {
    let server = start(&place).await;
    let viewer = json!({ "name": "viewer", "role": "viewer" });
    let viewer = server.post("/admin/projects/default/tokens", viewer).await.ok().json();
    let viewer = format!("Bearer {}", viewer["token"].as_str().unwrap());
    let unknown = format!("Bearer pna_{}", "A".repeat(43));
    let ask = async |path: &str, authorization: Option<&str>| {
        let (body, taken) = endless();
        let mut request = Request::post(path).header("content-type", "application/json");
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let answer = server.send(request.body(body).unwrap()).await;
        (answer.status.as_u16(), taken.load(Ordering::Relaxed))
    };
    let flags = "/admin/projects/default/flags";
    assert_eq!(ask(flags, None).await, (401, 0));
    assert_eq!(ask(flags, Some(&unknown)).await, (401, 0));
    assert_eq!(ask(flags, Some(&viewer)).await, (403, 0));
    assert_eq!(ask("/admin/projects/default/import", Some(&viewer)).await, (403, 0));
    for path in ["/ofrep/v1/evaluate/flags", "/ofrep/v1/evaluate/flags/a", "/api/v1/flags/batch"] {
        assert_eq!(ask(path, None).await, (401, 0), "{path}");
        assert_eq!(ask(path, Some("Bearer pns_nobody")).await, (401, 0), "{path}");
    }
    // What anybody may ask is short.
    for path in ["setup", "sign-in", "invitation", "token", "token/refresh", "token/revoke"] {
        let (status, taken) = ask(&format!("/auth/{path}"), None).await;
        assert_eq!(status, 413, "{path}");
        assert!(taken <= MAX_PUBLIC_BYTES + 4_096, "{path}: {taken}");
    }
    // The test would see it: of somebody who may, as much is read as may come.
    let owner = format!("Bearer {}", server.token);
    let (status, taken) = ask(flags, Some(&owner)).await;
    assert!(status == 413 && taken > 1_000_000, "{status} {taken}");
}

/// Serde by itself takes a list for an object, and calls a wrong type for a choice no JSON.
async fn what_has_another_shape_is_told_by_its_field(place: Place) {
    let server = start(&place).await;
    let project = "/admin/projects/default";
    server.boolean_flag("a").await;
    let audit = async || server.get(&format!("{project}/audit?limit=1")).await.ok().json();
    let before = audit().await;
    let draft = |flag: serde_json::Value| json!({ "flags": { "a": flag } });
    let long = "x".repeat(1 << 20);
    let cases = [
        ("/admin/projects".to_owned(), json!(["a-key", "A name"]), ""),
        (format!("{project}/members"), json!(["ada@example.com", "owner", {}]), ""),
        (format!("{DEVELOPMENT}/sdk-keys"), json!({ "kind": true }), "kind"),
        (format!("{DEVELOPMENT}/sdk-keys"), json!({ "kind": null }), "kind"),
        (format!("{project}/tokens"), json!({ "name": "ci", "role": 7 }), "role"),
        (format!("{DEVELOPMENT}/evaluate"), json!({ "flag": "a", "kind": 1 }), "kind"),
        (format!("{DEVELOPMENT}/evaluate"), json!({ "flag": long }), "flag"),
        (format!("{DEVELOPMENT}/draft"), json!([]), ""),
        (format!("{DEVELOPMENT}/draft"), draft(json!([null, null])), "flags.a"),
        (
            format!("{DEVELOPMENT}/draft"),
            draft(json!({ "definition": { "type": "boolean", "variants": [], "name": long } })),
            "flags.a.definition.name",
        ),
        (
            format!("{project}/flags"),
            json!({ "key": "b", "definition": { "type": "boolean", "variants": [["on", true]] } }),
            "definition.variants[0]",
        ),
    ];
    for (path, body, field) in cases {
        let answer = server.post(&path, body).await;
        assert_eq!(answer.problem(), (422, "invalid".to_owned()), "{path}: {answer:?}");
        assert_eq!(answer.json()["field"], json!(field), "{path}: {answer:?}");
    }
    for patch in [json!(null), json!([])] {
        let answer = server.patch(DEVELOPMENT, patch.clone()).await;
        assert_eq!(answer.problem(), (422, "invalid".to_owned()), "{patch}: {answer:?}");
        assert_eq!(answer.json()["field"], "", "{patch}");
    }
    // Nothing that is left out takes a protection away.
    let answer = server.patch(DEVELOPMENT, json!({ "protected": null })).await;
    assert_eq!(answer.problem(), (422, "invalid".to_owned()), "{answer:?}");
    assert_eq!(answer.json()["field"], "protected");
    // What is wrong with a document is told by its place in it.
    let attribute = json!({ "type": "string", "description": long });
    let answer = server.put(&format!("{project}/attributes/plan"), attribute).await;
    assert_eq!(answer.problem().0, 422);
    assert_eq!(answer.json()["field"], "description");
    assert_eq!(audit().await, before, "nothing was written");
}
