//! `GET .../export` and `POST .../import`: a whole project as one document, and other products' files by the same door.

use std::collections::BTreeMap;
use std::sync::Arc;

use aide::OperationInput;
use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use pennon_core::config::{Attribute, Configuration, Holdout, Layer, Segment};
use pennon_core::import::{flagd, growthbook, launchdarkly, unleash};
use pennon_core::protocol::connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use sqlx::AnyConnection;
use tokio::sync::OwnedSemaphorePermit;

use super::environments::MAX_ENVIRONMENTS;
use super::find;
use crate::app::App;
use crate::auth::actor::Actor;
use crate::domain::document::Definition;
use crate::domain::flag::{self, Wrong, read};
use crate::domain::project::{self, FORMAT, Named, Plan, Project, Report, plan};
use crate::domain::role::Role;
use crate::publish::environment::{configured, definition, references};
use crate::routes::body::JsonBody;
use crate::routes::path::{Path, Query};
use crate::routes::problem::Problem;
use crate::store::change::{Change, Changing};
use crate::store::documents::{self, Document};
use crate::store::environments::{self, Environment};
use crate::store::flags::{self, Configured, Stored};
use crate::store::{projects, versions};

/// The longest document that is imported.
pub const MAX_IMPORT_BYTES: usize = 64 * 1024 * 1024;
/// How often an import is planned when others change the project meanwhile; the last time they wait.
const MAX_PLANS: usize = 3;

/// `GET /admin/projects/{project}/export`
pub async fn export(
    State(app): State<App>,
    _: Actor,
    Path(project): Path<String>,
) -> Result<Json<Project>, Problem> {
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    Ok(Json(current(&mut tx, &project).await?.0))
}

/// The project as it is, and its environments.
async fn current(
    connection: &mut AnyConnection,
    project: &projects::Project,
) -> Result<(Project, Vec<Environment>), Problem> {
    fn values<T: Serialize>(documents: BTreeMap<String, T>) -> BTreeMap<String, Value> {
        documents.into_iter().map(|(key, document)| (key, json!(document))).collect()
    }
    let kept = references(connection, &project.id).await?;
    let mut whole = Project {
        project_format: FORMAT,
        project: Some(Named { key: project.key.clone(), name: project.name.clone() }),
        attributes: values(kept.attributes),
        segments: values(kept.segments),
        layers: values(kept.layers),
        holdouts: values(kept.holdouts),
        ..Project::default()
    };
    for flag in flags::list(connection, &project.id).await? {
        if flag.archived_at.is_none() {
            let definition = definition::<flag::Definition>(&flag)?;
            whole.flags.insert(flag.key, fields(&definition)?);
        }
    }
    let environments = environments::list(connection, &project.id).await?;
    for environment in &environments {
        let mut does = BTreeMap::new();
        for stored in flags::list_configurations(connection, &environment.id).await? {
            let configuration = fields(&configured(&stored)?)?;
            does.insert(stored.key, configuration);
        }
        whole.environments.push(project::Environment {
            key: environment.key.clone(),
            name: Some(environment.name.clone()),
            protected: Some(environment.protected),
            colour: environment.colour.clone(),
            origins: (!environment.origins.is_empty()).then(|| environment.origins.clone()),
            requests_per_minute: environment.requests_per_minute,
            flags: does,
        });
    }
    Ok((whole, environments))
}

fn fields(value: &impl Serialize) -> Result<Map<String, Value>, Problem> {
    match json!(value) {
        Value::Object(fields) => Ok(fields),
        _ => Err(Problem::internal(&"a part of a flag is no object")),
    }
}

/// Whose format a document has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum From {
    /// What `export` answers.
    #[default]
    Project,
    /// CONFIG.json: one environment.
    Config,
    /// The body of `GET /api/client/features`.
    Unleash,
    /// The payload of the SDK endpoint.
    Growthbook,
    /// A flags file.
    Flagd,
    /// The body of `GET /sdk/latest-all`.
    Launchdarkly,
}

/// What is imported, where to, and whether at all.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Wanted {
    /// The document's format.
    #[serde(default)]
    from: From,
    /// The environment's key, of a document that describes one environment alone. It is made when it is not there.
    environment: Option<String>,
    /// Only tells what would happen.
    #[serde(default)]
    dry_run: bool,
}

