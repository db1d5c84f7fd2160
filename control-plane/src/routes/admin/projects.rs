//! `/admin/projects`

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::find;
use crate::app::App;
use crate::auth::actor::Actor;
use crate::domain::keys::{KEY_PATTERN, MAX_KEY_CHARACTERS, MAX_TEXT_BYTES, check_key, check_name};
use crate::routes::body::JsonBody;
use crate::routes::page::Page;
use crate::routes::path::Path;
use crate::routes::problem::Problem;
use crate::routes::version::{Created, Versioned};
use crate::store::change::{Change, Changing};
use crate::store::projects::{self, Project};

/// `GET`: those that the caller belongs to.
pub async fn list(State(app): State<App>, actor: Actor) -> Result<Json<Page<Project>>, Problem> {
    let mut tx = app.store.begin_read().await?;
    let mut items = projects::list(&mut tx).await?;
    items.retain(|project| actor.author.rights.grant(&project.id).is_some());
    Ok(Json(Page::whole(items)))
}

/// `GET .../{project}`
pub async fn get(
    State(app): State<App>,
    _: Actor,
    Path(project): Path<String>,
) -> Result<Versioned<Project>, Problem> {
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    Ok(Versioned(project.version, project))
}

/// A new project.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProject {
    #[schemars(regex(pattern = KEY_PATTERN), length(max = MAX_KEY_CHARACTERS))]
    key: String,
    #[schemars(length(min = 1, max = MAX_TEXT_BYTES))]
    name: Option<String>,
}

/// `POST`
pub async fn create(
    State(app): State<App>,
    actor: Actor,
    JsonBody(new): JsonBody<NewProject>,
) -> Result<Created<Project>, Problem> {
    check_key(&new.key).map_err(|detail| Problem::invalid("key", detail))?;
    let name = new.name.unwrap_or_else(|| new.key.clone());
    check_name(&name).map_err(|detail| Problem::invalid("name", detail))?;
    let now = app.clock.now_ms();
    let project = Project { id: app.random.id()?, key: new.key, name, version: 1, created_at: now };
    let mut tx = app.store.begin().await?;
    projects::insert(&mut tx, &project).await?;
    let changing = Changing::within(tx, &project.key, &actor.author, now).await?;
    let changing = changing.ok_or_else(|| find::missing("project", &project.key))?;
    let change = Change {
        action: "project.created",
        target: &project.key,
        environment_id: None,
        old: None,
        new: Some(json!(project)),
    };
    app.commit(changing, change, &[]).await?;
    Ok(Created(project.version, project))
}
