//! Pushes every snapshot to every configured edge, and tries again until the edge has it or a newer one is there.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use super::memory::{Current, Place};
use crate::app::App;
use crate::config::Edge;
use crate::store::StoreError;
use crate::store::edges::{self, EdgeState};
use pennon_core::protocol::connection;
use pennon_core::protocol::push::Push;
use pennon_core::snapshot::Kind;

/// How long one push may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The first wait after a failure; then twice as long, and so on.
const FIRST_RETRY: Duration = Duration::from_millis(250);
/// The longest wait.
const LAST_RETRY: Duration = Duration::from_secs(30);
/// An edge's answer is read up to this many bytes.
const MAX_ANSWER_BYTES: usize = 16 * 1024;
/// An edge's sentence is kept up to this many characters.
const MAX_ERROR_CHARACTERS: usize = 500;

/// What the edge has of one environment and kind.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    /// Epoch, version and creation of what is settled: taken, or refused for good.
    settled: Option<(u32, u64, i64)>,
    failures: u32,
    not_before: Option<Instant>,
}

/// How a push ended.
enum Ending {
    Taken,
    /// The edge will never take this one: it serves another environment, or has a newer version.
    Settled(String),
    Failed(String),
}

/// The client that all edges share.
///
/// # Errors
/// When the TLS configuration cannot be made.
pub fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .timeout(TIMEOUT)
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("pennon/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Keeps one edge up to date until the server stops.
pub async fn run(app: App, edge: Edge, client: reqwest::Client) {
    let mut changes = app.published.follow_all();
    let mut progress: HashMap<Place, Progress> = HashMap::new();
    loop {
        changes.mark_unchanged();
        let mut wake = None;
        let mut told = Vec::new();
        let mut all = app.published.all();
        // An edge evaluates with its own kind; the others it only hands on.
        all.sort_by_key(|(_, current)| current.head.kind != Kind::Edge);
        for (environment, current) in all {
            let entry = progress.entry((environment, current.head.kind)).or_default();
            let order = (current.head.epoch, current.head.version, current.head.created);
            if entry.settled.is_some_and(|settled| settled >= order) {
                continue;
            }
            if entry.not_before.is_none_or(|not_before| not_before <= Instant::now()) {
                let ending = tokio::select! {
                    ending = push(&app, &edge, &client, &current) => ending,
                    () = app.stopped() => return,
                };
                app.metrics.edge_pushes(matches!(ending, Ending::Taken));
                settle(&app, &edge, &current, entry, &ending);
                told.push(state(&app, &edge, &environment, &current, ending));
            }
            if let Some(not_before) = entry.not_before {
                wake = Some(wake.map_or(not_before, |wake: Instant| wake.min(not_before)));
            }
        }
        // After all of them, so that no push waits for the database.
        if !told.is_empty()
            && let Err(error) = record(&app, &told).await
        {
            tracing::debug!(%error, edge = edge.url, "the pushes were not noted");
        }
        let retry = async {
            match wake {
                Some(wake) => tokio::time::sleep_until(wake).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            () = retry => {}
            () = app.stopped() => return,
        }
    }
}

fn settle(app: &App, edge: &Edge, current: &Current, entry: &mut Progress, ending: &Ending) {
    let head = &current.head;
    match ending {
        Ending::Taken | Ending::Settled(_) => {
            *entry = Progress {
                settled: Some((head.epoch, head.version, head.created)),
                ..Progress::default()
            };
        }
        Ending::Failed(why) => {
            entry.failures += 1;
            let longest = (FIRST_RETRY * 2u32.saturating_pow(entry.failures - 1)).min(LAST_RETRY);
            // Half of it by chance, so that many servers do not come back together.
            let half = u64::try_from(longest.as_millis() / 2).unwrap_or(u64::MAX);
            let chance = app.random.below(half).unwrap_or(half);
            entry.not_before = Some(Instant::now() + Duration::from_millis(half + chance));
            if entry.failures == 1 {
                tracing::warn!(
                    edge = edge.url,
                    kind = head.kind.as_str(),
                    why,
                    "push failed; trying again until it works"
                );
            }
        }
    }
}

fn state(
    app: &App,
    edge: &Edge,
    environment: &[u8; 16],
    current: &Current,
    ending: Ending,
) -> EdgeState {
    let now = app.clock.now_ms();
    let (last_error, last_success) = match ending {
        Ending::Taken => (None, Some(now)),
        Ending::Settled(why) | Ending::Failed(why) => (Some(why), None),
    };
    let taken = last_success.is_some();
    EdgeState {
        url: edge.url.clone(),
        environment_id: connection::hex(environment),
        kind: current.head.kind.as_str().to_owned(),
        epoch: if taken { i64::from(current.head.epoch) } else { 0 },
        version: if taken { i64::try_from(current.head.version).unwrap_or(i64::MAX) } else { 0 },
        last_error,
        last_attempt: now,
        last_success,
    }
}

async fn record(app: &App, told: &[EdgeState]) -> Result<(), StoreError> {
    let mut tx = app.store.begin().await?;
    for state in told {
        edges::put(&mut tx, state).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// What an edge says that took a snapshot, or has a newer one.
#[derive(Deserialize)]
struct Taken {
    kind: String,
    epoch: u32,
    version: u64,
}

#[derive(Deserialize)]
struct Answer {
    code: Option<String>,
    detail: Option<String>,
}

async fn push(app: &App, edge: &Edge, client: &reqwest::Client, current: &Arc<Current>) -> Ending {
    let Some(keyset) = app.published.keyset(current.head.keyset) else {
        return Ending::Failed(format!("keyset {} is missing here", current.head.keyset));
    };
    let message =
        Push { head: &current.head_bytes, keyset: &keyset, body: current.snapshot.bytes() };
    let request = client
        .post(format!("{}/v1/push", edge.url))
        .bearer_auth(&edge.push_key)
        .header("content-type", "application/octet-stream")
        .body(message.to_bytes());
    let mut response = match request.send().await {
        Ok(response) => response,
        Err(error) => return Ending::Failed(shorten(&causes(&error))),
    };
    let status = response.status();
    let mut text = Vec::new();
    while let Ok(Some(part)) = response.chunk().await {
        text.extend_from_slice(&part);
        if text.len() > MAX_ANSWER_BYTES {
            break;
        }
    }
    if status.is_success() {
        let head = &current.head;
        let taken = serde_json::from_slice::<Taken>(&text).ok().filter(|taken| {
            taken.kind == head.kind.as_str()
                && (taken.epoch, taken.version) >= (head.epoch, head.version)
        });
        return match taken {
            Some(_) => Ending::Taken,
            None => Ending::Failed(format!(
                "{status}, but not the answer of an edge that took it: is this the address of an edge?"
            )),
        };
    }
    let answer: Option<Answer> = serde_json::from_slice(&text).ok();
    let code = answer.as_ref().and_then(|answer| answer.code.as_deref()).unwrap_or("");
    let detail = answer.as_ref().and_then(|answer| answer.detail.as_deref()).unwrap_or("");
    let why = shorten(&format!("{status} {code} {detail}"));
    match code {
        "wrong-environment" | "wrong-project" | "older-version" => Ending::Settled(why),
        _ => Ending::Failed(why),
    }
}

/// An error and what caused it, without the address, which is known.
pub fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = cause.to_string();
        source = cause.source();
    }
    text
}

fn shorten(text: &str) -> String {
    text.trim().chars().take(MAX_ERROR_CHARACTERS).collect()
}
