//! PostgreSQL and Redis taken away from the running program, and given back. `cargo xtask test` says how a test starts one of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::postgres::with_database;
use crate::server::{PATIENCE, Pennon, folder, start};

/// How long PostgreSQL is away. PENNON_OUTAGE_S says otherwise.
const OUTAGE_S: u64 = 15;
/// An admin call says so within.
const TOLD_WITHIN: Duration = Duration::from_secs(2);
/// After the return everything works again within.
const BACK_WITHIN: Duration = Duration::from_secs(10);
const FLAG: &str = "/admin/projects/default/environments/development/flags/a";

/// How to start a server that a test may end.
#[derive(Deserialize)]
struct Own {
    url: String,
    command: Vec<String>,
}

/// From PENNON_TEST_OWN_POSTGRES or PENNON_TEST_OWN_REDIS.
fn own(variable: &str) -> Option<Own> {
    let Ok(text) = std::env::var(variable) else {
        assert!(
            std::env::var_os("CI").is_none(),
            "{variable} is not set: run `cargo xtask test native`"
        );
        eprintln!("NOT RUN: {variable} is not set; `cargo xtask test native` sets it");
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

/// A server of the test's own, ended whatever happens to the test.
struct Service {
    own: Own,
    log: PathBuf,
    child: Option<Child>,
}

impl Service {
    fn new(own: Own, folder: &Path) -> Self {
        Self { own, log: folder.join("service.log"), child: None }
    }

    /// Starts it, and waits until somebody answers at its address.
    async fn start(&mut self) {
        let address = self
            .own
            .url
            .split_once('@')
            .map_or_else(|| self.own.url.trim_start_matches("redis://"), |(_, rest)| rest);
        let address = address.split('/').next().unwrap().to_owned();
        let begun = Instant::now();
        loop {
            let running = match &mut self.child {
                Some(child) => child.try_wait().unwrap().is_none(),
                None => false,
            };
            // What its predecessor leaves behind may be in the way for a moment.
            if !running {
                let options = std::fs::OpenOptions::new().create(true).append(true).to_owned();
                let log = options.open(&self.log).unwrap();
                let mut command = Command::new(&self.own.command[0]);
                command.args(&self.own.command[1..]).stdin(Stdio::null()).stdout(Stdio::null());
                self.child = Some(command.current_dir("/").stderr(log).spawn().unwrap());
            }
            if tokio::net::TcpStream::connect(&address).await.is_ok() {
                return;
            }
            let told = || std::fs::read_to_string(&self.log).unwrap();
            assert!(begun.elapsed() < PATIENCE, "{address} does not answer:\n{}", told());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends it at once, with every connection.
    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // PostgreSQL takes it for an immediate shutdown, and ends its own children.
            let pid = child.id().to_string();
            let _ = Command::new("kill").args(["-QUIT", &pid]).status();
            let begun = Instant::now();
            while child.try_wait().ok().flatten().is_none() && begun.elapsed() < PATIENCE {
                std::thread::sleep(Duration::from_millis(5));
            }
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What a test asks of a server.
struct Api {
    client: reqwest::Client,
    url: String,
    token: String,
    environment: String,
    server_key: String,
}

impl Api {
    fn of(pennon: &Pennon, folder: &Path) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let credentials = std::fs::read(folder.join("credentials.json")).unwrap();
        let credentials: Value = serde_json::from_slice(&credentials).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            client: reqwest::Client::builder().timeout(PATIENCE).build().unwrap(),
            url: pennon.url.clone(),
            token: text(&credentials["adminToken"]),
            environment: text(&credentials["environments"][0]["id"]),
            server_key: text(&credentials["environments"][0]["sdkKeys"]["server"]),
        }
    }

    async fn admin(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value, Duration) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        request = request.bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let begun = Instant::now();
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let body = answer.bytes().await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null), begun.elapsed())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let request = self.client.get(format!("{}{path}", self.url)).bearer_auth(&self.server_key);
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let body = answer.bytes().await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// The flag's value, by evaluation over HTTP.
    async fn value(&self) -> Value {
        let (status, answer) = self.get("/api/v1/flags/a?userId=u1").await;
        assert_eq!(status, 200, "{answer}");
        answer["value"].clone()
    }

    async fn wait_for_value(&self, value: bool, within: Duration) {
        let begun = Instant::now();
        while self.value().await != json!(value) {
            assert!(begun.elapsed() < within, "{value} is not delivered after {within:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn lines(folder: &Path) -> Vec<Value> {
    let log = std::fs::read_to_string(folder.join("log")).unwrap();
    log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn count(lines: &[Value], words: &str) -> usize {
    let told = |line: &&Value| line["message"].as_str().is_some_and(|text| text.contains(words));
    lines.iter().filter(told).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flags_are_delivered_while_postgresql_is_away() {
    let Some(own) = own("PENNON_TEST_OWN_POSTGRES") else { return };
    let folder = folder("outage");
    let mut postgres = Service::new(own, &folder);
    postgres.start().await;
    let secret = "ef".repeat(32);
    // A new one, should the cluster have been used before.
    let (server, name) = (postgres.own.url.clone(), format!("outage_{}", std::process::id()));
    sqlx::any::install_default_drivers();
    let begun = Instant::now();
    let mut admin = loop {
        // It listens before it is ready.
        match <sqlx::AnyConnection as sqlx::Connection>::connect(&server).await {
            Ok(connection) => break connection,
            Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
        }
    };
    let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::raw_sql(create).execute(&mut admin).await.unwrap();
    drop(admin);
    let url = format!("{}/{name}", server.rsplit_once('/').unwrap().0);
    let pennon = start(&folder, &[("PENNON_DATABASE", &url), ("PENNON_SECRET", &secret)]).await;
    let api = Api::of(&pennon, &folder);
    let flag = json!({ "key": "a", "definition": { "type": "boolean", "clientVisible": true } });
    assert_eq!(api.admin("POST", "/admin/projects/default/flags", Some(flag)).await.0, 201);
    let begun = Instant::now();
    while api.get("/api/v1/flags/a").await.0 != 200 {
        assert!(begun.elapsed() < PATIENCE, "the flag is not published");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let stream = format!("{}/v1/stream/{}/server", api.url, api.environment);
    let mut stream = api
        .client
        .get(stream)
        .bearer_auth(&api.server_key)
        .timeout(PATIENCE * 4)
        .send()
        .await
        .unwrap();
    assert_eq!(stream.status(), 200);
    assert!(stream.chunk().await.unwrap().is_some(), "the head comes at once");

    // Right after a change: it was acknowledged, so it is published when the database is back.
    assert_eq!(api.admin("POST", &format!("{FLAG}/on"), None).await.0, 200);
    postgres.kill();
    let away = Instant::now();
    let outage = std::env::var("PENNON_OUTAGE_S").map_or(OUTAGE_S, |text| text.parse().unwrap());
    let (mut rounds, mut slowest) = (0, Duration::ZERO);
    while away.elapsed() < Duration::from_secs(outage) {
        rounds += 1;
        let head = format!("/v1/head/{}/server", api.environment);
        assert_eq!(api.get(&head).await.0, 200, "heads are delivered");
        assert!(api.value().await.is_boolean(), "flags are evaluated");
        for (method, path) in [("GET", "/admin/projects"), ("POST", &format!("{FLAG}/off"))] {
            let (status, problem, took) = api.admin(method, path, None).await;
            assert_eq!(
                (status, &problem["code"]),
                (503, &json!("database-away")),
                "{path}: {problem}"
            );
            slowest = slowest.max(took);
        }
        let (status, ready) = api.get("/readyz").await;
        assert_eq!((status, &ready["degraded"]), (503, &json!(["database"])), "{ready}");
        assert_eq!(api.get("/readyz/delivery").await.0, 200);
        assert_eq!(api.get("/healthz").await.0, 200);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    eprintln!(
        "{rounds} rounds in {outage} s without PostgreSQL; the slowest refusal took {slowest:?}"
    );
    assert!(slowest < TOLD_WITHIN, "{slowest:?}");
    assert!(rounds > outage * 2, "{rounds} rounds: something waits");

    postgres.start().await;
    let back = Instant::now();
    while api.admin("GET", "/admin/projects", None).await.0 != 200 {
        assert!(back.elapsed() < BACK_WITHIN, "the database is not found again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    api.wait_for_value(true, BACK_WITHIN).await;
    assert_eq!(api.get("/readyz").await.1["status"], json!("ok"));
    // The stream that was open all the time carries what happens now.
    assert_eq!(api.admin("POST", &format!("{FLAG}/off"), None).await.0, 200);
    api.wait_for_value(false, BACK_WITHIN).await;
    let mut text = String::new();
    while text.matches("event: head").count() < 2 {
        let part = tokio::time::timeout(BACK_WITHIN, stream.chunk()).await.expect("a head");
        text.push_str(std::str::from_utf8(&part.unwrap().expect("the stream is open")).unwrap());
    }
    let lines = lines(&folder);
    assert_eq!(count(&lines, "the database is away"), 1, "{lines:#?}");
    assert_eq!(count(&lines, "the database answers again"), 1);
    let loud: Vec<&Value> = lines.iter().filter(|line| line["level"] == "ERROR").collect();
    assert!(loud.is_empty(), "{loud:#?}");
    drop(pennon);
    drop(postgres);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_write_fails_while_redis_is_away() {
    let Some(own) = own("PENNON_TEST_OWN_REDIS") else { return };
    with_database("outage", |database| async move {
        let folders = ["redis-a", "redis-b"].map(folder);
        let mut redis = Service::new(own, &folders[0]);
        redis.start().await;
        let secret = "ef".repeat(32);
        let url = redis.own.url.clone();
        let environment =
            [("PENNON_DATABASE", &*database), ("PENNON_SECRET", &secret), ("PENNON_REDIS", &url)];
        let a = start(&folders[0], &environment).await;
        let b = start(&folders[1], &environment).await;
        let writing = Arc::new(Api::of(&a, &folders[0]));
        let mut reading = Api::of(&a, &folders[0]);
        reading.url = b.url.clone();
        let flag = json!({ "key": "a", "definition": { "type": "boolean" } });
        assert_eq!(writing.admin("POST", "/admin/projects/default/flags", Some(flag)).await.0, 201);
        let redis_is = async |api: &Api, told: &str| {
            let begun = Instant::now();
            loop {
                let (status, ready) = api.get("/readyz").await;
                assert_eq!(status, 200, "{ready}");
                if ready["redis"] == told {
                    return;
                }
                assert!(begun.elapsed() < PATIENCE, "redis is not {told}: {ready}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        redis_is(&writing, "ok").await;
        redis_is(&reading, "ok").await;

        // Load, all the time.
        let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let writer = {
            let (api, stop, written) =
                (Arc::clone(&writing), Arc::clone(&stop), Arc::clone(&written));
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    for way in ["on", "off"] {
                        let (status, problem, _) =
                            api.admin("POST", &format!("{FLAG}/{way}"), None).await;
                        assert_eq!(status, 200, "{problem}");
                        written.fetch_add(1, Ordering::SeqCst);
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            })
        };
        let writes = async |more: usize| {
            let (from, begun) = (written.load(Ordering::SeqCst), Instant::now());
            while written.load(Ordering::SeqCst) < from + more {
                assert!(
                    begun.elapsed() < PATIENCE && !writer.is_finished(),
                    "the writer stands still"
                );
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        writes(20).await;
        redis.kill();
        redis_is(&writing, "away").await;
        redis_is(&reading, "away").await;
        writes(20).await;
        redis.start().await;
        redis_is(&writing, "ok").await;
        redis_is(&reading, "ok").await;
        writes(20).await;
        stop.store(true, Ordering::SeqCst);
        writer.await.unwrap();
        // Delivery has caught up: what was written last is what the other replica serves.
        assert_eq!(writing.admin("POST", &format!("{FLAG}/on"), None).await.0, 200);
        reading.wait_for_value(true, BACK_WITHIN).await;
        // And without Redis too, within the time that the database is asked in.
        redis.kill();
        redis_is(&reading, "away").await;
        assert_eq!(writing.admin("POST", &format!("{FLAG}/off"), None).await.0, 200);
        reading.wait_for_value(false, BACK_WITHIN).await;
        for folder in &folders {
            let lines = lines(folder);
            assert_eq!(count(&lines, "redis is away"), 2, "{lines:#?}");
        }
        drop((a, b, redis));
        for folder in folders {
            std::fs::remove_dir_all(folder).unwrap();
        }
    })
    .await;
}
