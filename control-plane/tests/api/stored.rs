//! What lies in the database is verified before it is used, and what cannot be used holds up nothing else.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use pennon_control_plane::publish::publisher;
use pennon_control_plane::publish::replicas;
use pennon_control_plane::store::snapshots;
use pennon_core::protocol::connection::hex;
use pennon_core::snapshot::Kind;
use serde_json::json;

use crate::support::*;

on_both_databases!(
    a_damaged_body_is_never_served,
    a_damaged_head_stops_no_other_environment,
    an_error_that_another_replica_cured_is_forgotten,
    who_stops_waiting_leaves_no_transaction_behind,
);

fn flag(value: &str) -> serde_json::Value {
    let variants = json!([{ "key": "only", "value": value }]);
    json!({ "key": "text", "definition": { "type": "string", "variants": variants },
        "configuration": { "enabled": true, "fallthrough": { "variant": "only" } } })
}

async fn a_damaged_body_is_never_served(place: Place) {
    let server = start(&place).await;
    server.post("/admin/projects/default/flags", flag("Welcome to the shop")).await.ok();
    server.publish().await;
    let head = server.accepted(Kind::Server).await.head;
    let mut tx = server.app.store.begin().await.unwrap();
    let mut body = snapshots::body(&mut tx, &head.body_sha256).await.unwrap().unwrap();
    let at = body.windows(7).position(|part| part == b"Welcome").unwrap();
    body[at..at + 7].copy_from_slice(b"Hacked!");
    sqlx::query("UPDATE bodies SET bytes = $1 WHERE sha256 = $2")
        .bind(body)
        .bind(head.body_sha256.to_vec())
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    server.app.store.close().await;

    let again = start(&place).await;
    let secret = again.key(0, Kind::Server);
    let path = format!("/v1/head/{}/server", again.environment_id(0));
    assert_eq!(again.fetch(&path, Some(&secret)).await.problem().0, 503);
    let body = format!("/v1/body/{}", hex(&head.body_sha256));
    assert_eq!(again.fetch(&body, Some(&secret)).await.problem().0, 500);
    let ready = again.fetch("/readyz", None).await.json();
    assert_eq!(ready["status"], "degraded");
    assert_ne!(ready["unreadableSnapshots"], json!(0));
    // A change makes a sound one.
    again.boolean_flag("another").await;
    again.publish().await;
    replicas::refresh(&again.app).await.unwrap();
    assert_eq!(again.published_value("text").await, Some(json!("Welcome to the shop")));
    assert_eq!(again.fetch("/readyz", None).await.json()["unreadableSnapshots"], json!(0));
}

async fn a_damaged_head_stops_no_other_environment(place: Place) {
    let server = start(&place).await;
    for environment in [0, 1] {
        let (id, other) =
            (server.environment_id(environment), server.environment_id(1 - environment));
        let mut tx = server.app.store.begin().await.unwrap();
        let kept: Vec<(String, Vec<u8>)> =
            sqlx::query_as("SELECT kind, head FROM snapshots WHERE environment_id = $1")
                .bind(&id)
                .fetch_all(&mut *tx)
                .await
                .unwrap();
        let damage = "UPDATE snapshots SET head = $1 WHERE environment_id = $2 AND kind = $3";
        for (kind, head) in &kept {
            // The last byte belongs to the signature.
            let mut bent = head.clone();
            *bent.last_mut().unwrap() ^= 1;
            sqlx::query(damage).bind(bent).bind(&id).bind(kind).execute(&mut *tx).await.unwrap();
        }
        tx.commit().await.unwrap();
        let again = start(&place).await;
        let path = |id: &str| format!("/v1/head/{id}/server");
        let key = |environment: usize| again.key(environment, Kind::Server);
        assert_eq!(again.fetch(&path(&id), Some(&key(environment))).await.problem().0, 503);
        again.fetch(&path(&other), Some(&key(1 - environment))).await.ok();
        let mut tx = server.app.store.begin().await.unwrap();
        for (kind, head) in kept {
            sqlx::query(damage).bind(head).bind(&id).bind(kind).execute(&mut *tx).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
}

async fn an_error_that_another_replica_cured_is_forgotten(place: Place) {
    let server = start(&place).await;
    server.app.set_publish_error(&server.environment_id(0), Some("too large".to_owned()));
    let publishing = tokio::spawn(publisher::run(server.app.clone()));
    let cured = async {
        while server.app.publish_error_count() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), cured).await.expect("the error to be forgotten");
    server.app.stopping.send_replace(true);
    publishing.await.unwrap();
}

/// A reader that gives up between the question for a transaction and the answer must not leave its own to whoever changes something next.
async fn who_stops_waiting_leaves_no_transaction_behind(place: Place) {
    let server = start(&place).await;
    let store = &server.app.store;
    let mut gave_up = 0;
    for round in 0..300 {
        let patience = 1 + round % 6;
        gave_up += usize::from(polled(patience, store.begin_read()).await.is_none());
        let mut tx = store.begin().await.unwrap();
        let change = sqlx::query("UPDATE projects SET name = name").execute(&mut *tx).await;
        change.unwrap_or_else(|error| panic!("round {round}: {error}"));
    }
    assert!(gave_up >= 50, "only {gave_up} of 300 gave up");
}

/// What the future answers, or nothing if it has not when it was woken and polled so many times: then it is dropped, whatever it was at.
async fn polled<F: Future>(times: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = times;
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending => {
            left -= 1;
            if left == 0 { Poll::Ready(None) } else { Poll::Pending }
        }
    })
    .await
}
