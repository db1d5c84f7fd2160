//! Signing keys of a server that runs: rotated, revoked, signed elsewhere.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Instant;

use pennon_core::protocol::connection::{ConnectionString, hex};
use pennon_core::snapshot::{Acceptance, Head, Kind, Refusal};
use serde_json::Value;

use crate::server::{PATIENCE, Pennon, folder, start};

/// What a head says, signature included: the key's id stands behind the algorithm.
fn signer(head: &[u8]) -> String {
    hex(&head[161..169])
}

struct World {
    folder: PathBuf,
    pennon: Pennon,
    connections: Vec<ConnectionString>,
    http: reqwest::Client,
}

impl World {
    async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = folder("keys");
        let pennon = start(&folder, &[]).await;
        let text = std::fs::read(folder.join("credentials.json")).unwrap();
        let credentials: Value = serde_json::from_slice(&text).unwrap();
        let strings = &credentials["environments"][0]["connectionStrings"];
        let connections = Kind::ALL
            .iter()
            .map(|kind| ConnectionString::parse(strings[kind.as_str()].as_str().unwrap()).unwrap())
            .collect();
        Self { folder, pennon, connections, http: reqwest::Client::new() }
    }

    fn keys(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pennon"));
        command.arg("keys").args(arguments).current_dir(&self.folder).env_remove("PENNON_SECRET");
        let Output { status, stdout, stderr } = command.output().unwrap();
        let [out, told] = [stdout, stderr].map(|text| String::from_utf8(text).unwrap());
        if status.success() { Ok(out) } else { Err(told) }
    }

    async fn get(&self, path: &str, key: &str) -> Vec<u8> {
        let request = self.http.get(format!("{}{path}", self.pennon.url)).bearer_auth(key);
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.bytes().await.unwrap().to_vec()
    }

    async fn head(&self, connection: &ConnectionString) -> Vec<u8> {
        let (environment, kind) = (hex(&connection.environment), connection.kind.as_str());
        self.get(&format!("/v1/head/{environment}/{kind}"), &connection.sdk_key).await
    }

    /// Waits until the heads of every kind are under this keyset.
    async fn signed_under(&self, keyset: u32) {
        let begun = Instant::now();
        for connection in &self.connections {
            while Head::parse(&self.head(connection).await).unwrap().keyset < keyset {
                assert!(begun.elapsed() < PATIENCE, "keyset {keyset} is not in use");
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }
    }

    /// What a client does, from whatever it held before.
    async fn accept(&self, acceptance: &mut Acceptance, connection: &ConnectionString) -> Head {
        let bytes = self.head(connection).await;
        let head = Head::parse(&bytes).unwrap();
        for number in acceptance.keyset_number() + 1..=head.keyset {
            let keyset = self.get(&format!("/v1/keyset/{number}"), "nobody").await;
            assert_eq!(acceptance.accept_keyset(&keyset), Ok(number));
        }
        let body = format!("/v1/body/{}", hex(&head.body_sha256));
        let body = self.get(&body, &connection.sdk_key).await;
        acceptance.accept(&bytes, body, head.created).unwrap().head
    }
}

fn fresh(connection: &ConnectionString) -> Acceptance {
    let ConnectionString { root_fingerprint, environment, kind, .. } = connection;
    Acceptance::new(*root_fingerprint, *environment, *kind, None)
}

