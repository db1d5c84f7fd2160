//! One log line for each request, and the request id that ties an answer to it. No header, no query, no body is logged:
//! keys travel in them.

use axum::extract::{MatchedPath, Request, State};
use axum::http::HeaderName;
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::Instant;

use super::problem::Problem;
use crate::app::App;
use crate::log_lines::{self, within};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// A caller's own request id is kept up to this length.
const MAX_REQUEST_ID: usize = 64;

/// Middleware around every route.
pub async fn log(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let given = request.headers().get(&REQUEST_ID).filter(|id| {
        let id = id.as_bytes();
        (1..=MAX_REQUEST_ID).contains(&id.len())
            && id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
    });
    let id = match given {
        Some(id) => id.clone(),
        None => app.request_ids.next(&app.random)?,
    };
    let method = request.method().clone();
    let about =
        log_lines::Request { id: id.clone(), method: method.clone(), uri: request.uri().clone() };
    let route = request.extensions().get::<MatchedPath>().cloned();
    let started = Instant::now();
    let answered = within(about, async {
        let response = next.run(request).await;
        let (status, took) = (response.status().as_u16(), started.elapsed());
        app.metrics.answered(&method, route.as_ref().map(MatchedPath::as_str), status, took);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        // 503 is told by what is away, once.
        if status >= 500 && status != 503 {
            tracing::warn!(status, micros, "answered");
        } else {
            tracing::debug!(status, micros, "answered");
        }
        response
    });
    let mut response = answered.await;
    response.headers_mut().insert(REQUEST_ID, id);
    Ok(response)
}