/// Who asks while as many imports run as may comes again after this many seconds.
const BUSY_RETRY_S: u32 = 2;

/// The right to import: few at once, since a document and what it changes are held whole. It is taken before the document is read.
#[derive(Debug)]
pub struct Turn {
    _permit: OwnedSemaphorePermit,
}

impl FromRequestParts<App> for Turn {
    type Rejection = Problem;

    async fn from_request_parts(_: &mut Parts, app: &App) -> Result<Self, Problem> {
        let permit = Arc::clone(&app.importing).try_acquire_owned().map_err(|_| {
            let detail = "this server runs as many imports as it may: ask again in a moment";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).retry_after(BUSY_RETRY_S)
        })?;
        Ok(Self { _permit: permit })
    }
}

impl OperationInput for Turn {}

/// What became of an import, or would.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Imported {
    dry_run: bool,
    #[serde(flatten)]
    report: Report,
}

/// `POST /admin/projects/{project}/import`: creates and updates what is in the document, deletes nothing, all in one change.
pub async fn import(
    State(app): State<App>,
    actor: Actor,
    Path(project): Path<String>,
    Query(wanted): Query<Wanted>,
    _turn: Turn,
    JsonBody(document): JsonBody<Value>,
) -> Result<Json<Imported>, Problem> {
    let (mut incoming, told) = incoming(&wanted, document)?;
    incoming.complete(&app.random)?;
    let dry_run = wanted.dry_run;
    let (planned, changing) = planned(&app, &actor, &project, incoming, dry_run).await?;
    let Planned { seen: Seen { whole: before, environments, .. }, after, mut report } = planned;
    report.refused.extend(told.refused);
    report.notes.extend(told.notes);
    let imported = Imported { dry_run, report };
    let Some(mut changing) = changing else { return Ok(Json(imported)) };
    let project = changing.project.clone();
    let mut written = Vec::new();
    write_documents::<Attribute>(
        &mut changing,
        &before.attributes,
        &after.attributes,
        &mut written,
    )
    .await?;
    write_documents::<Segment>(&mut changing, &before.segments, &after.segments, &mut written)
        .await?;
    write_documents::<Layer>(&mut changing, &before.layers, &after.layers, &mut written).await?;
    write_documents::<Holdout>(&mut changing, &before.holdouts, &after.holdouts, &mut written)
        .await?;
    describes(&actor, &project.id, &environments, &after)?;
    let ids = write_flags(&app, &mut changing, &before, &after, environments, &mut written).await?;
    // The values themselves are in the history, under the number of this change; their hashes tie them to the audit log.
    let change = Change {
        action: "project.imported",
        target: &project.key,
        environment_id: None,
        old: None,
        new: Some(json!({ "objects": written })),
    };
    app.commit(changing, change, &ids).await?;
    Ok(Json(imported))
}

/// A project as it was read.
struct Seen {
    whole: Project,
    environments: Vec<Environment>,
    /// The number of its newest change.
    sequence: i64,
}

impl Seen {
    async fn read(
        connection: &mut AnyConnection,
        project: &projects::Project,
    ) -> Result<Self, Problem> {
        let sequence = versions::newest(connection, &project.id).await?;
        let (whole, environments) = current(connection, project).await?;
        Ok(Self { whole, environments, sequence })
    }
}

/// What an import does to a project.
struct Planned {
    seen: Seen,
    after: Project,
    report: Report,
}

/// Plans an import, and, when there is something to do, takes the project as it was seen.
async fn planned(
    app: &App,
    actor: &Actor,
    project: &str,
    incoming: Project,
    dry_run: bool,
) -> Result<(Planned, Option<Changing>), Problem> {
    let incoming = Arc::new(incoming);
    let mut attempt = 1;
    loop {
        // Planning takes long where there are many flags, and nobody waits for it unless others change the project all the time.
        let mut taken = None;
        let seen = if attempt < MAX_PLANS {
            let mut tx = app.store.begin_read().await?;
            let project = find::project(&mut tx, project).await?;
            Seen::read(&mut tx, &project).await?
        } else {
            let changing = taken.insert(find::change(app, actor, project).await?);
            Seen::read(&mut changing.tx, &changing.project).await?
        };
        let planned = plan_of(seen, Arc::clone(&incoming), app.clock.now_ms()).await?;
        if dry_run || planned.seen.whole == planned.after {
            return Ok((planned, None));
        }
        let changing = match taken {
            Some(changing) => changing,
            None => find::change(app, actor, project).await?,
        };
        // Taken before it was read, it counts this change already.
        if changing.version() <= planned.seen.sequence + 1 {
            return Ok((planned, Some(changing)));
        }
        attempt += 1;
    }
}

