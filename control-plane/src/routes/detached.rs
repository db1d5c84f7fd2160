//! Requests that change something run to their end even when the caller hangs up: dropping a handler between its commit
//! and what follows would leave memory behind the database.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;

use super::problem::Problem;
use crate::log_lines;

/// Middleware around the admin API.
pub async fn detached(request: Request, next: Next) -> Result<Response, Problem> {
    if request.method().is_safe() {
        return Ok(next.run(request).await);
    }
    let running = match log_lines::current() {
        Some(about) => tokio::spawn(log_lines::within(about, next.run(request))),
        None => tokio::spawn(next.run(request)),
    };
    running.await.map_err(|error| Problem::internal(&error))
}
