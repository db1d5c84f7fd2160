//! `/admin/projects/{project}/tokens`: API tokens, for machines. Whoever may do something may make a token that does, and nothing more.

use axum::extract::State;
use axum::response::NoContent;
use pennon_core::protocol::connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::find;
use crate::app::App;
use crate::auth::actor::{Actor, Who};
use crate::auth::token;
use crate::domain::keys::check_name;
use crate::domain::role::Role;
use crate::routes::auth::account::Scope;
use crate::routes::auth::client::Private;
use crate::routes::body::JsonBody;
use crate::routes::page::Page;
use crate::routes::path::Path;
use crate::routes::problem::Problem;
use crate::routes::version::Made;
use crate::store::change::Change;
use crate::store::environments::{self, Environment};
use crate::store::tokens::{self, Token};

/// Tokens of a project that are neither revoked nor expired: they all fit on one page.
const MAX_TOKENS: i64 = 200;
/// Revoked and expired ones that are still shown.
const SHOWN_ENDED: usize = 200;

/// A token as shown: never itself.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ApiToken")]
pub struct Shown {
    id: String,
    name: String,
    /// The first characters, to recognise it by.
    prefix: String,
    #[serde(flatten)]
    scope: Scope,
    /// The id of the person who made it, and has at least as much.
    made_by: Option<String>,
    /// Unix milliseconds.
    created_at: i64,
    /// Unix milliseconds.
    expires_at: Option<i64>,
    /// Unix milliseconds.
    revoked_at: Option<i64>,
    /// Unix milliseconds, kept to the minute.
    last_used_at: Option<i64>,
}

fn shown(token: Token, environments: &[Environment]) -> Shown {
    let scope = token.scope.as_ref().map(|(_, grant)| Scope::shown(grant, environments));
    Shown {
        id: token.id,
        name: token.name,
        prefix: token.prefix,
        scope: scope.unwrap_or(Scope { role: Role::Owner, environments: Default::default() }),
        made_by: token.made_by_user,
        created_at: token.created_at,
        expires_at: token.expires_at,
        revoked_at: token.revoked_at,
        last_used_at: token.last_used_at,
    }
}

/// Whether the caller is at least an admin of the project.
fn manages(actor: &Actor, project_id: &str) -> bool {
    actor.author.rights.grant(project_id).is_some_and(|grant| grant.role >= Role::Admin)
}

/// Whether the caller may see and revoke a token: an admin any, others their own.
fn concerns(actor: &Actor, project_id: &str, token: &Token) -> bool {
    let own = actor.behind();
    manages(actor, project_id) || (own.is_some() && token.made_by_user.as_deref() == own)
}

/// `GET`: newest first; an admin sees all, others their own. Of those that have ended only the newest are shown.
pub async fn list(
    State(app): State<App>,
    actor: Actor,
    Path(project): Path<String>,
) -> Result<Private<Page<Shown>>, Problem> {
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let environments = environments::list(&mut tx, &project.id).await?;
    let now = app.clock.now_ms();
    let mut ended = 0;
    let found = tokens::list(&mut tx, &project.id, now, MAX_TOKENS + SHOWN_ENDED as i64).await?;
    let items = found.into_iter().filter(|token| concerns(&actor, &project.id, token));
    let items = items.filter(|token| {
        ended += usize::from(!token.is_live(now));
        token.is_live(now) || ended <= SHOWN_ENDED
    });
    let items = items.map(|token| shown(token, &environments)).collect();
    Ok(Private(Page { items, next: None, total: None }))
}

/// A new token.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewToken {
    /// What the audit log calls whoever uses it; no other token of the project has or had it.
    name: String,
    role: Role,
    /// By the environment's key: a lower role there.
    #[serde(default)]
    environments: std::collections::BTreeMap<String, Role>,
    /// Unix milliseconds; never, when it is left out.
    expires_at: Option<i64>,
}

/// A new token, this once with itself.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "NewTokenShown")]
pub struct NewShown {
    #[serde(flatten)]
    shown: Shown,
    /// Send it as `Authorization: Bearer`.
    token: String,
}

/// `POST`: the only answer that ever shows the token.
pub async fn create(
    State(app): State<App>,
    actor: Actor,
    Path(project): Path<String>,
    JsonBody(new): JsonBody<NewToken>,
) -> Result<Made<NewShown>, Problem> {
    check_name(&new.name).map_err(|detail| Problem::invalid("name", detail))?;
    let now = app.clock.now_ms();
    if new.expires_at.is_some_and(|at| at <= now) {
        return Err(Problem::invalid("expiresAt", "give a time to come, in Unix milliseconds"));
    }
    let mut changing = find::change(&app, &actor, &project).await?;
    let project_id = changing.project.id.clone();
    if matches!(actor.who, Who::Token(_)) && !manages(&actor, &project_id) {
        // Or a leaked token could make others that outlive it.
        return Err(Problem::role("a token makes tokens only as an admin"));
    }
    let environments = environments::list(&mut changing.tx, &project_id).await?;
    let scope = Scope { role: new.role, environments: new.environments };
    let grant = scope.kept(&environments)?;
    let own = actor.author.rights.grant(&project_id);
    if !own.is_some_and(|own| grant.within(&own)) {
        return Err(Problem::role("a token never reaches further than whoever makes it"));
    }
    if tokens::is_named(&mut changing.tx, &project_id, &new.name).await? {
        return Err(Problem::conflict("a token has, or had, this name").field("name"));
    }
    if tokens::count_live(&mut changing.tx, &project_id, now).await? >= MAX_TOKENS {
        let detail = format!("a project has at most {MAX_TOKENS} tokens: revoke some");
        return Err(Problem::conflict(detail));
    }
    let text = token::generate(token::ADMIN_PREFIX, &app.random)?;
    let row = Token {
        id: app.random.id()?,
        name: new.name,
        prefix: token::shown(&text),
        sha256: token::sha256(&text).to_vec(),
        created_at: now,
        expires_at: new.expires_at,
        revoked_at: None,
        scope: Some((project_id, grant)),
        made_by_user: actor.behind().map(str::to_owned),
        last_used_at: None,
    };
    tokens::insert(&mut changing.tx, &row).await?;
    let id = row.id.clone();
    let shown = shown(row, &environments);
    let change = Change {
        action: "token.created",
        target: &id,
        environment_id: None,
        old: None,
        new: Some(json!(shown)),
    };
    app.commit(changing, change, &[]).await?;
    Ok(Made(NewShown { shown, token: text }))
}

/// `DELETE .../{id}`: it is refused from now on.
pub async fn revoke(
    State(app): State<App>,
    actor: Actor,
    Path((project, id)): Path<(String, String)>,
) -> Result<NoContent, Problem> {
    let missing = || find::missing("token", &id);
    connection::id(&id).ok_or_else(missing)?;
    let mut changing = find::change(&app, &actor, &project).await?;
    let project_id = changing.project.id.clone();
    let found = tokens::get(&mut changing.tx, &project_id, &id).await?;
    let found = found.filter(|token| concerns(&actor, &project_id, token)).ok_or_else(missing)?;
    if found.revoked_at.is_some() {
        return Ok(NoContent);
    }
    let environments = environments::list(&mut changing.tx, &project_id).await?;
    let now = changing.now_ms;
    tokens::revoke(&mut changing.tx, &id, now).await?;
    let change = Change {
        action: "token.revoked",
        target: &id,
        environment_id: None,
        old: Some(json!(shown(found, &environments))),
        new: None,
    };
    app.commit(changing, change, &[]).await?;
    Ok(NoContent)
}
