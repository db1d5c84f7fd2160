//! `POST .../operations`: named operations on what a flag does in an environment, and on a segment; all of a request is one change.

use axum::extract::State;
use axum::http::StatusCode;
use pennon_core::config::Segment;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{configurations, documents, find};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::domain::flag::{join, read, split};
use crate::domain::operation::{
    Ground, MAX_OPERATIONS, Operation, Refusal, SegmentOperation, apply, apply_to_segment,
    changed_since,
};
use crate::routes::body::JsonBody;
use crate::routes::path::Path;
use crate::routes::problem::Problem;
use crate::routes::version::{IfMatch, Versioned};
use crate::store::change::Changing;
use crate::store::versions::{self, Kind, Object};

/// Operations to apply in their order, as one change.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "{O}s")]
pub struct Operations<O> {
    /// 1 to 100.
    #[schemars(length(min = 1, max = 100))]
    operations: Vec<O>,
    /// Why; at most 1,000 characters.
    #[serde(default)]
    comment: Option<String>,
    /// The version that the author saw. The operations are refused if one of the parts that they are about (a rule, the fallthrough, a
    /// target, ...) is another one since; whatever else changed meanwhile does not matter.
    #[serde(default)]
    based_on: Option<i64>,
}

impl<O> Operations<O> {
    /// The bounds that the types do not say.
    fn checked(self, changing: &mut Changing) -> Result<Self, Problem> {
        if !(1..=MAX_OPERATIONS).contains(&self.operations.len()) {
            return Err(Problem::invalid("operations", format!("give 1 to {MAX_OPERATIONS}")));
        }
        if let Some(comment) = &self.comment {
            changing.explain(crate::routes::comment::checked(comment)?);
        }
        Ok(self)
    }
}

/// `POST .../environments/{environment}/flags/{flag}/operations`
pub async fn on_flag(
    State(app): State<App>,
    actor: Actor,
    Path((project, environment, key)): Path<(String, String, String)>,
    if_match: IfMatch,
    JsonBody(wanted): JsonBody<Operations<Operation>>,
) -> Result<Versioned<Value>, Problem> {
    let mut changing = find::change(&app, &actor, &project).await?;
    let wanted = wanted.checked(&mut changing)?;
    let environment = find::environment(&mut changing.tx, &changing.project, &environment).await?;
    let (stored, old) = find::configuration(&mut changing.tx, &environment, &key).await?;
    let current = configurations::shown(&environment, &stored, &old);
    if_match.check(Some(stored.version), || current.clone())?;
    let (_, definition) = find::flag(&mut changing.tx, &changing.project, &key).await?;
    let flag = join(&definition, &old)?;
    if let Some(version) = wanted.based_on {
        let project_id = changing.project.id.clone();
        let object = Object {
            project_id: &project_id,
            kind: Kind::FlagConfiguration,
            environment_id: &environment.id,
            key: &key,
        };
        let seen = seen(&mut changing, object, version).await?;
        let seen = join(&definition, &seen).map_err(|_| {
            Problem::conflict("the flag itself was changed since you looked: look again")
                .field("basedOn")
                .current(current.clone())
        })?;
        changed_since(&seen, &flag, &wanted.operations).map_err(|refusal| {
            refused(refusal, StatusCode::PRECONDITION_FAILED, "changed-since", &current)
        })?;
    }
    let ground = Ground { now_ms: changing.now_ms, random: &app.random };
    let new = apply(&flag, &wanted.operations, &ground)
        .map_err(|refusal| refused(refusal, StatusCode::CONFLICT, "conflict", &current))?;
    let new = split(&new)?.configuration;
    if new == old {
        // Nothing to change, so nothing to log; the transaction is rolled back.
        return Ok(Versioned(stored.version, current));
    }
    let action = match wanted.operations.as_slice() {
        [Operation::TurnOn {}] => configurations::TURNED_ON,
        [Operation::TurnOff {}] => configurations::TURNED_OFF,
        _ => configurations::UPDATED,
    };
    configurations::write(&app, changing, &environment, stored, old, new, action).await
}

/// The configuration that the author saw.
async fn seen(
    changing: &mut Changing,
    object: Object<'_>,
    version: i64,
) -> Result<Map<String, Value>, Problem> {
    let found = versions::at(&mut changing.tx, object, version).await?;
    let document = found.filter(|found| found.sequence == version).and_then(|found| found.document);
    let document = document
        .ok_or_else(|| Problem::invalid("basedOn", "there is no such version of this object"))?;
    serde_json::from_str(&document).map_err(|error| Problem::internal(&error))
}

/// `POST .../segments/{segment}/operations`
pub async fn on_segment(
    State(app): State<App>,
    actor: Actor,
    Path((project, key)): Path<(String, String)>,
    if_match: IfMatch,
    JsonBody(wanted): JsonBody<Operations<SegmentOperation>>,
) -> Result<Versioned<documents::Kept<Segment>>, Problem> {
    let mut changing = find::change(&app, &actor, &project).await?;
    let wanted = wanted.checked(&mut changing)?;
    if wanted.based_on.is_some() {
        let detail = "operations on a segment are about single keys and never collide";
        return Err(Problem::invalid("basedOn", detail));
    }
    let project_id = changing.project.id.clone();
    let old = documents::find::<Segment>(&mut changing.tx, &project_id, &key).await?;
    if_match.check(Some(old.version), || json!(old))?;
    let new = apply_to_segment(&old.definition, &wanted.operations)
        .map_err(|refusal| refused(refusal, StatusCode::CONFLICT, "conflict", &Value::Null))?;
    if new == old.definition {
        return Ok(Versioned(old.version, old));
    }
    // As it is read back: what is not canonical (an empty list that is left out) is no difference.
    let new = read(json!(new))?;
    let put = documents::write(&app, changing, key, Some(old), new, None).await?;
    Ok(Versioned(put.version, put.body))
}

fn refused(refusal: Refusal, conflict: StatusCode, code: &'static str, current: &Value) -> Problem {
    match refusal {
        Refusal::Wrong(wrong) => wrong.into(),
        Refusal::Conflict(wrong) => {
            let problem = Problem::new(conflict, code, wrong.detail).field(wrong.field);
            if current.is_null() { problem } else { problem.current(current.clone()) }
        }
        Refusal::NoRandomness(error) => error.into(),
    }
}
