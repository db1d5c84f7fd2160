//! The first start and every later one.

use std::os::unix::fs::PermissionsExt;

use axum::http::Method;
use pennon_control_plane::ambient::{Clock, Random};
use pennon_control_plane::first_start;
use pennon_control_plane::publish::signer::{SEAL_PURPOSE, Signer};
use pennon_control_plane::store::{Store, migrate};
use pennon_core::snapshot::Kind;
use pennon_core::snapshot::sign::SigningKey;
use serde_json::json;

use crate::support::*;

on_both_databases!(
    creates_everything_once,
    another_secret_is_refused,
    the_signing_seed_is_kept_sealed,
    a_signing_key_that_is_another_one_is_not_used,
    an_interrupted_first_start_is_done_again,
    imports_the_sample,
    two_replicas_start_at_once,
    an_acknowledged_change_is_published_after_a_restart,
);

async fn creates_everything_once(place: Place) {
    let server = start(&place).await;
    for file in ["root.key", "credentials.json"] {
        let mode = std::fs::metadata(place.folder.join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    assert_eq!(server.accepted(Kind::Client).await.head.version, 1);
    let first = std::fs::read(place.folder.join("credentials.json")).unwrap();

    server.app.store.close().await;
    let again = start(&place).await;
    assert_eq!(std::fs::read(place.folder.join("credentials.json")).unwrap(), first);
    assert_eq!(again.accepted(Kind::Server).await.head.version, 1);
    again.get("/admin/projects/default").await.ok();
}

async fn another_secret_is_refused(place: Place) {
    let server = start(&place).await;
    let error = Signer::load(&server.app.store, &[8; 32]).await.unwrap_err();
    assert!(error.to_string().contains("PENNON_SECRET"), "{error}");
}

async fn the_signing_seed_is_kept_sealed(place: Place) {
    let store = Store::connect(&place.database).await.unwrap();
    migrate(&store, NOW).await.unwrap();
    let (clock, random) = (Clock::manual(NOW), Random::seeded(5));
    first_start::prepare(&config(&place), &store, &SECRET, &clock, &random, "http://x")
        .await
        .unwrap();
    // The same randomness again: first the root key's seed, then the signing key's.
    let again = Random::seeded(5);
    let _root: [u8; 32] = again.bytes().unwrap();
    let seed: [u8; 32] = again.bytes().unwrap();
    let mut tx = store.begin_read().await.unwrap();
    let (public_key, sealed): (Vec<u8>, Vec<u8>) =
        sqlx::query_as("SELECT public_key, sealed_seed FROM signing_keys")
            .fetch_one(&mut *tx)
            .await
            .unwrap();
    assert_eq!(public_key, SigningKey::from_seed(seed).public_key(), "this is the seed");
    assert!(!sealed.windows(8).any(|part| seed.windows(8).any(|known| known == part)));
    drop(tx);
    store.close().await;
}

async fn a_signing_key_that_is_another_one_is_not_used(place: Place) {
    let server = start(&place).await;
    let seal = |seed: &[u8]| server.app.settings.vault.seal(SEAL_PURPOSE, seed, &server.app.random);
    let (other, short) = (seal(&[7; 32]).unwrap(), seal(&[7; 31]).unwrap());
    let mut corrupted = seal(&[7; 32]).unwrap();
    *corrupted.last_mut().unwrap() ^= 1;
    for (sealed, told) in
        [(other, "another key"), (short, "has not 32 bytes"), (corrupted, "PENNON_SECRET")]
    {
        let mut tx = server.app.store.begin().await.unwrap();
        let written = sqlx::query("UPDATE signing_keys SET sealed_seed = $1").bind(sealed);
        written.execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        let error = Signer::load(&server.app.store, &SECRET).await.unwrap_err().to_string();
        assert!(error.contains(told) && error.contains("signing key"), "{error}");
        // A server that runs keeps what it has, and what it signs is good.
        server.app.signer.reload(&server.app.store, &server.app.settings.vault).await.unwrap_err();
        server.boolean_flag(&format!("flag-{}", told.len())).await;
        server.publish().await;
        server.accepted(Kind::Server).await;
    }
}

async fn an_interrupted_first_start_is_done_again(place: Place) {
    let mut broken = config(&place);
    broken.credentials_file = Some(place.folder.join("no-such-folder/credentials.json"));
    let store = Store::connect(&place.database).await.unwrap();
    migrate(&store, NOW).await.unwrap();
    let (clock, random) = (Clock::manual(NOW), Random::seeded(1));
    let failed = first_start::prepare(&broken, &store, &SECRET, &clock, &random, "http://x").await;
    assert!(failed.unwrap_err().to_string().contains("no-such-folder"));
    store.close().await;
    // Nothing was committed, so this is the first start, with the root key that is there.
    let root = std::fs::read(place.folder.join("root.key")).unwrap();
    let server = start(&place).await;
    assert_eq!(std::fs::read(place.folder.join("root.key")).unwrap(), root);
    assert_eq!(server.accepted(Kind::Server).await.head.version, 1);
}

async fn imports_the_sample(place: Place) {
    let mut config = config(&place);
    config.bootstrap =
        Some(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/sample/config.json").into());
    let store = Store::connect(&place.database).await.unwrap();
    migrate(&store, NOW).await.unwrap();
    first_start::prepare(
        &config,
        &store,
        &SECRET,
        &Clock::manual(NOW),
        &Random::seeded(1),
        "http://127.0.0.1:8600",
    )
    .await
    .unwrap();
    store.close().await;
    let server = start(&place).await;
    let client = server.accepted(Kind::Client).await;
    assert_eq!(client.snapshot.flag_count(), 3);
    assert_eq!(server.accepted(Kind::Server).await.snapshot.flag_count(), 4);
    let sample: serde_json::Value =
        serde_json::from_slice(&std::fs::read(config.bootstrap.unwrap()).unwrap()).unwrap();
    let kept = server.get(&format!("{DEVELOPMENT}/config")).await.ok().json();
    assert_eq!(kept["flags"]["banner-text"], sample["flags"]["banner-text"]);
    assert_eq!(kept["segments"], sample["segments"]);
    assert_eq!(kept["attributes"], sample["attributes"]);
}

async fn two_replicas_start_at_once(place: Place) {
    let connect = async || {
        let store = Store::connect(&place.database).await.unwrap();
        migrate(&store, NOW).await.unwrap();
        let (clock, random) = (Clock::manual(NOW), Random::System);
        let config = config(&place);
        let prepared =
            first_start::prepare(&config, &store, &SECRET, &clock, &random, "http://x").await;
        let (fingerprint, created) = prepared.unwrap();
        store.close().await;
        (fingerprint, created)
    };
    let (one, other) = tokio::join!(connect(), connect());
    assert_eq!(one.0, other.0);
    assert_ne!(one.1, other.1, "exactly one start is the first");
}

async fn an_acknowledged_change_is_published_after_a_restart(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    server.turn("a", "on").await.ok();
    // As if killed here: nothing was published yet.
    assert_eq!(server.published_value("a").await, None);
    server.app.store.close().await;
    let again = start(&place).await;
    assert_eq!(again.published_value("a").await, Some(json!(true)));
    let waiting =
        again.admin(Method::GET, &format!("{DEVELOPMENT}/snapshots"), None).await.ok().json();
    assert_eq!(waiting["snapshots"][0]["version"], waiting["revision"]);
}
