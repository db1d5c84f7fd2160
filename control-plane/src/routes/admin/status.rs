//! What is published, and where it has arrived.

use axum::Json;
use axum::extract::State;
use pennon_core::protocol::connection;
use pennon_core::snapshot::Head;
use serde_json::{Value, json};

use super::find;
use crate::app::App;
use crate::auth::actor::Actor;
use crate::routes::path::Path;
use crate::routes::problem::Problem;
use crate::store::{edges, snapshots};

/// Snapshots that one answer lists.
const MAX_SNAPSHOTS: i64 = 100;

/// `GET /admin/projects/{project}/environments/{environment}/snapshots`: newest first.
pub async fn snapshots(
    State(app): State<App>,
    _: Actor,
    Path((project, environment)): Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let environment = find::environment(&mut tx, &project, &environment).await?;
    let mut list = Vec::new();
    for stored in snapshots::list(&mut tx, &environment.id, MAX_SNAPSHOTS).await? {
        let head = Head::parse(&stored.head).map_err(|refusal| Problem::internal(&refusal))?;
        list.push(json!({
            "kind": stored.kind,
            "epoch": stored.epoch,
            "version": stored.version,
            "created": stored.created,
            "refreshBy": head.refresh_by,
            "notAfter": head.not_after,
            "bodyLength": head.body_length,
            "bodySha256": connection::hex(&head.body_sha256),
            "keyset": head.keyset,
        }));
    }
    let revision = environment.revision;
    let error = app.publish_error(&environment.id);
    Ok(Json(json!({ "snapshots": list, "revision": revision, "publishError": error })))
}

/// `GET /admin/edges`: what each edge said to the last push.
pub async fn edges(State(app): State<App>, _: Actor) -> Result<Json<Value>, Problem> {
    let mut tx = app.store.begin_read().await?;
    Ok(Json(json!({ "edges": edges::list(&mut tx).await? })))
}