/// The ids of the keys that a list of them shows, in its order.
fn ids(shown: &str) -> Vec<String> {
    let keys = shown.lines().filter_map(|line| line.trim().strip_prefix("key  "));
    keys.map(|key| key.split(' ').next().unwrap().to_owned()).collect()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[tokio::test]
async fn keys_are_rotated_and_revoked_while_the_server_runs() {
    let world = World::start().await;
    let data = ["--data-dir", "data"];
    let mut receivers: Vec<(Acceptance, &ConnectionString)> =
        world.connections.iter().map(|connection| (fresh(connection), connection)).collect();
    for (acceptance, connection) in &mut receivers {
        assert_eq!(world.accept(acceptance, connection).await.keyset, 1);
    }
    let by_the_first = world.head(&world.connections[0]).await;
    let first = signer(&by_the_first);
    assert_eq!(ids(&world.keys(&["list", data[0], data[1]]).unwrap()), [first.as_str()]);

    // The root lies in the data folder still.
    let told = world.keys(&["rotate", data[0], data[1]]).unwrap();
    let [kept, second] = &ids(&told)[..] else { panic!("{told}") };
    assert_eq!(*kept, first);
    world.signed_under(2).await;
    for (acceptance, connection) in &mut receivers {
        assert_eq!(signer(&world.head(connection).await), *second);
        assert_eq!(world.accept(acceptance, connection).await.keyset, 2);
        let old = acceptance.check_head(&by_the_first, 0).err();
        assert!(matches!(old, Some(Refusal::OlderVersion | Refusal::WrongKind)), "{old:?}");
    }

    let unknown = world.keys(&["revoke", data[0], data[1], &"f".repeat(16)]).unwrap_err();
    assert!(unknown.contains("is no key of the newest keyset"), "{unknown}");
    let told = world.keys(&["revoke", data[0], data[1], &first]).unwrap();
    assert_eq!(ids(&told), [second.as_str()]);
    world.signed_under(3).await;
    for (acceptance, connection) in &mut receivers {
        assert_eq!(world.accept(acceptance, connection).await.keyset, 3);
    }
    // Whoever comes anew and is told of keyset 3 takes nothing of the revoked key, whatever it says.
    let mut newcomer = fresh(&world.connections[0]);
    world.accept(&mut newcomer, &world.connections[0]).await;
    let mut forgotten = fresh(&world.connections[0]);
    for number in 1..=3 {
        let keyset = world.get(&format!("/v1/keyset/{number}"), "nobody").await;
        forgotten.accept_keyset(&keyset).unwrap();
    }
    assert_eq!(forgotten.check_head(&by_the_first, 0).err(), Some(Refusal::UnknownKey));
    assert_eq!(newcomer.check_head(&by_the_first, 0).err(), Some(Refusal::OlderVersion));
    // The only key that is left: another takes its place.
    let told = world.keys(&["revoke", data[0], data[1], second]).unwrap();
    assert!(ids(&told).len() == 1 && ids(&told)[0] != *second, "{told}");
    world.signed_under(4).await;

    the_root_is_elsewhere(&world).await;
    let doctor = Command::new(env!("CARGO_BIN_EXE_pennon"))
        .args(["doctor", "--listen", "127.0.0.1:0", data[0], data[1]])
        .current_dir(&world.folder)
        .output()
        .unwrap();
    let told = String::from_utf8(doctor.stdout).unwrap();
    assert!(told.contains("snapshots verify under root"), "{told}");
    std::fs::remove_dir_all(&world.folder).unwrap();
}

/// The root key lies where no database is; then another takes its place.
async fn the_root_is_elsewhere(world: &World) {
    let data = ["--data-dir", "data"];
    let offline = world.folder.join("offline.key");
    std::fs::rename(world.folder.join("data/root.key"), &offline).unwrap();
    let told = world.keys(&["rotate", data[0], data[1]]).unwrap_err();
    assert!(told.contains("--root-key-file, or --draft"), "{told}");

    let told = world.keys(&["init-root", "new.key"]).unwrap();
    let public = told.lines().find_map(|line| line.strip_prefix("public key:")).unwrap().trim();
    assert!(world.keys(&["init-root", "new.key"]).is_err(), "nothing is written over");
    assert_eq!(read(&world.folder.join("new.key")).trim().len(), 64);

    let scope = ["--kinds", "client", "--draft", "draft"];
    let told = world.keys(&[&["new", data[0], data[1]][..], &scope].concat()).unwrap();
    assert!(told.contains("  client of every environment"), "{told}");
    let sign =
        |root: &str| world.keys(&["sign", "draft", "--root-key-file", root, "--out", "signed"]);
    let install = || world.keys(&["install", data[0], data[1], "signed"]);
    sign("new.key").unwrap();
    let refused = install().unwrap_err();
    assert!(refused.contains("no receiver would take this keyset"), "{refused}");
    sign("offline.key").unwrap();
    let client = ids(&install().unwrap()).pop().unwrap();
    world.signed_under(5).await;
    for connection in &world.connections {
        let scoped = signer(&world.head(connection).await) == client;
        assert_eq!(scoped, connection.kind == Kind::Client, "{:?}", connection.kind);
    }
    let again = install().unwrap_err();
    assert!(again.contains("no receiver would take this keyset"), "{again}");

    world.keys(&["rotate", data[0], data[1], "--new-root", public, "--draft", "draft"]).unwrap();
    sign("offline.key").unwrap();
    assert!(install().is_err(), "the new root has to sign as well");
    let both = ["--root-key-file", "offline.key", "--root-key-file", "new.key", "--out", "signed"];
    world.keys(&[&["sign", "draft"][..], &both].concat()).unwrap();
    install().unwrap();
    world.signed_under(6).await;
    let told = world.keys(&["rotate", data[0], data[1], "--root-key-file", "offline.key"]);
    assert!(told.is_err(), "the old root signs nothing any more");
    world.keys(&["rotate", data[0], data[1], "--root-key-file", "new.key"]).unwrap();
    world.signed_under(7).await;
    for connection in &world.connections {
        let mut newcomer = fresh(connection);
        assert_eq!(world.accept(&mut newcomer, connection).await.keyset, 7);
    }
}
