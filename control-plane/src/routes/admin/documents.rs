//! `/admin/projects/{project}/attributes`, `segments`, `layers` and `holdouts`: one set of handlers for every kind of
//! [`Definition`].

use axum::Json;
use axum::extract::State;
use axum::response::NoContent;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::AnyConnection;

use super::{find, soundness};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::domain::document::Definition;
use crate::domain::findings::Told;
use crate::domain::flag::read;
use crate::domain::keys::check_imported;
use crate::domain::references::Named;
use crate::publish::environment::definition;
use crate::routes::body::{Authored, JsonBody};
use crate::routes::kept::Kept;
use crate::routes::page::{DOCUMENT_ORDERS, Page, Wanted};
use crate::routes::patch::{MergePatch, Written};
use crate::routes::path::{Path, Query};
use crate::routes::problem::Problem;
use crate::routes::version::{IfMatch, IfMatchOrNew, MayMatch, Put, Versioned};
use crate::store::change::{Change, Changing};
use crate::store::documents::{self, Document};
use crate::store::list::{self, By};

pub(super) fn kept<T: Definition>(document: Document) -> Result<Kept<T>, Problem> {
    let definition = definition(&document)?;
    let Document { key, version, created_at, updated_at, archived_at, .. } = document;
    Ok(Kept { key, version, created_at, updated_at, archived_at, definition, findings: None })
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
    document.map(kept).transpose()
}

/// Which documents.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// Items a page has at most: 50 unless given, at most 1,000. A page of large items ends earlier.
    limit: Option<usize>,
    /// The `next` of an earlier page, whose other parameters are given again.
    cursor: Option<String>,
    /// A text that the key or the description holds, in whatever case.
    search: Option<String>,
    /// `key`, `createdAt` or `updatedAt`; with a minus sign before it, backwards.
    sort: Option<String>,
    /// Those that are archived, rather than those that are not.
    archived: Option<bool>,
}

/// `GET`
pub async fn list<T: Definition>(
    State(app): State<App>,
    _: Actor,
    Path(project): Path<String>,
    Query(Which { limit, cursor, search, sort, archived }): Query<Which>,
) -> Result<Json<Page<Kept<T>>>, Problem> {
    let wanted = Wanted { limit, cursor, search, sort };
    let listing = wanted.listing(&DOCUMENT_ORDERS)?;
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let archived = Some(archived.unwrap_or(false));
    let (rows, more, total) =
        documents::page(&mut tx, &project.id, T::KIND, archived, &listing).await?;
    let next = rows.last().filter(|_| more).map(|last| next(&wanted, listing.by, last));
    let items = rows.into_iter().map(kept).collect::<Result<_, _>>()?;
    Ok(Json(Page { items, next, total: Some(total) }))
}

/// The cursor behind a document.
fn next(wanted: &Wanted, by: By, last: &Document) -> String {
    let value = match by {
        By::Key | By::Name => list::Value::Text(last.key.clone()),
        By::CreatedAt => list::Value::Number(last.created_at),
        By::UpdatedAt => list::Value::Number(last.updated_at),
    };
    wanted.next(value, &last.key)
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
    IfMatchOrNew(if_match): IfMatchOrNew,
    JsonBody(Authored(written, _)): JsonBody<Authored<T>>,
) -> Result<Put<Kept<T>>, Problem> {
    check_imported(&key).map_err(|detail| Problem::invalid("key", detail))?;
    let mut changing = find::change(&app, &actor, &project).await?;
    let project_id = changing.project.id.clone();
    let old = find_if_there::<T>(&mut changing.tx, &project_id, &key).await?;
    if_match.check(old.as_ref().map(|old| old.version), || json!(old))?;
    if old.is_none() {
        T::check_key(&key).map_err(|detail| Problem::invalid("key", detail))?;
    }
    let created = old.is_none();
    let written = write(&app, changing, &key, old, Written::Whole(written), None).await?;
    Ok(Put { created, version: written.version, body: written })
}

/// `PATCH .../{key}`
pub async fn patch<T: Definition>(
    State(app): State<App>,
    actor: Actor,
    Path((project, key)): Path<(String, String)>,
    if_match: IfMatch,
    MergePatch(patch, _): MergePatch<T>,
) -> Result<Versioned<Kept<T>>, Problem> {
    let mut changing = find::change(&app, &actor, &project).await?;
    let project_id = changing.project.id.clone();
    let old = find::<T>(&mut changing.tx, &project_id, &key).await?;
    if_match.check(Some(old.version), || json!(old))?;
    let written = write(&app, changing, &key, Some(old), Written::Patch(patch), None).await?;
    Ok(Versioned(written.version, written))
}

