//! A thousand streams that break at once: they come back within the window that the server set, no faster than it admits them, and no
//! change waits for them. Ten thousand: `cargo xtask bench streams`.
//!
//! A program of its own: cargo runs one after the other, so nothing else of this package takes the machine while the times are measured.
#![expect(clippy::unwrap_used, reason = "a test that fails panics")]

mod crowd;
#[path = "../process/server.rs"]
mod server;

use std::path::Path;
use std::time::{Duration, Instant};

use pennon_core::protocol::connection::{ConnectionString, hex};
use pennon_core::snapshot::Head;
use serde_json::Value;

use crowd::Crowd;
use server::{PATIENCE, Pennon, folder, start, start_at};

const STREAMS: usize = 1_000;
const A_SECOND: u32 = 400;
/// What no publication may take longer than.
const LAG: Duration = Duration::from_secs(1);
/// Changes further apart than this are published at once; see publish/publisher.rs.
const SPACED: Duration = Duration::from_millis(1_100);

struct World {
    pennon: Pennon,
    http: reqwest::Client,
    token: String,
    connection: ConnectionString,
}

impl World {
    async fn start(folder: &Path, address: Option<&str>) -> Self {
        let limits = A_SECOND.to_string();
        let environment =
            [("PENNON_STREAMS_PER_SECOND", limits.as_str()), ("PENNON_RATE_PER_ADDRESS", "0")];
        let pennon = match address {
            Some(address) => start_at(folder, address, &environment).await,
            None => start(folder, &environment).await,
        };
        let text = std::fs::read(folder.join("credentials.json")).unwrap();
        let credentials: Value = serde_json::from_slice(&text).unwrap();
        let string = &credentials["environments"][0]["connectionStrings"]["client"];
        Self {
            pennon,
            http: reqwest::Client::builder().timeout(PATIENCE).build().unwrap(),
            token: credentials["adminToken"].as_str().unwrap().to_owned(),
            connection: ConnectionString::parse(string.as_str().unwrap()).unwrap(),
        }
    }

    async fn post(&self, path: &str, body: &'static str) -> Value {
        let url = format!("{}/admin/projects/default{path}", self.pennon.url);
        let request = self.http.post(url).bearer_auth(&self.token);
        let request = request.header("content-type", "application/json").body(body);
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }

    /// From the answer to a change until the head shows it.
    async fn lag(&self, way: &str) -> Duration {
        let path = format!("/environments/development/flags/checkout/{way}");
        let revision = self.post(&path, "").await["revision"].as_u64().unwrap();
        let answered = Instant::now();
        let ConnectionString { environment, sdk_key, .. } = &self.connection;
        let url = format!("{}/v1/head/{}/client?key={sdk_key}", self.pennon.url, hex(environment));
        loop {
            let head = self.http.get(&url).send().await.unwrap().bytes().await.unwrap();
            if Head::parse(&head).unwrap().version >= revision {
                return answered.elapsed();
            }
            assert!(answered.elapsed() < PATIENCE, "version {revision} is not published");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Changes a flag again and again while `until` lasts; the longest lag.
    async fn changing<T>(&self, until: impl Future<Output = T>) -> (T, Duration) {
        tokio::pin!(until);
        let mut longest = Duration::ZERO;
        let mut count = 0;
        loop {
            let change = async {
                tokio::time::sleep(SPACED).await;
                self.lag(if count % 2 == 0 { "on" } else { "off" }).await
            };
            tokio::select! {
                done = &mut until => {
                    assert!(count > 1, "{count} changes were measured");
                    return (done, longest);
                }
                lag = change => longest = longest.max(lag),
            }
            count += 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_comes_back_within_the_window_at_the_servers_pace() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = folder("storm");
    let world = World::start(&folder, None).await;
    world
        .post(
            "/flags",
            r#"{"key":"checkout","definition":{"type":"boolean","clientVisible":true}}"#,
        )
        .await;
    let ConnectionString { environment, sdk_key, .. } = &world.connection;
    let path = format!("/v1/stream/{}/client?key={sdk_key}", hex(environment));
    let address = world.pennon.url.strip_prefix("http://").unwrap().parse().unwrap();
    let crowd = Crowd::gather(address, &path, STREAMS, A_SECOND / 2);
    crowd.all_open(STREAMS, PATIENCE).await.unwrap();

    // Something on the way cuts all of them: the server has them back within its window, and has to refuse none.
    let (refused, cut_at) = (crowd.refused(), Instant::now());
    crowd.cut();
    while crowd.open() == STREAMS {
        tokio::task::yield_now().await;
    }
    let (back, lag) = world.changing(crowd.all_open(STREAMS, PATIENCE)).await;
    let (back, window) = (back.unwrap(), crowd.window());
    let most = crowd.most_within(Duration::from_secs(1), cut_at);
    println!("back after {back:?} of {window:?}, {most} in a second, lag {lag:?}");
    // A connection that is made at the very end of the window takes its time.
    assert!(back <= window + Duration::from_millis(500), "{back:?} of {window:?}");
    assert!(most <= A_SECOND as usize, "{most} in a second, and {A_SECOND} are admitted");
    assert_eq!(crowd.refused(), refused);
    assert!(lag < LAG, "{lag:?}");

    // The server dies and starts again: those who came meanwhile come with the others, and none faster than it admits.
    let listen = address.to_string();
    drop(world);
    let died = Instant::now();
    let world = World::start(&folder, Some(&listen)).await;
    let (back, lag) = world.changing(crowd.all_open(STREAMS, 2 * PATIENCE)).await;
    back.unwrap();
    for seconds in [1, 5] {
        let most = crowd.most_within(Duration::from_secs(seconds), died);
        // A burst of one second, and what this span and its edges bring.
        let admitted = (A_SECOND as usize) * (usize::try_from(seconds).unwrap() + 1);
        println!(
            "after the restart: {most} in {seconds} s, {} refused, lag {lag:?}",
            crowd.refused()
        );
        assert!(most <= admitted, "{most} in {seconds} s, and {admitted} are admitted");
    }
    assert!(lag < LAG, "{lag:?}");
    drop((crowd, world));
    std::fs::remove_dir_all(folder).unwrap();
}
