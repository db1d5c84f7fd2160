//! `cargo xtask bench streams`: what open streams cost, how a crowd comes back whose streams broke at once, and what handing out heads and
//! bodies costs beside a bare axum handler that answers as many bytes.
//!
//! `streams PENNON_PROGRAM [STREAMS]`. The limits of the server are set by the environment: PENNON_MAX_STREAMS and the rates.

#[path = "../load/client.rs"]
#[expect(dead_code, reason = "the other benchmark uses the rest")]
mod client;
#[path = "../../tests/storm/crowd.rs"]
mod crowd;
#[path = "../load/goal.rs"]
#[expect(dead_code, reason = "the other benchmark uses the rest")]
mod goal;
#[path = "../load/process.rs"]
#[expect(dead_code, reason = "the other benchmark uses the rest")]
mod process;

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path as InPath;
use axum::routing::get;
use pennon_core::protocol::connection::{ConnectionString, hex};
use pennon_core::snapshot::Head;
use serde_json::{Value, json};

use client::Client;
use crowd::Crowd;
use goal::Goal;
use process::Server;

/// Whatever went wrong ends the run.
pub(crate) type Fault = Box<dyn Error + Send + Sync>;

const STREAMS: usize = 10_000;
/// So many of them are opened a second at first; the server admits 1,000, after a quiet second as many more at once.
const A_SECOND: u32 = 800;
const MOST_IN_A_SECOND: f64 = 2_001.0;
const PATIENCE: Duration = Duration::from_secs(120);
/// Pings, with what the window is by now, come every 15 s.
const TOLD: Duration = Duration::from_secs(16);
/// Flags in the environment, and changes that are measured.
const FLAGS: usize = 1_000;
const SPACED: Duration = Duration::from_millis(1_200);
/// Requests for each figure, and how often each is taken; the best counts, since others work on the machine too.
const HEADS: usize = 24_000;
const BODIES: usize = 4_000;
const ROUNDS: usize = 3;
static BLOCK: [u8; 1 << 20] = [7; 1 << 20];

