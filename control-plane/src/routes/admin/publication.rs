//! `/admin/projects/{project}/environments/{environment}/delivery`: what is published, what waits, and what keeps it.

use axum::Json;
use axum::extract::State;
use pennon_core::protocol::connection;
use pennon_core::snapshot::{Head, Kind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::AnyConnection;

use super::find;
use crate::app::App;
use crate::auth::actor::Actor;
use crate::routes::body::JsonBody;
use crate::routes::path::Path;
use crate::routes::problem::Problem;
use crate::store::change::Change;
use crate::store::environments::Environment;
use crate::store::{outbox, publications, snapshots};

/// How the publication of an environment fares.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// The newest revision.
    revision: i64,
    /// The newest snapshot of each kind.
    published: Vec<Published>,
    /// What is not published yet; absent when everything is.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<Waiting>,
    /// Why the last attempt failed; absent when there was none, or when it is held back.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
    /// What is held back until somebody confirms it; until then, the environment stays at the snapshots above.
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<Held>,
}

/// A signed snapshot.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "PublishedSnapshot")]
pub struct Published {
    /// `client`, `server` or `edge`.
    kind: &'static str,
    epoch: u32,
    /// The newest revision that it shows.
    version: u64,
    /// Unix milliseconds.
    created: i64,
    /// Unix milliseconds from which on it counts as stale.
    refresh_by: i64,
    /// The size of its body.
    bytes: u32,
    keyset: u32,
    /// The ids of the keys that signed it, in hexadecimal digits.
    signers: Vec<String>,
}

/// Revisions that no published snapshot shows.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "WaitingRevisions")]
pub struct Waiting {
    revisions: i64,
    /// Unix milliseconds: when the first of them was made.
    since: i64,
    /// Milliseconds that it has waited by now.
    lag: i64,
}

/// An attempt to publish that failed; it is made again.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "PublicationFailure")]
pub struct Failure {
    detail: String,
    /// The newest revision at the last attempt.
    revision: i64,
    /// Unix milliseconds: the first attempt in a row that failed.
    since: i64,
    /// Unix milliseconds.
    last_attempt: i64,
}

/// What somebody has to look at.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "HeldPublication")]
pub struct Held {
    /// What is to be confirmed.
    revision: i64,
    reasons: Vec<String>,
    /// Unix milliseconds.
    since: i64,
}

/// `GET`
pub async fn get(
    State(app): State<App>,
    _: Actor,
    Path((project, environment)): Path<(String, String)>,
) -> Result<Json<Delivery>, Problem> {
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let environment = find::environment(&mut tx, &project, &environment).await?;
    Ok(Json(delivery(&app, &mut tx, &environment).await?))
}

async fn delivery(
    app: &App,
    connection: &mut AnyConnection,
    environment: &Environment,
) -> Result<Delivery, Problem> {
    let mut published = Vec::with_capacity(Kind::ALL.len());
    for kind in Kind::ALL {
        let kind = kind.as_str();
        let Some(stored) = snapshots::latest(connection, &environment.id, kind).await? else {
            continue;
        };
        let head = Head::parse(&stored.head).map_err(|refusal| Problem::internal(&refusal))?;
        let signers = Head::signers(&stored.head).unwrap_or_default();
        published.push(Published {
            kind,
            epoch: head.epoch,
            version: head.version,
            created: head.created,
            refresh_by: head.refresh_by,
            bytes: head.body_length,
            keyset: head.keyset,
            signers: signers.iter().map(|id| connection::hex(id)).collect(),
        });
    }
    let now = app.clock.now_ms();
    let waiting = outbox::waiting_in(connection, &environment.id).await?;
    let waiting = waiting.map(|(revisions, since)| {
        let lag = (now - since).max(0);
        Waiting { revisions, since, lag }
    });
    let (mut error, mut held) = (None, None);
    if let Some(matter) = publications::find(connection, &environment.id).await? {
        let publications::Unpublished { revision, since, last_attempt, .. } = matter;
        match matter.held {
            Some(reasons) => held = Some(Held { revision, reasons, since }),
            None => {
                error = Some(Failure { detail: matter.error, revision, since, last_attempt });
            }
        }
    }
    Ok(Delivery { revision: environment.revision, published, waiting, error, held })
}

/// What is confirmed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// The `held.revision` that was looked at.
    revision: i64,
    /// Why; at most 1,000 characters.
    #[serde(default)]
    comment: Option<String>,
}

/// `POST .../confirm`: publishes what is held back. It is a change like any other: the audit log says who made it, and it has a revision.
pub async fn confirm(
    State(app): State<App>,
    actor: Actor,
    Path((project, environment)): Path<(String, String)>,
    JsonBody(wanted): JsonBody<Confirmation>,
) -> Result<Json<Delivery>, Problem> {
    let mut changing = find::change(&app, &actor, &project).await?;
    if let Some(comment) = &wanted.comment {
        changing.explain(crate::routes::comment::checked(comment)?);
    }
    let environment = find::environment(&mut changing.tx, &changing.project, &environment).await?;
    let matter = publications::find(&mut changing.tx, &environment.id).await?;
    let Some((held, reasons)) = matter.and_then(|matter| Some((matter.revision, matter.held?)))
    else {
        return Err(Problem::conflict("nothing is held back here"));
    };
    if wanted.revision != held || environment.revision != held {
        let detail = "something was changed since: look at what is held back now";
        let now = delivery(&app, &mut changing.tx, &environment).await?;
        return Err(Problem::conflict(detail).field("revision").current(json!(now)));
    }
    // The confirmation is the next revision itself: whatever is changed after it is looked at again.
    publications::confirm(&mut changing.tx, &environment.id, held + 1).await?;
    let change = Change {
        action: "publication.confirmed",
        target: &environment.key,
        environment_id: Some(&environment.id),
        old: None,
        new: Some(json!({ "revision": held, "reasons": reasons })),
    };
    app.commit(changing, change, std::slice::from_ref(&environment.id)).await?;
    let mut tx = app.store.begin_read().await?;
    Ok(Json(delivery(&app, &mut tx, &environment).await?))
}
