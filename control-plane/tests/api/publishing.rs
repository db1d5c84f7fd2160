//! From a committed change to a published snapshot.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::Method;
use pennon_control_plane::publish::environment::configuration;
use pennon_control_plane::publish::publisher;
use pennon_control_plane::store::{environments, versions};
use pennon_core::config::compile;
use pennon_core::snapshot::Kind;
use serde_json::{Value, json};

use crate::support::*;

on_both_databases!(
    the_first_change_goes_at_once_and_a_burst_is_merged,
    heads_are_signed_again_in_time,
    heads_are_chained,
    a_clock_that_was_ahead_does_not_stay_in_the_heads,
    the_database_is_missed_and_greeted_once,
    what_is_kept_compiled_is_what_the_database_holds,
);

async fn the_first_change_goes_at_once_and_a_burst_is_merged(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    server.publish().await;
    let place = (server.connection(0, Kind::Server).environment, Kind::Server);
    let mut news = server.app.published.follow(place).unwrap();
    news.mark_unchanged();
    let publisher = tokio::spawn(publisher::run(server.app.clone()));
    let mut versions = Vec::new();
    let next = async |news: &mut tokio::sync::watch::Receiver<_>| {
        tokio::time::timeout(Duration::from_secs(10), news.changed())
            .await
            .expect("a publication")
            .unwrap();
    };
    server.turn("a", "on").await.ok();
    next(&mut news).await;
    versions.push(server.app.published.current(place).unwrap().head.version);
    for way in ["off", "on", "off", "on", "off"] {
        server.turn("a", way).await.ok();
    }
    while *versions.last().unwrap() < 8 {
        next(&mut news).await;
        versions.push(server.app.published.current(place).unwrap().head.version);
    }
    assert_eq!(versions, [3, 8], "one at once, five together");
    assert_eq!(server.published_value("a").await, Some(json!(false)));
    server.app.stopping.send_replace(true);
    publisher.await.unwrap();
}

async fn heads_are_signed_again_in_time(place: Place) {
    let server = start(&place).await;
    let first = server.accepted(Kind::Client).await.head;
    let publisher = tokio::spawn(publisher::run(server.app.clone()));
    let place = (server.connection(0, Kind::Client).environment, Kind::Client);
    let mut news = server.app.published.follow(place).unwrap();
    news.mark_unchanged();
    server.app.clock.advance(publisher::RENEW_MS);
    server.app.changed.notify_one();
    tokio::time::timeout(Duration::from_secs(10), news.changed())
        .await
        .expect("a renewal")
        .unwrap();
    let renewed = server.accepted(Kind::Client).await.head;
    assert_eq!((renewed.version, renewed.body_sha256), (first.version, first.body_sha256));
    assert_eq!(renewed.created, NOW + publisher::RENEW_MS);
    assert!(renewed.refresh_by > first.refresh_by && renewed.not_after > first.not_after);
    server.app.stopping.send_replace(true);
    publisher.await.unwrap();
}

async fn heads_are_chained(place: Place) {
    use sha2::{Digest, Sha256};
    let server = start(&place).await;
    let path =
        format!("/v1/head/{}/client?key={}", server.environment_id(0), server.key(0, Kind::Client));
    let first = server.fetch(&path, None).await.ok().bytes;
    server.boolean_flag("a").await;
    server.publish().await;
    let second = server.accepted(Kind::Client).await.head;
    assert_eq!(second.previous_head_sha256, <[u8; 32]>::from(Sha256::digest(&first)));
}

async fn a_clock_that_was_ahead_does_not_stay_in_the_heads(place: Place) {
    const YEAR_MS: i64 = 365 * 24 * 3_600_000;
    let server = start(&place).await;
    server.app.clock.advance(YEAR_MS);
    server.boolean_flag("a").await;
    server.publish().await;
    assert_eq!(server.accepted(Kind::Client).await.head.created, NOW + YEAR_MS);
    server.app.clock.advance(-YEAR_MS);
    server.turn("a", "on").await.ok();
    server.publish().await;
    assert_eq!(server.accepted(Kind::Client).await.head.created, NOW);
    assert_eq!(server.published_value("a").await, Some(json!(true)));
}

