//! `/admin/projects/{project}/webhooks`: where changes are told, and what was told.

use axum::Json;
use axum::extract::State;
use axum::response::NoContent;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::AnyConnection;

use super::find;
use crate::app::App;
use crate::auth::actor::Actor;
use crate::domain::keys::check_name;
use crate::domain::webhook::{
    MAX_ENVIRONMENTS, check_events, check_url, secret_text, shown as shown_url,
};
use crate::routes::body::JsonBody;
use crate::routes::page::Page;
use crate::routes::path::{Path, Query};
use crate::routes::problem::Problem;
use crate::routes::version::{Created, IfMatch, Versioned};
use crate::store::change::{Change, Changing};
use crate::store::deliveries::{self, Delivery};
use crate::store::environments;
use crate::store::projects::Project;
use crate::store::webhooks::{self, Webhook};
use crate::webhooks::SEAL_PURPOSE;

/// Webhooks of one project.
const MAX_WEBHOOKS: usize = 20;
/// Random bytes of a secret.
const SECRET_BYTES: usize = 32;
/// After a rotation the secret before it signs as well for this time.
const ROTATION_MS: i64 = 24 * 3_600_000;
/// Deliveries that a page has, unless the request says otherwise, and at most.
const PAGE: i64 = 50;
const MAX_PAGE: i64 = 200;

/// What a webhook is, as it is written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "WebhookWritten")]
pub struct Written {
    name: String,
    /// Where messages are posted to.
    url: String,
    /// Which changes are told: `flag.created`, a beginning such as `flag.*`, or `*`.
    events: Vec<String>,
    /// Keys; none: all.
    #[serde(default)]
    environments: Vec<String>,
    #[serde(default = "yes")]
    enabled: bool,
}

fn yes() -> bool {
    true
}

/// A webhook, without its secret.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Webhook")]
pub struct Shown {
    id: String,
    name: String,
    url: String,
    events: Vec<String>,
    /// Keys; none: all.
    environments: Vec<String>,
    enabled: bool,
    /// After a rotation: how long the secret before it signs as well, in Unix milliseconds.
    previous_secret_until: Option<i64>,
    version: i64,
    /// Unix milliseconds.
    created_at: i64,
    /// Unix milliseconds.
    updated_at: i64,
}

/// A webhook, this once with its secret.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "WebhookWithSecret")]
pub struct WithSecret {
    #[serde(flatten)]
    webhook: Shown,
    /// `whsec_` and Base64: the key of the signatures.
    secret: String,
}

/// What is told of a webhook.
async fn shown(
    connection: &mut AnyConnection,
    project: &Project,
    webhook: &Webhook,
) -> Result<Shown, Problem> {
    let known = environments::list(connection, &project.id).await?;
    let keys = known
        .into_iter()
        .filter(|environment| webhook.environments.contains(&environment.id))
        .map(|environment| environment.key)
        .collect();
    Ok(Shown {
        id: webhook.id.clone(),
        name: webhook.name.clone(),
        url: webhook.url.clone(),
        events: webhook.events.clone(),
        environments: keys,
        enabled: webhook.enabled,
        previous_secret_until: webhook.previous_until,
        version: webhook.version,
        created_at: webhook.created_at,
        updated_at: webhook.updated_at,
    })
}

/// The same for the audit log, which more people read: without the part of the address that may be a secret.
fn logged(shown: Shown) -> Value {
    json!(Shown { url: shown_url(&shown.url), ..shown })
}

/// Checks what was written; answers the ids of the environments.
async fn check(
    connection: &mut AnyConnection,
    project: &Project,
    written: &Written,
) -> Result<Vec<String>, Problem> {
    check_name(&written.name).map_err(|detail| Problem::invalid("name", detail))?;
    check_url(&written.url)?;
    check_events(&written.events)?;
    if written.environments.len() > MAX_ENVIRONMENTS {
        return Err(Problem::invalid(
            "environments",
            format!("give at most {MAX_ENVIRONMENTS} environments"),
        ));
    }
    let known = environments::list(connection, &project.id).await?;
    let id = |(index, key): (usize, &String)| {
        let found = known.iter().find(|environment| environment.key == *key);
        found.map(|environment| environment.id.clone()).ok_or_else(|| {
            Problem::invalid(format!("environments[{index}]"), "there is no such environment")
        })
    };
    written.environments.iter().enumerate().map(id).collect()
}

