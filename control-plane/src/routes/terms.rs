//! Before every route that SDK keys open: what the key's environment says of those who ask. An edge keeps to the same, from its snapshot.

use axum::extract::{Query, Request, State};
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, ORIGIN, VARY};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use pennon_core::outcome::ErrorCode;
use pennon_core::protocol::gate::Terms;
use pennon_core::protocol::ofrep as protocol;
use pennon_core::snapshot::Kind;

use super::delivery::KeyInQuery;
use super::ofrep;
use super::problem::Problem;
use crate::app::App;
use crate::auth::address;

/// Middleware. Whoever has no good key is refused further in.
pub async fn keep(State(app): State<App>, request: Request, next: Next) -> Response {
    if !app.sdk_keys.any_terms() {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let in_query = Query::<KeyInQuery>::try_from_uri(&parts.uri).ok().and_then(|query| query.0.key);
    let caller = app.sdk_keys.admit(&parts.headers, in_query.as_deref()).ok();
    let found = caller.and_then(|caller| Some((caller, app.sdk_keys.terms(&caller.environment)?)));
    let Some((caller, terms)) = found else {
        return next.run(Request::from_parts(parts, body)).await;
    };
    let origin = parts.headers.get(ORIGIN).cloned();
    let named = origin.as_ref().map(|origin| origin.to_str().unwrap_or_default());
    let path = parts.uri.path().to_owned();
    let refusal = if !terms.allows(named) {
        let detail = "pages of this origin may not ask with this key: name it in the settings of the environment";
        Some(Problem::new(StatusCode::FORBIDDEN, "origin-not-allowed", detail))
    } else if parts.method == Method::OPTIONS {
        None
    } else {
        // All browsers share a client key: whoever reads it in a page must not use it up for the others.
        let address = (caller.kind == Kind::Client)
            .then(|| {
                address::client(&parts.extensions, &parts.headers, &app.settings.trusted_proxies)
            })
            .flatten();
        let now = app.clock.now_ms();
        let taken = |limit| app.limiter.sdk_key(&caller.sha256, address, limit, now);
        terms.requests_per_minute.and_then(|limit| Some((limit, taken(limit).err()?))).map(
            |(limit, wait_ms)| {
                let seconds = u32::try_from(wait_ms / 1_000 + 1).unwrap_or(u32::MAX);
                let detail = format!("this key may be used {limit} times a minute here");
                let status = StatusCode::TOO_MANY_REQUESTS;
                Problem::new(status, "too-many-requests", detail).retry_after(seconds)
            },
        )
    };
    let response = match refusal {
        Some(refusal) => refused(&path, refusal),
        None => next.run(Request::from_parts(parts, body)).await,
    };
    stated(response, &terms, origin)
}

/// For an OFREP client in the words of its protocol.
fn refused(path: &str, problem: Problem) -> Response {
    let Some(flag) = path.strip_prefix("/ofrep/v1/evaluate/flags") else {
        return problem.into_response();
    };
    let flag = flag.strip_prefix('/');
    let (status, detail) = (problem.status().as_u16(), problem.detail().to_owned());
    let retry_after = problem.into_response().headers().get("retry-after").cloned();
    let failure = protocol::failure_with_status(status, flag, ErrorCode::General, &detail);
    let mut response = ofrep::answer(failure);
    if let Some(seconds) = retry_after {
        response.headers_mut().insert("retry-after", seconds);
    }
    response
}

/// Says whose pages may read the answer, where not all may. What one page may read must not be handed to another out of a cache.
fn stated(mut response: Response, terms: &Terms, origin: Option<HeaderValue>) -> Response {
    if terms.origins.is_empty() {
        return response;
    }
    let headers = response.headers_mut();
    headers.remove(ACCESS_CONTROL_ALLOW_ORIGIN);
    headers.append(VARY, HeaderValue::from_static("Origin"));
    let named = origin.as_ref().and_then(|origin| origin.to_str().ok());
    if let Some(origin) = origin.as_ref().filter(|_| terms.allows(named)) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
    response
}
