//! `/admin/projects/{project}/flags`: what a flag is, the same in every environment.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::NoContent;
use pennon_core::config::{Configuration, ValueType, Variant};
use pennon_core::limits::MAX_FLAGS;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{find, soundness};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::domain::flag::{
    Parts, check, complete, first_configuration, first_variants, join, read, split, stays_off,
};
use crate::domain::keys::check_key;
use crate::publish::environment::{object, references};
use crate::routes::body::JsonBody;
use crate::routes::page::Page;
use crate::routes::path::Path;
use crate::routes::problem::Problem;
use crate::routes::version::{Created, IfMatch, Versioned};
use crate::store::change::{Change, Changing};
use crate::store::environments::{self, Environment};
use crate::store::flags::{self, Stored};

/// A flag as shown.
pub fn shown(stored: &Stored, definition: &Map<String, Value>) -> Value {
    json!({ "key": stored.key, "version": stored.version, "updatedAt": stored.updated_at, "definition": definition })
}

/// `GET`
pub async fn list(
    State(app): State<App>,
    _: Actor,
    Path(project): Path<String>,
) -> Result<Json<Page<Value>>, Problem> {
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let mut list = Vec::new();
    for stored in flags::list(&mut tx, &project.id).await? {
        list.push(shown(&stored, &object("flag", &stored)?));
    }
    Ok(Json(Page { items: list, next: None }))
}

/// `GET .../{flag}`
pub async fn get(
    State(app): State<App>,
    _: Actor,
    Path((project, key)): Path<(String, String)>,
) -> Result<Versioned<Value>, Problem> {
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let (stored, definition) = find::flag(&mut tx, &project, &key).await?;
    Ok(Versioned(stored.version, shown(&stored, &definition)))
}

/// A new flag, and, if given, what it does in every environment at first; otherwise it is off.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFlag {
    key: String,
    definition: Map<String, Value>,
    configuration: Option<Map<String, Value>>,
}

/// `POST`
pub async fn create(
    State(app): State<App>,
    actor: Actor,
    Path(project): Path<String>,
    JsonBody(new): JsonBody<NewFlag>,
) -> Result<Created<Value>, Problem> {
    check_key(&new.key).map_err(|detail| Problem::invalid("key", detail))?;
    let mut definition = new.definition;
    if !definition.contains_key("variants")
        && let Some(value_type) = definition.get("type")
        && let Ok(value_type) = read::<ValueType>(value_type.clone())
        && let Some(variants) = first_variants(value_type)
    {
        definition.insert("variants".to_owned(), variants);
    }
    let mut changing = find::change(&app, &actor, &project).await?;
    let environments = environments::list(&mut changing.tx, &changing.project.id).await?;
    let configured =
        environments.into_iter().map(|environment| (environment, new.configuration.clone()));
    let configured = configured.collect();
    make(&app, changing, new.key, definition, configured, "flag.created").await
}