async fn found(
    connection: &mut AnyConnection,
    project: &Project,
    id: &str,
) -> Result<Webhook, Problem> {
    let missing = || find::missing("webhook", id);
    pennon_core::protocol::connection::id(id).ok_or_else(missing)?;
    let webhook = webhooks::get(connection, id).await?;
    webhook.filter(|webhook| webhook.project_id == project.id).ok_or_else(missing)
}

/// `GET`
pub async fn list(
    State(app): State<App>,
    _: Actor,
    Path(project): Path<String>,
) -> Result<Json<Page<Shown>>, Problem> {
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let mut items = Vec::new();
    for webhook in webhooks::list(&mut tx, &project.id).await? {
        items.push(shown(&mut tx, &project, &webhook).await?);
    }
    Ok(Json(Page { items, next: None, total: None }))
}

/// `GET .../{webhook}`
pub async fn get(
    State(app): State<App>,
    _: Actor,
    Path((project, id)): Path<(String, String)>,
) -> Result<Versioned<Shown>, Problem> {
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let webhook = found(&mut tx, &project, &id).await?;
    let shown = shown(&mut tx, &project, &webhook).await?;
    Ok(Versioned(webhook.version, shown))
}

/// `POST`: the answer, and no other, shows the secret.
pub async fn create(
    State(app): State<App>,
    actor: Actor,
    Path(project): Path<String>,
    JsonBody(written): JsonBody<Written>,
) -> Result<Created<WithSecret>, Problem> {
    let mut changing = find::change(&app, &actor, &project).await?;
    let project = changing.project.clone();
    let environments = check(&mut changing.tx, &project, &written).await?;
    if webhooks::list(&mut changing.tx, &project.id).await?.len() >= MAX_WEBHOOKS {
        return Err(Problem::conflict(format!("a project has at most {MAX_WEBHOOKS} webhooks")));
    }
    let secret: [u8; SECRET_BYTES] = app.random.bytes()?;
    let webhook = Webhook {
        id: app.random.id()?,
        project_id: project.id.clone(),
        name: written.name,
        url: written.url,
        events: written.events,
        environments,
        enabled: written.enabled,
        sealed_secret: app.settings.vault.seal(SEAL_PURPOSE, &secret, &app.random)?,
        sealed_previous: None,
        previous_until: None,
        version: changing.version(),
        created_at: changing.now_ms,
        updated_at: changing.now_ms,
    };
    webhooks::put(&mut changing.tx, &webhook).await?;
    let made = shown(&mut changing.tx, &project, &webhook).await?;
    record(&app, changing, "webhook.created", &webhook.id, None, Some(made.clone())).await?;
    let answer = WithSecret { webhook: made, secret: secret_text(&secret) };
    Ok(Created(webhook.version, answer))
}

/// `PUT .../{webhook}`: everything but the secret. Turning it off gives up what still had to be told.
pub async fn put(
    State(app): State<App>,
    actor: Actor,
    Path((project, id)): Path<(String, String)>,
    if_match: IfMatch,
    JsonBody(written): JsonBody<Written>,
) -> Result<Versioned<Shown>, Problem> {
    let mut changing = find::change(&app, &actor, &project).await?;
    let project = changing.project.clone();
    let old = found(&mut changing.tx, &project, &id).await?;
    let before = shown(&mut changing.tx, &project, &old).await?;
    if_match.check(Some(old.version), || json!(before))?;
    let environments = check(&mut changing.tx, &project, &written).await?;
    let webhook = Webhook {
        name: written.name,
        url: written.url,
        events: written.events,
        environments,
        enabled: written.enabled,
        ..old.clone()
    };
    if webhook == old {
        // Nothing to change, so nothing to log; the transaction is rolled back.
        return Ok(Versioned(old.version, before));
    }
    let webhook = Webhook { version: changing.version(), updated_at: changing.now_ms, ..webhook };
    webhooks::put(&mut changing.tx, &webhook).await?;
    if !webhook.enabled {
        deliveries::give_up(&mut changing.tx, &webhook.id).await?;
    }
    let after = shown(&mut changing.tx, &project, &webhook).await?;
    record(&app, changing, "webhook.updated", &webhook.id, Some(before), Some(after.clone()))
        .await?;
    Ok(Versioned(webhook.version, after))
}

/// `DELETE .../{webhook}`
pub async fn delete(
    State(app): State<App>,
    actor: Actor,
    Path((project, id)): Path<(String, String)>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    let mut changing = find::change(&app, &actor, &project).await?;
    let project = changing.project.clone();
    let webhook = found(&mut changing.tx, &project, &id).await?;
    let before = shown(&mut changing.tx, &project, &webhook).await?;
    if_match.check(Some(webhook.version), || json!(before))?;
    webhooks::delete(&mut changing.tx, &webhook.id).await?;
    record(&app, changing, "webhook.deleted", &webhook.id, Some(before), None).await?;
    Ok(NoContent)
}

