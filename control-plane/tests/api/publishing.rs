//! From a committed change to a published snapshot.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::Method;
use pennon_control_plane::publish::environment::configuration;
use pennon_control_plane::publish::publisher;
use pennon_control_plane::store::{Dialect, environments, versions};
use pennon_core::config::{Admission, compile};
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
    what_loses_a_third_of_its_flags_is_held_until_somebody_confirms,
    what_doubles_is_held_until_it_is_mended,
    a_body_that_is_not_given_back_is_not_published,
    one_replica_publishes_at_a_time,
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
                assert_eq!(
                    compilation.body(kind, Admission::default()),
                    compile(&whole, kind, &[]),
                    "{path}"
                );
            }
            compilations.keep(&environment.id, newest, compilation);
        }
    }
}

/// Flags with a text each, all in one import into development.
async fn import(server: &Server, count: usize, text: usize) {
    let flags: serde_json::Map<String, Value> = (0..count)
        .map(|number| {
            let variants = json!([{ "key": "only", "value": "x".repeat(text) }]);
            let flag = json!({ "type": "string", "clientVisible": number % 2 == 0, "enabled": true,
                "variants": variants, "fallthrough": { "variant": "only" } });
            (format!("flag-{number:02}"), flag)
        })
        .collect();
    let path = "/admin/projects/default/import?from=config&environment=development";
    let report = server.post(path, json!({ "format": 1, "flags": flags })).await.ok().json();
    assert_eq!(report["refused"], json!([]));
}

async fn delivery(server: &Server) -> Value {
    server.get(&format!("{DEVELOPMENT}/delivery")).await.ok().json()
}

async fn version(server: &Server) -> u64 {
    server.accepted(Kind::Server).await.head.version
}

async fn what_loses_a_third_of_its_flags_is_held_until_somebody_confirms(place: Place) {
    let server = start(&place).await;
    let id = server.environment_id(0);
    import(&server, 30, 10).await;
    server.publish().await;
    let fresh = delivery(&server).await;
    let (newest, kinds) = (fresh["revision"].as_u64().unwrap(), fresh["published"].as_array());
    for one in kinds.unwrap() {
        assert_eq!(one["version"], json!(newest));
        assert_eq!(one["signers"][0].as_str().unwrap().len(), 16);
        assert!(one["bytes"].as_u64().unwrap() > 0);
    }
    assert_eq!(kinds.unwrap().len(), 3);
    for absent in ["waiting", "error", "held"] {
        assert!(fresh.get(absent).is_none(), "{fresh}");
    }
    let confirm = async |revision: u64| {
        let path = format!("{DEVELOPMENT}/delivery/confirm");
        server.post(&path, json!({ "revision": revision, "comment": "old flags" })).await
    };
    assert_eq!(confirm(newest).await.problem(), (409, "conflict".to_owned()));

    let archive = async |number: usize| {
        let path = format!("/admin/projects/default/flags/flag-{number:02}/archive");
        server.admin(Method::POST, &path, None).await.ok();
    };
    for number in 0..9 {
        archive(number).await;
    }
    server.publish().await;
    assert_eq!(version(&server).await, newest + 9, "nine of thirty are no question");
    for number in 9..19 {
        archive(number).await;
    }
    server.app.clock.advance(5_000);
    let refused = publisher::publish(&server.app, &id).await.unwrap_err();
    assert!(refused.to_string().contains("loses 10 of 21 flags"), "{refused}");
    assert_eq!(version(&server).await, newest + 9);
    let told = delivery(&server).await;
    assert_eq!(told["held"]["revision"], json!(newest + 19));
    assert!(told["held"]["reasons"][0].as_str().unwrap().contains("flag-09"), "{told}");
    assert_eq!(told["waiting"]["revisions"], json!(10));
    assert_eq!(told["waiting"]["lag"], json!(5_000));
    assert!(told.get("error").is_none());
    // What is served goes on being served, also after a start.
    let again = start(&place).await;
    assert_eq!(version(&again).await, newest + 9);

    // A confirmation of something else is none, and neither is one for what came later.
    let stale = confirm(newest + 18).await;
    assert_eq!(stale.json()["current"]["held"]["revision"], json!(newest + 19));
    assert_eq!(stale.problem(), (409, "conflict".to_owned()));
    confirm(newest + 19).await.ok();
    archive(19).await;
    publisher::publish(&server.app, &id).await.unwrap_err();
    assert_eq!(delivery(&server).await["held"]["revision"], json!(newest + 21));
    confirm(newest + 21).await.ok();
    publisher::publish(&server.app, &id).await.unwrap();
    // The other environment lost the same flags, and nobody has confirmed that.
    publisher::publish_waiting(&server.app).await.unwrap_err();
    assert_eq!(version(&server).await, newest + 22);
    let fresh = delivery(&server).await;
    assert!(fresh.get("held").is_none() && fresh.get("waiting").is_none(), "{fresh}");
    let log = server.get("/admin/projects/default/audit").await.ok().json();
    let confirmed = log["items"].as_array().unwrap().iter();
    let confirmed: Vec<&Value> =
        confirmed.filter(|entry| entry["action"] == "publication.confirmed").collect();
    assert_eq!(confirmed.len(), 2);
    assert_eq!(confirmed[0]["comment"], json!("old flags"));
}

