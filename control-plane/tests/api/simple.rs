//! The simple evaluation API, at the control plane; the edge's is in edge-worker/tests/simple.test.mjs.

use axum::body::Body;
use axum::http::Request;
use pennon_core::snapshot::Kind;
use serde_json::{Value, json};

use crate::support::*;

on_both_databases!(answers_one_flag, answers_a_batch, another_environment_than_the_keys_is_refused,);

/// A boolean flag for clients that is on, a number that clients may not see, and a split.
async fn flagged(place: &Place) -> Server {
    let server = start(place).await;
    server.boolean_flag("a").await;
    server.turn("a", "on").await.ok();
    let variants = json!([{ "key": "few", "value": 3 }, { "key": "many", "value": 100 }]);
    let hidden =
        json!({ "key": "limit", "definition": { "type": "number", "variants": variants } });
    server.post("/admin/projects/default/flags", hidden).await.ok();
    server.boolean_flag("rollout").await;
    let weights =
        json!([{ "variant": "on", "weight": 50_000 }, { "variant": "off", "weight": 50_000 }]);
    let split = json!({ "enabled": true, "fallthrough": { "split": { "weights": weights } } });
    server.put(&format!("{DEVELOPMENT}/flags/rollout"), split).await.ok();
    server.publish().await;
    server
}

async fn ask(server: &Server, path: &str, key: &str) -> Answer {
    server.fetch(&format!("/api/v1/flags/{path}"), Some(key)).await
}

async fn batch(server: &Server, body: &str, key: &str) -> Answer {
    let request = Request::post("/api/v1/flags/batch")
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json");
    server.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

async fn answers_one_flag(place: Place) {
    let server = flagged(&place).await;
    let (client, secret) = (server.key(0, Kind::Client), server.key(0, Kind::Server));
    let on = ask(&server, "a?userId=u1&environment=development", &secret).await.ok();
    assert_eq!(
        on.json(),
        json!({ "key": "a", "enabled": true, "value": true, "variant": "on", "reason": "STATIC" })
    );
    assert_eq!(on.headers["cache-control"], "private, no-cache");
    let limit = ask(&server, "limit", &secret).await.ok().json();
    assert_eq!((&limit["enabled"], &limit["reason"]), (&json!(false), &json!("DISABLED")));
    // A client key, in the query as well.
    let query = format!("/api/v1/flags/a?userId=u1&key={client}");
    assert_eq!(server.fetch(&query, None).await.ok().json()["value"], json!(true));
    assert_eq!(ask(&server, "limit", &client).await.problem(), (404, "flag-not-found".to_owned()));
    let split = ask(&server, "rollout?userId=gr%C3%BCn+1", &secret).await.ok().json();
    assert_eq!(split["reason"], json!("SPLIT"));
    assert_eq!(split["enabled"], split["value"]);
    for (path, status, code) in [
        ("nowhere", 404, "flag-not-found"),
        ("rollout", 400, "targeting-key-missing"),
        ("a?user=u1", 400, "query"),
        ("a?userId=1&userId=2", 400, "query"),
        ("a?environment=production", 403, "key-environment"),
    ] {
        assert_eq!(
            ask(&server, path, &secret).await.problem(),
            (status, code.to_owned()),
            "{path}"
        );
    }
    assert_eq!(ask(&server, "a", "pns_nonsense").await.problem(), (401, "key-unknown".to_owned()));
    let in_url = format!("/api/v1/flags/a?key={secret}");
    assert_eq!(server.fetch(&in_url, None).await.problem(), (400, "key-in-query".to_owned()));
    // What is overdue says so.
    server.app.clock.advance(25 * 3_600_000);
    assert_eq!(ask(&server, "a", &secret).await.ok().json()["reason"], json!("STALE"));
}

async fn answers_a_batch(place: Place) {
    let server = flagged(&place).await;
    let (client, secret) = (server.key(0, Kind::Client), server.key(0, Kind::Server));
    let keys = |answer: &Value| {
        let flags = answer["flags"].as_array().unwrap();
        flags.iter().map(|flag| flag["key"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = batch(&server, r#"{"context":{"targetingKey":"u1"}}"#, &secret).await.ok().json();
    assert_eq!(keys(&all), ["a", "limit", "rollout"]);
    assert_eq!((&all["version"], &all["epoch"]), (&json!(6), &json!(1)));
    let some = batch(&server, "{}", &client).await.ok().json();
    assert_eq!(keys(&some), ["a", "rollout"]);
    let rollout = &some["flags"][1];
    assert_eq!(
        (&rollout["errorCode"], &rollout["enabled"], &rollout["value"]),
        (&json!("TARGETING_KEY_MISSING"), &json!(false), &Value::Null)
    );
    let named = r#"{"flags":["limit","a","limit"],"environment":"development"}"#;
    let named = batch(&server, named, &client).await.ok().json();
    assert_eq!(keys(&named), ["limit", "a", "limit"]);
    assert_eq!(named["flags"][0]["errorCode"], json!("FLAG_NOT_FOUND"));
    let many = json!({ "flags": vec!["a"; 1_001] }).to_string();
    for (body, code) in [
        ("", "body"),
        ("[]", "body"),
        (r#"{"user":"u1"}"#, "body"),
        (r#"{"flags":"a"}"#, "body"),
        (&many, "body"),
        (r#"{"context":{"targetingKey":{}}}"#, "invalid-context"),
    ] {
        assert_eq!(batch(&server, body, &secret).await.problem(), (400, code.to_owned()), "{body}");
    }
    let long = json!({ "context": { "a": "x".repeat(200_000) } }).to_string();
    assert_eq!(batch(&server, &long, &secret).await.problem(), (413, "body-too-large".to_owned()));
}

async fn another_environment_than_the_keys_is_refused(place: Place) {
    let server = flagged(&place).await;
    let secret = server.key(0, Kind::Server);
    let (own, other) = (server.environment_id(0), server.environment_id(1));
    for (name, status) in [
        (own.as_str(), 200),
        ("development", 200),
        (&other, 403),
        ("production", 403),
        ("DEVELOPMENT", 403),
    ] {
        let answer = ask(&server, &format!("a?environment={name}"), &secret).await;
        assert_eq!(answer.status.as_u16(), status, "{name}");
        let body = json!({ "flags": ["a"], "environment": name }).to_string();
        assert_eq!(batch(&server, &body, &secret).await.status.as_u16(), status, "{name}");
    }
}
