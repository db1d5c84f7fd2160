//! Whether the server lives, whether all it leans on does, and what it counted.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::problem::Problem;
use crate::app::App;

/// The text format of OpenMetrics, which Prometheus asks for first.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `GET /healthz`: the process answers.
pub async fn healthz() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// `GET /readyz`: whether everything works, and what does not. 503 when the database is away or the server is stopping; 200 and
/// `degraded` when something else is wrong. Flags are delivered and evaluated all the same: who sends that traffic asks
/// `/readyz/delivery`.
pub async fn readyz(State(app): State<App>) -> Response {
    let database = app.store.ping().await;
    if let Err(error) = &database {
        tracing::debug!(%error, "the database does not answer");
    }
    let unpublished = app.publish_error_count();
    let unreadable = app.unreadable_count();
    let mut degraded = Vec::new();
    if database.is_err() {
        degraded.push("database");
    }
    if !app.redis_is_fine() {
        degraded.push("redis");
    }
    if unpublished > 0 {
        degraded.push("unpublishedEnvironments");
    }
    if unreadable > 0 {
        degraded.push("unreadableSnapshots");
    }
    let stopping = *app.stopping.borrow();
    let status = match (stopping, degraded.is_empty()) {
        (true, _) => "stopping",
        (false, true) => "ok",
        (false, false) => "degraded",
    };
    let answer = json!({
        "status": status,
        "degraded": degraded,
        "database": if database.is_ok() { "ok" } else { "away" },
        "redis": match (app.settings.redis, app.redis_is_fine()) {
            (false, _) => "not configured",
            (true, true) => "ok",
            (true, false) => "away",
        },
        "unpublishedEnvironments": unpublished,
        "unreadableSnapshots": unreadable,
        "streams": app.open_streams(),
    });
    told(database.is_ok() && !stopping, answer)
}

/// `GET /readyz/delivery`: 200 as long as flags are delivered and evaluated from memory, with or without a database. A balancer that
/// asked `/readyz` would take every replica out of service when the database goes, and with them the flags.
pub async fn delivery(State(app): State<App>) -> Response {
    let stopping = *app.stopping.borrow();
    let snapshots = app.published.all().len();
    let status = match (stopping, snapshots) {
        (true, _) => "stopping",
        (false, 0) => "nothing published",
        (false, _) => "ok",
    };
    told(status == "ok", json!({ "status": status, "snapshots": snapshots }))
}

fn told(well: bool, answer: Value) -> Response {
    let code = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, [(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

/// `GET /metrics`, on the address of the metrics alone.
pub async fn metrics(State(app): State<App>) -> Result<Response, Problem> {
    let text = app.metrics.text(&app).map_err(|error| Problem::internal(&error))?;
    Ok(([(header::CONTENT_TYPE, OPENMETRICS)], text).into_response())
}
