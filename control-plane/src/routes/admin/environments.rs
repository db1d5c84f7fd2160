//! `/admin/projects/{project}/environments`

use axum::Json;
use axum::extract::State;
use axum::response::NoContent;
use pennon_core::config::Configuration;
use pennon_core::limits::{MAX_ORIGIN_BYTES, MAX_ORIGINS};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::history::Then;
use super::{find, soundness};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::domain::flag::{Definition, first_configuration, read};
use crate::domain::keys::{
    COLOUR_PATTERN, KEY_PATTERN, MAX_KEY_CHARACTERS, MAX_REQUESTS_PER_MINUTE, MAX_TEXT_BYTES,
    check_colour, check_key, check_name, check_terms,
};
use crate::publish::environment::{configuration_at, definition};
use crate::routes::body::{Authored, JsonBody};
use crate::routes::page::Page;
use crate::routes::patch::{MergePatch, Written};
use crate::routes::path::{Path, Query};
use crate::routes::problem::Problem;
use crate::routes::version::{Created, IfMatch, Versioned};
use crate::store::change::{Change, Changing};
use crate::store::environments::{self, Environment};
use crate::store::flags::{self, Configured, Stored};
use crate::store::webhooks;

/// Environments of one project.
pub(super) const MAX_ENVIRONMENTS: usize = 100;

/// `GET`
pub async fn list(
    State(app): State<App>,
    _: Actor,
    Path(project): Path<String>,
) -> Result<Json<Page<Shown>>, Problem> {
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let list = environments::list(&mut tx, &project.id).await?;
    let items = list.into_iter().map(|environment| shown(&app, environment)).collect();
    Ok(Json(Page::whole(items)))
}

/// `GET .../{environment}`
pub async fn get(
    State(app): State<App>,
    _: Actor,
    Path((project, environment)): Path<(String, String)>,
) -> Result<Versioned<Shown>, Problem> {
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let environment = find::environment(&mut tx, &project, &environment).await?;
    Ok(Versioned(environment.version, shown(&app, environment)))
}

/// `GET .../{environment}/config`: CONFIG.json, as `pennon compile` and `pennon eval` read it, of now or of then.
pub async fn config(
    State(app): State<App>,
    _: Actor,
    Path((project, environment)): Path<(String, String)>,
    Query(then): Query<Then>,
) -> Result<Json<Configuration>, Problem> {
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let environment = find::environment(&mut tx, &project, &environment).await?;
    Ok(Json(match then.sequence(&mut tx, &project, &environment).await? {
        None => app.compilations.newest(&mut tx, &environment).await?.configuration(),
        Some(sequence) => configuration_at(&mut tx, &environment, sequence).await?,
    }))
}

/// A new environment.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEnvironment {
    #[schemars(regex(pattern = KEY_PATTERN), length(max = MAX_KEY_CHARACTERS))]
    key: String,
    /// The key, unless another is given.
    #[schemars(length(min = 1, max = MAX_TEXT_BYTES))]
    name: Option<String>,
    #[serde(default)]
    protected: bool,
    /// `#` and six hexadecimal digits.
    #[schemars(regex(pattern = COLOUR_PATTERN))]
    colour: Option<String>,
}

/// `POST`: every flag of the project is there, turned off.
pub async fn create(
    State(app): State<App>,
    actor: Actor,
    Path(project): Path<String>,
    JsonBody(new): JsonBody<NewEnvironment>,
) -> Result<Created<Shown>, Problem> {
    make(&app, actor, &project, new, None).await
}

/// Writes a new environment: like another one, or with every flag turned off.
pub(super) async fn make(
    app: &App,
    actor: Actor,
    project: &str,
    new: NewEnvironment,
    like: Option<&str>,
) -> Result<Created<Shown>, Problem> {
    check_key(&new.key).map_err(|detail| Problem::invalid("key", detail))?;
    let name = new.name.unwrap_or_else(|| new.key.clone());
    check_name(&name).map_err(|detail| Problem::invalid("name", detail))?;
    if let Some(colour) = &new.colour {
        check_colour(colour).map_err(|detail| Problem::invalid("colour", detail))?;
    }
    let mut changing = find::change(app, &actor, project).await?;
    let like = match like {
        Some(key) => Some(find::environment(&mut changing.tx, &changing.project, key).await?),
        None => None,
    };
    let others = environments::list(&mut changing.tx, &changing.project.id).await?;
    if others.len() >= MAX_ENVIRONMENTS {
        return Err(Problem::conflict(format!(
            "a project has at most {MAX_ENVIRONMENTS} environments"
        )));
    }
    let mut environment = Environment {
        id: app.random.id()?,
        project_id: changing.project.id.clone(),
        key: new.key,
        name,
        protected: new.protected,
        epoch: 1,
        revision: 0,
        position: others.last().map_or(0, |last| last.position + 1),
        colour: new.colour,
        origins: Vec::new(),
        requests_per_minute: None,
        version: changing.version(),
        created_at: changing.now_ms,
    };
    environments::insert(&mut changing.tx, &environment).await?;
    match &like {
        Some(like) => {
            let (id, version, now) = (&environment.id, changing.version(), changing.now_ms);
            flags::copy_configurations(&mut changing.tx, &like.id, id, version, now).await?;
        }
        None => all_off(&mut changing, &environment).await?,
    }
    soundness::whole(&mut changing, &environment).await?;
    let change = Change {
        action: if like.is_some() { "environment.cloned" } else { "environment.created" },
        target: &environment.key,
        environment_id: Some(&environment.id),
        old: None,
        new: Some(match &like {
            Some(like) => json!({ "environment": environment, "like": like.key }),
            None => json!(environment),
        }),
    };
    let revisions = app.commit(changing, change, std::slice::from_ref(&environment.id)).await?;
    environment.revision =
        revisions.first().map_or(environment.revision, |(_, revision)| *revision);
    Ok(Created(environment.version, shown(app, environment)))
}

