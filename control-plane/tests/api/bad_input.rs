//! What comes in wrong gets a problem document that names the field, and leaves no trace.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use crate::support::*;

on_both_databases!(
    without_a_valid_token_nothing_is_told,
    odd_paths_do_not_exist,
    odd_bodies_are_refused,
    odd_keys_are_refused
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
    assert_eq!(post(json, b"{} {}".to_vec()).await.problem().0, 422);
    assert_eq!(post(json, b"\xff\xfe".to_vec()).await.problem().0, 400);
    assert_eq!(post(json, b"[1]".to_vec()).await.problem().0, 422);
    let deep = "[".repeat(100_000);
    assert_eq!(post(json, deep.into_bytes()).await.problem().0, 422);
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