/// `POST .../{webhook}/secret`: a new secret; the one before it signs as well for a day.
pub async fn rotate(
    State(app): State<App>,
    actor: Actor,
    Path((project, id)): Path<(String, String)>,
) -> Result<Versioned<WithSecret>, Problem> {
    let mut changing = find::change(&app, &actor, &project).await?;
    let project = changing.project.clone();
    let old = found(&mut changing.tx, &project, &id).await?;
    let before = shown(&mut changing.tx, &project, &old).await?;
    let secret: [u8; SECRET_BYTES] = app.random.bytes()?;
    let webhook = Webhook {
        sealed_secret: app.settings.vault.seal(SEAL_PURPOSE, &secret, &app.random)?,
        sealed_previous: Some(old.sealed_secret.clone()),
        previous_until: Some(changing.now_ms + ROTATION_MS),
        version: changing.version(),
        updated_at: changing.now_ms,
        ..old
    };
    webhooks::put(&mut changing.tx, &webhook).await?;
    let after = shown(&mut changing.tx, &project, &webhook).await?;
    let told = Some(after.clone());
    record(&app, changing, "webhook.secret-rotated", &webhook.id, Some(before), told).await?;
    let answer = WithSecret { webhook: after, secret: secret_text(&secret) };
    Ok(Versioned(webhook.version, answer))
}

async fn record(
    app: &App,
    changing: Changing,
    action: &'static str,
    id: &str,
    old: Option<Shown>,
    new: Option<Shown>,
) -> Result<(), Problem> {
    let change = Change {
        action,
        target: id,
        environment_id: None,
        old: old.map(logged),
        new: new.map(logged),
    };
    app.commit(changing, change, &[]).await?;
    Ok(())
}

/// Which deliveries.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// `waiting`, `delivered` or `failed`.
    state: Option<String>,
    /// The `next` of the page before.
    cursor: Option<String>,
    /// Deliveries a page has at most: 50 unless given, at most 200.
    limit: Option<i64>,
}

/// `GET .../{webhook}/deliveries`: newest first.
pub async fn deliveries(
    State(app): State<App>,
    _: Actor,
    Path((project, id)): Path<(String, String)>,
    Query(page): Query<Wanted>,
) -> Result<Json<Page<Delivery>>, Problem> {
    let limit = page.limit.unwrap_or(PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(Problem::invalid("limit", format!("give 1 to {MAX_PAGE}")));
    }
    let state = page.state.as_deref();
    if state.is_some_and(|state| !["waiting", "delivered", "failed"].contains(&state)) {
        return Err(Problem::invalid("state", "give waiting, delivered or failed"));
    }
    let wrong = || Problem::invalid("cursor", "give the `next` of the page before");
    let before = match &page.cursor {
        None => (i64::MAX, ""),
        Some(cursor) => {
            let (at, id) = cursor.split_once(':').ok_or_else(wrong)?;
            let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            (at.parse().ok().filter(|_| plain).ok_or_else(wrong)?, id)
        }
    };
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let webhook = found(&mut tx, &project, &id).await?;
    let items = deliveries::list(&mut tx, &webhook.id, state, before, limit).await?;
    let full = i64::try_from(items.len()).is_ok_and(|count| count == limit);
    let next = items.last().filter(|_| full).map(|last| format!("{}:{}", last.created_at, last.id));
    Ok(Json(Page { items, next, total: None }))
}

/// `POST .../{webhook}/deliveries/{delivery}/redeliver`: the same message again, under the same id.
pub async fn redeliver(
    State(app): State<App>,
    _: Actor,
    Path((project, id, delivery)): Path<(String, String, String)>,
) -> Result<Json<Delivery>, Problem> {
    let missing = || find::missing("delivery", &delivery);
    let plain = delivery.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !plain {
        return Err(missing());
    }
    let mut tx = app.store.begin().await?;
    let project = find::project(&mut tx, &project).await?;
    let webhook = found(&mut tx, &project, &id).await?;
    if !webhook.enabled {
        return Err(Problem::conflict("the webhook is turned off: turn it on first"));
    }
    let now = app.clock.now_ms();
    deliveries::redeliver(&mut tx, &webhook.id, &delivery, now).await?;
    let waiting = deliveries::find(&mut tx, &webhook.id, &delivery).await?.ok_or_else(missing)?;
    tx.commit().await.map_err(crate::store::StoreError::from)?;
    app.told.notify_one();
    Ok(Json(waiting))
}
