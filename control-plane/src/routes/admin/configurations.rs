//! `/admin/projects/{project}/environments/{environment}/flags`: what a flag does in one environment.

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{find, soundness};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::domain::findings::Told;
use crate::domain::flag::{FlagConfiguration, complete, keep_buckets, read};
use crate::publish::environment::configured;
use crate::routes::body::{Authored, JsonBody};
use crate::routes::page::{Page, Wanted};
use crate::routes::patch::{MergePatch, Written};
use crate::routes::path::{Path, Query};
use crate::routes::problem::Problem;
use crate::routes::version::{IfMatch, MayMatch, Versioned};
use crate::store::change::{Change, Changing};
use crate::store::environments::Environment;
use crate::store::flags::{self, Configured, Stored};
use crate::store::list::{self, By};

/// What a flag does in an environment.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "KeptFlagConfiguration")]
pub struct Shown {
    /// The flag's key.
    flag: String,
    /// The environment's key.
    environment: String,
    enabled: bool,
    /// What the ETag says.
    version: i64,
    /// Unix milliseconds.
    updated_at: i64,
    configuration: FlagConfiguration,
    /// The environment's, when this answers a change.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<i64>,
    /// What static analysis has to say about it; in the answers to writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    findings: Option<Vec<Told>>,
}

/// What the audit log calls it.
pub(super) const UPDATED: &str = "flag-configuration.updated";
pub(super) const TURNED_ON: &str = "flag-configuration.turned-on";
pub(super) const TURNED_OFF: &str = "flag-configuration.turned-off";

pub(super) fn shown(
    environment: &Environment,
    stored: Stored,
    configuration: FlagConfiguration,
) -> Shown {
    Shown {
        flag: stored.key,
        environment: environment.key.clone(),
        enabled: configuration.enabled,
        version: stored.version,
        updated_at: stored.updated_at,
        configuration,
        revision: None,
        findings: None,
    }
}

/// Which configurations.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "WhichConfigurations")]
pub struct Which {
    /// Items a page has at most: 50 unless given, at most 1,000. A page of large items ends earlier.
    limit: Option<usize>,
    /// The `next` of an earlier page, whose other parameters are given again.
    cursor: Option<String>,
    /// A text that the flag's key, name, description, owner or a tag holds, in whatever case.
    search: Option<String>,
    /// `key` or `updatedAt`; with a minus sign before it, backwards.
    sort: Option<String>,
    /// Those that are on, or those that are off.
    enabled: Option<bool>,
}

/// `GET`
pub async fn list(
    State(app): State<App>,
    _: Actor,
    Path((project, environment)): Path<(String, String)>,
    Query(Which { limit, cursor, search, sort, enabled }): Query<Which>,
) -> Result<Json<Page<Shown>>, Problem> {
    let wanted = Wanted { limit, cursor, search, sort };
    let listing = wanted.listing(&[("key", By::Key), ("updatedAt", By::UpdatedAt)])?;
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let environment = find::environment(&mut tx, &project, &environment).await?;
    let (rows, more, total) =
        flags::page_configurations(&mut tx, &environment.id, enabled, &listing).await?;
    let next = rows.last().filter(|_| more).map(|last| {
        let value = match listing.by {
            By::UpdatedAt => list::Value::Number(last.updated_at),
            _ => list::Value::Text(last.key.clone()),
        };
        wanted.next(value, &last.key)
    });
    let mut items = Vec::with_capacity(rows.len());
    for stored in rows {
        let configuration = configured(&stored)?;
        items.push(shown(&environment, stored, configuration));
    }
    Ok(Json(Page { items, next, total: Some(total) }))
}

/// `GET .../{flag}`
pub async fn get(
    State(app): State<App>,
    _: Actor,
    Path((project, environment, key)): Path<(String, String, String)>,
) -> Result<Versioned<Shown>, Problem> {
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let environment = find::environment(&mut tx, &project, &environment).await?;
    let (stored, configuration) = find::configuration(&mut tx, &environment, &key).await?;
    Ok(Versioned(stored.version, shown(&environment, stored, configuration)))
}

/// A configuration taken for a change.
pub(super) struct Taken {
    pub(super) changing: Changing,
    pub(super) environment: Environment,
    pub(super) stored: Stored,
    pub(super) old: FlagConfiguration,
}

impl Taken {
    /// As it is, for whoever changes nothing.
    pub(super) fn current(&self) -> Shown {
        shown(&self.environment, self.stored.clone(), self.old.clone())
    }
}