/// What is logged, for a test to read.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn count(&self, words: &str) -> usize {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap().matches(words).count()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

async fn the_database_is_missed_and_greeted_once(place: Place) {
    let server = start(&place).await;
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    server.app.store.close().await;
    let publisher = tokio::spawn(publisher::run(server.app.clone()));
    let missed = async {
        while log.count("the database is away") == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), missed).await.expect("a line");
    for _ in 0..5 {
        server.app.changed.notify_one();
        assert_eq!(server.get("/admin/projects").await.problem().0, 503);
        assert_eq!(server.fetch("/readyz", None).await.status, 503);
    }
    server.app.stopping.send_replace(true);
    publisher.await.unwrap();
    assert_eq!((log.count("WARN"), log.count("ERROR")), (1, 0));
    // As the publisher does when the outbox answers.
    for _ in 0..3 {
        server.app.set_database_up(true, &"");
    }
    assert_eq!(log.count("the database answers again"), 1);
}

async fn what_is_kept_compiled_is_what_the_database_holds(place: Place) {
    const PROJECT: &str = "/admin/projects/default";
    let server = start(&place).await;
    let flag = |key: &str, when: Value| {
        json!({
            "key": key,
            "definition": { "type": "boolean", "clientVisible": true },
            "configuration": {
                "enabled": true, "offVariant": "off", "fallthrough": { "variant": "on" },
                "rules": [{ "when": when, "serve": { "variant": "off" } }],
            },
        })
    };
    let (none, put, post) = (json!(null), Method::PUT, Method::POST);
    let needs_a = json!({ "flag": { "flag": "a", "variants": ["on"] } });
    let in_beta = json!({ "segment": "beta" });
    let beta = json!({ "included": ["u1"] });
    let on = json!({ "operations": [{ "op": "setFallthrough", "serve": { "variant": "off" } }] });
    // What is done, and whether what is kept is brought forward over it.
    for (method, path, body, forward) in [
        (&post, "flags", &flag("a", json!({ "all": [] })), true),
        (&post, "flags", &flag("b", needs_a), true),
        (&post, "environments/development/flags/a/off", &none, true),
        (&Method::PATCH, "flags/a", &json!({ "description": "first" }), true),
        (&post, "environments/development/flags/a/operations", &on, true),
        (&put, "segments/beta", &beta, false),
        (&post, "flags", &flag("c", in_beta), true),
        (&post, "environments/production/copy", &json!({ "from": "development" }), true),
        (&post, "environments/development/clone", &json!({ "key": "other" }), true),
        (&post, "flags/b/archive", &none, true),
        (&post, "flags/b/restore", &none, true),
        (&post, "flags/b/archive", &none, true),
        (&Method::DELETE, "flags/b", &none, true),
        (&put, "segments/beta", &json!({ "included": ["u2"] }), false),
    ] {
        let path = format!("{PROJECT}/{path}");
        let done = match (method.as_str(), body.clone()) {
            ("PATCH", body) => server.patch(&path, body).await,
            ("PUT", body) => server.put(&path, body).await,
            ("DELETE", _) => server.delete(&path).await,
            (_, Value::Null) => server.admin(Method::POST, &path, None).await,
            (_, body) => server.post(&path, body).await,
        };
        done.ok();
        let (store, compilations) = (&server.app.store, &server.app.compilations);
        let mut tx = store.begin_read().await.unwrap();
        for environment in environments::list_all(&mut tx).await.unwrap() {
            let new = environment.revision == 1 && environment.key == "other";
            let newest = versions::newest(&mut tx, &environment.project_id).await.unwrap();
            let kept = compilations.as_of(&mut tx, &environment, newest).await.unwrap();
            assert_eq!(kept.is_some(), forward && !new, "{path} in {}", environment.key);
            let source = compilations.newest(&mut tx, &environment).await.unwrap();
            let compilation = source.compiled();
            let whole = configuration(&mut tx, &environment).await.unwrap();
            assert_eq!(compilation.configuration(), whole, "{path} in {}", environment.key);
            for kind in Kind::ALL {
                assert_eq!(compilation.body(kind, &[]), compile(&whole, kind, &[]), "{path}");
            }
            compilations.keep(&environment.id, newest, compilation);
        }
    }
}
