//! What lies between environments: copying what flags do from one to another, comparing two, and making a new one like another.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use pennon_core::limits::MAX_FLAGS;
use pennon_core::protocol::connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use sqlx::AnyConnection;

use super::{environments, find, soundness};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::domain::diff::{Entry, diff_optional};
use crate::domain::flag::FlagConfiguration;
use crate::publish::environment::configured;
use crate::routes::body::JsonBody;
use crate::routes::page::Page;
use crate::routes::path::{Path, Query};
use crate::routes::problem::Problem;
use crate::routes::version::Created;
use crate::store::change::Change;
use crate::store::environments::Environment;
use crate::store::flags::{self, Configured, Stored};

/// Flags that one page of a comparison has unless the request says otherwise, and at most.
const PAGE: usize = 50;
const MAX_PAGE: usize = 200;

/// What a flag does differently.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FlagDifference {
    flag: String,
    differences: Vec<Entry>,
}

/// What to copy to the environment of the path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Copy {
    /// The key of the environment to copy from.
    from: String,
    /// Keys of flags; all, unless given.
    #[serde(default)]
    flags: Option<Vec<String>>,
    /// Why; at most 1,000 characters.
    #[serde(default)]
    comment: Option<String>,
    /// The `preview` of a dry run: the copy is refused if it would not do exactly that any more.
    #[serde(default)]
    expected: Option<String>,
}

/// Whether to do it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DryRun {
    /// Only tells what would happen.
    #[serde(default)]
    pub(super) dry_run: bool,
}

/// What was copied, or would be.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Copied {
    from: String,
    to: String,
    dry_run: bool,
    /// Flags that change, by key.
    changes: Vec<FlagDifference>,
    /// Stands for `changes`: 64 hex digits.
    preview: String,
}

/// A flag and what it does in each of the two.
struct Pair {
    flag: String,
    from: FlagConfiguration,
    to: FlagConfiguration,
}

impl Pair {
    fn difference(&self) -> FlagDifference {
        let (before, after) = (json!(self.to), json!(self.from));
        let differences = diff_optional(Some(&before), Some(&after));
        FlagDifference { flag: self.flag.clone(), differences }
    }
}

/// Every flag with what it does in both, by key.
async fn pairs(
    connection: &mut AnyConnection,
    from: &Environment,
    to: &Environment,
) -> Result<Vec<Pair>, Problem> {
    let mut targets = BTreeMap::new();
    for stored in flags::list_configurations(connection, &to.id).await? {
        targets.insert(stored.key.clone(), configured(&stored)?);
    }
    let mut pairs = Vec::new();
    for stored in flags::list_configurations(connection, &from.id).await? {
        if let Some(to) = targets.remove(&stored.key) {
            let from = configured(&stored)?;
            pairs.push(Pair { flag: stored.key, from, to });
        }
    }
    Ok(pairs)
}

