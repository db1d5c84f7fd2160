//! What is published, and where it has arrived.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use pennon_core::protocol::connection;
use pennon_core::snapshot::Head;
use schemars::JsonSchema;
use serde::Serialize;

use super::find;
use crate::app::App;
use crate::auth::actor::Actor;
use crate::publish::edge_status::{EdgeFailure, Report, Running};
use crate::routes::page::Page;
use crate::routes::path::Path;
use crate::routes::problem::Problem;
use crate::store::edges::{self, EdgeState};
use crate::store::snapshots;

/// Snapshots that one answer lists.
const MAX_SNAPSHOTS: i64 = 100;

/// A snapshot that was published.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// `client`, `server` or `edge`.
    kind: String,
    epoch: i64,
    /// The newest revision that it shows.
    version: i64,
    /// Unix milliseconds.
    created: i64,
    /// Unix milliseconds from which on it counts as stale.
    refresh_by: i64,
    /// Unix milliseconds from which on nobody takes it any more.
    not_after: i64,
    body_length: u32,
    body_sha256: String,
    keyset: u32,
}

/// `GET /admin/projects/{project}/environments/{environment}/snapshots`: newest first.
pub async fn snapshots(
    State(app): State<App>,
    _: Actor,
    Path((project, environment)): Path<(String, String)>,
) -> Result<Json<Page<Snapshot>>, Problem> {
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let environment = find::environment(&mut tx, &project, &environment).await?;
    let mut items = Vec::new();
    for stored in snapshots::list(&mut tx, &environment.id, MAX_SNAPSHOTS).await? {
        let head = Head::parse(&stored.head).map_err(|refusal| Problem::internal(&refusal))?;
        items.push(Snapshot {
            kind: stored.kind,
            epoch: stored.epoch,
            version: stored.version,
            created: stored.created,
            refresh_by: head.refresh_by,
            not_after: head.not_after,
            body_length: head.body_length,
            body_sha256: connection::hex(&head.body_sha256),
            keyset: head.keyset,
        });
    }
    Ok(Json(Page::whole(items)))
}

/// One kind of snapshot at an edge: what it said to the last push, and what it says of itself.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "EdgeState")]
pub struct EdgeNow {
    #[serde(flatten)]
    pushed: EdgeState,
    /// What it runs, by its own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    reported: Option<Running>,
    /// When it was asked last, Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    asked_at: Option<i64>,
    /// Why it said nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    status_error: Option<String>,
    /// How often something went wrong there since it started, by code.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    failures: BTreeMap<String, i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    newest_failure: Option<EdgeFailure>,
}

impl EdgeNow {
    /// None for an environment that the edge says it does not serve: there is nothing wrong with that.
    fn new(pushed: EdgeState, report: Option<&Report>) -> Option<Self> {
        let served = report.and_then(Report::environment);
        if served.is_some_and(|served| served != pushed.environment_id) {
            return None;
        }
        let kind = pushed.kind.as_str();
        Some(Self {
            reported: report.and_then(|report| report.running(kind)),
            asked_at: report.map(|report| report.asked_at),
            status_error: report.and_then(Report::error).map(str::to_owned),
            failures: report.map(Report::failures).unwrap_or_default(),
            newest_failure: report.and_then(|report| report.newest_failure(kind)),
            pushed,
        })
    }
}

/// `GET /admin/edges`: every edge with the version it runs, its age and its errors.
pub async fn edges(State(app): State<App>, _: Actor) -> Result<Json<Page<EdgeNow>>, Problem> {
    let mut tx = app.store.begin_read().await?;
    let pushed = edges::list(&mut tx).await?;
    let items = pushed.into_iter().filter_map(|pushed| {
        let report = app.edge_reports.get(&pushed.url);
        EdgeNow::new(pushed, report.as_ref())
    });
    Ok(Json(Page::whole(items.collect())))
}
