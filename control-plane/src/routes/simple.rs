//! Evaluation for any program that can send a request, the same code as at the edge, on the snapshot in memory.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use pennon_core::protocol;
use pennon_core::protocol::connection::hex;
use pennon_core::protocol::ofrep::{Evaluation, MAX_REQUEST_BYTES};
use pennon_core::protocol::simple::{self, Environment};
use pennon_core::snapshot::Kind;
use std::sync::Arc;

use super::delivery::{KeyInQuery, no_snapshot};
use super::ofrep::answer;
use super::problem::Problem;
use crate::app::App;
use crate::auth::sdk::Caller;
use crate::publish::memory::Current;
use crate::routes::path::{Path, Query};

/// `GET /api/v1/flags/{key}`
pub async fn single(
    State(app): State<App>,
    Path(key): Path<String>,
    uri: Uri,
    Query(query): Query<KeyInQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let parameters = uri.query().unwrap_or("");
    let admitted = admit(&app, &headers, query.key.as_deref())?;
    Ok(evaluate(&app, &admitted, "simple-single", |evaluation, environment| {
        simple::single(evaluation, environment, &key, parameters)
    }))
}

/// `POST /api/v1/flags/batch`
pub async fn batch(
    State(app): State<App>,
    Query(query): Query<KeyInQuery>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let admitted = admit(&app, &headers, query.key.as_deref())?;
    // A body is read from those alone who are let in: nobody else makes this server hold anything.
    let body =
        Bytes::from_request(request, &app).await.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body-too-large",
                format!("send at most {MAX_REQUEST_BYTES} bytes"),
            ),
            status => Problem::new(status, "body-unreadable", "the request body breaks off"),
        })?;
    Ok(evaluate(&app, &admitted, "simple-batch", |evaluation, environment| {
        simple::batch(evaluation, environment, &body)
    }))
}

/// Whose key it is, and what is evaluated with.
fn admit(
    app: &App,
    headers: &HeaderMap,
    key: Option<&str>,
) -> Result<(Caller, Arc<Current>), Problem> {
    let caller = app.sdk_keys.admit(headers, key)?;
    let current = app.published.current((caller.environment, Kind::Server));
    Ok((caller, current.ok_or_else(no_snapshot)?))
}

fn evaluate(
    app: &App,
    (caller, current): &(Caller, Arc<Current>),
    api: &'static str,
    evaluate: impl FnOnce(Evaluation<'_>, Environment<'_>) -> protocol::Response,
) -> Response {
    let evaluation = Evaluation {
        snapshot: &current.snapshot,
        head: &current.head,
        client: caller.kind == Kind::Client,
        now: app.clock.now_ms(),
        known: None,
    };
    let id = hex(&caller.environment);
    let name = app.sdk_keys.environment(&caller.environment);
    app.metrics.evaluations(api);
    answer(evaluate(evaluation, Environment { id: &id, key: name.as_deref() }))
}