/// Writes a flag that is not there, with what it does in each environment; where that is not given, it is off.
pub(super) async fn make(
    app: &App,
    mut changing: Changing,
    key: String,
    definition: Map<String, Value>,
    configured: Vec<(Environment, Option<Map<String, Value>>)>,
    action: &'static str,
) -> Result<Created<Value>, Problem> {
    let references = references(&mut changing.tx, &changing.project.id).await?;
    if flags::find(&mut changing.tx, &changing.project.id, &key).await?.is_some() {
        return Err(Problem::conflict("there is a flag with this key already").field("key"));
    }
    let count = flags::count(&mut changing.tx, &changing.project.id).await?;
    if usize::try_from(count).is_ok_and(|count| count >= MAX_FLAGS) {
        return Err(Problem::conflict(format!(
            "a project has at most {MAX_FLAGS} flags: delete some"
        )));
    }
    let project_id = changing.project.id.clone();
    let now = changing.now_ms;
    // Each environment draws its own salts.
    let mut kept = None;
    let mut configurations = Map::new();
    let mut rows = Vec::with_capacity(configured.len());
    let mut off = Vec::new();
    for (environment, given) in &configured {
        let mut configuration = match given {
            Some(configuration) => configuration.clone(),
            None => first_configuration(&variants(&definition)?),
        };
        complete(&mut configuration, &app.random)?;
        let parts = checked(&references, &key, &definition, &configuration, given.is_some())?;
        if given.is_none() {
            off.push(environment.id.clone());
        }
        rows.push((environment.id.clone(), Value::Object(parts.configuration.clone()).to_string()));
        configurations.insert(environment.key.clone(), Value::Object(parts.configuration));
        kept.get_or_insert(parts.definition);
    }
    // A project without environments is checked all the same.
    let definition = match kept {
        Some(kept) => kept,
        None => {
            let off = first_configuration(&variants(&definition)?);
            checked(&references, &key, &definition, &off, false)?.definition
        }
    };
    let json = Value::Object(definition.clone()).to_string();
    let version = changing.version();
    flags::insert(&mut changing.tx, &project_id, &key, &json, version, now).await?;
    for (id, row) in &rows {
        flags::insert_configuration(&mut changing.tx, &project_id, id, &key, row, version, now)
            .await?;
    }
    soundness::room_everywhere(&mut changing).await?;
    // Where it is off, it serves nothing new.
    changing.serves_the_same_in(off);
    let stored = Stored { key: key.clone(), json, version, updated_at: now };
    let change = Change {
        action,
        target: &key,
        environment_id: None,
        old: None,
        new: Some(json!({ "definition": definition, "configurations": configurations })),
    };
    let ids: Vec<String> = rows.into_iter().map(|(id, _)| id).collect();
    app.commit(changing, change, &ids).await?;
    Ok(Created(version, shown(&stored, &definition)))
}

fn variants(definition: &Map<String, Value>) -> Result<Vec<Variant>, Problem> {
    let value = definition.get("variants").cloned();
    let value =
        value.ok_or_else(|| Problem::invalid("definition.variants", "give the flag's variants"))?;
    read(value).map_err(|wrong| {
        Problem::invalid(format!("definition.variants{}", wrong.field), wrong.detail)
    })
}

/// The two parts as they will be kept, when the flag is sound. A wrong field is told as part of the definition unless the
/// caller gave a configuration that has it.
fn checked(
    references: &Configuration,
    key: &str,
    definition: &Map<String, Value>,
    configured: &Map<String, Value>,
    given: bool,
) -> Result<Parts, Problem> {
    let flag = join(definition, configured).and_then(|flag| {
        let flags = BTreeMap::from([(key.to_owned(), flag.clone())]);
        check(&Configuration { flags, ..references.clone() }, Some(key))?;
        split(&flag)
    });
    flag.map_err(|wrong| {
        let name = wrong.field.split(['.', '[']).next().unwrap_or("");
        let part =
            if given && configured.contains_key(name) { "configuration" } else { "definition" };
        Problem::invalid(format!("{part}.{}", wrong.field), wrong.detail)
    })
}

/// `PUT .../{flag}`: the whole definition.
pub async fn put(
    State(app): State<App>,
    actor: Actor,
    Path((project, key)): Path<(String, String)>,
    if_match: IfMatch,
    JsonBody(definition): JsonBody<Map<String, Value>>,
) -> Result<Versioned<Value>, Problem> {
    let mut changing = find::change(&app, &actor, &project).await?;
    let (stored, old) = find::flag(&mut changing.tx, &changing.project, &key).await?;
    if_match.check(Some(stored.version), || shown(&stored, &old))?;
    redefine(&app, changing, key, old, definition, "flag.updated").await
}

