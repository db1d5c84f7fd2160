//! `.../versions` of flags, of what they do in an environment, and of documents: every state that they have had, what changed from one to
//! another, and the way back.

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sqlx::AnyConnection;

use super::{configurations, documents, find, flags};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::domain::diff::{Entry, diff_optional};
use crate::domain::document::Definition;
use crate::domain::flag::{self, read};
use crate::routes::kept::Kept;
use crate::routes::page::Page;
use crate::routes::patch::Written;
use crate::routes::path::{Path, Query};
use crate::routes::problem::Problem;
use crate::routes::version::{IfMatch, IfMatchOrNew, Put, Versioned};
use crate::store::change::Changing;
use crate::store::environments::{self, Environment};
use crate::store::projects::Project;
use crate::store::versions::{self, Kind, Object, Version};
use crate::store::{self, audit};

/// Versions a page has unless the request says otherwise, and at most.
const PAGE: i64 = 50;
const MAX_PAGE: i64 = 200;
/// Sentences of one version in a list.
const MAX_SENTENCES: usize = 20;
/// Objects of one change that are shown; an import may touch a whole project.
const MAX_TOUCHED: i64 = 200;

/// A version in a list.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// The number of the change in its project; what the ETag said then.
    pub version: i64,
    /// Unix milliseconds.
    pub at: i64,
    /// Who: `user:...`, `token:...`.
    pub author: String,
    /// What was done: `flag.updated`, ...
    pub action: String,
    /// Why, in the author's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The change deleted it.
    pub deleted: bool,
    pub archived: bool,
    /// What it changed, in words; the first of it.
    pub changes: Vec<String>,
    /// How many more sentences there are.
    pub more_changes: usize,
}

/// A version as it was, and what changed.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "VersionShown")]
pub struct Shown {
    #[serde(flatten)]
    listed: Listed,
    /// The definition or the configuration; null when the change deleted it.
    document: Option<Value>,
    /// The version that `differences` begins with; null: nothing was there.
    against: Option<i64>,
    differences: Vec<Entry>,
}

/// Which page of a list of versions.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// The `next` of the page before.
    cursor: Option<i64>,
    /// Versions a page has at most: 50 unless given, at most 200.
    limit: Option<i64>,
}

/// With which version to compare.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Against {
    /// A version; the one before, unless given.
    against: Option<i64>,
}

/// An instant of the past; at most one of these.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Then {
    /// The number of a change in the project: right after it.
    version: Option<i64>,
    /// Unix milliseconds: what was there then.
    at: Option<i64>,
    /// A revision of the environment: what a snapshot of that version shows.
    revision: Option<i64>,
}

impl Then {
    /// The number of the project's change that made what is asked for; `None`: now.
    pub(super) async fn sequence(
        &self,
        connection: &mut AnyConnection,
        project: &Project,
        environment: &Environment,
    ) -> Result<Option<i64>, Problem> {
        let newest = versions::newest(connection, &project.id).await?;
        let (field, sequence) = match (self.version, self.at, self.revision) {
            (None, None, None) => return Ok(None),
            (Some(version), None, None) => ("version", version),
            (None, Some(at), None) => {
                ("at", versions::sequence_at(connection, &project.id, at).await?)
            }
            (None, None, Some(revision)) => {
                let id = &environment.id;
                let found = versions::sequence_of_revision(connection, id, revision).await?;
                let missing =
                    || Problem::not_found(format!("there is no revision {revision} here (yet)"));
                ("revision", found.ok_or_else(missing)?)
            }
            _ => return Err(Problem::invalid("version", "give one of version, at and revision")),
        };
        if sequence > newest {
            return Err(Problem::not_found(format!("the project has {newest} changes so far")));
        }
        let first = versions::sequence_of_revision(connection, &environment.id, 1).await?;
        if first.is_none_or(|first| sequence < first) {
            let detail = format!("{:?} was not there yet", environment.key);
            return Err(Problem::not_found(detail).field(field));
        }
        Ok(Some(sequence))
    }
}

fn document(version: &Version) -> Result<Option<Value>, Problem> {
    let parse =
        |text: &String| serde_json::from_str(text).map_err(|error| Problem::internal(&error));
    version.document.as_ref().map(parse).transpose()
}

