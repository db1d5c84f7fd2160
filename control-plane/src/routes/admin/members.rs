//! `/admin/projects/{project}/members`: who belongs to a project, and as what.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::NoContent;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::by_email::{ByEmail, page};
use super::{find, users};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::domain::people;
use crate::domain::role::{Grant, Role};
use crate::routes::auth::account::Scope;
use crate::routes::auth::client::Private;
use crate::routes::body::JsonBody;
use crate::routes::page::Page;
use crate::routes::path::{Path, Query};
use crate::routes::problem::Problem;
use crate::routes::version::{Created, IfMatch, Versioned};
use crate::store::change::{Change, Changing};
use crate::store::environments::{self, Environment};
use crate::store::members::{self, Member};
use crate::store::users as store_users;

/// Members of one project.
const MAX_MEMBERS: i64 = 10_000;

/// A member as shown.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Member")]
pub struct Shown {
    /// The person's id.
    user: String,
    email: String,
    name: String,
    #[serde(flatten)]
    scope: Scope,
    version: i64,
    /// Unix milliseconds.
    created_at: i64,
    /// Unix milliseconds.
    updated_at: i64,
}

fn shown(member: Member, environments: &[Environment]) -> Shown {
    Shown {
        scope: Scope::shown(&member.grant, environments),
        user: member.user_id,
        email: member.email,
        name: member.name,
        version: member.version,
        created_at: member.created_at,
        updated_at: member.updated_at,
    }
}

/// `GET`
pub async fn list(
    State(app): State<App>,
    _: Actor,
    Path(project): Path<String>,
    Query(query): Query<ByEmail>,
) -> Result<Private<Page<Shown>>, Problem> {
    let (limit, after) = query.read()?;
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let environments = environments::list(&mut tx, &project.id).await?;
    let search = query.search.as_deref().unwrap_or_default();
    let found = members::list(&mut tx, &project.id, search, &after, limit + 1).await?;
    let Page { items, next, total } = page(found, limit, |member| &member.email);
    let items = items.into_iter().map(|member| shown(member, &environments)).collect();
    Ok(Private(Page { items, next, total }))
}

/// `GET .../{user}`
pub async fn get(
    State(app): State<App>,
    _: Actor,
    Path((project, user)): Path<(String, String)>,
) -> Result<Versioned<Shown>, Problem> {
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let environments = environments::list(&mut tx, &project.id).await?;
    let user = users::user(&mut tx, &user).await?;
    let member = members::find(&mut tx, &project.id, &user.id).await?;
    let member = member.ok_or_else(|| find::missing("member", &user.id))?;
    Ok(Versioned(member.version, shown(member, &environments)))
}

/// A new member: somebody whom an owner of the instance has made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMember {
    #[schemars(regex(pattern = people::EMAIL_PATTERN), length(max = people::MAX_EMAIL_BYTES))]
    email: String,
    role: Role,
    /// By the environment's key: a lower role there.
    #[serde(default)]
    environments: std::collections::BTreeMap<String, Role>,
}

/// What a member becomes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberRole {
    role: Role,
    /// By the environment's key: a lower role there.
    #[serde(default)]
    environments: std::collections::BTreeMap<String, Role>,
}

/// What the caller has themselves in the project that they change.
fn own(actor: &Actor, changing: &Changing) -> Result<Grant, Problem> {
    let own = actor.author.rights.grant(&changing.project.id);
    own.ok_or_else(|| find::missing("project", &changing.project.key))
}

/// Refuses to give, or to take away, more than one has.
fn within(grant: &Grant, own: &Grant) -> Result<(), Problem> {
    if grant.within(own) {
        Ok(())
    } else {
        Err(Problem::role("nobody gives or takes away a role that reaches further than their own"))
    }
}

/// Whether somebody is an owner of the project.
fn owns(grant: &Grant) -> bool {
    grant.role == Role::Owner
}

async fn not_the_last(changing: &mut Changing, old: &Grant, stays: bool) -> Result<(), Problem> {
    let project_id = changing.project.id.clone();
    if owns(old) && !stays && members::count_owners(&mut changing.tx, &project_id).await? <= 1 {
        return Err(Problem::conflict("this is the project's last owner: make another one first"));
    }
    Ok(())
}

