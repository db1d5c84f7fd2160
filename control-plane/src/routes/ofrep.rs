//! OpenFeature Remote Evaluation, the same code as at the edge, on the snapshot in memory.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use pennon_core::outcome::ErrorCode;
use pennon_core::protocol::ofrep::{self, Evaluation};
use pennon_core::protocol::{self, access::Denied};
use pennon_core::snapshot::Kind;
use std::sync::Arc;

use crate::app::App;
use crate::publish::memory::Current;
use crate::routes::path::Path;

/// `POST /ofrep/v1/evaluate/flags/{key}`
pub async fn single(
    State(app): State<App>,
    Path(key): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match admit(&app, &headers) {
        Ok((current, client)) => {
            answer(ofrep::single(evaluation(&app, &current, client), &key, &body))
        }
        Err(refusal) => refuse(refusal, Some(&key)),
    }
}

/// `POST /ofrep/v1/evaluate/flags`
pub async fn bulk(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Response {
    let held = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    match admit(&app, &headers) {
        Ok((current, client)) => {
            answer(ofrep::bulk(evaluation(&app, &current, client), &body, held))
        }
        Err(refusal) => refuse(refusal, None),
    }
}

enum Refusal {
    Denied(Denied),
    NothingPublished,
}

/// The snapshot to evaluate with, and whether the caller has a client key.
fn admit(app: &App, headers: &HeaderMap) -> Result<(Arc<Current>, bool), Refusal> {
    let caller = app.sdk_keys.admit(headers, None).map_err(Refusal::Denied)?;
    let current = app.published.current((caller.environment, Kind::Server));
    Ok((current.ok_or(Refusal::NothingPublished)?, caller.kind == Kind::Client))
}

fn evaluation<'a>(app: &App, current: &'a Current, client: bool) -> Evaluation<'a> {
    Evaluation { snapshot: &current.snapshot, head: &current.head, client, now: app.clock.now_ms() }
}

fn refuse(refusal: Refusal, key: Option<&str>) -> Response {
    answer(match refusal {
        Refusal::Denied(denied) => {
            ofrep::failure_with_status(denied.status(), key, ErrorCode::General, denied.detail())
        }
        Refusal::NothingPublished => {
            let detail = "nothing is published for this environment yet; try again in a moment";
            ofrep::failure(key, ErrorCode::ProviderNotReady, detail)
        }
    })
}

/// Sends what core decided; an evaluation depends on the caller, so no shared cache may keep it.
pub fn answer(response: protocol::Response) -> Response {
    let mut sent = Response::new(Body::from(response.body));
    *sent.status_mut() =
        StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in response.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            sent.headers_mut().insert(name, value);
        }
    }
    let headers = sent.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
    sent
}
