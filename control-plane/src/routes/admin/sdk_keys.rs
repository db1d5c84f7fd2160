//! `/admin/projects/{project}/environments/{environment}/sdk-keys`

use axum::Json;
use axum::extract::State;
use axum::response::NoContent;
use pennon_core::limits::MAX_SDK_KEYS;
use pennon_core::protocol::connection::{self, ConnectionString};
use pennon_core::snapshot::Kind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::AnyConnection;

use super::find;
use crate::app::App;
use crate::auth::actor::Actor;
use crate::auth::sdk;
use crate::domain::flag::read;
use crate::domain::keys::{MAX_TEXT_BYTES, check_name};
use crate::routes::body::JsonBody;
use crate::routes::page::Page;
use crate::routes::patch::{MergePatch, Written};
use crate::routes::path::Path;
use crate::routes::problem::Problem;
use crate::routes::version::{IfMatch, Made, Versioned};
use crate::store::change::Change;
use crate::store::environments::Environment;
use crate::store::sdk_keys::{self, SdkKey};

/// `GET`: revoked ones too; never the keys themselves.
pub async fn list(
    State(app): State<App>,
    _: Actor,
    Path((project, environment)): Path<(String, String)>,
) -> Result<Json<Page<SdkKey>>, Problem> {
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let environment = find::environment(&mut tx, &project, &environment).await?;
    Ok(Json(Page::whole(sdk_keys::list(&mut tx, &environment.id).await?)))
}

/// `GET .../{id}`
pub async fn get(
    State(app): State<App>,
    _: Actor,
    Path((project, environment, id)): Path<(String, String, String)>,
) -> Result<Versioned<SdkKey>, Problem> {
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let environment = find::environment(&mut tx, &project, &environment).await?;
    let key = found(&mut tx, &environment, &id).await?;
    Ok(Versioned(key.version, key))
}

async fn found(
    connection: &mut AnyConnection,
    environment: &Environment,
    id: &str,
) -> Result<SdkKey, Problem> {
    connection::id(id).ok_or_else(|| find::missing("SDK key", id))?;
    let key = sdk_keys::find(connection, &environment.id, id).await?;
    key.ok_or_else(|| find::missing("SDK key", id))
}

/// A new key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewSdkKey")]
pub struct NewKey {
    #[schemars(extend("enum" = ["client", "server", "edge"]))]
    kind: String,
    /// The kind, unless another is given.
    #[schemars(length(min = 1, max = MAX_TEXT_BYTES))]
    name: Option<String>,
}

/// A new key, this once with itself.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "NewSdkKeyShown")]
pub struct Shown {
    #[serde(flatten)]
    row: SdkKey,
    key: String,
    /// Address, key and trust in one line.
    connection_string: String,
}

/// `POST`: the only answer that ever shows the key.
pub async fn create(
    State(app): State<App>,
    actor: Actor,
    Path((project, environment)): Path<(String, String)>,
    JsonBody(new): JsonBody<NewKey>,
) -> Result<Made<Shown>, Problem> {
    let kind = Kind::parse(&new.kind)
        .ok_or_else(|| Problem::invalid("kind", "the kinds are client, server and edge"))?;
    let name = new.name.unwrap_or_else(|| new.kind.clone());
    check_name(&name).map_err(|detail| Problem::invalid("name", detail))?;
    let mut changing = find::change(&app, &actor, &project).await?;
    let environment = find::environment(&mut changing.tx, &changing.project, &environment).await?;
    let others = sdk_keys::list(&mut changing.tx, &environment.id).await?;
    if others.iter().filter(|key| key.revoked_at.is_none()).count() >= MAX_SDK_KEYS {
        return Err(Problem::conflict(format!(
            "an environment has at most {MAX_SDK_KEYS} SDK keys: revoke some"
        )));
    }
    let (version, now) = (changing.version(), changing.now_ms);
    let (text, row) = sdk::generate(&environment.id, kind, &name, &app.random, version, now)?;
    sdk_keys::insert(&mut changing.tx, &row).await?;
    let change = Change {
        action: "sdk-key.created",
        target: &row.id,
        environment_id: Some(&environment.id),
        old: None,
        new: Some(json!(row)),
    };
    app.commit(changing, change, std::slice::from_ref(&environment.id)).await?;
    // The answer is the only one that shows the key, so it is given whatever happens now; the publisher reloads too.
    if let Err(error) = app.sdk_keys.reload(&app.store).await {
        tracing::warn!(%error, "a new SDK key is not known here yet; the next publication makes it known");
    }
    let id = connection::id(&environment.id).unwrap_or_default();
    let connection_string = connection_string(&app, kind, &text, id);
    Ok(Made(Shown { row, key: text, connection_string }))
}

