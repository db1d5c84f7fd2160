//! `/admin/projects/{project}/flags`: what a flag is, the same in every environment.

use std::iter;

use axum::extract::State;
use axum::response::NoContent;
use pennon_core::config::{Flag, ValueType, Variant};
use pennon_core::limits::MAX_FLAGS;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{find, soundness};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::domain::findings::Told;
use crate::domain::flag::{
    Definition, FlagConfiguration, complete, first_configuration, first_variants, join, read,
    stays_off,
};
use crate::domain::keys::{KEY_PATTERN, MAX_KEY_CHARACTERS, check_key};
use crate::domain::references::Named;
use crate::routes::body::{Authored, JsonBody};
use crate::routes::kept::Kept;
use crate::routes::patch::{MergePatch, Written};
use crate::routes::path::Path;
use crate::routes::problem::Problem;
use crate::routes::version::{Created, IfMatch, MayMatch, Versioned};
use crate::store::change::{Change, Changing};
use crate::store::documents::Document;
use crate::store::environments::{self, Environment};
use crate::store::flags::{self, Configured, Stored};

/// `GET .../{flag}`
pub async fn get(
    State(app): State<App>,
    _: Actor,
    Path((project, key)): Path<(String, String)>,
) -> Result<Versioned<Kept<Definition>>, Problem> {
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let kept = find::flag(&mut tx, &project, &key).await?;
    Ok(Versioned(kept.version, kept))
}

/// A new flag, and, if given, what it does in every environment at first; otherwise it is off.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFlag {
    #[schemars(regex(pattern = KEY_PATTERN), length(max = MAX_KEY_CHARACTERS))]
    key: String,
    /// A boolean flag may leave out its variants: they are `on` and `off`.
    definition: Authored<Definition>,
    configuration: Option<Authored<FlagConfiguration>>,
}

/// `POST`
pub async fn create(
    State(app): State<App>,
    actor: Actor,
    Path(project): Path<String>,
    JsonBody(new): JsonBody<NewFlag>,
) -> Result<Created<Kept<Definition>>, Problem> {
    let NewFlag { key, definition: Authored(written, _), configuration } = new;
    check_key(&key).map_err(|detail| Problem::invalid("key", detail))?;
    let definition = with_variants(written).map_err(|problem| problem.within("definition"))?;
    let mut changing = find::change(&app, &actor, &project).await?;
    let environments = environments::list(&mut changing.tx, &changing.project.id).await?;
    let given = configuration.map(|Authored(written, _)| written);
    if environments.is_empty() {
        first(&definition, given.as_ref(), &app)?;
    }
    let configured = environments.into_iter().map(|environment| (environment, given.clone()));
    let part = |problem: Problem| match &given {
        Some(given) if problem.names_one_of(given) => problem.within("configuration"),
        _ => problem.within("definition"),
    };
    make(&app, changing, key, definition, configured.collect(), "flag.created", part).await
}

