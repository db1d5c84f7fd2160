//! What each configured edge says of itself: the versions it runs, their age, what went wrong there lately. Asked by every replica, and
//! kept in memory: it is about now.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::push::causes;
use crate::app::App;
use crate::config::Edge;

/// How often an edge is asked.
const EVERY: Duration = Duration::from_secs(15);
/// An answer is read up to this many bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// An edge's sentence is kept up to this many characters.
const MAX_ERROR_CHARACTERS: usize = 500;

/// One kind of snapshot at an edge.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Running {
    #[serde(skip_serializing)]
    pub kind: String,
    pub epoch: i64,
    pub version: i64,
    /// The keyset under which its head was signed.
    pub keyset: i64,
    /// Milliseconds since its head was signed.
    pub age_ms: i64,
    /// Whether it is overdue for renewal.
    pub stale: bool,
}

/// What went wrong at an edge.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EdgeFailure {
    pub code: String,
    pub detail: String,
    pub kind: String,
    /// Unix milliseconds.
    pub at: i64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    environment: String,
    snapshots: Vec<Running>,
    #[serde(default)]
    failures: BTreeMap<String, i64>,
    #[serde(default)]
    newest_failures: Vec<EdgeFailure>,
}

/// The last answer of one edge, or why there was none.
#[derive(Clone, Debug)]
pub struct Report {
    /// Unix milliseconds.
    pub asked_at: i64,
    answer: Result<Status, String>,
}

impl Report {
    /// The environment that it serves, when it said so.
    pub fn environment(&self) -> Option<&str> {
        self.answer.as_ref().ok().map(|status| status.environment.as_str())
    }

    /// What it runs of a kind.
    pub fn running(&self, kind: &str) -> Option<Running> {
        let status = self.answer.as_ref().ok()?;
        status.snapshots.iter().find(|running| running.kind == kind).cloned()
    }

    /// How often something went wrong there, by code.
    pub fn failures(&self) -> BTreeMap<String, i64> {
        self.answer.as_ref().map(|status| status.failures.clone()).unwrap_or_default()
    }

    /// What went wrong there last with a kind.
    pub fn newest_failure(&self, kind: &str) -> Option<EdgeFailure> {
        let status = self.answer.as_ref().ok()?;
        let of_kind = status.newest_failures.iter().filter(|failure| failure.kind == kind);
        of_kind.max_by_key(|failure| failure.at).cloned()
    }

    /// Why it did not say.
    pub fn error(&self) -> Option<&str> {
        self.answer.as_ref().err().map(String::as_str)
    }
}

/// The newest reports, by address. Only configured edges have one, so there are as many as were configured.
#[derive(Debug, Default)]
pub struct Reports(Mutex<HashMap<String, Report>>);

impl Reports {
    /// What the edge said last.
    pub fn get(&self, url: &str) -> Option<Report> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(url).cloned()
    }

    fn put(&self, url: &str, report: Report) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(url.to_owned(), report);
    }
}

/// Asks one edge until the server stops.
pub async fn run(app: App, edge: Edge, client: reqwest::Client) {
    loop {
        let answer = tokio::select! {
            answer = ask(&edge, &client) => answer,
            () = app.stopped() => return,
        };
        let answer = answer.map_err(|why| why.chars().take(MAX_ERROR_CHARACTERS).collect());
        app.edge_reports.put(&edge.url, Report { asked_at: app.clock.now_ms(), answer });
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = app.stopped() => return,
        }
    }
}

async fn ask(edge: &Edge, client: &reqwest::Client) -> Result<Status, String> {
    let request = client.get(format!("{}/v1/status", edge.url)).bearer_auth(&edge.push_key);
    let mut response = request.send().await.map_err(|error| causes(&error))?;
    let status = response.status();
    let mut text = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|error| causes(&error))? {
        text.extend_from_slice(&part);
        if text.len() > MAX_ANSWER_BYTES {
            return Err("its status is too long: is this the address of an edge?".to_owned());
        }
    }
    if !status.is_success() {
        return Err(format!("it answers {status} to a question for its status"));
    }
    serde_json::from_slice(&text)
        .map_err(|_| "what it answers is no status: is this the address of an edge?".to_owned())
}