/// Writes a document, new or over the old one, when every environment stays sound. The audit log calls it `action`, unless that is for
/// the document to say.
pub(super) async fn write<T: Definition>(
    app: &App,
    mut changing: Changing,
    key: &str,
    old: Option<Kept<T>>,
    written: Written,
    action: Option<&'static str>,
) -> Result<Kept<T>, Problem> {
    let mut whole = written.over(&old.as_ref().map(|old| &old.definition))?;
    T::complete(&mut whole, &app.random)?;
    let definition: T = read(Value::Object(whole))?;
    let old = match old {
        Some(old) if old.archived_at.is_some() => return Err(Problem::archived()),
        // Nothing to change, so nothing to log; the transaction is rolled back.
        Some(old) if old.definition == definition => return Ok(old),
        old => old,
    };
    let (version, now) = (changing.version(), changing.now_ms);
    let document = Document {
        key: key.to_owned(),
        definition: json!(definition).to_string(),
        version,
        created_at: old.as_ref().map_or(now, |old| old.created_at),
        updated_at: now,
        archived_at: None,
    };
    let (ids, findings) = replace(&mut changing, &document, &definition).await?;
    if old.is_none() {
        // Nothing refers to it yet.
        changing.serves_the_same_in(ids.iter().cloned());
    }
    let usual = if old.is_none() { T::ACTIONS.created } else { T::ACTIONS.updated };
    let change = Change {
        action: action.unwrap_or(usual),
        target: key,
        environment_id: None,
        old: old.map(|old| json!(old.definition)),
        new: Some(json!(definition)),
    };
    app.commit(changing, change, &ids).await?;
    Ok(Kept { findings: Some(findings), ..kept(document)? })
}

/// Writes the document and checks what it leaves behind.
async fn replace<T: Definition>(
    changing: &mut Changing,
    document: &Document,
    definition: &T,
) -> Result<(Vec<String>, Vec<Told>), Problem> {
    documents::put(&mut changing.tx, &changing.project.id, document, definition).await?;
    soundness::everywhere(changing, T::KIND, &document.key).await
}

/// `POST .../{key}/archive`: out of every snapshot, and kept. Refused while something needs it.
pub async fn archive<T: Definition>(
    app: State<App>,
    actor: Actor,
    path: Path<(String, String)>,
    if_match: MayMatch,
) -> Result<Versioned<Kept<T>>, Problem> {
    set_archived(app, actor, path, if_match, true).await
}

/// `POST .../{key}/restore`
pub async fn restore<T: Definition>(
    app: State<App>,
    actor: Actor,
    path: Path<(String, String)>,
    if_match: MayMatch,
) -> Result<Versioned<Kept<T>>, Problem> {
    set_archived(app, actor, path, if_match, false).await
}

async fn set_archived<T: Definition>(
    State(app): State<App>,
    actor: Actor,
    Path((project, key)): Path<(String, String)>,
    MayMatch(if_match): MayMatch,
    archived: bool,
) -> Result<Versioned<Kept<T>>, Problem> {
    let mut changing = find::change(&app, &actor, &project).await?;
    let project_id = changing.project.id.clone();
    let old = find::<T>(&mut changing.tx, &project_id, &key).await?;
    if_match.check(Some(old.version), || json!(old))?;
    if old.archived_at.is_some() == archived {
        // Nothing to change, so nothing to log; the transaction is rolled back.
        return Ok(Versioned(old.version, old));
    }
    if archived {
        soundness::unused(&mut changing, Named::Document(T::KIND, &key)).await?;
    }
    let (version, now) = (changing.version(), changing.now_ms);
    let document = Document {
        key: key.clone(),
        definition: json!(old.definition).to_string(),
        version,
        created_at: old.created_at,
        updated_at: now,
        archived_at: archived.then_some(now),
    };
    let (ids, findings) = replace(&mut changing, &document, &old.definition).await?;
    // Nothing refers to it.
    changing.serves_the_same_in(ids.iter().cloned());
    let change = Change {
        action: if archived { T::ACTIONS.archived } else { T::ACTIONS.restored },
        target: &key,
        environment_id: None,
        old: archived.then(|| json!(old.definition)),
        new: (!archived).then(|| json!(old.definition)),
    };
    app.commit(changing, change, &ids).await?;
    Ok(Versioned(version, Kept { findings: Some(findings), ..kept(document)? }))
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
    soundness::unused(&mut changing, Named::Document(T::KIND, &key)).await?;
    let version = changing.version();
    documents::delete(&mut changing.tx, &project_id, T::KIND, &key, version).await?;
    let (ids, _) = soundness::everywhere(&mut changing, T::KIND, &key).await?;
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