/// It compiles every environment, which other requests must not wait for.
async fn plan_of(seen: Seen, incoming: Arc<Project>, now_ms: i64) -> Result<Planned, Problem> {
    let planned = tokio::task::spawn_blocking(move || {
        let Plan { after, report } = plan(&seen.whole, &incoming, now_ms)?;
        Ok::<_, Wrong>(Planned { seen, after, report })
    });
    let planned = planned.await.map_err(|error| Problem::internal(&error))??;
    if planned.after.environments.len() > MAX_ENVIRONMENTS {
        let detail = format!("a project has at most {MAX_ENVIRONMENTS} environments");
        return Err(Problem::conflict(detail).field("environments"));
    }
    Ok(planned)
}

/// The document as a project, and what the reading of it already says.
fn incoming(wanted: &Wanted, document: Value) -> Result<(Project, Report), Problem> {
    let environment = || {
        let named = wanted.environment.clone();
        named.ok_or_else(|| {
            Problem::invalid("environment", "this format describes one environment: say which")
        })
    };
    let vendor = match wanted.from {
        From::Project => {
            if wanted.environment.is_some() {
                let detail = "a whole project brings its environments";
                return Err(Problem::invalid("environment", detail));
            }
            return Ok((Project::read(document)?, Report::default()));
        }
        From::Config => {
            let configuration: Configuration = read(document)?;
            let whole = Project::of_configuration(&configuration, &environment()?)?;
            return Ok((Project::read(json!(whole))?, Report::default()));
        }
        From::Unleash => unleash::import(&document),
        From::Growthbook => growthbook::import(&document),
        From::Flagd => flagd::import(&document),
        From::Launchdarkly => launchdarkly::import(&document),
    };
    let imported = vendor.map_err(|error| Problem::invalid("", error.to_string()))?;
    let whole = Project::of_configuration(&imported.configuration, &environment()?)?;
    let refused = imported.report.refused.into_iter().map(|refused| project::Refused {
        kind: "flag",
        key: refused.flag,
        reason: refused.reason,
    });
    let report =
        Report { refused: refused.collect(), notes: imported.report.notes, ..Report::default() };
    Ok((Project::read(json!(whole))?, report))
}

/// What the audit log says of an object: which, and the hash of its new state.
fn entry(kind: &str, key: &str, environment: Option<&str>, json: &str) -> Value {
    let sha256 = connection::hex(&Sha256::digest(json));
    json!({ "kind": kind, "key": key, "environment": environment, "sha256": sha256 })
}

async fn write_documents<T: Definition>(
    changing: &mut Changing,
    before: &BTreeMap<String, Value>,
    after: &BTreeMap<String, Value>,
    written: &mut Vec<Value>,
) -> Result<(), Problem> {
    let (project_id, version, now) =
        (changing.project.id.clone(), changing.version(), changing.now_ms);
    for (key, value) in after.iter().filter(|(key, value)| before.get(*key) != Some(*value)) {
        let old = documents::find(&mut changing.tx, &project_id, T::KIND, key).await?;
        let definition: T = read(value.clone())?;
        let document = Document {
            key: key.clone(),
            definition: value.to_string(),
            version,
            created_at: old.map_or(now, |old| old.created_at),
            updated_at: now,
            archived_at: None,
        };
        documents::put(&mut changing.tx, &project_id, &document, &definition).await?;
        written.push(entry(T::KIND.as_str(), key, None, &document.definition));
    }
    Ok(())
}