fn listed(version: &Version, differences: &[Entry]) -> Listed {
    let sentences = differences.iter().take(MAX_SENTENCES).map(|entry| entry.sentence.clone());
    Listed {
        version: version.sequence,
        at: version.at,
        author: version.author.clone(),
        action: version.action.clone(),
        comment: version.comment.clone(),
        deleted: version.document.is_none(),
        archived: version.archived,
        changes: sentences.collect(),
        more_changes: differences.len().saturating_sub(MAX_SENTENCES),
    }
}

async fn page(
    connection: &mut AnyConnection,
    object: Object<'_>,
    wanted: &Wanted,
) -> Result<Json<Page<Listed>>, Problem> {
    let limit = wanted.limit.unwrap_or(PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(Problem::invalid("limit", format!("give 1 to {MAX_PAGE}")));
    }
    let before = wanted.cursor.unwrap_or(i64::MAX);
    let found = versions::list(connection, object, before, limit).await?;
    let Some(last) = found.last() else {
        return match wanted.cursor {
            Some(_) => Ok(Json(Page { items: Vec::new(), next: None, total: None })),
            None => Err(find::missing(object.kind.as_str(), object.key)),
        };
    };
    let older = versions::at(connection, object, last.sequence - 1).await?;
    let next = older.as_ref().map(|_| last.sequence.to_string());
    let mut items = Vec::with_capacity(found.len());
    for (version, previous) in
        found.iter().zip(found.iter().skip(1).map(Some).chain([older.as_ref()]))
    {
        let old = previous.map(document).transpose()?.flatten();
        let differences = diff_optional(old.as_ref(), document(version)?.as_ref());
        items.push(listed(version, &differences));
    }
    Ok(Json(Page { items, next, total: None }))
}

async fn one(
    connection: &mut AnyConnection,
    object: Object<'_>,
    version: i64,
    wanted: &Against,
) -> Result<Json<Shown>, Problem> {
    let found = exactly(connection, object, version).await?;
    let against = match wanted.against {
        Some(against) => Some(exactly(connection, object, against).await?),
        None => versions::at(connection, object, version - 1).await?,
    };
    let old = against.as_ref().map(document).transpose()?.flatten();
    let new = document(&found)?;
    let differences = diff_optional(old.as_ref(), new.as_ref());
    Ok(Json(Shown {
        listed: listed(&found, &differences),
        document: new,
        against: against.map(|against| against.sequence),
        differences,
    }))
}

/// The version with this number.
async fn exactly(
    connection: &mut AnyConnection,
    object: Object<'_>,
    version: i64,
) -> Result<Version, Problem> {
    let found = versions::at(connection, object, version).await?;
    found.filter(|found| found.sequence == version).ok_or_else(|| {
        let kind = object.kind.as_str();
        Problem::not_found(format!("the {kind} {:?} has no version {version}", object.key))
    })
}

/// The document of a version to go back to.
async fn earlier(
    connection: &mut AnyConnection,
    object: Object<'_>,
    version: i64,
) -> Result<Map<String, Value>, Problem> {
    match document(&exactly(connection, object, version).await?)? {
        Some(Value::Object(document)) => Ok(document),
        _ => Err(Problem::conflict(
            "it was deleted in this version: go back to one before, or delete it",
        )),
    }
}

/// Says that it is the earlier version that does not fit into today's project.
fn unfit(version: i64) -> impl Fn(Problem) -> Problem {
    move |problem| problem.because(&format!("version {version} does not fit any more"))
}