/// What people say about an environment. It keeps its key and its id: clients are configured with them.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "EnvironmentSettings")]
pub struct Settings {
    #[schemars(length(min = 1, max = MAX_TEXT_BYTES))]
    name: String,
    /// Whether it takes the role publisher to change what it serves. Said each time: nothing left out takes the protection away.
    protected: bool,
    /// How it is marked where people see it: `#` and six hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = COLOUR_PATTERN))]
    colour: Option<String>,
    /// The origins whose pages may ask with a key of this environment, such as `https://shop.example`; none: all of them.
    #[serde(default)]
    #[schemars(length(max = MAX_ORIGINS), inner(length(max = MAX_ORIGIN_BYTES)))]
    origins: Vec<String>,
    /// How often one SDK key may be used, a client key at one address; each edge and each replica counts for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_REQUESTS_PER_MINUTE))]
    requests_per_minute: Option<u32>,
    /// Where it stands in the list, from 0: what stands there and behind moves on. Unless given, it stays where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    position: Option<usize>,
}

impl Settings {
    fn of(environment: &Environment) -> Self {
        Self {
            name: environment.name.clone(),
            protected: environment.protected,
            colour: environment.colour.clone(),
            origins: environment.origins.clone(),
            requests_per_minute: environment.requests_per_minute,
            position: None,
        }
    }
}

/// `PUT .../{environment}`
pub async fn put(
    app: State<App>,
    actor: Actor,
    path: Path<(String, String)>,
    if_match: IfMatch,
    JsonBody(Authored(written, _)): JsonBody<Authored<Settings>>,
) -> Result<Versioned<Shown>, Problem> {
    write(app, actor, path, if_match, Written::Whole(written)).await
}

/// `PATCH .../{environment}`
pub async fn patch(
    app: State<App>,
    actor: Actor,
    path: Path<(String, String)>,
    if_match: IfMatch,
    MergePatch(patch, _): MergePatch<Settings>,
) -> Result<Versioned<Shown>, Problem> {
    write(app, actor, path, if_match, Written::Patch(patch)).await
}

async fn write(
    State(app): State<App>,
    actor: Actor,
    Path((project, key)): Path<(String, String)>,
    if_match: IfMatch,
    written: Written,
) -> Result<Versioned<Shown>, Problem> {
    let mut changing = find::change(&app, &actor, &project).await?;
    let mut environment = find::environment(&mut changing.tx, &changing.project, &key).await?;
    if_match.check(Some(environment.version), || json!(shown(&app, environment.clone())))?;
    let old = environment.clone();
    let settings: Settings = read(Value::Object(written.over(&Settings::of(&old))?))?;
    check_name(&settings.name).map_err(|detail| Problem::invalid("name", detail))?;
    if let Some(colour) = &settings.colour {
        check_colour(colour).map_err(|detail| Problem::invalid("colour", detail))?;
    }
    if let Some(position) = settings.position {
        environment.position = place(&mut changing, &old, position).await?;
    }
    environment.name = settings.name;
    environment.protected = settings.protected;
    environment.colour = settings.colour;
    environment.origins = settings.origins;
    environment.requests_per_minute = settings.requests_per_minute;
    check_terms(&environment.terms()).map_err(|(field, detail)| Problem::invalid(field, detail))?;
    if environment == old {
        // Nothing to change, so nothing to log; the transaction is rolled back.
        return Ok(Versioned(old.version, shown(&app, old)));
    }
    environment.version = changing.version();
    environments::describe(&mut changing.tx, &environment).await?;
    let change = Change {
        action: "environment.updated",
        target: &environment.key,
        environment_id: Some(&environment.id),
        old: Some(json!(old)),
        new: Some(json!(environment)),
    };
    // Whom an edge lets ask is in its snapshot; the rest is in none.
    let published = (environment.terms() != old.terms()).then(|| environment.id.clone());
    let revisions = app.commit(changing, change, published.as_slice()).await?;
    if let Some((_, revision)) = revisions.first() {
        environment.revision = *revision;
        if let Err(error) = app.sdk_keys.reload(&app.store).await {
            // It is committed; the publisher follows the outbox, and reads it then.
            tracing::warn!(%error, "who may ask is kept to a moment later");
        }
    }
    Ok(Versioned(environment.version, shown(&app, environment)))
}