/// Address, key and trust in one line.
pub fn connection_string(app: &App, kind: Kind, sdk_key: &str, environment: [u8; 16]) -> String {
    ConnectionString {
        origin: app.settings.public_url.clone(),
        sdk_key: sdk_key.to_owned(),
        kind,
        root_fingerprint: app.settings.root_fingerprint,
        environment,
    }
    .reveal()
}

/// What can be changed of a key.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SdkKeyName")]
pub struct Named {
    #[schemars(length(min = 1, max = MAX_TEXT_BYTES))]
    name: String,
}

/// `PATCH .../{id}`: what people call it.
pub async fn patch(
    State(app): State<App>,
    actor: Actor,
    Path((project, environment, id)): Path<(String, String, String)>,
    if_match: IfMatch,
    MergePatch(patch, _): MergePatch<Named>,
) -> Result<Versioned<SdkKey>, Problem> {
    let mut changing = find::change(&app, &actor, &project).await?;
    let environment = find::environment(&mut changing.tx, &changing.project, &environment).await?;
    let old = found(&mut changing.tx, &environment, &id).await?;
    if_match.check(Some(old.version), || json!(old))?;
    let whole = Written::Patch(patch).over(&Named { name: old.name.clone() })?;
    let Named { name } = read(Value::Object(whole))?;
    check_name(&name).map_err(|detail| Problem::invalid("name", detail))?;
    if name == old.name {
        // Nothing to change, so nothing to log; the transaction is rolled back.
        return Ok(Versioned(old.version, old));
    }
    let version = changing.version();
    sdk_keys::rename(&mut changing.tx, &id, &name, version).await?;
    let new = SdkKey { name, version, ..old.clone() };
    let change = Change {
        action: "sdk-key.renamed",
        target: &id,
        environment_id: Some(&environment.id),
        old: Some(json!(old)),
        new: Some(json!(new)),
    };
    // A name is in no snapshot.
    app.commit(changing, change, &[]).await?;
    Ok(Versioned(version, new))
}

/// `DELETE .../{id}`: the key is refused here at once, at edges with the next snapshot, in caches when they expire.
pub async fn revoke(
    State(app): State<App>,
    actor: Actor,
    Path((project, environment, id)): Path<(String, String, String)>,
) -> Result<NoContent, Problem> {
    let mut changing = find::change(&app, &actor, &project).await?;
    let environment = find::environment(&mut changing.tx, &changing.project, &environment).await?;
    let key = found(&mut changing.tx, &environment, &id).await?;
    if key.revoked_at.is_some() {
        // The request that revoked it may have failed after its commit; this one may be its repetition.
        drop(changing);
        app.sdk_keys.reload(&app.store).await?;
        return Ok(NoContent);
    }
    let (version, now) = (changing.version(), changing.now_ms);
    sdk_keys::revoke(&mut changing.tx, &id, now, version).await?;
    let change = Change {
        action: "sdk-key.revoked",
        target: &id,
        environment_id: Some(&environment.id),
        old: Some(json!(key)),
        new: None,
    };
    app.commit(changing, change, std::slice::from_ref(&environment.id)).await?;
    app.sdk_keys.reload(&app.store).await?;
    Ok(NoContent)
}
