//! Two replicas on PostgreSQL and Redis, and many people who change the same flags at once: no update is lost, revisions have no
//! gap, what is published only rises, and what is changed at one replica reaches the streams of the other.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pennon_core::protocol::connection::{ConnectionString, hex};
use pennon_core::snapshot::Head;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::postgres::with_database;
use crate::server::{PATIENCE, Pennon, folder, start};

const FLAGS: usize = 8;
/// Each adds one key to a flag's targets, again and again until no one else was faster. PENNON_ROUNDS makes it so many times more.
const WRITERS: usize = 200;
/// From the last acknowledged change to its head on every stream.
const PUBLISHED_WITHIN: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lose_no_update_and_publish_in_order() {
    with_database("replicas", |database| async move {
        let Ok(redis) = std::env::var("PENNON_TEST_REDIS") else {
            assert!(
                std::env::var_os("CI").is_none(),
                "PENNON_TEST_REDIS is not set: run `cargo xtask test`"
            );
            eprintln!(
                "NOT RUN with Redis: PENNON_TEST_REDIS is not set; `cargo xtask test` starts one"
            );
            return;
        };
        let rounds: usize = std::env::var("PENNON_ROUNDS").map_or(1, |text| text.parse().unwrap());
        drill(&database, &redis, WRITERS * rounds).await;
    })
    .await;
}

async fn drill(database: &str, redis: &str, writers: usize) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folders = ["replica-a", "replica-b"].map(folder);
    let secret = "cd".repeat(32);
    let environment =
        [("PENNON_DATABASE", database), ("PENNON_SECRET", &secret), ("PENNON_REDIS", redis)];
    // The first one's root key and credentials are the installation's.
    let a = start(&folders[0], &environment).await;
    let b = start(&folders[1], &environment).await;
    let credentials = std::fs::read(folders[0].join("credentials.json")).unwrap();
    let credentials: Value = serde_json::from_slice(&credentials).unwrap();
    let api = Api {
        client: reqwest::Client::builder().timeout(PATIENCE).build().unwrap(),
        token: credentials["adminToken"].as_str().unwrap().to_owned(),
    };
    for flag in 0..FLAGS {
        let new = json!({ "key": format!("flag-{flag}"), "definition": { "type": "boolean" } });
        let made = api.send("POST", format!("{}/admin/projects/default/flags", a.url), None, new);
        assert_eq!(made.await.0, 201);
    }

    let connection = credentials["environments"][0]["connectionStrings"]["server"].as_str();
    let connection = ConnectionString::parse(connection.unwrap()).unwrap();
    let mut streams = [Stream::open(&a, &connection).await, Stream::open(&b, &connection).await];

    let replicas = [a.url.clone(), b.url.clone()];
    let tasks: Vec<_> = (0..writers)
        .map(|writer| {
            let (api, replica) = (api.clone(), replicas[writer % 2].clone());
            tokio::spawn(async move { api.add_target(&replica, writer % FLAGS, writer).await })
        })
        .collect();
    let mut acknowledged = BTreeSet::new();
    for task in tasks {
        assert!(acknowledged.insert(task.await.unwrap()), "two changes have one version");
    }
    let last_answer = Instant::now();

    // The last revision reaches both streams, whichever replica took it.
    let environment = "/admin/projects/default/environments/development";
    let revision = api.get(format!("{}{environment}", b.url)).await["revision"].as_u64().unwrap();
    for stream in &mut streams {
        stream.wait_for(revision, last_answer + PUBLISHED_WITHIN).await;
    }

    // Every acknowledged change is in what is stored now, and in the history once.
    let mut found = BTreeSet::new();
    for flag in 0..FLAGS {
        let now = api.get(format!("{}{environment}/flags/flag-{flag}", a.url)).await;
        for key in now["configuration"]["targets"][0]["keys"].as_array().unwrap() {
            assert!(found.insert(key.as_str().unwrap().to_owned()), "{key} twice");
        }
    }
    let expected: BTreeSet<String> = (0..writers).map(|writer| format!("user-{writer}")).collect();
    assert_eq!(found, expected, "an update was lost");
    let mut sequences = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = format!("{}/admin/projects/default/audit?limit=200{cursor}", b.url);
        let page = api.get(page).await;
        for entry in page["items"].as_array().unwrap() {
            sequences.push(entry["sequence"].as_i64().unwrap());
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let newest = sequences[0];
    assert_eq!(sequences, (1..=newest).rev().collect::<Vec<_>>(), "the log has a gap");
    assert!(acknowledged.iter().all(|version| (1..=newest).contains(version)));
    assert_eq!(u64::try_from(newest).unwrap(), revision, "every change is a revision here");

    // One more at each replica, each seen by the stream of the other.
    for (replica, stream) in [(&a, 1), (&b, 0)] {
        let path = format!("{}{environment}/flags/flag-0/on", replica.url);
        let way = if replica.url == a.url { path.clone() } else { path.replace("/on", "/off") };
        let (status, answer) = api.send("POST", way, None, Value::Null).await;
        assert_eq!(status, 200, "{answer}");
        let revision = answer["revision"].as_u64().unwrap();
        streams[stream].wait_for(revision, Instant::now() + PUBLISHED_WITHIN).await;
    }
    drop((a, b));
    for folder in folders {
        std::fs::remove_dir_all(folder).unwrap();
    }
}

