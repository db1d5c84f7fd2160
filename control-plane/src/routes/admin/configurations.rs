//! `/admin/projects/{project}/environments/{environment}/flags`: what a flag does in one environment.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use pennon_core::config::Configuration;
use serde_json::{Map, Value, json};

use super::{find, soundness};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::domain::flag::{check, complete, join, split};
use crate::publish::environment::{object, references};
use crate::routes::body::JsonBody;
use crate::routes::page::Page;
use crate::routes::path::Path;
use crate::routes::problem::Problem;
use crate::routes::version::{IfMatch, Versioned};
use crate::store::change::{Change, Changing};
use crate::store::environments::Environment;
use crate::store::flags::{self, Stored};

/// What the audit log calls it.
pub(super) const UPDATED: &str = "flag-configuration.updated";
pub(super) const TURNED_ON: &str = "flag-configuration.turned-on";
pub(super) const TURNED_OFF: &str = "flag-configuration.turned-off";

/// A configuration as shown.
pub(super) fn shown(
    environment: &Environment,
    stored: &Stored,
    configuration: &Map<String, Value>,
) -> Value {
    json!({
        "flag": stored.key,
        "environment": environment.key,
        "enabled": configuration.get("enabled"),
        "version": stored.version,
        "updatedAt": stored.updated_at,
        "configuration": configuration,
    })
}

/// `GET`
pub async fn list(
    State(app): State<App>,
    _: Actor,
    Path((project, environment)): Path<(String, String)>,
) -> Result<Json<Page<Value>>, Problem> {
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let environment = find::environment(&mut tx, &project, &environment).await?;
    let mut list = Vec::new();
    for stored in flags::list_configurations(&mut tx, &environment.id).await? {
        list.push(shown(&environment, &stored, &object("flag configuration", &stored)?));
    }
    Ok(Json(Page { items: list, next: None }))
}

/// `GET .../{flag}`
pub async fn get(
    State(app): State<App>,
    _: Actor,
    Path((project, environment, key)): Path<(String, String, String)>,
) -> Result<Versioned<Value>, Problem> {
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let environment = find::environment(&mut tx, &project, &environment).await?;
    let (stored, configuration) = find::configuration(&mut tx, &environment, &key).await?;
    Ok(Versioned(stored.version, shown(&environment, &stored, &configuration)))
}

/// `PUT .../{flag}`: the whole configuration. Rules without an id and splits without a salt are given one.
pub async fn put(
    State(app): State<App>,
    actor: Actor,
    Path((project, environment, key)): Path<(String, String, String)>,
    if_match: IfMatch,
    JsonBody(mut configuration): JsonBody<Map<String, Value>>,
) -> Result<Versioned<Value>, Problem> {
    complete(&mut configuration, &app.random)?;
    let mut changing = find::change(&app, &actor, &project).await?;
    let environment = find::environment(&mut changing.tx, &changing.project, &environment).await?;
    let (stored, old) = find::configuration(&mut changing.tx, &environment, &key).await?;
    if_match.check(Some(stored.version), || shown(&environment, &stored, &old))?;
    write(&app, changing, &environment, stored, old, configuration, UPDATED).await
}

/// `POST .../{flag}/on`
pub async fn on(
    app: State<App>,
    actor: Actor,
    path: Path<(String, String, String)>,
    if_match: IfMatch,
) -> Result<Versioned<Value>, Problem> {
    toggle(app, actor, path, if_match, true).await
}

/// `POST .../{flag}/off`
pub async fn off(
    app: State<App>,
    actor: Actor,
    path: Path<(String, String, String)>,
    if_match: IfMatch,
) -> Result<Versioned<Value>, Problem> {
    toggle(app, actor, path, if_match, false).await
}

async fn toggle(
    State(app): State<App>,
    actor: Actor,
    Path((project, environment, key)): Path<(String, String, String)>,
    if_match: IfMatch,
    enabled: bool,
) -> Result<Versioned<Value>, Problem> {
    let mut changing = find::change(&app, &actor, &project).await?;
    let environment = find::environment(&mut changing.tx, &changing.project, &environment).await?;
    let (stored, old) = find::configuration(&mut changing.tx, &environment, &key).await?;
    if_match.check(Some(stored.version), || shown(&environment, &stored, &old))?;
    if old.get("enabled") == Some(&Value::Bool(enabled)) {
        // Nothing to change, so nothing to log; the transaction is rolled back.
        return Ok(Versioned(stored.version, shown(&environment, &stored, &old)));
    }
    let mut new = old.clone();
    new.insert("enabled".to_owned(), Value::Bool(enabled));
    let action = if enabled { TURNED_ON } else { TURNED_OFF };
    write(&app, changing, &environment, stored, old, new, action).await
}

/// Writes a configuration over the old one, when it is sound.
pub(super) async fn write(
    app: &App,
    mut changing: Changing,
    environment: &Environment,
    stored: Stored,
    old: Map<String, Value>,
    new: Map<String, Value>,
    action: &'static str,
) -> Result<Versioned<Value>, Problem> {
    let key = stored.key;
    let (_, definition) = find::flag(&mut changing.tx, &changing.project, &key).await?;
    let references = references(&mut changing.tx, &changing.project.id).await?;
    let flag = join(&definition, &new)?;
    let kept = split(&flag)?.configuration;
    let flags = BTreeMap::from([(key.clone(), flag)]);
    check(&Configuration { flags, ..references }, Some(&key))?;
    let json = Value::Object(kept.clone()).to_string();
    let now = changing.now_ms;
    let version = changing.version();
    flags::update_configuration(&mut changing.tx, &environment.id, &key, &json, version, now)
        .await?;
    soundness::room_in(&mut changing, environment).await?;
    let change = Change {
        action,
        target: &key,
        environment_id: Some(&environment.id),
        old: Some(Value::Object(old)),
        new: Some(json!(kept)),
    };
    let revisions = app.commit(changing, change, std::slice::from_ref(&environment.id)).await?;
    let stored = Stored { key, json, version, updated_at: now };
    let mut answer = shown(environment, &stored, &kept);
    answer["revision"] = json!(revisions.first().map(|(_, revision)| *revision));
    Ok(Versioned(version, answer))
}
