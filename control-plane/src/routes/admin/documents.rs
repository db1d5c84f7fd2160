//! `/admin/projects/{project}/attributes`, `segments`, `layers` and `holdouts`: one set of handlers for every kind of
//! [`Definition`].

use axum::Json;
use axum::extract::State;
use axum::response::NoContent;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::AnyConnection;

use super::{find, soundness};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::domain::document::{Definition, searchable};
use crate::domain::flag::read;
use crate::domain::keys::check_imported;
use crate::publish::environment::definition;
use crate::routes::body::{Authored, JsonBody};
use crate::routes::page::Page;
use crate::routes::path::Path;
use crate::routes::problem::Problem;
use crate::routes::version::{IfMatch, Put, Versioned};
use crate::store::change::{Change, Changing};
use crate::store::documents::{self, Document};

/// A document and its version.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Kept{T}")]
pub struct Kept<T> {
    pub key: String,
    /// What the ETag says.
    pub version: i64,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub updated_at: i64,
    /// Unix milliseconds; absent unless it is archived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived_at: Option<i64>,
    pub definition: T,
}

impl<T: Definition> Kept<T> {
    fn read(document: Document) -> Result<Self, Problem> {
        let definition = definition(&document)?;
        let Document { key, version, created_at, updated_at, archived_at, .. } = document;
        Ok(Self { key, version, created_at, updated_at, archived_at, definition })
    }
}

/// The document, or a 404.
pub(super) async fn find<T: Definition>(
    connection: &mut AnyConnection,
    project_id: &str,
    key: &str,
) -> Result<Kept<T>, Problem> {
    find::imported(T::KIND.as_str(), key)?;
    let found = find_if_there(connection, project_id, key).await?;
    found.ok_or_else(|| find::missing(T::KIND.as_str(), key))
}

/// The document, if there is one.
pub(super) async fn find_if_there<T: Definition>(
    connection: &mut AnyConnection,
    project_id: &str,
    key: &str,
) -> Result<Option<Kept<T>>, Problem> {
    let document = documents::find(connection, project_id, T::KIND, key).await?;
    document.map(Kept::read).transpose()
}

/// `GET`
pub async fn list<T: Definition>(
    State(app): State<App>,
    _: Actor,
    Path(project): Path<String>,
) -> Result<Json<Page<Kept<T>>>, Problem> {
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let all = documents::list(&mut tx, &project.id, T::KIND).await?;
    let items = all.into_iter().map(Kept::read).collect::<Result<_, _>>()?;
    Ok(Json(Page { items, next: None }))
}

/// `GET .../{key}`
pub async fn get<T: Definition>(
    State(app): State<App>,
    _: Actor,
    Path((project, key)): Path<(String, String)>,
) -> Result<Versioned<Kept<T>>, Problem> {
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let kept = find::<T>(&mut tx, &project.id, &key).await?;
    Ok(Versioned(kept.version, kept))
}

/// `PUT .../{key}`: new, or over the old one.
pub async fn put<T: Definition>(
    State(app): State<App>,
    actor: Actor,
    Path((project, key)): Path<(String, String)>,
    if_match: IfMatch,
    JsonBody(Authored(mut written, _)): JsonBody<Authored<T>>,
) -> Result<Put<Kept<T>>, Problem> {
    check_imported(&key).map_err(|detail| Problem::invalid("key", detail))?;
    T::complete(&mut written, &app.random)?;
    let definition: T = read(Value::Object(written))?;
    let mut changing = find::change(&app, &actor, &project).await?;
    let project_id = changing.project.id.clone();
    let old = find_if_there::<T>(&mut changing.tx, &project_id, &key).await?;
    if_match.check(old.as_ref().map(|old| old.version), || json!(old))?;
    if old.is_none() {
        T::check_key(&key).map_err(|detail| Problem::invalid("key", detail))?;
    }
    write(&app, changing, key, old, definition, None).await
}

/// Writes a document, new or over the old one, when every environment stays sound. The audit log calls it `action`, unless that is for the
/// document to say.
pub(super) async fn write<T: Definition>(
    app: &App,
    mut changing: Changing,
    key: String,
    old: Option<Kept<T>>,
    definition: T,
    action: Option<&'static str>,
) -> Result<Put<Kept<T>>, Problem> {
    let project_id = changing.project.id.clone();
    let (version, now) = (changing.version(), changing.now_ms);
    let document = Document {
        key,
        definition: json!(definition).to_string(),
        version,
        created_at: old.as_ref().map_or(now, |old| old.created_at),
        updated_at: now,
        archived_at: None,
    };
    let search = searchable(&[&document.key, definition.description()]);
    documents::put(&mut changing.tx, &project_id, T::KIND, &document, &search).await?;
    let ids = soundness::everywhere(&mut changing).await?;
    let created = old.is_none();
    if created {
        // Nothing refers to it yet.
        changing.serves_the_same_in(ids.iter().cloned());
    }
    let action = action.unwrap_or(if created { T::ACTIONS.created } else { T::ACTIONS.updated });
    let change = Change {
        action,
        target: &document.key,
        environment_id: None,
        old: old.map(|old| json!(old.definition)),
        new: Some(json!(definition)),
    };
    app.commit(changing, change, &ids).await?;
    Ok(Put { created, version, body: Kept::read(document)? })
}

/// `DELETE .../{key}`: refused while something needs it.
pub async fn delete<T: Definition>(
    State(app): State<App>,
    actor: Actor,
    Path((project, key)): Path<(String, String)>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    let mut changing = find::change(&app, &actor, &project).await?;
    let project_id = changing.project.id.clone();
    let old = find::<T>(&mut changing.tx, &project_id, &key).await?;
    if_match.check(Some(old.version), || json!(old))?;
    let version = changing.version();
    documents::delete(&mut changing.tx, &project_id, T::KIND, &key, version).await?;
    let ids = soundness::everywhere(&mut changing)
        .await
        .map_err(|problem| problem.because("it is still needed"))?;
    let change = Change {
        action: T::ACTIONS.deleted,
        target: &key,
        environment_id: None,
        old: Some(json!(old.definition)),
        new: None,
    };
    app.commit(changing, change, &ids).await?;
    Ok(NoContent)
}
