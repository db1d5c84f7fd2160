//! Follows an environment: head, keysets and body or delta (core/spec/protocol.md sections 3 and 4), each verified before it is used.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pennon_core::limits::{MAX_BODY_BYTES, MAX_HEAD_BYTES, MAX_KEYSET_BYTES, MAX_KEYSETS};
use pennon_core::protocol::connection::{ConnectionString, hex};
use pennon_core::snapshot::{Acceptance, Head, Snapshot, delta, sha256};
use tokio::sync::watch;

/// One answer, from the request to its last byte.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The server pings every 15 s: three missed, and the stream counts as dead.
const SILENCE: Duration = Duration::from_secs(45);
/// An event carries a head in base64.
const MAX_EVENT_BYTES: usize = 64 * 1024;
/// Waits between attempts are drawn from zero to a bound that doubles from the first to the last; `retry:` of a stream sets another.
const FIRST_WAIT_MS: u64 = 500;
const LAST_WAIT_MS: u64 = 30_000;
const LONGEST_WAIT_MS: u64 = 600_000;

/// A snapshot that was verified.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) version: u64,
    pub(crate) body: Snapshot,
}

/// The newest snapshot; cheap to clone, and read without waiting.
#[derive(Clone, Debug)]
pub(crate) struct Flags(watch::Receiver<Option<Arc<Held>>>);

impl Flags {
    /// Begins to follow, in a task of its own.
    pub(crate) fn follow(connection: &str) -> anyhow::Result<Self> {
        let connection = ConnectionString::parse(connection)
            .map_err(|error| anyhow::anyhow!("the connection string: {error}"))?;
        let (sender, receiver) = watch::channel(None);
        let acceptance = Acceptance::new(
            connection.root_fingerprint,
            connection.environment,
            connection.kind,
            None,
        );
        let http = reqwest::Client::builder().connect_timeout(TIMEOUT).build()?;
        let follower = Follower { connection, acceptance, http, newest: sender, window_ms: None };
        tokio::spawn(follower.run());
        Ok(Self(receiver))
    }

    /// What is held; none before the first.
    pub(crate) fn snapshot(&self) -> Option<Arc<Held>> {
        self.0.borrow().clone()
    }
}

struct Follower {
    connection: ConnectionString,
    acceptance: Acceptance,
    http: reqwest::Client,
    newest: watch::Sender<Option<Arc<Held>>>,
    /// Over how long clients come back that lost their streams, as the server set it.
    window_ms: Option<u64>,
}

impl Follower {
    /// Until the program ends: asks for the head, reads the stream to its end, waits, and does both again.
    async fn run(mut self) {
        let mut failures = 0u32;
        loop {
            let followed = self.once().await;
            let bound = match &followed {
                // It was open: all who lost theirs spread over the server's window.
                Ok(()) => {
                    failures = 0;
                    self.window_ms.unwrap_or(FIRST_WAIT_MS)
                }
                Err(error) => {
                    eprintln!("flags: {error:#}");
                    failures += 1;
                    FIRST_WAIT_MS.saturating_mul(1 << failures.min(10)).min(LAST_WAIT_MS)
                }
            };
            tokio::time::sleep(Duration::from_millis(drawn(bound))).await;
        }
    }

    async fn once(&mut self) -> anyhow::Result<()> {
        let (environment, kind) = (hex(&self.connection.environment), self.connection.kind);
        let place = format!("{environment}/{}", kind.as_str());
        let head = self.get(&format!("/v1/head/{place}"), MAX_HEAD_BYTES).await?;
        self.take(&head).await?;
        self.read_stream(&format!("/v1/stream/{place}")).await
    }

