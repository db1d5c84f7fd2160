//! `POST /admin/projects/{project}/environments/{environment}/draft`: an environment as it would be with some flags changed, compiled and
//! not signed. Nothing is written. The dashboard shows by it, in the page, what a flag that is being edited would serve.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pennon_core::config::analysis::{Options, findings_of_flag};
use pennon_core::config::{Configuration, Finding, compile};
use pennon_core::snapshot::Kind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::find;
use crate::app::App;
use crate::auth::actor::Actor;
use crate::domain::flag::{
    Definition, FlagConfiguration, MAX_TOLD_CHARACTERS, Wrong, complete, join, read, split,
};
use crate::domain::keys::check_key;
use crate::domain::words;
use crate::publish::environment::configuration;
use crate::routes::body::{Authored, JsonBody};
use crate::routes::path::Path;
use crate::routes::problem::Problem;

/// Flags that one draft may change.
const MAX_DRAFTED: usize = 100;
/// Who asks while as many drafts are compiled as may be comes again after this many seconds.
const BUSY_RETRY_S: u32 = 1;

/// What is changed; nothing for the environment as it stands.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// By their keys; at most 100.
    #[serde(default)]
    flags: BTreeMap<String, DraftedFlag>,
}

/// A flag as it would be. What is left out is as it stands.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftedFlag {
    definition: Option<Definition>,
    configuration: Option<Authored<FlagConfiguration>>,
}

/// A draft, compiled.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Compiled {
    /// The body of the server snapshot (core/spec/snapshot.md section 5) in base64, without SDK keys; absent when the draft does not
    /// compile.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// Why there is no body.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// What static analysis has to say about the changed flags.
    findings: Vec<Finding>,
}

/// `POST`
pub async fn compiled(
    State(app): State<App>,
    _: Actor,
    Path((project, environment)): Path<(String, String)>,
    JsonBody(draft): JsonBody<Draft>,
) -> Result<Json<Compiled>, Problem> {
    if draft.flags.len() > MAX_DRAFTED {
        let detail = format!("a draft changes at most {MAX_DRAFTED} flags");
        return Err(Problem::invalid("flags", detail));
    }
    let permit = Arc::clone(&app.compiling).try_acquire_owned().map_err(|_| {
        let detail = "this server compiles as many drafts as it may: ask again in a moment";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).retry_after(BUSY_RETRY_S)
    })?;
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let environment = find::environment(&mut tx, &project, &environment).await?;
    let mut whole = configuration(&mut tx, &environment).await?;
    drop(tx);
    let mut changed = Vec::with_capacity(draft.flags.len());
    for (key, flag) in draft.flags {
        // What was imported keeps the key that it had elsewhere.
        if !whole.flags.contains_key(&key) {
            check_key(&key).map_err(|detail| Problem::invalid(format!("flags.{key}"), detail))?;
        }
        place(&app, &mut whole, &key, flag)?;
        changed.push(key);
    }
    let options = Options { now: Some(app.clock.now_ms()) };
    // A large environment takes many milliseconds, which other requests must not wait for.
    let compiled = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        answer(&whole, &changed, &options)
    });
    Ok(Json(compiled.await.map_err(|error| Problem::internal(&error))?))
}

/// Puts a drafted flag in the place of the one that stands.
fn place(
    app: &App,
    whole: &mut Configuration,
    key: &str,
    drafted: DraftedFlag,
) -> Result<(), Problem> {
    let within = |wrong: Wrong| {
        Problem::invalid(format!("flags.{key}.configuration.{}", wrong.field), wrong.detail)
    };
    if let Some(definition) = &drafted.definition {
        definition
            .check()
            .map_err(|wrong| Problem::from(wrong).within(&format!("flags.{key}.definition")))?;
    }
    let (was, did) = whole.flags.get(key).map(split).unzip();
    let configured = match drafted.configuration {
        Some(Authored(mut given, PhantomData)) => {
            complete(&mut given, &app.random)?;
            Some(read(Value::Object(given)).map_err(within)?)
        }
        None => did,
    };
    let (Some(definition), Some(configured)) = (drafted.definition.or(was), configured) else {
        let detail =
            format!("there is no flag {key:?} here: give its definition and its configuration");
        return Err(Problem::invalid(format!("flags.{key}"), detail));
    };
    whole.flags.insert(key.to_owned(), join(definition, configured));
    Ok(())
}

fn answer(whole: &Configuration, changed: &[String], options: &Options) -> Compiled {
    let findings = changed.iter().flat_map(|key| findings_of_flag(whole, key, options)).collect();
    match compile(whole, Kind::Server, &[]) {
        Ok(body) => Compiled { body: Some(STANDARD.encode(body)), problem: None, findings },
        Err(error) => Compiled {
            body: None,
            problem: Some(words::cut(&error.to_string(), MAX_TOLD_CHARACTERS)),
            findings,
        },
    }
}
