//! What a context gets, or got at any time: from the snapshot that was published then, by the evaluator that clients run.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use pennon_core::config::unix_ms;
use pennon_core::context::Context;
use pennon_core::protocol::connection;
use pennon_core::snapshot::{Kind, Snapshot};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::find;
use crate::app::App;
use crate::auth::actor::Actor;
use crate::domain::keys::check_imported;
use crate::publish::replicas;
use crate::routes::body::JsonBody;
use crate::routes::path::Path;
use crate::routes::problem::Problem;
use crate::store::snapshots::{self, StoredHead};

/// What is asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Question {
    /// The flag's key.
    flag: String,
    /// The evaluation context, with `targetingKey`.
    #[serde(default)]
    context: Map<String, Value>,
    /// `client` (what browsers get, which have fewer flags) or `server`.
    #[serde(default)]
    kind: Audience,
    /// A version (what was published as that, or last before it), or a time as `2026-11-25T10:00:00Z` (what was published then). Without
    /// it, what is published now.
    #[serde(default)]
    at: Option<String>,
    /// The evaluation's own time, Unix milliseconds, where it is another than `at`: windows and ramps go by it.
    #[serde(default)]
    now: Option<i64>,
}

/// Whose snapshot.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum Audience {
    Client,
    #[default]
    Server,
}

/// The outcome, what led to it, and what it was evaluated with.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// `value`, `variant`, `reason`, and what else the outcome has: core/spec/evaluation.md.
    outcome: Map<String, Value>,
    /// Step by step: core/spec/evaluation.md section 8.
    #[schemars(with = "Vec<Value>")]
    trace: Box<RawValue>,
    epoch: i64,
    version: i64,
    /// When that snapshot was signed, Unix milliseconds.
    created: i64,
    body_sha256: String,
    /// The evaluation's time, Unix milliseconds.
    now: i64,
}

/// Which snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Newest,
    Version(i64),
    Time(i64),
}

impl At {
    fn parse(text: Option<&str>) -> Result<Self, Problem> {
        let Some(text) = text else { return Ok(Self::Newest) };
        let version = text.parse().ok().filter(|version| *version >= 0).map(Self::Version);
        version.or_else(|| unix_ms(text).map(Self::Time)).ok_or_else(|| {
            Problem::invalid("at", "give a version, or a time such as 2026-11-25T10:00:00Z")
        })
    }
}

/// `POST /admin/projects/{project}/environments/{environment}/evaluate`
pub async fn evaluate(
    State(app): State<App>,
    _: Actor,
    Path((project, environment)): Path<(String, String)>,
    JsonBody(question): JsonBody<Question>,
) -> Result<Json<Answer>, Problem> {
    check_imported(&question.flag).map_err(|detail| Problem::invalid("flag", detail))?;
    let at = At::parse(question.at.as_deref())?;
    let context = Context::from_json(&Value::Object(question.context))
        .map_err(|error| Problem::invalid("context", error.to_string()))?;
    let kind = match question.kind {
        Audience::Client => Kind::Client,
        Audience::Server => Kind::Server,
    };
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let environment = find::environment(&mut tx, &project, &environment).await?;
    let stored = match at {
        At::Newest => snapshots::latest(&mut tx, &environment.id, kind.as_str()).await?,
        At::Version(version) => {
            snapshots::up_to_version(&mut tx, &environment.id, kind.as_str(), version).await?
        }
        At::Time(time) => {
            snapshots::up_to_time(&mut tx, &environment.id, kind.as_str(), time).await?
        }
    };
    let stored = stored.ok_or_else(|| {
        Problem::not_found(
            "nothing was published yet at that version or time: see the list of snapshots",
        )
    })?;
    if snapshots::is_expired(&mut tx, &stored.body_sha256).await? {
        return Err(expired(&stored));
    }
    let place = connection::id(&environment.id).map(|id| (id, kind));
    let place = place.ok_or_else(|| Problem::internal(&"an environment without an id"))?;
    let held = app.published.current(place);
    let current = replicas::open(&app, &mut tx, place, &stored, held.as_deref()).await?;
    let now = question.now.unwrap_or(match at {
        At::Newest => app.clock.now_ms(),
        At::Version(_) => stored.created,
        At::Time(time) => time,
    });
    let (outcome, trace) = explained(&current.snapshot, &question.flag, &context, now)?;
    Ok(Json(Answer {
        outcome,
        trace,
        epoch: stored.epoch,
        version: stored.version,
        created: stored.created,
        body_sha256: connection::hex(&current.head.body_sha256),
        now,
    }))
}

fn explained(
    snapshot: &Snapshot,
    flag: &str,
    context: &Context,
    now: i64,
) -> Result<(Map<String, Value>, Box<RawValue>), Problem> {
    let (outcome, trace) = snapshot.explain(flag, context, now);
    let trace = RawValue::from_string(trace).map_err(|error| Problem::internal(&error))?;
    Ok((outcome.to_json(), trace))
}

fn expired(stored: &StoredHead) -> Problem {
    Problem::new(
        StatusCode::GONE,
        "expired",
        format!(
            "version {} was published, and is not kept any more (--keep-snapshots); the history of each flag still has it",
            stored.version
        ),
    )
    .field("at")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_or_a_time() {
        for (text, at) in [
            (None, Some(At::Newest)),
            (Some("42"), Some(At::Version(42))),
            (Some("0"), Some(At::Version(0))),
            (Some("2023-11-14T22:13:20Z"), Some(At::Time(1_700_000_000_000))),
            (Some("2023-11-14T23:13:20.5+01:00"), Some(At::Time(1_700_000_000_500))),
            (Some("-1"), None),
            (Some(""), None),
            (Some("yesterday"), None),
            (Some("2023-11-14"), None),
        ] {
            assert_eq!(At::parse(text).ok(), at, "{text:?}");
        }
    }
}