    /// Verifies a head and what belongs to it, and puts it in the place of the one before. Whatever is refused changes nothing.
    async fn take(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let head = Head::parse(bytes)?;
        while self.acceptance.keyset_number() < head.keyset.min(MAX_KEYSETS) {
            let next = self.acceptance.keyset_number() + 1;
            let keyset = self.get(&format!("/v1/keyset/{next}"), MAX_KEYSET_BYTES).await?;
            self.acceptance.accept_keyset(&keyset)?;
        }
        let now = super::unix_ms();
        // Before anything is fetched for it.
        let head = self.acceptance.check_head(bytes, now)?;
        let held = self.newest.borrow().clone();
        if held.as_ref().is_some_and(|held| sha256(held.body.bytes()) == head.body_sha256) {
            return Ok(self.acceptance.admit_renewal(head)?);
        }
        let wanted = hex(&head.body_sha256);
        let rebuilt = match &held {
            Some(held) => self.rebuilt(&held.body, &head).await,
            None => None,
        };
        let body = match rebuilt {
            Some(body) => body,
            None => self.get(&format!("/v1/body/{wanted}"), MAX_BODY_BYTES).await?,
        };
        let accepted = self.acceptance.accept(bytes, body, now)?;
        let held = Held { version: accepted.head.version, body: accepted.snapshot };
        self.newest.send_replace(Some(Arc::new(held)));
        Ok(())
    }

    /// The body made of the one held and a delta; none where there is no delta, or it leads elsewhere.
    async fn rebuilt(&self, from: &Snapshot, head: &Head) -> Option<Vec<u8>> {
        let (from_hash, to_hash) = (hex(&sha256(from.bytes())), hex(&head.body_sha256));
        let path = format!("/v1/delta/{from_hash}/{to_hash}");
        let made = self.get(&path, MAX_BODY_BYTES).await.ok()?;
        delta::apply(from, &made).ok().filter(|body| sha256(body) == head.body_sha256)
    }

    /// Reads events until the server ends the stream, or is silent for too long.
    async fn read_stream(&mut self, path: &str) -> anyhow::Result<()> {
        let mut answer = self.request(path).send().await?.error_for_status()?;
        let mut text = String::new();
        loop {
            let part =
                tokio::time::timeout(SILENCE, answer.chunk()).await.context("a silent stream")?;
            // A cut is an end like any other: servers restart.
            let Ok(Some(part)) = part else { return Ok(()) };
            text.push_str(std::str::from_utf8(&part)?);
            while let Some((event, rest)) = text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                text = rest;
                if self.hear(&event).await? {
                    return Ok(());
                }
            }
            if text.len() > MAX_EVENT_BYTES {
                bail!("an event of more than {MAX_EVENT_BYTES} bytes");
            }
        }
    }

    /// One event; whether it is a goodbye.
    async fn hear(&mut self, event: &str) -> anyhow::Result<bool> {
        let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
        if let Some(window) = field("retry: ").and_then(|text| text.parse::<u64>().ok()) {
            self.window_ms = Some(window.min(LONGEST_WAIT_MS));
        }
        match (field("event: "), field("data: ")) {
            (Some("head"), Some(data)) => {
                self.take(&STANDARD.decode(data)?).await?;
                Ok(false)
            }
            (Some("goodbye"), Some(data)) => {
                let goodbye: serde_json::Value = serde_json::from_str(data)?;
                let window = goodbye["reconnect_after_ms"].as_u64();
                self.window_ms =
                    window.map(|window| window.min(LONGEST_WAIT_MS)).or(self.window_ms);
                Ok(true)
            }
            // Others are for newer programs.
            _ => Ok(false),
        }
    }

    fn request(&self, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.connection.origin);
        self.http.get(url).bearer_auth(&self.connection.sdk_key)
    }

    /// One answer, whole, of at most `limit` bytes.
    async fn get(&self, path: &str, limit: usize) -> anyhow::Result<Vec<u8>> {
        let answer = self.request(path).timeout(TIMEOUT).send().await?;
        let mut answer = answer.error_for_status()?;
        let mut bytes = Vec::new();
        while let Some(part) = answer.chunk().await? {
            bytes.extend_from_slice(&part);
            if bytes.len() > limit {
                bail!("{path}: more than {limit} bytes");
            }
        }
        Ok(bytes)
    }
}

/// An even draw, from zero to below `bound`.
fn drawn(bound: u64) -> u64 {
    getrandom::u64().map_or(bound, |random| random % bound.max(1))
}
