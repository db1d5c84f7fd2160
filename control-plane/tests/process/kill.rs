//! kill -9 in the middle of a stream of writes: after the restart every acknowledged change is there, and it is in the
//! published snapshot. Real processes, real databases. PENNON_ROUNDS says how often (3 unless set).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use pennon_core::context::Context;
use pennon_core::protocol::connection::{ConnectionString, hex};
use pennon_core::snapshot::{Acceptance, Accepted, Head, Kind};
use serde_json::{Value, json};

use crate::postgres::with_database;
use crate::server::{PATIENCE, Pennon, folder, start};

/// Each writer turns its own flag, so that the last acknowledged state is known without a clock.
const WRITERS: usize = 4;
/// Acknowledged changes after which the server is killed, in the first round; each round adds some.
const CHANGES_BEFORE_KILL: usize = 25;

#[tokio::test]
async fn sqlite() {
    let folder = folder("sqlite");
    rounds(&folder, &[]).await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn postgres() {
    with_database("kill", |database| async move {
        let folder = folder("postgres");
        let secret = "ab".repeat(32);
        rounds(&folder, &[("PENNON_DATABASE", &database), ("PENNON_SECRET", &secret)]).await;
        std::fs::remove_dir_all(folder).unwrap();
    })
    .await;
}

/// What a writer knows of its flag.
#[derive(Clone, Copy, Default)]
struct Known {
    /// The revision of the last acknowledged change, and what it made of the flag.
    revision: i64,
    enabled: bool,
    /// A change was sent and the server died before it answered: it may count or not, but whole.
    unanswered: Option<bool>,
}

async fn rounds(folder: &Path, environment: &[(&str, &str)]) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
    let rounds: usize = std::env::var("PENNON_ROUNDS").map_or(3, |text| text.parse().unwrap());
    let mut known: BTreeMap<usize, Known> = BTreeMap::new();
    let mut pennon = start(folder, environment).await;
    let credentials: Value =
        serde_json::from_slice(&std::fs::read(folder.join("credentials.json")).unwrap()).unwrap();
    let token = credentials["adminToken"].as_str().unwrap().to_owned();
    for writer in 0..WRITERS {
        let flag = json!({ "key": format!("flag-{writer}"), "definition": { "type": "boolean" } });
        let path = format!("{}/admin/projects/default/flags", pennon.url);
        let request =
            client.post(path).bearer_auth(&token).header("content-type", "application/json");
        let made = request.body(flag.to_string()).send().await.unwrap();
        assert_eq!(made.status(), 201, "{}", made.text().await.unwrap());
        known.insert(writer, Known::default());
    }
    for round in 0..rounds {
        let acknowledged = Arc::new(AtomicUsize::new(0));
        let dead = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = known
            .iter()
            .map(|(writer, known)| {
                let (acknowledged, dead) = (Arc::clone(&acknowledged), Arc::clone(&dead));
                let flag = format!(
                    "{}/admin/projects/default/environments/development/flags/flag-{writer}",
                    pennon.url
                );
                tokio::spawn(write(client.clone(), flag, token.clone(), *known, acknowledged, dead))
            })
            .collect();
        // Killed after another number of changes in every round, so that it happens in other places.
        let enough = CHANGES_BEFORE_KILL + round * 7;
        let begun = Instant::now();
        while acknowledged.load(Ordering::SeqCst) < enough {
            assert!(begun.elapsed() < PATIENCE, "the writers do not get on");
            tokio::task::yield_now().await;
        }
        pennon.child.kill().unwrap(); // SIGKILL
        pennon.child.wait().unwrap();
        dead.store(true, Ordering::SeqCst);
        for (writer, task) in writers.into_iter().enumerate() {
            known.insert(writer, task.await.unwrap());
        }
        pennon = start(folder, environment).await;
        check(&client, &pennon, &token, &credentials, &mut known).await;
    }
    assert!(known.values().all(|known| known.revision > 0), "every writer was heard");
    let log = std::fs::read_to_string(folder.join("log")).unwrap();
    assert!(!log.contains(&token), "the admin token was logged");
}