/// Whether the caller may say of environments what the document says of them: as where one is changed by itself, it takes an admin there.
/// What flags do in them is asked when the change commits.
fn describes(
    actor: &Actor,
    project_id: &str,
    environments: &[Environment],
    after: &Project,
) -> Result<(), Problem> {
    let grant = actor.author.rights.grant(project_id);
    for (index, told) in after.environments.iter().enumerate() {
        let Some(known) = environments.iter().find(|known| known.key == told.key) else { continue };
        let same = told.name.as_ref().is_none_or(|name| *name == known.name)
            && told.protected.is_none_or(|protected| protected == known.protected)
            && told.colour == known.colour;
        let role = grant.as_ref().map(|grant| grant.in_environment(&known.id));
        if !same && role.is_none_or(|role| role < Role::Admin) {
            let detail = format!(
                "the document changes what is said about the environment {:?}: this takes the role admin there",
                known.key
            );
            return Err(Problem::role(detail).field(format!("environments[{index}]")));
        }
    }
    Ok(())
}

/// Writes environments and flags; answers the ids of all environments.
async fn write_flags(
    app: &App,
    changing: &mut Changing,
    before: &Project,
    after: &Project,
    environments: Vec<Environment>,
    written: &mut Vec<Value>,
) -> Result<Vec<String>, Problem> {
    let (project_id, version, now) =
        (changing.project.id.clone(), changing.version(), changing.now_ms);
    let known = flags::created_at(&mut changing.tx, &project_id).await?;
    let mut defined: Vec<(Document, flag::Definition)> = Vec::new();
    for (key, fields) in &after.flags {
        if before.flags.get(key) == Some(fields) {
            continue;
        }
        let definition =
            serde_json::to_string(fields).map_err(|error| Problem::internal(&error))?;
        written.push(entry("flag", key, None, &definition));
        let document = Document {
            key: key.clone(),
            definition,
            version,
            created_at: known.get(key).copied().unwrap_or(now),
            updated_at: now,
            archived_at: None,
        };
        defined.push((document, read(Value::Object(fields.clone()))?));
    }
    let defined: Vec<(&Document, &flag::Definition)> =
        defined.iter().map(|(document, definition)| (document, definition)).collect();
    flags::put(&mut changing.tx, &project_id, &defined).await?;
    let mut ids = Vec::with_capacity(after.environments.len());
    let mut position = environments.last().map_or(0, |last| last.position + 1);
    for environment in &after.environments {
        let known = environments.iter().find(|known| known.key == environment.key);
        let name = environment.name.clone().unwrap_or_else(|| environment.key.clone());
        let protected = environment.protected.unwrap_or(false);
        let id = match known {
            Some(known) => {
                let told = Environment {
                    name,
                    protected,
                    colour: environment.colour.clone(),
                    origins: environment.origins.clone().unwrap_or_default(),
                    requests_per_minute: environment.requests_per_minute,
                    version,
                    ..known.clone()
                };
                if (Environment { version: known.version, ..told.clone() }) != *known {
                    environments::describe(&mut changing.tx, &told).await?;
                    written.push(entry("environment", &told.key, None, &json!(told).to_string()));
                }
                known.id.clone()
            }
            None => {
                let made = Environment {
                    id: app.random.id()?,
                    project_id: project_id.clone(),
                    key: environment.key.clone(),
                    name,
                    protected,
                    epoch: 1,
                    revision: 0,
                    position,
                    colour: environment.colour.clone(),
                    origins: environment.origins.clone().unwrap_or_default(),
                    requests_per_minute: environment.requests_per_minute,
                    version,
                    created_at: now,
                };
                position += 1;
                environments::insert(&mut changing.tx, &made).await?;
                written.push(entry("environment", &made.key, None, &json!(made).to_string()));
                made.id
            }
        };
        let old = before.environment(&environment.key).map(|before| &before.flags);
        let mut stored: Vec<(Stored, bool)> = Vec::new();
        for (key, configuration) in &environment.flags {
            if old.and_then(|old| old.get(key)) == Some(configuration) {
                continue;
            }
            let json =
                serde_json::to_string(configuration).map_err(|error| Problem::internal(&error))?;
            written.push(entry("flag-configuration", key, Some(&environment.key), &json));
            let enabled = configuration.get("enabled") == Some(&Value::Bool(true));
            stored.push((Stored { key: key.clone(), json, version, updated_at: now }, enabled));
        }
        let configured = stored.iter().map(|(stored, enabled)| Configured {
            environment_id: &id,
            stored,
            enabled: *enabled,
        });
        let configured: Vec<Configured<'_>> = configured.collect();
        flags::put_configurations(&mut changing.tx, &project_id, &configured).await?;
        ids.push(id);
    }
    Ok(ids)
}
