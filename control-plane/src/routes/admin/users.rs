//! `/admin/users`: the people of the installation, for its owners.

use axum::extract::State;
use pennon_core::protocol::connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::by_email::{ByEmail, page};
use super::find;
use crate::app::App;
use crate::auth::actor::Actor;
use crate::auth::token;
use crate::domain::keys::check_name;
use crate::domain::people;
use crate::routes::auth::client::Private;
use crate::routes::auth::setup::named;
use crate::routes::body::JsonBody;
use crate::routes::page::Page;
use crate::routes::path::{Path, Query};
use crate::routes::problem::Problem;
use crate::routes::version::Made;
use crate::store::users::{self, User};
use crate::store::{StoreError, Tx, sign_ins};

/// What every invitation starts with.
pub const INVITATION_PREFIX: &str = "pni_";
/// How long an invitation is good.
pub const INVITATION_MS: i64 = 7 * 86_400_000;

/// `GET`
pub async fn list(
    State(app): State<App>,
    _: Actor,
    Query(query): Query<ByEmail>,
) -> Result<Private<Page<User>>, Problem> {
    let (limit, after) = query.read()?;
    let mut tx = app.store.begin_read().await?;
    let search = query.search.as_deref().unwrap_or_default();
    let people = users::list(&mut tx, search, &after, limit + 1).await?;
    Ok(Private(page(people, limit, |user| &user.email)))
}

/// `GET .../{user}`
pub async fn get(
    State(app): State<App>,
    _: Actor,
    Path(id): Path<String>,
) -> Result<Private<User>, Problem> {
    let mut tx = app.store.begin_read().await?;
    Ok(Private(user(&mut tx, &id).await?))
}

/// The person with this id.
pub(super) async fn user(tx: &mut Tx, id: &str) -> Result<User, Problem> {
    connection::id(id).ok_or_else(|| find::missing("user", id))?;
    users::get(tx, id).await?.ok_or_else(|| find::missing("user", id))
}

/// A new person.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewUser {
    #[schemars(regex(pattern = people::EMAIL_PATTERN), length(max = people::MAX_EMAIL_BYTES))]
    email: String,
    /// What stands before the @, unless another is given.
    name: Option<String>,
    #[serde(default)]
    instance_owner: bool,
}

/// Somebody, and how they choose a password.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Invited {
    user: User,
    /// Good once, for seven days, at `POST /auth/invitation`. Shown this once: hand it over privately.
    invitation: String,
    /// Unix milliseconds.
    expires_at: i64,
}

async fn invite(app: &App, tx: &mut Tx, user: User) -> Result<Invited, Problem> {
    let invitation = token::generate(INVITATION_PREFIX, &app.random)?;
    let now = app.clock.now_ms();
    let expires_at = now + INVITATION_MS;
    sign_ins::put_invitation(tx, &user.id, &token::sha256(&invitation), now, expires_at).await?;
    Ok(Invited { user, invitation, expires_at })
}

/// `POST`: makes a person who belongs to no project yet, and invites them.
pub async fn create(
    State(app): State<App>,
    actor: Actor,
    JsonBody(new): JsonBody<NewUser>,
) -> Result<Made<Invited>, Problem> {
    let (email, name) = named(&new.email, new.name)?;
    let user = User {
        id: app.random.id()?,
        email,
        name,
        password: None,
        instance_owner: new.instance_owner,
        created_at: app.clock.now_ms(),
        disabled_at: None,
        last_sign_in_at: None,
    };
    let mut tx = app.store.begin().await?;
    if users::by_email(&mut tx, &user.email).await?.is_some() {
        return Err(Problem::conflict("there is a person with this address").field("email"));
    }
    users::insert(&mut tx, &user).await?;
    let invited = invite(&app, &mut tx, user).await?;
    tx.commit().await.map_err(StoreError::from)?;
    told(&actor, &invited.user, "made");
    Ok(Made(invited))
}

/// What changes; the rest stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserPatch {
    name: Option<String>,
    instance_owner: Option<bool>,
    /// A disabled person can do nothing, and nothing that they made can; what they did stays in the audit log.
    disabled: Option<bool>,
}

/// `PATCH .../{user}`
pub async fn patch(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    JsonBody(patch): JsonBody<UserPatch>,
) -> Result<Private<User>, Problem> {
    if let Some(name) = &patch.name {
        check_name(name).map_err(|detail| Problem::invalid("name", detail))?;
    }
    // Alone, so that two owners who remove each other's rights at once do not both succeed.
    let mut tx = app.store.begin_alone().await?;
    let old = user(&mut tx, &id).await?;
    let now = app.clock.now_ms();
    let disabled_at = match patch.disabled {
        Some(true) => old.disabled_at.or(Some(now)),
        Some(false) => None,
        None => old.disabled_at,
    };
    let new = User {
        name: patch.name.unwrap_or_else(|| old.name.clone()),
        instance_owner: patch.instance_owner.unwrap_or(old.instance_owner),
        disabled_at,
        ..old.clone()
    };
    let owner = |user: &User| user.instance_owner && user.disabled_at.is_none();
    if owner(&old) && !owner(&new) && users::count_owners(&mut tx).await? <= 1 {
        return Err(Problem::conflict(
            "this is the last owner of the instance: make another one first",
        ));
    }
    users::update(&mut tx, &new).await?;
    if new.disabled_at.is_some() && old.disabled_at.is_none() {
        sign_ins::end_all(&mut tx, &new.id, "").await?;
    }
    tx.commit().await.map_err(StoreError::from)?;
    told(&actor, &new, "changed");
    Ok(Private(new))
}

/// `POST .../{user}/invitation`: a way back in for somebody who lost the password; until it is used the old one stays good.
pub async fn invitation(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Made<Invited>, Problem> {
    let mut tx = app.store.begin().await?;
    let user = user(&mut tx, &id).await?;
    if user.disabled_at.is_some() {
        return Err(Problem::conflict("this person is disabled: enable them first"));
    }
    let invited = invite(&app, &mut tx, user).await?;
    tx.commit().await.map_err(StoreError::from)?;
    told(&actor, &invited.user, "invited");
    Ok(Made(invited))
}

/// People belong to no project, and so to no project's audit log: what is done to them is in the server's log.
fn told(actor: &Actor, user: &User, what: &'static str) {
    tracing::info!(
        author = actor.author.name,
        origin = actor.author.origin,
        user = user.id,
        instance_owner = user.instance_owner,
        disabled = user.disabled_at.is_some(),
        what,
        "people"
    );
}
