//! Backups, from and into both databases.

use pennon_control_plane::publish::signer::Signer;
use pennon_control_plane::store::audit::{self, Verified};
use pennon_control_plane::store::backup::{restore, write};
use pennon_control_plane::store::{Store, projects};
use pennon_core::snapshot::{Acceptance, Kind};
use serde_json::json;

use crate::support::*;

on_both_databases!(
    a_backup_moves_between_databases_and_clients_follow,
    what_is_damaged_restores_nothing,
    only_an_empty_database_is_filled,
);

/// A server on a SQLite file of its own, beside the database of the test.
async fn source(place: &Place) -> Server {
    start(&elsewhere(place, "source")).await
}

fn elsewhere(place: &Place, name: &str) -> Place {
    let database = format!("sqlite:{}", place.folder.join(format!("{name}.sqlite")).display());
    Place { folder: place.folder.clone(), database }
}

async fn written(server: &Server) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&server.app.store, &mut bytes, NOW).await.unwrap();
    bytes
}

async fn restored(place: &Place, backup: &[u8], now_ms: i64) -> Result<u64, String> {
    let store = Store::connect(&place.database).await.unwrap();
    let result = restore(&store, backup, now_ms).await;
    store.close().await;
    result.map(|contents| contents.rows).map_err(|error| error.to_string())
}

async fn a_backup_moves_between_databases_and_clients_follow(place: Place) {
    let old = source(&place).await;
    old.boolean_flag("a").await;
    old.turn("a", "on").await.ok();
    let hook = json!({ "name": "hook", "url": "https://example.com/", "events": ["*"] });
    old.post("/admin/projects/default/webhooks", hook).await.ok();
    let backup = written(&old).await;
    // Whatever came after the backup is lost, but clients have seen it.
    for way in ["off", "on", "off"] {
        old.turn("a", way).await.ok();
    }
    old.publish().await;
    let connection = old.connection(0, Kind::Server);
    let mut client =
        Acceptance::new(connection.root_fingerprint, connection.environment, Kind::Server, None);
    client.accept_keyset(&old.fetch("/v1/keyset/1", None).await.ok().bytes).unwrap();
    let seen = deliver(&old, &mut client).await;
    assert_eq!((seen, value(&old).await), ((1, 6), Some(json!(false))));
    old.app.store.close().await;

    let later = NOW + 3_600_000;
    let rows = restored(&place, &backup, later).await.unwrap();
    assert!(rows > 30, "{rows}");
    let new = start(&place).await;
    assert_eq!(value(&new).await, Some(json!(true)), "as it was backed up");
    let epoch = u32::try_from(later / 1_000).unwrap();
    assert_eq!(deliver(&new, &mut client).await, (epoch, 3), "a lower version of a higher epoch");
    // Writes go on behind the newest entry, and the chain holds.
    new.boolean_flag("b").await;
    new.publish().await;
    let mut tx = new.app.store.begin_read().await.unwrap();
    for project in projects::list(&mut tx).await.unwrap() {
        let verified = audit::verify(&mut tx, &project.id).await.unwrap();
        assert!(matches!(verified, Verified::Whole { entries: 5, .. }), "{verified:?}");
    }
    drop(tx);

    // And back, from whatever database this is.
    let third = elsewhere(&place, "third");
    let backup = written(&new).await;
    restored(&third, &backup, later + 500).await.unwrap();
    let third = start(&third).await;
    assert_eq!(deliver(&third, &mut client).await, (epoch + 1, 4), "raised even within a second");
    let hooks = third.get("/admin/projects/default/webhooks").await.ok().json();
    assert_eq!(hooks["items"].as_array().unwrap().len(), 1);
    // The same rows again, whichever database they went through.
    let bodies = |backup: &[u8]| {
        let text = String::from_utf8(backup.to_vec()).unwrap();
        let mut lines: Vec<String> =
            text.lines().filter(|line| line.contains("flag.created")).map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(bodies(&written(&third).await), bodies(&backup));
}

/// Fetches and accepts what the server has now, as a client does that has been there before; epoch and version of it.
async fn deliver(server: &Server, client: &mut Acceptance) -> (u32, u64) {
    let connection = server.connection(0, Kind::Server);
    let key = Some(connection.sdk_key.as_str());
    let path = format!("/v1/head/{}/server", server.environment_id(0));
    let head = server.fetch(&path, key).await.ok().bytes;
    let parsed = pennon_core::snapshot::Head::parse(&head).unwrap();
    let sha256 = pennon_core::protocol::connection::hex(&parsed.body_sha256);
    let body = server.fetch(&format!("/v1/body/{sha256}"), key).await.ok().bytes;
    let accepted = client.accept(&head, body.to_vec(), server.app.clock.now_ms()).unwrap();
    (accepted.head.epoch, accepted.head.version)
}

async fn value(server: &Server) -> Option<serde_json::Value> {
    server.published_value("a").await
}

async fn what_is_damaged_restores_nothing(place: Place) {
    let server = source(&place).await;
    server.boolean_flag("a").await;
    let good = written(&server).await;
    let text = String::from_utf8(good.clone()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let without = |index: usize| {
        let kept = lines.iter().enumerate().filter(|(at, _)| *at != index);
        kept.map(|(_, line)| format!("{line}\n")).collect::<String>()
    };
    let row = lines.iter().position(|line| line.starts_with('[')).unwrap();
    let cases = [
        ("nothing", String::new(), "ends in the middle"),
        ("no backup", "{}\n".to_owned(), "line 1"),
        ("another format", text.replacen("pennon backup", "other", 1), "no backup of version 1"),
        (
            "a newer program",
            text.replacen("\"migrations\":[[1,", "\"migrations\":[[999,\"00\"],[1,", 1),
            "run a newer pennon",
        ),
        ("cut off in a line", text[..text.len() / 2].to_owned(), "line"),
        (
            "cut off between lines",
            format!("{}\n", lines[..lines.len() - 1].join("\n")),
            "ends in the middle",
        ),
        ("a row is gone", without(row), "its digest is another one"),
        (
            "a value is another",
            text.replace("\"token:admin\"", "\"token:other\""),
            "its digest is another one",
        ),
        (
            "another table",
            text.replacen("\"table\":\"flags\"", "\"table\":\"sqlite_master\"", 1),
            "no such table",
        ),
        (
            "another column",
            text.replacen(
                "[\"changes\",\"BIGINT\"]",
                "[\"changes) VALUES (1); --\",\"BIGINT\"]",
                1,
            ),
            "no such table",
        ),
        ("a long row", text.replacen("[\"", "[\"more\",\"", 3), "line"),
    ];
    for (name, backup, why) in cases {
        assert_ne!(backup, text, "{name}: it is damaged");
        let refused = restored(&place, backup.as_bytes(), NOW).await.unwrap_err();
        assert!(refused.contains(why), "{name}: {refused}");
    }
    // None of them left anything that would be in the way.
    restored(&place, &good, NOW).await.unwrap();
}

async fn only_an_empty_database_is_filled(place: Place) {
    let server = source(&place).await;
    let backup = written(&server).await;
    restored(&place, &backup, NOW).await.unwrap();
    let refused = restored(&place, &backup, NOW).await.unwrap_err();
    assert!(refused.contains("not empty"), "{refused}");
    let store = Store::connect(&place.database).await.unwrap();
    Signer::load(&store, &SECRET).await.unwrap();
    let text = String::from_utf8(backup).unwrap();
    assert!(!text.contains(&server.token), "no token is in it");
    for kind in Kind::ALL {
        assert!(!text.contains(&server.key(0, kind)), "nor a key");
    }
    store.close().await;
}
