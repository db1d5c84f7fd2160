//! What is published, and where it has arrived.

use axum::Json;
use axum::extract::State;
use pennon_core::protocol::connection;
use pennon_core::snapshot::Head;
use schemars::JsonSchema;
use serde::Serialize;

use super::find;
use crate::app::App;
use crate::auth::actor::Actor;
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

/// `GET /admin/edges`: what each edge said to the last push.
pub async fn edges(State(app): State<App>, _: Actor) -> Result<Json<Page<EdgeState>>, Problem> {
    let mut tx = app.store.begin_read().await?;
    Ok(Json(Page::whole(edges::list(&mut tx).await?)))
}
