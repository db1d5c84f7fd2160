//! `/auth/token`: people's programs sign in with an address and a password to a short-lived JWT and a refresh token.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::NoContent;
use pennon_core::protocol::connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::client::{Client, Private, verified};
use super::sign_in::Credentials;
use crate::app::App;
use crate::auth::jwt::LIFETIME_S;
use crate::auth::password::Secret;
use crate::auth::token;
use crate::routes::body::JsonBody;
use crate::routes::problem::Problem;
use crate::store::sign_ins::{self, Family};
use crate::store::{StoreError, users};

/// What every refresh token starts with; the id of its family and 43 random characters follow.
const PREFIX: &str = "pnr_";
/// A sign-in of a program ends so long after it began, however often it is refreshed.
pub const FAMILY_MS: i64 = 30 * 86_400_000;
/// Sign-ins of one person's programs; the oldest make room.
const MAX_FAMILIES: i64 = 50;

/// An access token and what renews it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tokens {
    /// Send it as `Authorization: Bearer`.
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds until the access token ends.
    expires_in: i64,
    /// Good once: each answer has another.
    refresh_token: String,
}

/// `POST /auth/token`
pub async fn issue(
    State(app): State<App>,
    client: Client,
    JsonBody(given): JsonBody<Credentials>,
) -> Result<Private<Tokens>, Problem> {
    client.not_foreign()?;
    let user = verified(&app, &client, &given.email, &given.password).await?;
    let now = app.clock.now_ms();
    let id = app.random.id()?;
    let refresh_token = token::generate(&format!("{PREFIX}{id}"), &app.random)?;
    let family = Family {
        id,
        user_id: user.id,
        sha256: token::sha256(&refresh_token).to_vec(),
        created_at: now,
        expires_at: now + FAMILY_MS,
    };
    let mut tx = app.store.begin().await?;
    sign_ins::insert_family(&mut tx, &family, MAX_FAMILIES).await?;
    tx.commit().await.map_err(StoreError::from)?;
    tokens(&app, &family, refresh_token)
}

fn tokens(app: &App, family: &Family, refresh_token: String) -> Result<Private<Tokens>, Problem> {
    let access_token = app
        .jwt
        .issue(&family.user_id, &family.id, app.clock.now_ms())
        .map_err(|error| Problem::internal(&error))?;
    Ok(Private(Tokens {
        access_token,
        token_type: "Bearer",
        expires_in: LIFETIME_S,
        refresh_token,
    }))
}

/// A refresh token.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Refresh {
    refresh_token: Secret,
}

/// The id of the family that a refresh token names.
fn family_id(text: &str) -> Option<&str> {
    let id = text.strip_prefix(PREFIX)?.get(..32)?;
    connection::id(id).map(|_| id)
}

/// The sign-in with this id, looked up without taking the database for a change.
async fn known(app: &App, id: &str) -> Result<Option<Family>, Problem> {
    let mut tx = app.store.begin_read().await?;
    Ok(sign_ins::family(&mut tx, id).await?)
}

fn refused() -> Problem {
    let detail = "this refresh token is unknown, used, revoked or expired: sign in again";
    Problem::new(StatusCode::UNAUTHORIZED, "refresh-token", detail)
}

/// `POST /auth/token/refresh`: new tokens for an old one. One that comes a second time ends the whole sign-in: either its owner or a thief
/// has it too, and nobody can tell which.
pub async fn refresh(
    State(app): State<App>,
    client: Client,
    JsonBody(given): JsonBody<Refresh>,
) -> Result<Private<Tokens>, Problem> {
    let given = given.refresh_token.reveal();
    let id = family_id(given).ok_or_else(refused)?;
    // Nobody takes the database for a change by a sign-in that there is not.
    known(&app, id).await?.ok_or_else(refused)?;
    let old = token::sha256(given);
    let now = app.clock.now_ms();
    let refresh_token = token::generate(&format!("{PREFIX}{id}"), &app.random)?;
    let new = token::sha256(&refresh_token);
    let mut tx = app.store.begin().await?;
    let rotated = sign_ins::rotate_family(&mut tx, id, &old, &new, now).await?;
    let family = sign_ins::family(&mut tx, id).await?.ok_or_else(refused)?;
    let user = users::get(&mut tx, &family.user_id).await?;
    let welcome = user.is_some_and(|user| user.disabled_at.is_none()) && now < family.expires_at;
    let rotated = rotated && bool::from(family.sha256.as_slice().ct_eq(new.as_slice()));
    if !rotated || !welcome {
        sign_ins::end_family(&mut tx, id).await?;
        tx.commit().await.map_err(StoreError::from)?;
        if !rotated {
            tracing::warn!(
                user = family.user_id,
                origin = client.address,
                "a used refresh token came again: its sign-in is ended"
            );
        }
        return Err(refused());
    }
    tx.commit().await.map_err(StoreError::from)?;
    tokens(&app, &family, refresh_token)
}

/// `POST /auth/token/revoke`: ends the sign-in that the refresh token belongs to, and with it its access tokens. An unknown one is no error
/// (RFC 7009 section 2.2).
pub async fn revoke(
    State(app): State<App>,
    JsonBody(given): JsonBody<Refresh>,
) -> Result<NoContent, Problem> {
    if let Some(id) = family_id(given.refresh_token.reveal())
        && known(&app, id).await?.is_some()
    {
        let mut tx = app.store.begin().await?;
        sign_ins::end_family(&mut tx, id).await?;
        tx.commit().await.map_err(StoreError::from)?;
    }
    Ok(NoContent)
}
