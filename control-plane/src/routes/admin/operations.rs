//! `POST .../operations`: named operations on what a flag does in an environment, and on a segment; all of a request is one change.

use axum::extract::State;
use axum::http::StatusCode;
use pennon_core::config::Segment;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{configurations, documents, find};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::domain::flag::{FlagConfiguration, join, split};
use crate::domain::operation::{
    Ground, MAX_OPERATIONS, Operation, Refusal, SegmentOperation, apply, apply_to_segment,
    changed_since, read_all,
};
use crate::routes::body::{Authored, JsonBody};
use crate::routes::kept::Kept;
use crate::routes::patch::Written;
use crate::routes::path::Path;
use crate::routes::problem::Problem;
use crate::routes::version::{MayMatch, Versioned};
use crate::store::change::Changing;
use crate::store::versions::{self, Kind, Object};

/// Operations to apply in their order, as one change.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "{O}s")]
pub struct Operations<O> {
    /// 1 to 100.
    #[schemars(length(min = 1, max = 100))]
    operations: Vec<Authored<O>>,
    /// Why; at most 1,000 characters.
    #[serde(default)]
    comment: Option<String>,
    /// The version that the author saw. The operations are refused if one of the parts that they are about (a rule, the fallthrough, a
    /// target, ...) is another one since; whatever else changed meanwhile does not matter.
    #[serde(default)]
    based_on: Option<i64>,
}

impl<O: DeserializeOwned> Operations<O> {
    /// Each operation, within the bounds that the types do not say.
    fn checked(self, changing: &mut Changing) -> Result<Vec<O>, Problem> {
        if !(1..=MAX_OPERATIONS).contains(&self.operations.len()) {
            return Err(Problem::invalid("operations", format!("give 1 to {MAX_OPERATIONS}")));
        }
        if let Some(comment) = &self.comment {
            changing.explain(crate::routes::comment::checked(comment)?);
        }
        Ok(read_all(self.operations.into_iter().map(|Authored(fields, _)| fields).collect())?)
    }
}

/// `POST .../environments/{environment}/flags/{flag}/operations`
pub async fn on_flag(
    State(app): State<App>,
    actor: Actor,
    Path((project, environment, key)): Path<(String, String, String)>,
    MayMatch(if_match): MayMatch,
    JsonBody(wanted): JsonBody<Operations<Operation>>,
) -> Result<Versioned<configurations::Shown>, Problem> {
    let path = Path((project, environment, key.clone()));
    let mut taken = configurations::take(&app, &actor, path, &if_match).await?;
    let based_on = wanted.based_on;
    let operations: Vec<Operation> = wanted.checked(&mut taken.changing)?;
    let current = json!(taken.current());
    let changing = &mut taken.changing;
    let definition = find::flag(&mut changing.tx, &changing.project, &key).await?.definition;
    let flag = join(definition.clone(), taken.old.clone());
    if let Some(version) = based_on {
        let project_id = changing.project.id.clone();
        let object = Object {
            project_id: &project_id,
            kind: Kind::FlagConfiguration,
            environment_id: &taken.environment.id,
            key: &key,
        };
        let seen = join(definition, seen(changing, object, version).await?);
        changed_since(&seen, &flag, &operations).map_err(|refusal| {
            refused(refusal, StatusCode::PRECONDITION_FAILED, "changed-since", &current)
        })?;
    }
    let ground = Ground { now_ms: changing.now_ms, random: &app.random };
    let new = apply(&flag, &operations, &ground)
        .map_err(|refusal| refused(refusal, StatusCode::CONFLICT, "conflict", &current))?;
    let (_, new) = split(&new);
    let action = match operations.as_slice() {
        [Operation::TurnOn {}] => configurations::TURNED_ON,
        [Operation::TurnOff {}] => configurations::TURNED_OFF,
        _ => configurations::UPDATED,
    };
    configurations::write(&app, taken, new, action).await
}

/// The configuration that the author saw.
async fn seen(
    changing: &mut Changing,
    object: Object<'_>,
    version: i64,
) -> Result<FlagConfiguration, Problem> {
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
    MayMatch(if_match): MayMatch,
    JsonBody(wanted): JsonBody<Operations<SegmentOperation>>,
) -> Result<Versioned<Kept<Segment>>, Problem> {
    let mut changing = find::change(&app, &actor, &project).await?;
    if wanted.based_on.is_some() {
        let detail = "operations on a segment are about single keys and never collide";
        return Err(Problem::invalid("basedOn", detail));
    }
    let operations: Vec<SegmentOperation> = wanted.checked(&mut changing)?;
    let project_id = changing.project.id.clone();
    let old = documents::find::<Segment>(&mut changing.tx, &project_id, &key).await?;
    if_match.check(Some(old.version), || json!(old))?;
    let new = apply_to_segment(&old.definition, &operations)
        .map_err(|refusal| refused(refusal, StatusCode::CONFLICT, "conflict", &Value::Null))?;
    let Value::Object(new) = json!(new) else {
        return Err(Problem::internal(&"a segment is no object"));
    };
    let old = Some(old);
    let kept = documents::write(&app, changing, &key, old, Written::Whole(new), None).await?;
    Ok(Versioned(kept.version, kept))
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
