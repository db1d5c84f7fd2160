//! Who asks the admin API: a person or a token, and what they may do.

use std::collections::BTreeMap;

use aide::OperationInput;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use subtle::ConstantTimeEq;

use super::origin::{self, Site};
use super::{address, jwt, session, token};
use crate::app::App;
use crate::domain::role::{Grant, Rights};
use crate::routes::comment::comment;
use crate::routes::problem::Problem;
use crate::store::change::Author;
use crate::store::sign_ins::{self, Session};
use crate::store::tokens::{self, Token};
use crate::store::users::{self, User};
use crate::store::{StoreError, members};

/// Longer than any token; a longer header is refused before anything is done with it.
const MAX_TOKEN_BYTES: usize = 2_048;
/// How exact the time of a token's last use is kept.
const TOUCH_TOKEN_MS: i64 = 60_000;

/// Whose credentials came with the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// An API token; without a project, the owner of the instance.
    Token(Box<Token>),
    /// A person, and the session when it is a browser's.
    User { user: Box<User>, session: Option<String> },
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
impl Actor {
    /// The person, and the session that they came with.
    ///
    /// # Errors
    /// 403 when it is a token: it has no password, no sessions.
    pub fn person(&self) -> Result<(&User, Option<&str>), Problem> {
        match &self.who {
            Who::User { user, session } => Ok((user, session.as_deref())),
            Who::Token(_) => Err(Problem::role("this is for people: sign in")),
        }
    }

    /// The id of the person who is behind a new token: the caller, or who made the caller's token.
    pub fn behind(&self) -> Option<&str> {
        match &self.who {
            Who::User { user, .. } => Some(&user.id),
            Who::Token(token) => token.made_by_user.as_deref(),
        }
    }
}

impl FromRequestParts<App> for Actor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            Problem::internal(&"a handler asks who calls, on a route that is open to everybody")
        })
    }
}

/// Finds out who it is: by the token in the Authorization header, or, without that header, by the session's cookie.
///
/// # Errors
/// 401 when the credentials are missing, unknown, expired or revoked; 403 when a browser brings a cookie from somebody else's page.
pub async fn authenticate(app: &App, parts: &Parts) -> Result<Actor, Problem> {
    let secure = app.settings.is_https();
    let (who, rights) = match parts.headers.get(header::AUTHORIZATION) {
        Some(value) => {
            let value = value.to_str().ok().and_then(token::bearer);
            let given = value.filter(|token| token.len() <= MAX_TOKEN_BYTES);
            let detail = "the Authorization header is not `Bearer` and a token";
            let given = given.ok_or_else(|| refused(detail))?;
            if jwt::looks_like(given) {
                by_jwt(app, given).await?
            } else {
                by_token(app, given).await?
            }
        }
        None => {
            let detail = "sign in, or send a token as `Authorization: Bearer pna_...`";
            let cookie = session::read(&parts.headers, secure).ok_or_else(|| refused(detail))?;
            let found = by_session(app, cookie).await?;
            if !parts.method.is_safe()
                && origin::site(&parts.headers, &app.settings.public_url) != Site::Own
            {
                return Err(foreign());
            }
            found
        }
    };
    let name = match &who {
        Who::Token(token) => format!("token:{}", token.name),
        Who::User { user, .. } => format!("user:{}", user.email),
    };
    let origin = address::client(&parts.extensions, &parts.headers, &app.settings.trusted_proxies);
    let origin = origin.map(|address| address.to_string());
    Ok(Actor { who, author: Author { name, origin, comment: comment(&parts.headers)?, rights } })
}

/// The refusal of what another site's page asked for.
pub fn foreign() -> Problem {
    let detail = "a browser changes something only from Pennon's own pages: its Sec-Fetch-Site or Origin header says otherwise; \
                  programs send a token";
    Problem::new(StatusCode::FORBIDDEN, "cross-site", detail)
}

fn refused(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "token", detail)
}