/// Writes a flag that is not there, with what it does in each environment; where that is not given, it is off. `part` says of which part of
/// the request a field is.
pub(super) async fn make(
    app: &App,
    mut changing: Changing,
    key: String,
    definition: Definition,
    configured: Vec<(Environment, Option<Map<String, Value>>)>,
    action: &'static str,
    part: impl Fn(Problem) -> Problem,
) -> Result<Created<Kept<Definition>>, Problem> {
    let project_id = changing.project.id.clone();
    match flags::find(&mut changing.tx, &project_id, &key).await? {
        None => {}
        Some(other) if other.archived_at.is_some() => {
            let detail = "there is an archived flag with this key: restore it, or delete it";
            return Err(Problem::conflict(detail).field("key"));
        }
        Some(_) => {
            return Err(Problem::conflict("there is a flag with this key already").field("key"));
        }
    }
    room(&mut changing).await?;
    let (version, now) = (changing.version(), changing.now_ms);
    let document = Document {
        key,
        definition: json!(definition).to_string(),
        version,
        created_at: now,
        updated_at: now,
        archived_at: None,
    };
    flags::add(&mut changing.tx, &project_id, &[(&document, &definition)]).await?;
    let mut environments = Vec::with_capacity(configured.len());
    let mut written = Vec::with_capacity(configured.len());
    let mut configurations = Map::new();
    let mut off = Vec::new();
    let mut made = Vec::with_capacity(configured.len());
    for (environment, given) in configured {
        // Each environment draws its own salts.
        let configured = first(&definition, given.as_ref(), app)?;
        let stored = Stored {
            key: document.key.clone(),
            json: json!(configured).to_string(),
            version,
            updated_at: now,
        };
        written.push((stored, configured.enabled));
        if given.is_none() {
            off.push(environment.id.clone());
        }
        configurations.insert(environment.key.clone(), json!(configured));
        made.push(Some(join(definition.clone(), configured)));
        environments.push(environment);
    }
    let written: Vec<Configured<'_>> = iter::zip(&environments, &written)
        .map(|(environment, (stored, enabled))| Configured {
            environment_id: &environment.id,
            stored,
            enabled: *enabled,
        })
        .collect();
    flags::put_configurations(&mut changing.tx, &project_id, &written).await?;
    let findings =
        checked(app, &mut changing, &document.key, &environments, made).await.map_err(part)?;
    let ids = ids(&environments);
    // Where it is off, nothing that anybody is served changes.
    changing.serves_the_same_in(off);
    let change = Change {
        action,
        target: &document.key,
        environment_id: None,
        old: None,
        new: Some(json!({ "definition": definition, "configurations": configurations })),
    };
    app.commit(changing, change, &ids).await?;
    let Document { key, .. } = document;
    let findings = Some(findings);
    let kept = Kept {
        key,
        version,
        created_at: now,
        updated_at: now,
        archived_at: None,
        definition,
        findings,
    };
    Ok(Created(version, kept))
}

/// The definition; a boolean flag's variants are what they nearly always are, unless given.
fn with_variants(mut written: Map<String, Value>) -> Result<Definition, Problem> {
    if !written.contains_key("variants")
        && let Some(value_type) = written.get("type")
        && let Ok(value_type) = read::<ValueType>(value_type.clone())
        && let Some(variants) = first_variants(value_type)
    {
        written.insert("variants".to_owned(), variants);
    }
    defined(written)
}

/// Reads a definition, and checks what compiling it would not.
pub(super) fn defined(written: Map<String, Value>) -> Result<Definition, Problem> {
    let definition: Definition = read(Value::Object(written))?;
    definition.check()?;
    if definition.variants.is_empty() {
        return Err(Problem::invalid("variants", "give the flag's variants"));
    }
    Ok(definition)
}

/// What a new flag does in an environment.
fn first(
    definition: &Definition,
    given: Option<&Map<String, Value>>,
    app: &App,
) -> Result<FlagConfiguration, Problem> {
    let Some(given) = given else { return off(&definition.variants) };
    let mut written = given.clone();
    complete(&mut written, &app.random)?;
    read(Value::Object(written)).map_err(|wrong| Problem::from(wrong).within("configuration"))
}

fn off(variants: &[Variant]) -> Result<FlagConfiguration, Problem> {
    first_configuration(variants)
        .ok_or_else(|| Problem::invalid("variants", "give the flag's variants"))
}

/// Refuses one flag too many.
async fn room(changing: &mut Changing) -> Result<(), Problem> {
    let count = flags::count(&mut changing.tx, &changing.project.id).await?;
    if usize::try_from(count).is_ok_and(|count| count >= MAX_FLAGS) {
        let detail = format!("a project has at most {MAX_FLAGS} flags: archive some");
        return Err(Problem::conflict(detail));
    }
    Ok(())
}

fn ids(environments: &[Environment]) -> Vec<String> {
    environments.iter().map(|environment| environment.id.clone()).collect()
}

