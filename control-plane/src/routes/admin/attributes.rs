//! `/admin/projects/{project}/attributes`

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use pennon_core::config::Attribute;
use serde_json::{Map, Value, json};

use super::{find, soundness};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::domain::flag::read;
use crate::domain::keys::check_attribute;
use crate::publish::environment::object;
use crate::routes::body::JsonBody;
use crate::routes::path::Path;
use crate::routes::problem::Problem;
use crate::routes::version::{Versioned, check_if_match};
use crate::store::attributes;
use crate::store::change::Change;
use crate::store::flags::Stored;

fn shown(stored: &Stored, definition: &Value) -> Value {
    json!({ "key": stored.key, "version": stored.version, "updatedAt": stored.updated_at, "definition": definition })
}

/// `GET`
pub async fn list(
    State(app): State<App>,
    _: Actor,
    Path(project): Path<String>,
) -> Result<Json<Value>, Problem> {
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let mut list = Vec::new();
    for stored in attributes::list(&mut tx, &project.id).await? {
        list.push(shown(&stored, &Value::Object(object("attribute", &stored)?)));
    }
    Ok(Json(json!({ "attributes": list })))
}

/// `GET .../{attribute}`
pub async fn get(
    State(app): State<App>,
    _: Actor,
    Path((project, key)): Path<(String, String)>,
) -> Result<Versioned<Value>, Problem> {
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    check_attribute(&key).map_err(|_| find::missing("attribute", &key))?;
    let stored = attributes::find(&mut tx, &project.id, &key).await?;
    let stored = stored.ok_or_else(|| find::missing("attribute", &key))?;
    let definition = Value::Object(object("attribute", &stored)?);
    Ok(Versioned(StatusCode::OK, stored.version, shown(&stored, &definition)))
}

/// `PUT .../{attribute}`: new, or over the old one.
pub async fn put(
    State(app): State<App>,
    actor: Actor,
    Path((project, key)): Path<(String, String)>,
    headers: HeaderMap,
    JsonBody(definition): JsonBody<Map<String, Value>>,
) -> Result<Versioned<Value>, Problem> {
    check_attribute(&key).map_err(|detail| Problem::invalid("key", detail))?;
    let definition = json!(read::<Attribute>(Value::Object(definition))?);
    let mut changing = find::change(&app, &actor, &project).await?;
    let project_id = changing.project.id.clone();
    let now = changing.now_ms;
    let old = attributes::find(&mut changing.tx, &project_id, &key).await?;
    let old = old
        .map(|stored| object("attribute", &stored).map(|old| (stored, Value::Object(old))))
        .transpose()?;
    let current = || old.as_ref().map_or(Value::Null, |(stored, old)| shown(stored, old));
    check_if_match(&headers, old.as_ref().map(|(stored, _)| stored.version), current)?;
    let version = changing.version();
    let json = definition.to_string();
    attributes::put(&mut changing.tx, &project_id, &key, &json, version, now).await?;
    let ids = soundness::everywhere(&mut changing).await?;
    if old.is_none() {
        // Nothing refers to it yet.
        changing.serves_the_same_in(ids.iter().cloned());
    }
    let status = if old.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    let change = Change {
        action: if old.is_some() { "attribute.updated" } else { "attribute.created" },
        target: &key,
        environment_id: None,
        old: old.map(|(_, old)| old),
        new: Some(definition.clone()),
    };
    app.commit(changing, change, &ids).await?;
    let stored = Stored { key, json, version, updated_at: now };
    Ok(Versioned(status, version, shown(&stored, &definition)))
}

/// `DELETE .../{attribute}`: refused while a flag or a segment needs it.
pub async fn delete(
    State(app): State<App>,
    actor: Actor,
    Path((project, key)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    check_attribute(&key).map_err(|_| find::missing("attribute", &key))?;
    let mut changing = find::change(&app, &actor, &project).await?;
    let project_id = changing.project.id.clone();
    let stored = attributes::find(&mut changing.tx, &project_id, &key).await?;
    let stored = stored.ok_or_else(|| find::missing("attribute", &key))?;
    let old = Value::Object(object("attribute", &stored)?);
    check_if_match(&headers, Some(stored.version), || shown(&stored, &old))?;
    attributes::delete(&mut changing.tx, &project_id, &key).await?;
    let ids = soundness::everywhere(&mut changing)
        .await
        .map_err(|problem| problem.because("it is still needed"))?;
    let change = Change {
        action: "attribute.deleted",
        target: &key,
        environment_id: None,
        old: Some(old),
        new: None,
    };
    app.commit(changing, change, &ids).await?;
    Ok(StatusCode::NO_CONTENT)
}