#[tokio::main]
async fn main() -> Result<(), Fault> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (program, streams) = match arguments[..] {
        ["floor"] => return Ok(floor().await?),
        [program] => (program, STREAMS),
        [program, streams] => (program, streams.parse()?),
        _ => return Err("usage: streams PENNON_PROGRAM [STREAMS]".into()),
    };
    rustls::crypto::ring::default_provider().install_default().map_err(|_| "no cryptography")?;
    let folder = std::env::temp_dir().join(format!("pennon-streams-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let measured = measure(Path::new(program), &folder, streams).await;
    std::fs::remove_dir_all(&folder)?;
    measured
}

/// As many bytes as are asked for, and nothing done for them.
async fn floor() -> std::io::Result<()> {
    let bytes = get(async |InPath(length): InPath<usize>| {
        Bytes::from_static(BLOCK.get(..length).unwrap_or_default())
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, Router::new().route("/{length}", bytes)).await
}

async fn measure(program: &Path, folder: &Path, streams: usize) -> Result<(), Fault> {
    let (pennon, _) = Server::pennon(program, folder, None)?;
    let credentials: Value =
        serde_json::from_slice(&std::fs::read(folder.join("credentials.json"))?)?;
    let text = credentials["environments"][0]["connectionStrings"]["client"].as_str();
    let connection = ConnectionString::parse(text.ok_or("no connection string")?)?;
    let admin = Client::new(credentials["adminToken"].as_str().ok_or("no admin token")?)?;
    let project = format!("{}/admin/projects/default", pennon.url);
    for number in 0..FLAGS {
        admin.send("POST", &format!("{project}/flags"), Some(&flag(number))).await?;
    }
    tokio::time::sleep(SPACED * 2).await;
    delivery(&pennon, &connection).await?;
    crowd(&pennon, &connection, &admin, &project, streams).await
}

/// Heads and bodies beside the bare handler.
async fn delivery(pennon: &Server, connection: &ConnectionString) -> Result<(), Fault> {
    let floor = Server::floor()?;
    let client = Client::new(&connection.sdk_key)?;
    let head = format!("{}/v1/head/{}/client", pennon.url, hex(&connection.environment));
    let head_bytes = client.send("GET", &head, None).await?.1;
    let sha256 = hex(&Head::parse(&head_bytes)?.body_sha256);
    let body = format!("{}/v1/body/{sha256}", pennon.url);
    let body_bytes = client.send("GET", &body, None).await?.1;
    println!(
        "CPU of one request, the least of {ROUNDS} rounds, beside a bare axum handler with as many bytes"
    );
    for (what, url, length, count) in
        [("head", &head, head_bytes.len(), HEADS), ("body", &body, body_bytes.len(), BODIES)]
    {
        let bare = format!("{}/{length}", floor.url);
        let (mut least, mut bare_least) = (f64::MAX, f64::MAX);
        for _ in 0..ROUNDS {
            bare_least = bare_least.min(client.cpu(&floor, count, "GET", &bare, None).await?);
            least = least.min(client.cpu(pennon, count, "GET", url, None).await?);
        }
        let share = bare_least / least * 100.0;
        println!(
            "  {what} of {length} bytes: {:.1} us, bare {:.1} us: served at {share:.0} % of it{}",
            least * 1e3,
            bare_least * 1e3,
            Goal::Above(70.0).beside(share)
        );
    }
    Ok(())
}

async fn crowd(
    pennon: &Server,
    connection: &ConnectionString,
    admin: &Client,
    project: &str,
    streams: usize,
) -> Result<(), Fault> {
    let idle = pennon.resident_mb()?;
    let path =
        format!("/v1/stream/{}/client?key={}", hex(&connection.environment), connection.sdk_key);
    let address = pennon.url.strip_prefix("http://").ok_or("no address")?.parse()?;
    let crowd = Crowd::gather(address, &path, streams, A_SECOND);
    crowd.all_open(streams, PATIENCE).await?;
    tokio::time::sleep(TOLD).await;
    let open = pennon.resident_mb()?;
    println!(
        "{} open streams: {open:.0} MB resident{}, {idle:.0} MB before them, {:.1} KB each",
        crowd.open(),
        Goal::Below(250.0).beside(open),
        (open - idle) * 1e3 / streams as f64
    );
    let mut publishing = Publishing::new(pennon, connection, admin, project)?;
    let quiet = publishing.longest_lag(tokio::time::sleep(TOLD)).await?;

    let (refused, cut_at) = (crowd.refused(), Instant::now());
    crowd.cut();
    while crowd.open() == streams {
        tokio::task::yield_now().await;
    }
    let back = crowd.all_open(streams, PATIENCE);
    let mut took = None;
    let storm = publishing.longest_lag(async { took = Some(back.await) }).await?;
    let took = took.ok_or("nobody came back")??.as_secs_f64();
    let window = crowd.window().as_secs_f64();
    println!(
        "cut at once: all back after {took:.1} s{}, {} refused",
        Goal::Below(window.ceil()).beside(took),
        crowd.refused() - refused
    );
    let most = crowd.most_within(Duration::from_secs(1), cut_at);
    println!(
        "  opened in the busiest second: {most}{}",
        Goal::Below(MOST_IN_A_SECOND).beside(most as f64)
    );
    let (quiet, storm) = (quiet.as_secs_f64() * 1e3, storm.as_secs_f64() * 1e3);
    println!(
        "  longest publish lag meanwhile: {storm:.0} ms{}, {quiet:.0} ms before",
        Goal::Below(quiet + 1_000.0).beside(storm)
    );
    println!("  {:.0} MB resident afterwards", pennon.resident_mb()?);
    Ok(())
}

/// A flag that is turned on and off.
struct Publishing<'a> {
    admin: &'a Client,
    flag: String,
    reader: Client,
    head: String,
    on: bool,
}

impl<'a> Publishing<'a> {
    fn new(
        pennon: &Server,
        connection: &ConnectionString,
        admin: &'a Client,
        project: &str,
    ) -> Result<Self, Fault> {
        Ok(Self {
            admin,
            flag: format!("{project}/environments/development/flags/flag-7"),
            reader: Client::new(&connection.sdk_key)?,
            head: format!("{}/v1/head/{}/client", pennon.url, hex(&connection.environment)),
            on: true,
        })
    }

    /// The longest time from the answer to a change until the head shows it, while `until` lasts.
    async fn longest_lag(&mut self, until: impl Future<Output = ()>) -> Result<Duration, Fault> {
        tokio::pin!(until);
        let mut longest = Duration::ZERO;
        loop {
            tokio::select! {
                () = &mut until => return Ok(longest),
                () = tokio::time::sleep(SPACED) => {}
            }
            self.on = !self.on;
            let url = format!("{}/{}", self.flag, if self.on { "on" } else { "off" });
            let (_, answer) = self.admin.send("POST", &url, None).await?;
            let answered = Instant::now();
            let answer: Value = serde_json::from_slice(&answer)?;
            let revision = answer["revision"].as_u64().ok_or("no revision")?;
            while self.version().await? < revision {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            longest = longest.max(answered.elapsed());
        }
    }

    async fn version(&self) -> Result<u64, Fault> {
        Ok(Head::parse(&self.reader.send("GET", &self.head, None).await?.1)?.version)
    }
}

/// A flag as people write them.
fn flag(number: usize) -> Value {
    json!({
        "key": format!("flag-{number}"),
        "definition": { "type": "boolean", "clientVisible": true },
        "configuration": {
            "enabled": true,
            "offVariant": "off",
            "rules": [{
                "when": { "in": { "attribute": "country", "values": ["US", "CA"] } },
                "serve": { "split": { "weights": [
                    { "variant": "on", "weight": 25_000 }, { "variant": "off", "weight": 75_000 },
                ] } },
            }],
            "fallthrough": { "variant": "off" },
        },
    })
}