/// Checks the flag as it now stands everywhere: as `flags` have it, one for each environment, or where they do not, the database.
async fn checked(
    app: &App,
    changing: &mut Changing,
    key: &str,
    environments: &[Environment],
    flags: impl IntoIterator<Item = Option<Flag>>,
) -> Result<Vec<Told>, Problem> {
    let mut findings = Vec::new();
    for (environment, flag) in iter::zip(environments, flags) {
        findings.extend(soundness::flag_in(app, changing, environment, key, flag).await?);
    }
    if environments.is_empty() {
        soundness::alone(changing, key).await?;
    }
    Ok(findings)
}

/// `PUT .../{flag}`: the whole definition.
pub async fn put(
    app: State<App>,
    actor: Actor,
    path: Path<(String, String)>,
    if_match: IfMatch,
    JsonBody(Authored(written, _)): JsonBody<Authored<Definition>>,
) -> Result<Versioned<Kept<Definition>>, Problem> {
    write(app, actor, path, if_match, Written::Whole(written)).await
}

/// `PATCH .../{flag}`
pub async fn patch(
    app: State<App>,
    actor: Actor,
    path: Path<(String, String)>,
    if_match: IfMatch,
    MergePatch(patch, _): MergePatch<Definition>,
) -> Result<Versioned<Kept<Definition>>, Problem> {
    write(app, actor, path, if_match, Written::Patch(patch)).await
}

async fn write(
    State(app): State<App>,
    actor: Actor,
    Path((project, key)): Path<(String, String)>,
    if_match: IfMatch,
    written: Written,
) -> Result<Versioned<Kept<Definition>>, Problem> {
    let mut changing = find::change(&app, &actor, &project).await?;
    let old = find::flag(&mut changing.tx, &changing.project, &key).await?;
    if_match.check(Some(old.version), || json!(old))?;
    let definition = defined(written.over(&old.definition)?)?;
    redefine(&app, changing, old, definition, "flag.updated").await
}

/// Writes a definition over the old one, when the flag is sound with it in every environment.
pub(super) async fn redefine(
    app: &App,
    mut changing: Changing,
    old: Kept<Definition>,
    definition: Definition,
    action: &'static str,
) -> Result<Versioned<Kept<Definition>>, Problem> {
    if old.archived_at.is_some() {
        return Err(Problem::archived());
    }
    if definition == old.definition {
        // Nothing to change, so nothing to log; the transaction is rolled back.
        return Ok(Versioned(old.version, old));
    }
    if definition.flag_type != old.definition.flag_type {
        let detail =
            "a flag keeps its type, or every program that reads it would break: make a new flag";
        return Err(Problem::invalid("type", detail));
    }
    let (version, now) = (changing.version(), changing.now_ms);
    let document = Document {
        key: old.key.clone(),
        definition: json!(definition).to_string(),
        version,
        created_at: old.created_at,
        updated_at: now,
        archived_at: None,
    };
    let written = [(&document, &definition)];
    flags::put(&mut changing.tx, &changing.project.id, &written).await?;
    let environments = environments::list(&mut changing.tx, &changing.project.id).await?;
    let findings =
        checked(app, &mut changing, &document.key, &environments, iter::repeat(None)).await?;
    for environment in &environments {
        let (_, configured) =
            find::configuration(&mut changing.tx, environment, &document.key).await?;
        if stays_off(&old.definition, &definition, &configured) {
            changing.serves_the_same_in([environment.id.clone()]);
        }
    }
    // What only people read makes no new snapshot.
    let compiled = definition.compiles_otherwise_than(&old.definition);
    let ids = if compiled { ids(&environments) } else { Vec::new() };
    let change = Change {
        action,
        target: &document.key,
        environment_id: None,
        old: Some(json!(old.definition)),
        new: Some(json!(definition)),
    };
    app.commit(changing, change, &ids).await?;
    let findings = Some(findings);
    let kept = Kept { version, updated_at: now, definition, findings, ..old };
    Ok(Versioned(version, kept))
}

