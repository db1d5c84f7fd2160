//! What a path names, or a 404 that says which part is unknown.

use sqlx::AnyConnection;

use crate::app::App;
use crate::auth::actor::Actor;
use crate::domain::flag::{Definition, FlagConfiguration};
use crate::domain::keys::{check_imported, check_key};
use crate::publish::environment::{configured, definition};
use crate::routes::kept::Kept;
use crate::routes::problem::Problem;
use crate::store::change::Changing;
use crate::store::documents::Document;
use crate::store::environments::{self, Environment};
use crate::store::flags::{self, Stored};
use crate::store::projects::{self, Project};

/// A key of a path goes into a query only when it can be a key: anything else cannot exist.
fn known(what: &str, key: &str) -> Result<(), Problem> {
    check_key(key).map_err(|_| missing(what, key))
}

/// The same of what may have been imported under another product's name.
pub fn imported(what: &str, key: &str) -> Result<(), Problem> {
    check_imported(key).map_err(|_| missing(what, key))
}

/// The 404 for it.
pub fn missing(what: &str, key: &str) -> Problem {
    let key: String = key.chars().filter(|character| !character.is_control()).take(128).collect();
    Problem::not_found(format!("there is no {what} {key:?}"))
}

/// The project.
pub async fn project(connection: &mut AnyConnection, key: &str) -> Result<Project, Problem> {
    known("project", key)?;
    projects::find(connection, key).await?.ok_or_else(|| missing("project", key))
}

/// The project, taken for a change by this caller.
pub async fn change(app: &App, actor: &Actor, project: &str) -> Result<Changing, Problem> {
    known("project", project)?;
    let changing = Changing::begin(&app.store, project, &actor.author, app.clock.now_ms()).await?;
    changing.ok_or_else(|| missing("project", project))
}

/// The environment.
pub async fn environment(
    connection: &mut AnyConnection,
    project: &Project,
    key: &str,
) -> Result<Environment, Problem> {
    known("environment", key)?;
    let found = environments::find(connection, &project.id, key).await?;
    found.ok_or_else(|| missing("environment", key))
}

/// The flag, archived or not.
pub async fn flag(
    connection: &mut AnyConnection,
    project: &Project,
    key: &str,
) -> Result<Kept<Definition>, Problem> {
    imported("flag", key)?;
    let document = flags::find(connection, &project.id, key).await?;
    let document = document.ok_or_else(|| missing("flag", key))?;
    let definition = definition(&document)?;
    let Document { key, version, created_at, updated_at, archived_at, .. } = document;
    Ok(Kept { key, version, created_at, updated_at, archived_at, definition, findings: None })
}

/// The flag's configuration in an environment.
pub async fn configuration(
    connection: &mut AnyConnection,
    environment: &Environment,
    key: &str,
) -> Result<(Stored, FlagConfiguration), Problem> {
    imported("flag", key)?;
    let stored = flags::find_configuration(connection, &environment.id, key).await?;
    let stored = stored.ok_or_else(|| missing("flag", key))?;
    let configuration = configured(&stored)?;
    Ok((stored, configuration))
}
