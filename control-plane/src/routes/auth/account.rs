//! `/auth/me`, `/auth/sessions`, `/auth/password`: what callers see and change of themselves.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::NoContent;
use pennon_core::protocol::connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;

use super::client::{Client, Private, person};
use crate::app::App;
use crate::auth::actor::{Actor, Who};
use crate::auth::password::Secret;
use crate::auth::session;
use crate::domain::people;
use crate::domain::role::{Grant, Rights, Role};
use crate::routes::body::JsonBody;
use crate::routes::page::Page;
use crate::routes::path::Path;
use crate::routes::problem::Problem;
use crate::store::environments::{self, Environment};
use crate::store::sign_ins::{self, Session};
use crate::store::users::{self, User};
use crate::store::{StoreError, projects};

/// Whoever asks.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Me {
    /// The person; none for a token.
    user: Option<User>,
    /// The token's name; none for a person.
    token: Option<String>,
    /// Owner of the instance, and so of every project.
    instance_owner: bool,
    projects: Vec<Belonging>,
}

/// What somebody is in a project.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Belonging {
    /// The project's key.
    project: String,
    #[serde(flatten)]
    scope: Scope,
}

/// A role, and where it is narrowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Scope {
    pub role: Role,
    /// By the environment's key: a lower role there.
    #[serde(default)]
    pub environments: BTreeMap<String, Role>,
}

impl Scope {
    /// As it is shown: environments by their keys. Those that are gone are left out.
    pub fn shown(grant: &Grant, environments: &[Environment]) -> Self {
        let named = environments.iter().filter_map(|environment| {
            let role = grant.environments.get(&environment.id)?;
            Some((environment.key.clone(), *role))
        });
        Self { role: grant.role, environments: named.collect() }
    }

    /// As it is kept: environments by their ids.
    ///
    /// # Errors
    /// 422 when an environment is unknown, or its role is not lower.
    pub fn kept(self, environments: &[Environment]) -> Result<Grant, Problem> {
        let mut narrowed = BTreeMap::new();
        for (key, role) in self.environments {
            let field = format!("environments.{key}");
            let known = environments.iter().find(|environment| environment.key == key);
            let known = known
                .ok_or_else(|| Problem::invalid(&field, "there is no environment with this key"))?;
            if role >= self.role {
                let detail = "a role is narrowed to a lower one: leave the environment out";
                return Err(Problem::invalid(field, detail));
            }
            narrowed.insert(known.id.clone(), role);
        }
        Ok(Grant { role: self.role, environments: narrowed })
    }
}

/// Whoever asks, and what they are where.
///
/// # Errors
/// What the database says.
pub async fn me(
    connection: &mut AnyConnection,
    user: &User,
    rights: &Rights,
) -> Result<Me, Problem> {
    let projects = belongings(connection, rights).await?;
    let instance_owner = *rights == Rights::Instance;
    Ok(Me { user: Some(user.clone()), token: None, instance_owner, projects })
}

async fn belongings(
    connection: &mut AnyConnection,
    rights: &Rights,
) -> Result<Vec<Belonging>, Problem> {
    let mut belongings = Vec::new();
    for project in projects::list(connection).await? {
        let Some(grant) = rights.grant(&project.id) else { continue };
        let scope = if grant.environments.is_empty() {
            Scope { role: grant.role, environments: BTreeMap::new() }
        } else {
            Scope::shown(&grant, &environments::list(connection, &project.id).await?)
        };
        belongings.push(Belonging { project: project.key, scope });
    }
    Ok(belongings)
}

/// `GET /auth/me`
pub async fn get(State(app): State<App>, actor: Actor) -> Result<Private<Me>, Problem> {
    let mut tx = app.store.begin_read().await?;
    let rights = &actor.author.rights;
    Ok(Private(match &actor.who {
        Who::User { user, .. } => me(&mut tx, user, rights).await?,
        Who::Token(token) => Me {
            user: None,
            token: Some(token.name.clone()),
            instance_owner: *rights == Rights::Instance,
            projects: belongings(&mut tx, rights).await?,
        },
    }))
}

/// A session, and whether it is the one that asks.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OwnSession")]
pub struct Own {
    #[serde(flatten)]
    session: Session,
    current: bool,
}

/// `GET /auth/sessions`: one's own, the last used first. There are never more than fit on a page.
pub async fn sessions(State(app): State<App>, actor: Actor) -> Result<Private<Page<Own>>, Problem> {
    let (user, own) = actor.person()?;
    let now = app.clock.now_ms();
    let mut tx = app.store.begin_read().await?;
    let items = sign_ins::sessions(&mut tx, &user.id).await?;
    let items = items
        .into_iter()
        .filter(|kept| session::lasts(kept.created_at, kept.last_seen_at, now))
        .map(|session| Own { current: own == Some(session.id.as_str()), session });
    Ok(Private(Page { items: items.collect(), next: None, total: None }))
}

/// `DELETE /auth/sessions/{id}`: ends one of one's own.
pub async fn end_session(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<NoContent, Problem> {
    let (user, _) = actor.person()?;
    let missing = || Problem::not_found("you have no such session");
    connection::id(&id).ok_or_else(missing)?;
    let mut tx = app.store.begin().await?;
    if !sign_ins::end_session(&mut tx, &user.id, &id).await? {
        return Err(missing());
    }
    tx.commit().await.map_err(StoreError::from)?;
    Ok(NoContent)
}

/// The old password, and a new one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewPassword")]
pub struct NewPassword {
    current: Secret,
    /// At least 12 characters.
    new: Secret,
}

/// `POST /auth/password`: changes it, and ends everything that was open under the old one but the session that asks.
pub async fn password(
    State(app): State<App>,
    actor: Actor,
    client: Client,
    JsonBody(given): JsonBody<NewPassword>,
) -> Result<NoContent, Problem> {
    let (user, own) = actor.person()?;
    people::check_password(given.new.reveal(), &user.email)
        .map_err(|detail| Problem::invalid("new", detail))?;
    client.attempt(&app, &user.email)?;
    if !app.passwords.verify(&given.current, user.password.as_deref()).await? {
        let detail = "this is not the password that you have";
        return Err(Problem::new(StatusCode::FORBIDDEN, "password", detail).field("current"));
    }
    client.succeeded(&app, &user.email);
    let hashed = app.passwords.hash(&given.new, &app.random).await?;
    let mut tx = app.store.begin().await?;
    let mut now = person(&mut tx, &user.id).await?;
    if now.password != user.password {
        return Err(Problem::conflict("the password was changed meanwhile: sign in again"));
    }
    now.password = Some(hashed);
    users::update(&mut tx, &now).await?;
    sign_ins::end_all(&mut tx, &user.id, own.unwrap_or_default()).await?;
    tx.commit().await.map_err(StoreError::from)?;
    tracing::info!(user = user.id, origin = client.address, "a password was changed");
    Ok(NoContent)
}