/// `POST .../{flag}/archive`: out of every snapshot, and kept. Refused while another flag needs it.
pub async fn archive(
    app: State<App>,
    actor: Actor,
    path: Path<(String, String)>,
    if_match: MayMatch,
) -> Result<Versioned<Kept<Definition>>, Problem> {
    set_archived(app, actor, path, if_match, true).await
}

/// `POST .../{flag}/restore`: as it was when it was archived.
pub async fn restore(
    app: State<App>,
    actor: Actor,
    path: Path<(String, String)>,
    if_match: MayMatch,
) -> Result<Versioned<Kept<Definition>>, Problem> {
    set_archived(app, actor, path, if_match, false).await
}

async fn set_archived(
    State(app): State<App>,
    actor: Actor,
    Path((project, key)): Path<(String, String)>,
    MayMatch(if_match): MayMatch,
    archived: bool,
) -> Result<Versioned<Kept<Definition>>, Problem> {
    let mut changing = find::change(&app, &actor, &project).await?;
    let old = find::flag(&mut changing.tx, &changing.project, &key).await?;
    if_match.check(Some(old.version), || json!(old))?;
    if old.archived_at.is_some() == archived {
        // Nothing to change, so nothing to log; the transaction is rolled back.
        return Ok(Versioned(old.version, old));
    }
    if archived {
        soundness::unused(&mut changing, Named::Flag(&key)).await?;
    } else {
        room(&mut changing).await?;
    }
    let (version, now) = (changing.version(), changing.now_ms);
    let archived_at = archived.then_some(now);
    let document = Document {
        key: key.clone(),
        definition: json!(old.definition).to_string(),
        version,
        created_at: old.created_at,
        updated_at: now,
        archived_at,
    };
    let written = [(&document, &old.definition)];
    flags::put(&mut changing.tx, &changing.project.id, &written).await?;
    let environments = environments::list(&mut changing.tx, &changing.project.id).await?;
    let findings = if archived {
        Vec::new()
    } else {
        checked(&app, &mut changing, &key, &environments, iter::repeat(None)).await?
    };
    let change = Change {
        action: if archived { "flag.archived" } else { "flag.restored" },
        target: &key,
        environment_id: None,
        old: archived.then(|| json!(old.definition)),
        new: (!archived).then(|| json!(old.definition)),
    };
    app.commit(changing, change, &ids(&environments)).await?;
    let findings = Some(findings);
    Ok(Versioned(version, Kept { version, updated_at: now, archived_at, findings, ..old }))
}

/// `DELETE .../{flag}`: in every environment, for good. It must be archived, so that nobody deletes what is still served.
pub async fn delete(
    State(app): State<App>,
    actor: Actor,
    Path((project, key)): Path<(String, String)>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    let mut changing = find::change(&app, &actor, &project).await?;
    let old = find::flag(&mut changing.tx, &changing.project, &key).await?;
    if_match.check(Some(old.version), || json!(old))?;
    if old.archived_at.is_none() {
        return Err(Problem::conflict(
            "archive the flag first, and delete it when nobody misses it",
        ));
    }
    let mut configurations = Map::new();
    for environment in environments::list(&mut changing.tx, &changing.project.id).await? {
        let (_, configured) = find::configuration(&mut changing.tx, &environment, &key).await?;
        configurations.insert(environment.key, json!(configured));
    }
    let project_id = changing.project.id.clone();
    let version = changing.version();
    flags::delete(&mut changing.tx, &project_id, &key, version).await?;
    let change = Change {
        action: "flag.deleted",
        target: &key,
        environment_id: None,
        old: Some(json!({ "definition": old.definition, "configurations": configurations })),
        new: None,
    };
    // It is in no snapshot any more, so none changes.
    app.commit(changing, change, &[]).await?;
    Ok(NoContent)
}