/// `GET /admin/projects/{project}/flags/{flag}/versions`
pub async fn list_flag(
    State(app): State<App>,
    _: Actor,
    Path((project, key)): Path<(String, String)>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Page<Listed>>, Problem> {
    find::imported("flag", &key)?;
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    page(&mut tx, of_project(&project, Kind::Flag, &key), &wanted).await
}

/// `GET .../{version}`
pub async fn get_flag(
    State(app): State<App>,
    _: Actor,
    Path((project, key, version)): Path<(String, String, i64)>,
    Query(wanted): Query<Against>,
) -> Result<Json<Shown>, Problem> {
    find::imported("flag", &key)?;
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    one(&mut tx, of_project(&project, Kind::Flag, &key), version, &wanted).await
}

/// `POST .../{version}/rollback`
pub async fn roll_back_flag(
    State(app): State<App>,
    actor: Actor,
    Path((project, key, version)): Path<(String, String, i64)>,
    IfMatchOrNew(if_match): IfMatchOrNew,
) -> Result<Versioned<Kept<flag::Definition>>, Problem> {
    find::imported("flag", &key)?;
    let mut changing = find::change(&app, &actor, &project).await?;
    let project = changing.project.clone();
    let definition =
        earlier(&mut changing.tx, of_project(&project, Kind::Flag, &key), version).await?;
    let definition = flags::defined(definition).map_err(unfit(version))?;
    if store::flags::find(&mut changing.tx, &project.id, &key).await?.is_none() {
        if_match.check(None, || Value::Null)?;
        return bring_back(&app, changing, key, definition, version).await.map_err(unfit(version));
    }
    let old = find::flag(&mut changing.tx, &project, &key).await?;
    if_match.check(Some(old.version), || json!(old))?;
    flags::redefine(&app, changing, old, definition, "flag.rolled-back")
        .await
        .map_err(unfit(version))
}

/// Makes a flag that was deleted anew, in each environment as it was then; where it was not, it is off.
async fn bring_back(
    app: &App,
    mut changing: Changing,
    key: String,
    definition: flag::Definition,
    version: i64,
) -> Result<Versioned<Kept<flag::Definition>>, Problem> {
    let mut configured = Vec::new();
    for environment in environments::list(&mut changing.tx, &changing.project.id).await? {
        let then =
            versions::at(&mut changing.tx, of_environment(&environment, &key), version).await?;
        let then = then.as_ref().map(document).transpose()?.flatten();
        let then = then.and_then(|then| then.as_object().cloned());
        configured.push((environment, then));
    }
    let same = |problem| problem;
    let made =
        flags::make(app, changing, key, definition, configured, "flag.rolled-back", same).await?;
    Ok(Versioned(made.0, made.1))
}

/// `GET .../environments/{environment}/flags/{flag}/versions`
pub async fn list_configuration(
    State(app): State<App>,
    _: Actor,
    Path((project, environment, key)): Path<(String, String, String)>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Page<Listed>>, Problem> {
    find::imported("flag", &key)?;
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let environment = find::environment(&mut tx, &project, &environment).await?;
    page(&mut tx, of_environment(&environment, &key), &wanted).await
}

/// `GET .../{version}`
pub async fn get_configuration(
    State(app): State<App>,
    _: Actor,
    Path((project, environment, key, version)): Path<(String, String, String, i64)>,
    Query(wanted): Query<Against>,
) -> Result<Json<Shown>, Problem> {
    find::imported("flag", &key)?;
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let environment = find::environment(&mut tx, &project, &environment).await?;
    one(&mut tx, of_environment(&environment, &key), version, &wanted).await
}

/// `POST .../{version}/rollback`
pub async fn roll_back_configuration(
    State(app): State<App>,
    actor: Actor,
    Path((project, environment, key, version)): Path<(String, String, String, i64)>,
    if_match: IfMatch,
) -> Result<Versioned<configurations::Shown>, Problem> {
    let path = Path((project, environment, key.clone()));
    let mut taken = configurations::take(&app, &actor, path, &if_match).await?;
    let object = of_environment(&taken.environment, &key);
    let new = earlier(&mut taken.changing.tx, object, version).await?;
    let new = read(Value::Object(new)).map_err(Problem::from).map_err(unfit(version))?;
    configurations::write(&app, taken, new, "flag-configuration.rolled-back")
        .await
        .map_err(unfit(version))
}

/// `GET /admin/projects/{project}/segments/{segment}/versions`, and of the other kinds.
pub async fn list_document<T: Definition>(
    State(app): State<App>,
    _: Actor,
    Path((project, key)): Path<(String, String)>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Page<Listed>>, Problem> {
    find::imported(T::KIND.as_str(), &key)?;
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    page(&mut tx, of_project(&project, Kind::Document(T::KIND), &key), &wanted).await
}

/// `GET .../{version}`
pub async fn get_document<T: Definition>(
    State(app): State<App>,
    _: Actor,
    Path((project, key, version)): Path<(String, String, i64)>,
    Query(wanted): Query<Against>,
) -> Result<Json<Shown>, Problem> {
    find::imported(T::KIND.as_str(), &key)?;
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    one(&mut tx, of_project(&project, Kind::Document(T::KIND), &key), version, &wanted).await
}

/// `POST .../{version}/rollback`: also of what was deleted since.
pub async fn roll_back_document<T: Definition>(
    State(app): State<App>,
    actor: Actor,
    Path((project, key, version)): Path<(String, String, i64)>,
    IfMatchOrNew(if_match): IfMatchOrNew,
) -> Result<Put<Kept<T>>, Problem> {
    find::imported(T::KIND.as_str(), &key)?;
    let mut changing = find::change(&app, &actor, &project).await?;
    let project = changing.project.clone();
    let old = documents::find_if_there::<T>(&mut changing.tx, &project.id, &key).await?;
    if_match.check(old.as_ref().map(|old| old.version), || json!(old))?;
    let object = of_project(&project, Kind::Document(T::KIND), &key);
    let definition = earlier(&mut changing.tx, object, version).await?;
    let created = old.is_none();
    let (written, action) = (Written::Whole(definition), Some(T::ACTIONS.rolled_back));
    let kept = documents::write(&app, changing, &key, old, written, action)
        .await
        .map_err(unfit(version))?;
    Ok(Put { created, version: kept.version, body: kept })
}

/// An object that a change touched.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Touched {
    /// `flag`, `flag-configuration`, `attribute`, `segment`, `layer` or `holdout`.
    kind: String,
    key: String,
    /// The environment's key, of what differs between environments; its id, when it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<String>,
    differences: Vec<Entry>,
}

/// A change of a project: its audit entry without the values, and what became of each object.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeShown {
    version: i64,
    /// Unix milliseconds.
    at: i64,
    author: String,
    action: String,
    target: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    /// The first 200.
    objects: Vec<Touched>,
    /// Whether there are more.
    more: bool,
}

/// `GET /admin/projects/{project}/changes/{version}`
pub async fn change(
    State(app): State<App>,
    _: Actor,
    Path((project, version)): Path<(String, i64)>,
) -> Result<Json<ChangeShown>, Problem> {
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let range = (version.saturating_sub(1), version.saturating_add(1));
    let (filter, order) = (audit::Filter::default(), audit::Order::NewestFirst);
    let entries = audit::list(&mut tx, &project.id, &filter, range, order, 1).await?;
    let missing = || Problem::not_found(format!("there is no change {version} (yet)"));
    let entry = entries.into_iter().next().ok_or_else(missing)?.entry;
    let mut rows = versions::touched(&mut tx, &project.id, version, MAX_TOUCHED + 1).await?;
    let more = rows.len() as i64 > MAX_TOUCHED;
    rows.truncate(MAX_TOUCHED as usize);
    let mut objects = Vec::with_capacity(rows.len());
    for (kind, environment_id, key) in rows {
        let Some(known) = Kind::parse(&kind) else { continue };
        let object = Object {
            project_id: &project.id,
            kind: known,
            environment_id: &environment_id,
            key: &key,
        };
        let (new, old) = (
            versions::at(&mut tx, object, version).await?,
            versions::at(&mut tx, object, version - 1).await?,
        );
        let old = old.as_ref().map(document).transpose()?.flatten();
        let new = new.as_ref().map(document).transpose()?.flatten();
        let differences = diff_optional(old.as_ref(), new.as_ref());
        let environment = environments::name(&mut tx, &environment_id).await?;
        objects.push(Touched { kind, key, environment, differences });
    }
    Ok(Json(ChangeShown {
        version,
        at: entry.at,
        author: entry.author,
        action: entry.action,
        target: entry.target,
        comment: entry.comment,
        objects,
        more,
    }))
}

fn of_project<'a>(project: &'a Project, kind: Kind, key: &'a str) -> Object<'a> {
    Object { project_id: &project.id, kind, environment_id: "", key }
}

fn of_environment<'a>(environment: &'a Environment, key: &'a str) -> Object<'a> {
    Object {
        project_id: &environment.project_id,
        kind: Kind::FlagConfiguration,
        environment_id: &environment.id,
        key,
    }
}