/// `POST`
pub async fn create(
    State(app): State<App>,
    actor: Actor,
    Path(project): Path<String>,
    JsonBody(new): JsonBody<NewMember>,
) -> Result<Created<Shown>, Problem> {
    let email = people::email(&new.email).map_err(|detail| Problem::invalid("email", detail))?;
    let mut changing = find::change(&app, &actor, &project).await?;
    let project_id = changing.project.id.clone();
    let environments = environments::list(&mut changing.tx, &project_id).await?;
    let scope = Scope { role: new.role, environments: new.environments };
    let grant = scope.kept(&environments)?;
    within(&grant, &own(&actor, &changing)?)?;
    let user = store_users::by_email(&mut changing.tx, &email).await?;
    let user = user.ok_or_else(|| {
        Problem::invalid(
            "email",
            "there is nobody with this address: an owner of the instance makes people, at /admin/users",
        )
    })?;
    if members::find(&mut changing.tx, &project_id, &user.id).await?.is_some() {
        return Err(Problem::conflict("this person is a member already").field("email"));
    }
    if members::count(&mut changing.tx, &project_id).await? >= MAX_MEMBERS {
        return Err(Problem::conflict(format!("a project has at most {MAX_MEMBERS} members")));
    }
    let member =
        write(&app, changing, &user.id, grant, "member.added", None, &environments).await?;
    Ok(Created(member.version, member))
}

/// `PUT .../{user}`
pub async fn put(
    State(app): State<App>,
    actor: Actor,
    Path((project, user)): Path<(String, String)>,
    if_match: IfMatch,
    JsonBody(new): JsonBody<MemberRole>,
) -> Result<Versioned<Shown>, Problem> {
    let mut changing = find::change(&app, &actor, &project).await?;
    let (old, environments) = member(&mut changing, &user, &if_match).await?;
    let scope = Scope { role: new.role, environments: new.environments };
    let grant = scope.kept(&environments)?;
    let own = own(&actor, &changing)?;
    within(&grant, &own)?;
    within(&old.grant, &own)?;
    if grant == old.grant {
        // Nothing to change, so nothing to log; the transaction is rolled back.
        return Ok(Versioned(old.version, shown(old, &environments)));
    }
    not_the_last(&mut changing, &old.grant, owns(&grant)).await?;
    let was = Some(&old.grant);
    let member =
        write(&app, changing, &old.user_id, grant, "member.changed", was, &environments).await?;
    Ok(Versioned(member.version, member))
}

/// `DELETE .../{user}`: the tokens that they made in the project can do nothing any more.
pub async fn delete(
    State(app): State<App>,
    actor: Actor,
    Path((project, user)): Path<(String, String)>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    let mut changing = find::change(&app, &actor, &project).await?;
    let (old, environments) = member(&mut changing, &user, &if_match).await?;
    within(&old.grant, &own(&actor, &changing)?)?;
    not_the_last(&mut changing, &old.grant, false).await?;
    let project_id = changing.project.id.clone();
    members::delete(&mut changing.tx, &project_id, &old.user_id).await?;
    let change = Change {
        action: "member.removed",
        target: &old.email,
        environment_id: None,
        old: Some(json!(Scope::shown(&old.grant, &environments))),
        new: None,
    };
    app.commit(changing, change, &[]).await?;
    Ok(NoContent)
}

/// The member that a path names, and the project's environments.
async fn member(
    changing: &mut Changing,
    user: &str,
    if_match: &IfMatch,
) -> Result<(Member, Vec<Environment>), Problem> {
    let project_id = changing.project.id.clone();
    let environments = environments::list(&mut changing.tx, &project_id).await?;
    let user = users::user(&mut changing.tx, user).await?;
    let found = members::find(&mut changing.tx, &project_id, &user.id).await?;
    let found = found.ok_or_else(|| find::missing("member", &user.id))?;
    if_match.check(Some(found.version), || json!(shown(found.clone(), &environments)))?;
    Ok((found, environments))
}

async fn write(
    app: &App,
    mut changing: Changing,
    user_id: &str,
    grant: Grant,
    action: &'static str,
    old: Option<&Grant>,
    environments: &[Environment],
) -> Result<Shown, Problem> {
    let (project_id, version, now) =
        (changing.project.id.clone(), changing.version(), changing.now_ms);
    members::put(&mut changing.tx, &project_id, user_id, &grant, version, now).await?;
    let member = members::find(&mut changing.tx, &project_id, user_id).await?;
    let member = member
        .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "not-found", "this person is gone"))?;
    let email = member.email.clone();
    let change = Change {
        action,
        target: &email,
        environment_id: None,
        old: old.map(|old| json!(Scope::shown(old, environments))),
        new: Some(json!(Scope::shown(&grant, environments))),
    };
    app.commit(changing, change, &[]).await?;
    Ok(shown(member, environments))
}