/// Whose API token this is.
///
/// # Errors
/// 401 when it is unknown, expired or revoked.
pub async fn by_token(app: &App, given: &str) -> Result<(Who, Rights), Problem> {
    let sha256 = token::sha256(given);
    let mut connection = app.store.begin_read().await?;
    let found = tokens::find(&mut connection, &sha256).await?;
    let now = app.clock.now_ms();
    // The database compared hashes of 256 random bits already; comparing them again in constant time costs nothing.
    let valid = found.filter(|token| {
        bool::from(token.sha256.as_slice().ct_eq(sha256.as_slice())) && token.is_live(now)
    });
    let unknown = || refused("this token is unknown, expired or revoked");
    let token = valid.ok_or_else(unknown)?;
    let rights = match &token.scope {
        None => Rights::Instance,
        Some((project_id, grant)) => {
            let maker = match &token.made_by_user {
                None => Some(grant.clone()),
                Some(maker) => {
                    let user = users::get(&mut connection, maker).await?;
                    let user =
                        user.filter(|user| user.disabled_at.is_none()).ok_or_else(unknown)?;
                    rights_of(&mut connection, &user).await?.grant(project_id)
                }
            };
            // Never more than its maker has by now.
            let common = maker.map(|maker| (project_id.clone(), grant.common(&maker)));
            Rights::Projects(common.into_iter().collect::<BTreeMap<String, Grant>>())
        }
    };
    drop(connection);
    if token.last_used_at.is_none_or(|at| now - at >= TOUCH_TOKEN_MS) {
        let touched = async {
            let mut tx = app.store.begin().await?;
            tokens::touch(&mut tx, &token.id, now).await?;
            Ok::<(), StoreError>(tx.commit().await?)
        };
        noted(touched.await);
    }
    Ok((Who::Token(Box::new(token)), rights))
}

async fn by_session(app: &App, cookie: &str) -> Result<(Who, Rights), Problem> {
    let sha256 = token::sha256(cookie);
    let mut connection = app.store.begin_read().await?;
    let found = sign_ins::session(&mut connection, &sha256).await?;
    let now = app.clock.now_ms();
    let valid = found.filter(|(kept, user)| {
        bool::from(kept.sha256.as_slice().ct_eq(sha256.as_slice()))
            && session::lasts(kept.created_at, kept.last_seen_at, now)
            && user.disabled_at.is_none()
    });
    let (Session { id, last_seen_at, .. }, user) =
        valid.ok_or_else(|| refused("this session has ended: sign in"))?;
    let rights = rights_of(&mut connection, &user).await?;
    drop(connection);
    if now - last_seen_at >= session::TOUCH_MS {
        let touched = async {
            let mut tx = app.store.begin().await?;
            sign_ins::touch_session(&mut tx, &id, now).await?;
            Ok::<(), StoreError>(tx.commit().await?)
        };
        noted(touched.await);
    }
    Ok((Who::User { user: Box::new(user), session: Some(id) }, rights))
}

async fn by_jwt(app: &App, given: &str) -> Result<(Who, Rights), Problem> {
    let refused = || refused("this access token is expired, revoked or none of ours: refresh it");
    let now = app.clock.now_ms();
    let claims = app.jwt.read(given, now).ok_or_else(refused)?;
    let mut connection = app.store.begin_read().await?;
    let family = sign_ins::family(&mut connection, &claims.family).await?;
    family
        .filter(|family| family.user_id == claims.sub && now < family.expires_at)
        .ok_or_else(refused)?;
    let user = users::get(&mut connection, &claims.sub).await?;
    let user = user.filter(|user| user.disabled_at.is_none()).ok_or_else(refused)?;
    let rights = rights_of(&mut connection, &user).await?;
    Ok((Who::User { user: Box::new(user), session: None }, rights))
}

/// Everything that a person may do.
///
/// # Errors
/// What the database says.
pub async fn rights_of(
    connection: &mut sqlx::AnyConnection,
    user: &User,
) -> Result<Rights, StoreError> {
    if user.instance_owner {
        return Ok(Rights::Instance);
    }
    Ok(Rights::Projects(members::grants(connection, &user.id).await?))
}

/// A time of last use that could not be written is no reason to refuse the caller.
fn noted(written: Result<(), StoreError>) {
    if let Err(error) = written {
        tracing::debug!(%error, "the time of last use was not noted");
    }
}
