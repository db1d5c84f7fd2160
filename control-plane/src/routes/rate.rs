//! Before every route but the probe of life: whether this caller asks too much.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use pennon_core::protocol::access;
use pennon_core::snapshot::Kind;

use super::auth::client::too_many;
use super::problem::Problem;
use crate::app::App;
use crate::auth::{address, session, token};

/// Middleware: per address, and per credential where that is a secret. A client key is none: all browsers share it, and whoever reads it in a
/// page must not be able to use it up for the others.
pub async fn limit(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let now = app.clock.now_ms();
    let (headers, trusted) = (request.headers(), &app.settings.trusted_proxies);
    if let Some(address) = address::client(request.extensions(), headers, trusted) {
        app.limiter.address(address, now).map_err(too_many)?;
    }
    if let Some(credential) = secret(headers, app.settings.is_https()) {
        app.limiter.credential(credential.as_bytes(), now).map_err(too_many)?;
    }
    Ok(next.run(request).await)
}

/// The secret that the request comes with.
fn secret(headers: &HeaderMap, secure: bool) -> Option<&str> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let given = text(header::AUTHORIZATION.as_str()).and_then(token::bearer);
    let given = given.or_else(|| text("x-api-key").map(str::trim));
    given
        .filter(|given| !given.starts_with(access::prefix(Kind::Client)))
        .or_else(|| session::read(headers, secure))
}
