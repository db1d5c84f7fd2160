//! One log line for each request, and the request id that ties an answer to it. No header, no query, no body is logged:
//! keys travel in them.

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::Instant;
use tracing::Instrument;

use super::problem::Problem;
use crate::app::App;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// A caller's own request id is kept up to this length.
const MAX_REQUEST_ID: usize = 64;

/// Middleware around every route.
pub async fn log(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let given =
        request.headers().get(&REQUEST_ID).and_then(|value| value.to_str().ok()).filter(|id| {
            (1..=MAX_REQUEST_ID).contains(&id.len())
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        });
    let id = match given {
        Some(id) => id.to_owned(),
        None => app.random.id()?,
    };
    let span =
        tracing::info_span!("request", id, method = %request.method(), path = request.uri().path());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let started = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    let route = route.as_ref().map(MatchedPath::as_str);
    app.metrics.answered(&method, route, status, started.elapsed());
    let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    span.in_scope(|| {
        // 503 is told by what is away, once.
        if status >= 500 && status != 503 {
            tracing::warn!(status, micros, "answered");
        } else {
            tracing::debug!(status, micros, "answered");
        }
    });
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    Ok(response)
}