/// Turns one flag on and off until the server is gone.
async fn write(
    client: reqwest::Client,
    flag: String,
    token: String,
    mut known: Known,
    acknowledged: Arc<AtomicUsize>,
    dead: Arc<AtomicBool>,
) -> Known {
    loop {
        let enabled = !known.enabled;
        let way = if enabled { "on" } else { "off" };
        known.unanswered = Some(enabled);
        let sent = client.post(format!("{flag}/{way}")).bearer_auth(&token).send().await;
        let answer = match sent {
            Ok(response) if response.status().is_success() => response.bytes().await.ok(),
            Ok(response) => panic!("{}: {}", response.status(), response.text().await.unwrap()),
            Err(_) => None,
        };
        let Some(answer) = answer else {
            // Nothing but the kill may interrupt a writer.
            let begun = Instant::now();
            while !dead.load(Ordering::SeqCst) {
                assert!(begun.elapsed() < PATIENCE, "a request failed though the server lives");
                tokio::task::yield_now().await;
            }
            return known;
        };
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        known = Known { revision: answer["revision"].as_i64().unwrap(), enabled, unanswered: None };
        acknowledged.fetch_add(1, Ordering::SeqCst);
    }
}

async fn check(
    client: &reqwest::Client,
    pennon: &Pennon,
    token: &str,
    credentials: &Value,
    known: &mut BTreeMap<usize, Known>,
) {
    let environment = format!("{}/admin/projects/default/environments/development", pennon.url);
    let get = async |path: String| -> Value {
        let answer = client.get(path).bearer_auth(token).send().await.unwrap();
        assert!(answer.status().is_success());
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    };
    let revision = get(environment.clone()).await["revision"].as_u64().unwrap();
    let accepted = published(client, pennon, credentials, revision).await;
    for (writer, known) in known {
        let now = get(format!("{environment}/flags/flag-{writer}")).await;
        let enabled = now["enabled"].as_bool().unwrap();
        let allowed = enabled == known.enabled || known.unanswered == Some(enabled);
        assert!(allowed, "flag-{writer} is {enabled}, acknowledged was {}", known.enabled);
        assert!(revision as i64 >= known.revision, "revision {} is gone", known.revision);
        let outcome = accepted.snapshot.evaluate(&format!("flag-{writer}"), &Context::empty(), 0);
        let value = outcome.value().map(pennon_core::outcome::Value::to_json);
        assert_eq!(value, Some(json!(enabled)), "what is delivered is what was acknowledged");
        known.enabled = enabled;
        known.unanswered = None;
    }
    // No gap, nothing twice: the log counts every change that the environment counts.
    let mut before = i64::MAX;
    let mut sequences = Vec::new();
    loop {
        let page =
            get(format!("{}/admin/projects/default/audit?limit=200&cursor={before}", pennon.url))
                .await;
        sequences.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|entry| entry["sequence"].as_u64().unwrap()),
        );
        match page["next"].as_str() {
            Some(next) => before = next.parse().unwrap(),
            None => break,
        }
    }
    assert_eq!(sequences, (1..=revision).rev().collect::<Vec<_>>());
}

/// The server snapshot at `revision`, verified as a new client does.
async fn published(
    client: &reqwest::Client,
    pennon: &Pennon,
    credentials: &Value,
    revision: u64,
) -> Accepted {
    let connection =
        credentials["environments"][0]["connectionStrings"]["server"].as_str().unwrap();
    let connection = ConnectionString::parse(connection).unwrap();
    let get = async |path: String| {
        let answer = client
            .get(format!("{}{path}", pennon.url))
            .bearer_auth(&connection.sdk_key)
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success());
        answer.bytes().await.unwrap()
    };
    let begun = Instant::now();
    loop {
        let mut acceptance = Acceptance::new(
            connection.root_fingerprint,
            connection.environment,
            Kind::Server,
            None,
        );
        acceptance.accept_keyset(&get("/v1/keyset/1".to_owned()).await).unwrap();
        let head = get(format!("/v1/head/{}/server", hex(&connection.environment))).await;
        let parsed = Head::parse(&head).unwrap();
        assert!(parsed.version <= revision, "a version that was never acknowledged nor stored");
        if parsed.version == revision {
            let body = get(format!("/v1/body/{}", hex(&parsed.body_sha256))).await;
            return acceptance.accept(&head, body.to_vec(), parsed.created).unwrap();
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "version {revision} is not published, only {}",
            parsed.version
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
