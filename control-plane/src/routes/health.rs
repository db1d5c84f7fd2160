//! Whether the server lives, and whether all it leans on does.

use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::app::App;

/// `GET /healthz`: the process answers.
pub async fn healthz() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// `GET /readyz`: 200 while flags are delivered; `status` says `degraded` when Redis is away or an environment is not
/// published or a stored snapshot cannot be used; 503 when the database is away (delivery from memory goes on) or the server is stopping.
pub async fn readyz(State(app): State<App>) -> Response {
    let database = app.store.ping().await;
    if let Err(error) = &database {
        tracing::debug!(%error, "the database does not answer");
    }
    let redis = match (app.settings.redis, app.redis_up.load(Ordering::Relaxed)) {
        (false, _) => "not configured",
        (true, true) => "ok",
        (true, false) => "away",
    };
    let stopping = *app.stopping.borrow();
    let unpublished = app.publish_error_count();
    let unreadable = app.unreadable_count();
    let status = match (&database, redis, stopping) {
        (_, _, true) => "stopping",
        (Ok(()), "away", _) => "degraded",
        (Ok(()), ..) if unpublished + unreadable > 0 => "degraded",
        (Ok(()), ..) => "ok",
        (Err(_), ..) => "degraded",
    };
    let code = if database.is_ok() && !stopping {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let answer = json!({
        "status": status,
        "database": if database.is_ok() { "ok" } else { "away" },
        "redis": redis,
        "unpublishedEnvironments": unpublished,
        "unreadableSnapshots": unreadable,
        "streams": app.settings.max_streams - app.streams.available_permits(),
    });
    (code, [(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}