/// The admin API for one token.
#[derive(Clone)]
struct Api {
    client: reqwest::Client,
    token: String,
}

impl Api {
    async fn send(
        &self,
        method: &str,
        path: String,
        if_match: Option<String>,
        body: Value,
    ) -> (u16, Value) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, path).bearer_auth(&self.token);
        if let Some(tag) = if_match {
            request = request.header("if-match", tag);
        }
        if !body.is_null() {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let bytes = answer.bytes().await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    async fn get(&self, path: String) -> Value {
        let (status, answer) = self.send("GET", path, None, Value::Null).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// Reads, changes, and writes if nobody wrote in between, until nobody did. Answers the change's version.
    async fn add_target(&self, replica: &str, flag: usize, writer: usize) -> i64 {
        let path =
            format!("{replica}/admin/projects/default/environments/development/flags/flag-{flag}");
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < PATIENCE * 4, "writer {writer} never gets its turn");
            let now = self.get(path.clone()).await;
            let mut configuration = now["configuration"].clone();
            let key = json!(format!("user-{writer}"));
            match configuration.pointer_mut("/targets/0/keys").and_then(Value::as_array_mut) {
                Some(keys) => keys.push(key),
                None => configuration["targets"] = json!([{ "variant": "on", "keys": [key] }]),
            }
            let tag = format!("\"{}\"", now["version"]);
            let (status, answer) = self.send("PUT", path.clone(), Some(tag), configuration).await;
            match status {
                200 => return answer["version"].as_i64().unwrap(),
                412 => {}
                _ => panic!("{status}: {answer}"),
            }
        }
    }
}

/// The versions that come over one replica's stream, each higher than the one before.
struct Stream {
    version: watch::Receiver<u64>,
}

impl Stream {
    async fn open(pennon: &Pennon, connection: &ConnectionString) -> Self {
        let path = format!("{}/v1/stream/{}/server", pennon.url, hex(&connection.environment));
        let client = reqwest::Client::new();
        let mut answer = client.get(path).bearer_auth(&connection.sdk_key).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let (sender, version) = watch::channel(0);
        tokio::spawn(async move {
            let mut text = String::new();
            // Ends with the server.
            while let Ok(Some(chunk)) = answer.chunk().await {
                text.push_str(std::str::from_utf8(&chunk).unwrap());
                while let Some((event, rest)) = text.split_once("\n\n") {
                    if let Some(data) = event.lines().find_map(|line| line.strip_prefix("data: "))
                        && event.contains("event: head")
                    {
                        let head = Head::parse(&STANDARD.decode(data).unwrap()).unwrap();
                        let before = sender.send_replace(head.version);
                        assert!(head.version > before, "{} came after {before}", head.version);
                    }
                    text = rest.to_owned();
                }
            }
        });
        Self { version }
    }

    async fn wait_for(&mut self, version: u64, until: Instant) {
        let wait = self.version.wait_for(|seen| *seen >= version);
        let seen = tokio::time::timeout_at(until.into(), wait).await;
        let seen = seen.unwrap_or_else(|_| panic!("version {version} did not come in time"));
        assert_eq!(*seen.unwrap(), version, "a version that nobody made");
    }
}