async fn what_doubles_is_held_until_it_is_mended(place: Place) {
    let server = start(&place).await;
    import(&server, 10, 9_000).await;
    server.publish().await;
    let before = version(&server).await;
    import(&server, 24, 9_000).await;
    let refused = publisher::publish_waiting(&server.app).await.unwrap_err();
    assert!(refused.to_string().contains("the server snapshot grows from"), "{refused}");
    assert_eq!(version(&server).await, before);
    // A later change that leaves less needs no confirmation.
    for number in 12..24 {
        let path = format!("/admin/projects/default/flags/flag-{number:02}/archive");
        server.admin(Method::POST, &path, None).await.ok();
    }
    server.publish().await;
    assert_eq!(version(&server).await, before + 13);
    assert!(delivery(&server).await.get("held").is_none());
}

async fn a_body_that_is_not_given_back_is_not_published(place: Place) {
    use sha2::{Digest, Sha256};
    let server = start(&place).await;
    server.boolean_flag("a").await;
    server.publish().await;
    let before = version(&server).await;
    server.turn("a", "on").await.ok();
    // The database has another body under the name of the next one.
    let mut tx = server.app.store.begin_read().await.unwrap();
    let environment = environments::get(&mut tx, &server.environment_id(0)).await.unwrap().unwrap();
    let whole = configuration(&mut tx, &environment).await.unwrap();
    drop(tx);
    let next = Sha256::digest(compile(&whole, Kind::Server, &[]).unwrap()).to_vec();
    let change = async |statement: &'static str, bytes: &[u8]| {
        let mut tx = server.app.store.begin().await.unwrap();
        let query = sqlx::query(statement).bind(next.clone()).bind(bytes.to_vec());
        query.execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    };
    change("INSERT INTO bodies (sha256, bytes, first_seen) VALUES ($1, $2, 0)", b"lost").await;
    let refused = publisher::publish_waiting(&server.app).await.unwrap_err();
    assert!(refused.to_string().contains("gave body"), "{refused}");
    assert_eq!(version(&server).await, before);
    assert_eq!(server.published_value("a").await, Some(json!(false)));
    let told = delivery(&server).await;
    assert!(told["error"]["detail"].as_str().unwrap().contains("gave body"), "{told}");
    assert_eq!(told["error"]["revision"], json!(before + 1));
    assert_eq!(told["waiting"]["revisions"], json!(1));

    change("DELETE FROM bodies WHERE sha256 = $1 AND bytes = $2", b"lost").await;
    server.publish().await;
    assert_eq!(server.published_value("a").await, Some(json!(true)));
    assert!(delivery(&server).await.get("error").is_none());
}

async fn one_replica_publishes_at_a_time(place: Place) {
    let (one, other) = (start(&place).await, start(&place).await);
    one.boolean_flag("a").await;
    let id = one.environment_id(0);
    let claim = other.app.store.claim(&id).await.unwrap().expect("nobody has it");
    let alone = one.app.store.dialect() == Dialect::Sqlite;
    // SQLite has one server, and asks nobody.
    assert_eq!(publisher::publish(&one.app, &id).await.unwrap(), alone);
    let elsewhere = one.environment_id(1);
    assert!(publisher::publish(&one.app, &elsewhere).await.unwrap(), "another environment");
    claim.release().await.unwrap();
    assert!(publisher::publish(&one.app, &id).await.unwrap());
    assert_eq!(version(&one).await, 2);
}
