//! OpenFeature Remote Evaluation, the same code as at the edge, on the snapshot in memory.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use pennon_core::outcome::ErrorCode;
use pennon_core::protocol::ofrep::{self, Evaluation, MAX_REQUEST_BYTES};
use pennon_core::protocol::{self, access::Denied};
use pennon_core::snapshot::Kind;
use std::sync::Arc;

use crate::app::App;
use crate::publish::memory::Current;
use crate::routes::delivery::KeyInQuery;
use crate::routes::path::{Path, Query};
use crate::routes::problem::Problem;

/// Where it lives.
const PATH: &str = "/ofrep/v1/evaluate/flags";

/// `POST /ofrep/v1/evaluate/flags/{key}`
pub async fn single(
    State(app): State<App>,
    key: Result<Path<String>, Problem>,
    uri: Uri,
    query: Result<Query<KeyInQuery>, Problem>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let Ok(Path(key)) = key else {
        let detail = "there is no such flag: a flag's key is UTF-8";
        return answer(ofrep::failure(key_in(&uri), ErrorCode::FlagNotFound, detail));
    };
    match asked(&app, &headers, query, request).await {
        Ok(((current, client), body)) => {
            app.metrics.evaluations("ofrep-single");
            answer(ofrep::single(evaluation(&app, &current, client), &key, &body))
        }
        Err(refusal) => refuse(refusal, Some(&key)),
    }
}

/// `POST /ofrep/v1/evaluate/flags`
pub async fn bulk(
    State(app): State<App>,
    query: Result<Query<KeyInQuery>, Problem>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let held = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    match asked(&app, &headers, query, request).await {
        Ok(((current, client), body)) => {
            app.metrics.evaluations("ofrep-bulk");
            answer(ofrep::bulk(evaluation(&app, &current, client), &body, held, None))
        }
        Err(refusal) => refuse(refusal, None),
    }
}

/// Any other method.
pub async fn wrong_method(uri: Uri) -> Response {
    let status = StatusCode::METHOD_NOT_ALLOWED.as_u16();
    answer(ofrep::failure_with_status(status, key_in(&uri), ErrorCode::General, "use POST here"))
}

/// The flag that a path names, as it stands there.
fn key_in(uri: &Uri) -> Option<&str> {
    uri.path().strip_prefix(PATH)?.strip_prefix('/')
}

/// Who asks, and what. A body is read from those alone who are let in: nobody else makes this server hold anything.
async fn asked(
    app: &App,
    headers: &HeaderMap,
    query: Result<Query<KeyInQuery>, Problem>,
    request: Request,
) -> Result<((Arc<Current>, bool), Bytes), Refusal> {
    let caller = admit(app, headers, query)?;
    let body = Bytes::from_request(request, app).await;
    Ok((caller, body.map_err(|rejection| Refusal::Body(rejection.status()))?))
}

enum Refusal {
    Denied(Denied),
    NothingPublished,
    /// The body is too long, or broke off.
    Body(StatusCode),
}

/// The snapshot to evaluate with, and whether the caller has a client key.
fn admit(
    app: &App,
    headers: &HeaderMap,
    query: Result<Query<KeyInQuery>, Problem>,
) -> Result<(Arc<Current>, bool), Refusal> {
    let in_query = query.ok().and_then(|Query(query)| query.key);
    // OFREP knows keys in headers alone; a secret one in the query is told so.
    let caller = match app.sdk_keys.admit(headers, in_query.as_deref()) {
        Err(denied @ Denied::KeyInQuery) => Err(denied),
        _ => app.sdk_keys.admit(headers, None),
    };
    let caller = caller.map_err(Refusal::Denied)?;
    let current = app.published.current((caller.environment, Kind::Server));
    Ok((current.ok_or(Refusal::NothingPublished)?, caller.kind == Kind::Client))
}

fn evaluation<'a>(app: &App, current: &'a Current, client: bool) -> Evaluation<'a> {
    Evaluation {
        snapshot: &current.snapshot,
        head: &current.head,
        client,
        now: app.clock.now_ms(),
        known: None,
    }
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
        Refusal::Body(status) => {
            let detail = format!("send a body of at most {MAX_REQUEST_BYTES} bytes, to its end");
            ofrep::failure_with_status(status.as_u16(), key, ErrorCode::ParseError, &detail)
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
