//! Requests that change something run to their end even when the caller hangs up: dropping a handler between its commit
//! and what follows would leave memory behind the database.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use tracing::{Instrument, Span};

use super::problem::Problem;

/// Middleware around the admin API.
pub async fn detached(request: Request, next: Next) -> Result<Response, Problem> {
    if request.method().is_safe() {
        return Ok(next.run(request).await);
    }
    let running = tokio::spawn(next.run(request).instrument(Span::current()));
    running.await.map_err(|error| Problem::internal(&error))
}