/// What is said besides.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Meant {
    /// The environment's key. A protected environment is deleted only by who writes it here.
    confirm: Option<String>,
}

/// `DELETE .../{environment}`: its SDK keys, streams and snapshots end. Refused while a webhook names it (which without it would be told of
/// every environment), and, when it is protected, unless it is confirmed.
pub async fn delete(
    State(app): State<App>,
    actor: Actor,
    Path((project, key)): Path<(String, String)>,
    Query(meant): Query<Meant>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    let mut changing = find::change(&app, &actor, &project).await?;
    let environment = find::environment(&mut changing.tx, &changing.project, &key).await?;
    if_match.check(Some(environment.version), || json!(shown(&app, environment.clone())))?;
    match meant.confirm {
        Some(confirmed) if confirmed != environment.key => {
            return Err(Problem::invalid("confirm", "this is not the environment's key"));
        }
        None if environment.protected => {
            let detail = "this environment is protected: give its key as `confirm`, if you mean it";
            return Err(Problem::conflict(detail).field("confirm"));
        }
        _ => {}
    }
    let hooks = webhooks::list(&mut changing.tx, &changing.project.id).await?;
    let named: Vec<String> = hooks
        .into_iter()
        .filter(|hook| hook.environments.contains(&environment.id))
        .map(|hook| format!("webhook {:?}", hook.name))
        .collect();
    if !named.is_empty() {
        let detail = format!("it is still used by {}", named.join(", "));
        return Err(Problem::conflict(detail));
    }
    let (version, now) = (changing.version(), changing.now_ms);
    environments::delete(&mut changing.tx, &environment, version, now).await?;
    let others = environments::list(&mut changing.tx, &changing.project.id).await?;
    environments::order(&mut changing.tx, &others).await?;
    let change = Change {
        action: "environment.deleted",
        target: &environment.key,
        environment_id: Some(&environment.id),
        old: Some(json!(environment)),
        new: None,
    };
    app.commit(changing, change, &[]).await?;
    app.forget_environment(&environment.id);
    app.announcer.announce(&environment.id);
    app.sdk_keys.reload(&app.store).await?;
    Ok(NoContent)
}

/// Moves an environment to this place in the list.
async fn place(
    changing: &mut Changing,
    environment: &Environment,
    position: usize,
) -> Result<i64, Problem> {
    let mut list = environments::list(&mut changing.tx, &changing.project.id).await?;
    if position >= list.len() {
        let detail = format!("there are {} environments: give 0 to {}", list.len(), list.len() - 1);
        return Err(Problem::invalid("position", detail));
    }
    list.retain(|other| other.id != environment.id);
    list.insert(position, environment.clone());
    environments::order(&mut changing.tx, &list).await?;
    i64::try_from(position).map_err(|error| Problem::internal(&error))
}

/// Says that every flag of the project is off in a new environment.
async fn all_off(changing: &mut Changing, environment: &Environment) -> Result<(), Problem> {
    let (version, updated_at) = (changing.version(), changing.now_ms);
    let mut off = Vec::new();
    for flag in flags::list(&mut changing.tx, &changing.project.id).await? {
        let defined: Definition = definition(&flag)?;
        let Some(configured) = first_configuration(&defined.variants) else { continue };
        let json = json!(configured).to_string();
        off.push(Stored { key: flag.key, json, version, updated_at });
    }
    let environment_id = environment.id.as_str();
    let off = off.iter().map(|stored| Configured { environment_id, stored, enabled: false });
    let off: Vec<Configured<'_>> = off.collect();
    Ok(flags::put_configurations(&mut changing.tx, &changing.project.id, &off).await?)
}

/// An environment, and how its publication fares.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "EnvironmentShown")]
pub struct Shown {
    #[serde(flatten)]
    environment: Environment,
    /// Why its newest revision is not published; absent when it is, or will be at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    publish_error: Option<String>,
}

fn shown(app: &App, environment: Environment) -> Shown {
    let publish_error = app.publish_error(&environment.id);
    Shown { environment, publish_error }
}