/// Writes a definition over the old one, when the flag is sound with it in every environment.
pub(super) async fn redefine(
    app: &App,
    mut changing: Changing,
    key: String,
    old: Map<String, Value>,
    definition: Map<String, Value>,
    action: &'static str,
) -> Result<Versioned<Value>, Problem> {
    if definition.get("type") != old.get("type") {
        let detail =
            "a flag keeps its type, or every program that reads it would break: make a new flag";
        return Err(Problem::invalid("type", detail));
    }
    let (definition, ids) = sound_everywhere(&mut changing, &key, &old, &definition).await?;
    let json = Value::Object(definition.clone()).to_string();
    let (project_id, now) = (changing.project.id.clone(), changing.now_ms);
    let version = changing.version();
    flags::update(&mut changing.tx, &project_id, &key, &json, version, now).await?;
    soundness::room_everywhere(&mut changing).await?;
    let change = Change {
        action,
        target: &key,
        environment_id: None,
        old: Some(Value::Object(old)),
        new: Some(json!(definition)),
    };
    app.commit(changing, change, &ids).await?;
    let stored = Stored { key, json, version, updated_at: now };
    Ok(Versioned(version, shown(&stored, &definition)))
}

/// Checks the new definition against what the flag does in each environment.
async fn sound_everywhere(
    changing: &mut Changing,
    key: &str,
    old: &Map<String, Value>,
    definition: &Map<String, Value>,
) -> Result<(Map<String, Value>, Vec<String>), Problem> {
    let references = references(&mut changing.tx, &changing.project.id).await?;
    let sound = |configured: &Map<String, Value>, place: &str| {
        let flag = join(definition, configured)?;
        let kept = split(&flag)?.definition;
        let flags = BTreeMap::from([(key.to_owned(), flag)]);
        check(&Configuration { flags, ..references.clone() }, Some(key)).map_err(|wrong| {
            Problem::invalid(wrong.field, format!("{} ({place})", wrong.detail))
        })?;
        Ok::<_, Problem>(kept)
    };
    let environments = environments::list(&mut changing.tx, &changing.project.id).await?;
    let mut kept = None;
    let mut ids = Vec::with_capacity(environments.len());
    for environment in environments {
        let (_, configured) = find::configuration(&mut changing.tx, &environment, key).await?;
        let place = format!("as configured in {:?}", environment.key);
        kept.get_or_insert(sound(&configured, &place)?);
        if stays_off(old, definition, &configured) {
            changing.serves_the_same_in([environment.id.clone()]);
        }
        ids.push(environment.id);
    }
    // A project without environments: as the first one will have it.
    let kept = match kept {
        Some(kept) => kept,
        None => {
            let variants: Vec<Variant> =
                read(definition.get("variants").cloned().unwrap_or_default())
                    .map_err(|wrong| Problem::invalid("variants", wrong.detail))?;
            if variants.is_empty() {
                return Err(Problem::invalid("variants", "give the flag's variants"));
            }
            sound(&first_configuration(&variants), "as a new environment has it")?
        }
    };
    Ok((kept, ids))
}

/// `DELETE .../{flag}`: in every environment.
pub async fn delete(
    State(app): State<App>,
    actor: Actor,
    Path((project, key)): Path<(String, String)>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    let mut changing = find::change(&app, &actor, &project).await?;
    let (stored, old) = find::flag(&mut changing.tx, &changing.project, &key).await?;
    if_match.check(Some(stored.version), || shown(&stored, &old))?;
    let mut ids = Vec::new();
    let mut configurations = Map::new();
    for environment in environments::list(&mut changing.tx, &changing.project.id).await? {
        let (_, configured) = find::configuration(&mut changing.tx, &environment, &key).await?;
        configurations.insert(environment.key, Value::Object(configured));
        ids.push(environment.id);
    }
    let (project_id, version) = (changing.project.id.clone(), changing.version());
    flags::delete(&mut changing.tx, &project_id, &key, version).await?;
    let change = Change {
        action: "flag.deleted",
        target: &key,
        environment_id: None,
        old: Some(json!({ "definition": old, "configurations": configurations })),
        new: None,
    };
    app.commit(changing, change, &ids).await?;
    Ok(NoContent)
}
