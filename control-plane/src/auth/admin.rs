//! The bearer token of the admin API.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use subtle::ConstantTimeEq;

use super::token;
use crate::app::App;
use crate::routes::comment::comment;
use crate::routes::problem::Problem;
use crate::store::change::Author;
use crate::store::tokens;

/// Longer than any token; a longer header is refused before it is hashed.
const MAX_TOKEN_BYTES: usize = 256;

/// A caller of the admin API: a handler that takes one cannot be reached without a valid token.
#[derive(Clone, Debug)]
pub struct Admin {
    /// What the audit log says of the caller.
    pub author: Author,
}

impl FromRequestParts<App> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let refused = |detail: &str| Problem::new(StatusCode::UNAUTHORIZED, "token", detail);
        let given = parts
            .headers
            .get(header::AUTHORIZATION)
            .ok_or_else(|| refused("send the admin token as `Authorization: Bearer pna_...`"))?
            .to_str()
            .ok()
            .and_then(bearer)
            .filter(|token| token.len() <= MAX_TOKEN_BYTES)
            .ok_or_else(|| refused("the Authorization header is not `Bearer` and a token"))?;
        let sha256 = token::sha256(given);
        let mut connection = app.store.begin_read().await?;
        let found = tokens::find(&mut connection, &sha256).await?;
        let now = app.clock.now_ms();
        // The database compared hashes of 256 random bits already; comparing them again in constant time costs nothing.
        let valid = found.filter(|token| {
            bool::from(token.sha256.as_slice().ct_eq(sha256.as_slice()))
                && token.revoked_at.is_none()
                && token.expires_at.is_none_or(|at| now < at)
        });
        let token = valid.ok_or_else(|| refused("this token is unknown, expired or revoked"))?;
        let comment = comment(&parts.headers)?;
        let name = format!("token:{}", token.name);
        Ok(Self { author: Author { name, origin: None, comment } })
    }
}

/// The token of `Bearer TOKEN`; the scheme in any case.
pub fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