/// Takes a configuration for a change.
pub(super) async fn take(
    app: &App,
    actor: &Actor,
    Path((project, environment, key)): Path<(String, String, String)>,
    if_match: &IfMatch,
) -> Result<Taken, Problem> {
    let mut changing = find::change(app, actor, &project).await?;
    let environment = find::environment(&mut changing.tx, &changing.project, &environment).await?;
    let (stored, old) = find::configuration(&mut changing.tx, &environment, &key).await?;
    let current = || json!(shown(&environment, stored.clone(), old.clone()));
    if_match.check(Some(stored.version), current)?;
    if find::flag(&mut changing.tx, &changing.project, &key).await?.archived_at.is_some() {
        return Err(Problem::archived());
    }
    Ok(Taken { changing, environment, stored, old })
}

/// `PUT .../{flag}`: the whole configuration. Rules without an id are given one; splits without a salt keep theirs, and new ones are given one.
pub async fn put(
    State(app): State<App>,
    actor: Actor,
    path: Path<(String, String, String)>,
    if_match: IfMatch,
    JsonBody(Authored(written, _)): JsonBody<Authored<FlagConfiguration>>,
) -> Result<Versioned<Shown>, Problem> {
    let taken = take(&app, &actor, path, &if_match).await?;
    authored(&app, taken, Written::Whole(written)).await
}

/// `PATCH .../{flag}`
pub async fn patch(
    State(app): State<App>,
    actor: Actor,
    path: Path<(String, String, String)>,
    if_match: IfMatch,
    MergePatch(patch, _): MergePatch<FlagConfiguration>,
) -> Result<Versioned<Shown>, Problem> {
    let taken = take(&app, &actor, path, &if_match).await?;
    authored(&app, taken, Written::Patch(patch)).await
}

async fn authored(app: &App, taken: Taken, written: Written) -> Result<Versioned<Shown>, Problem> {
    let mut whole = written.over(&taken.old)?;
    keep_buckets(&mut whole, &taken.old);
    complete(&mut whole, &app.random)?;
    let new = read(Value::Object(whole))?;
    write(app, taken, new, UPDATED).await
}

/// `POST .../{flag}/on`
pub async fn on(
    State(app): State<App>,
    actor: Actor,
    path: Path<(String, String, String)>,
    MayMatch(if_match): MayMatch,
) -> Result<Versioned<Shown>, Problem> {
    let taken = take(&app, &actor, path, &if_match).await?;
    turn(&app, taken, true, TURNED_ON).await
}

/// `POST .../{flag}/off`
pub async fn off(
    State(app): State<App>,
    actor: Actor,
    path: Path<(String, String, String)>,
    MayMatch(if_match): MayMatch,
) -> Result<Versioned<Shown>, Problem> {
    let taken = take(&app, &actor, path, &if_match).await?;
    turn(&app, taken, false, TURNED_OFF).await
}

async fn turn(
    app: &App,
    taken: Taken,
    enabled: bool,
    action: &'static str,
) -> Result<Versioned<Shown>, Problem> {
    let new = FlagConfiguration { enabled, ..taken.old.clone() };
    write(app, taken, new, action).await
}

/// Writes a configuration over the old one, when it is sound.
pub(super) async fn write(
    app: &App,
    taken: Taken,
    new: FlagConfiguration,
    action: &'static str,
) -> Result<Versioned<Shown>, Problem> {
    if new == taken.old {
        // Nothing to change, so nothing to log; the transaction is rolled back.
        return Ok(Versioned(taken.stored.version, taken.current()));
    }
    let Taken { mut changing, environment, stored, old } = taken;
    let (version, now) = (changing.version(), changing.now_ms);
    let stored = Stored { key: stored.key, json: json!(new).to_string(), version, updated_at: now };
    let enabled = new.enabled;
    let written = Configured { environment_id: &environment.id, stored: &stored, enabled };
    flags::put_configurations(&mut changing.tx, &changing.project.id, &[written]).await?;
    let findings = soundness::flag_in(app, &mut changing, &environment, &stored.key, None).await?;
    let change = Change {
        action,
        target: &stored.key,
        environment_id: Some(&environment.id),
        old: Some(json!(old)),
        new: Some(json!(new)),
    };
    let revisions = app.commit(changing, change, std::slice::from_ref(&environment.id)).await?;
    let mut answer = shown(&environment, stored, new);
    answer.revision = revisions.first().map(|(_, revision)| *revision);
    answer.findings = Some(findings);
    Ok(Versioned(version, answer))
}
