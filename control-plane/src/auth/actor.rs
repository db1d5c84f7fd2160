//! Who asks the admin API: a person or a token, and what they may do.

use std::collections::BTreeMap;

use aide::OperationInput;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use subtle::ConstantTimeEq;

use super::{address, token};
use crate::app::App;
use crate::domain::role::Rights;
use crate::routes::comment::comment;
use crate::routes::problem::Problem;
use crate::store::change::Author;
use crate::store::tokens::{self, Token};

/// Longer than any token; a longer header is refused before it is hashed.
const MAX_TOKEN_BYTES: usize = 256;

/// Whose credentials came with the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// An API token; without a project, the owner of the instance.
    Token { id: String, name: String },
}

/// A caller of the admin API whom `routes/access.rs` has let through to this route.
#[derive(Clone, Debug)]
pub struct Actor {
    pub who: Who,
    /// As the audit log knows them, and what they may do.
    pub author: Author,
}

// The document asks for the token everywhere: routes/openapi.rs.
impl OperationInput for Actor {}

impl FromRequestParts<App> for Actor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            Problem::internal(&"a handler asks who calls, on a route that is open to everybody")
        })
    }
}

/// Finds out who it is.
///
/// # Errors
/// 401 when the credentials are missing, unknown, expired or revoked.
pub async fn authenticate(app: &App, parts: &Parts) -> Result<Actor, Problem> {
    let given = parts
        .headers
        .get(header::AUTHORIZATION)
        .ok_or_else(|| refused("send a token as `Authorization: Bearer pna_...`"))?
        .to_str()
        .ok()
        .and_then(token::bearer)
        .filter(|token| token.len() <= MAX_TOKEN_BYTES)
        .ok_or_else(|| refused("the Authorization header is not `Bearer` and a token"))?;
    let (who, rights) = by_token(app, given).await?;
    let name = match &who {
        Who::Token { name, .. } => format!("token:{name}"),
    };
    let origin = address::client(parts, &app.settings.trusted_proxies);
    let origin = origin.map(|address| address.to_string());
    Ok(Actor { who, author: Author { name, origin, comment: comment(&parts.headers)?, rights } })
}

fn refused(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "token", detail)
}

async fn by_token(app: &App, given: &str) -> Result<(Who, Rights), Problem> {
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
    let rights = rights(&token);
    Ok((Who::Token { id: token.id, name: token.name }, rights))
}

fn rights(token: &Token) -> Rights {
    match &token.scope {
        None => Rights::Instance,
        Some((project_id, grant)) => {
            Rights::Projects(BTreeMap::from([(project_id.clone(), grant.clone())]))
        }
    }
}
