//! `/auth/sign-in`, `/auth/sign-out`, `/auth/invitation`: sessions of browsers begin and end.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::NoContent;
use schemars::JsonSchema;
use serde::Deserialize;

use super::account::{Me, me};
use super::client::{Client, Private, WithCookie, begin_session, person, verified};
use crate::app::App;
use crate::auth::actor::{Actor, rights_of};
use crate::auth::password::Secret;
use crate::auth::{session, token};
use crate::domain::people;
use crate::routes::body::JsonBody;
use crate::routes::problem::Problem;
use crate::store::{StoreError, sign_ins, users};

/// What is throttled when somebody guesses invitations.
const INVITATIONS: &str = "invitations";

/// An address and a password.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SignIn")]
pub struct Credentials {
    pub(super) email: String,
    pub(super) password: Secret,
}

/// `POST /auth/sign-in`: begins a session.
pub async fn sign_in(
    State(app): State<App>,
    client: Client,
    JsonBody(given): JsonBody<Credentials>,
) -> Result<WithCookie<Private<Me>>, Problem> {
    client.not_foreign()?;
    let found = verified(&app, &client, &given.email, &given.password).await?;
    let mut tx = app.store.begin().await?;
    // Read again: what was changed while the password was checked stays changed.
    let mut user = person(&mut tx, &found.id).await?;
    if user.password != found.password || user.disabled_at.is_some() {
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "sign-in", "sign in again"));
    }
    let cookie = begin_session(&app, &client, &mut tx, &mut user).await?;
    let rights = rights_of(&mut tx, &user).await?;
    let me = me(&mut tx, &user, &rights).await?;
    tx.commit().await.map_err(StoreError::from)?;
    Ok(WithCookie(cookie, Private(me)))
}

/// `POST /auth/sign-out`: ends the session that the request comes with.
pub async fn sign_out(
    State(app): State<App>,
    actor: Actor,
) -> Result<WithCookie<NoContent>, Problem> {
    let (user, own) = actor.person()?;
    if let Some(own) = own {
        let mut tx = app.store.begin().await?;
        sign_ins::end_session(&mut tx, &user.id, own).await?;
        tx.commit().await.map_err(StoreError::from)?;
    }
    let ended = session::set("", app.settings.is_https());
    let ended = ended.ok_or_else(|| Problem::internal(&"an ended cookie is no header"))?;
    Ok(WithCookie(ended, NoContent))
}

/// An invitation, or a way back in, and the password that is chosen.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AcceptedInvitation")]
pub struct Accepted {
    /// As whoever made it was shown it: `pni_...`.
    invitation: Secret,
    /// At least 12 characters.
    password: Secret,
}

/// `POST /auth/invitation`: sets the password, once, ends whatever was open under the old one, and begins a session.
pub async fn accept(
    State(app): State<App>,
    client: Client,
    JsonBody(given): JsonBody<Accepted>,
) -> Result<WithCookie<Private<Me>>, Problem> {
    client.not_foreign()?;
    client.attempt(&app, INVITATIONS)?;
    let unknown = || {
        let detail = "this invitation is unknown, used or expired: ask for another";
        Problem::new(StatusCode::UNAUTHORIZED, "invitation", detail)
    };
    let sha256 = token::sha256(given.invitation.reveal());
    let now = app.clock.now_ms();
    let mut tx = app.store.begin_read().await?;
    let (user_id, expires_at) =
        sign_ins::invitation(&mut tx, &sha256).await?.ok_or_else(unknown)?;
    let user = users::get(&mut tx, &user_id).await?.ok_or_else(unknown)?;
    drop(tx);
    if now >= expires_at || user.disabled_at.is_some() {
        return Err(unknown());
    }
    client.succeeded(&app, INVITATIONS);
    people::check_password(given.password.reveal(), &user.email)
        .map_err(|detail| Problem::invalid("password", detail))?;
    let password = app.passwords.hash(&given.password, &app.random).await?;
    let mut tx = app.store.begin().await?;
    // Only one of two who come at once finds it.
    if !sign_ins::take_invitation(&mut tx, &sha256).await? {
        return Err(unknown());
    }
    let mut user = person(&mut tx, &user_id).await?;
    user.password = Some(password);
    users::update(&mut tx, &user).await?;
    sign_ins::end_all(&mut tx, &user.id, "").await?;
    let cookie = begin_session(&app, &client, &mut tx, &mut user).await?;
    let rights = rights_of(&mut tx, &user).await?;
    let me = me(&mut tx, &user, &rights).await?;
    tx.commit().await.map_err(StoreError::from)?;
    tracing::info!(user = user.id, origin = client.address, "a password was set by invitation");
    Ok(WithCookie(cookie, Private(me)))
}