/// `POST .../environments/{environment}/copy`: salts as well, so that everybody gets what they get there.
pub async fn copy(
    State(app): State<App>,
    actor: Actor,
    Path((project, environment)): Path<(String, String)>,
    Query(DryRun { dry_run }): Query<DryRun>,
    JsonBody(wanted): JsonBody<Copy>,
) -> Result<Json<Copied>, Problem> {
    let mut changing = find::change(&app, &actor, &project).await?;
    if let Some(comment) = &wanted.comment {
        changing.explain(crate::routes::comment::checked(comment)?);
    }
    let to = find::environment(&mut changing.tx, &changing.project, &environment).await?;
    let from = find::environment(&mut changing.tx, &changing.project, &wanted.from)
        .await
        .map_err(|problem| problem.field("from"))?;
    if from.id == to.id {
        return Err(Problem::invalid("from", "this is the environment itself"));
    }
    let mut pairs = pairs(&mut changing.tx, &from, &to).await?;
    if let Some(flags) = &wanted.flags {
        if flags.len() > MAX_FLAGS {
            return Err(Problem::invalid("flags", format!("name at most {MAX_FLAGS}")));
        }
        for (index, flag) in flags.iter().enumerate() {
            if !pairs.iter().any(|pair| pair.flag == *flag) {
                return Err(Problem::invalid(format!("flags[{index}]"), "there is no such flag"));
            }
        }
        pairs.retain(|pair| flags.contains(&pair.flag));
    }
    pairs.retain(|pair| pair.from != pair.to);
    let changes: Vec<FlagDifference> = pairs.iter().map(Pair::difference).collect();
    let preview = connection::hex(&Sha256::digest(json!(changes).to_string()));
    let copied = Copied { from: from.key, to: to.key.clone(), dry_run, changes, preview };
    if wanted.expected.is_some_and(|expected| expected != copied.preview) {
        let detail = "one of the environments was changed since the dry run: look at `current`";
        return Err(Problem::new(StatusCode::PRECONDITION_FAILED, "changed-since", detail)
            .field("expected")
            .current(json!(copied)));
    }
    if pairs.is_empty() {
        return Ok(Json(copied));
    }
    let (version, updated_at) = (changing.version(), changing.now_ms);
    let (mut old, mut new) = (Map::new(), Map::new());
    let mut written = Vec::with_capacity(pairs.len());
    for pair in pairs {
        let json = json!(pair.from).to_string();
        let stored = Stored { key: pair.flag.clone(), json, version, updated_at };
        written.push((stored, pair.from.enabled));
        old.insert(pair.flag.clone(), json!(pair.to));
        new.insert(pair.flag, json!(pair.from));
    }
    let environment_id = to.id.as_str();
    let written: Vec<Configured<'_>> = written
        .iter()
        .map(|(stored, enabled)| Configured { environment_id, stored, enabled: *enabled })
        .collect();
    flags::put_configurations(&mut changing.tx, &changing.project.id, &written).await?;
    soundness::whole(&mut changing, &to).await?;
    if dry_run {
        // The transaction is rolled back.
        return Ok(Json(copied));
    }
    let change = Change {
        action: "environment.copied-to",
        target: &to.key,
        environment_id: Some(&to.id),
        old: Some(Value::Object(old)),
        new: Some(Value::Object(new)),
    };
    app.commit(changing, change, std::slice::from_ref(&to.id)).await?;
    Ok(Json(copied))
}

/// With which environment to compare, and which page.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Compared {
    /// The key of the other environment.
    with: String,
    /// The `next` of the page before.
    cursor: Option<String>,
    /// Flags a page has at most: 50 unless given, at most 200.
    limit: Option<usize>,
}

/// `GET .../environments/{environment}/compare?with=`: flags that do something else there, by key; what is told is the way from the one
/// of the path to the other.
pub async fn compare(
    State(app): State<App>,
    _: Actor,
    Path((project, environment)): Path<(String, String)>,
    Query(wanted): Query<Compared>,
) -> Result<Json<Page<FlagDifference>>, Problem> {
    let limit = wanted.limit.unwrap_or(PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(Problem::invalid("limit", format!("give 1 to {MAX_PAGE}")));
    }
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let one = find::environment(&mut tx, &project, &environment).await?;
    let other = find::environment(&mut tx, &project, &wanted.with)
        .await
        .map_err(|problem| problem.field("with"))?;
    let mut pairs = pairs(&mut tx, &other, &one).await?;
    let after = wanted.cursor.as_deref().unwrap_or("");
    pairs.retain(|pair| pair.from != pair.to && pair.flag.as_str() > after);
    pairs.sort_by(|one, other| one.flag.cmp(&other.flag));
    let more = pairs.len() > limit;
    pairs.truncate(limit);
    let next = pairs.last().filter(|_| more).map(|pair| pair.flag.clone());
    Ok(Json(Page { items: pairs.iter().map(Pair::difference).collect(), next, total: None }))
}

/// `POST .../environments/{environment}/clone`: a new environment in which every flag does what it does here, for the same people: salts
/// are the same. SDK keys are not.
pub async fn clone(
    State(app): State<App>,
    actor: Actor,
    Path((project, environment)): Path<(String, String)>,
    JsonBody(new): JsonBody<environments::NewEnvironment>,
) -> Result<Created<environments::Shown>, Problem> {
    environments::make(&app, actor, &project, new, Some(&environment)).await
}
