//! `GET /admin/projects/{project}/events`: what is changed in a project, as it is committed, by whichever replica. Server-sent events: a
//! `ready` at once, then a `change` for each entry of the audit log, whose number is the event's id; after a break the browser asks for
//! what came after the last one by `Last-Event-ID`.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use aide::OperationInput;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use serde::Serialize;
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;

use super::find;
use crate::app::App;
use crate::auth::actor::{Actor, authenticate};
use crate::live::Watch;
use crate::routes::path::Path;
use crate::routes::problem::Problem;
use crate::store::audit::{self, Chained, Filter, MAX_PAGE, Order};
use crate::store::{StoreError, environments};

/// When too many watch, the next one is told to come back after this many seconds.
const FULL_RETRY_S: u32 = 30;
/// A comment line goes out this often, so that both sides notice a dead connection.
const PING: Duration = Duration::from_secs(15);

/// A change, as those hear of it who watch.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    /// The number of the change in its project: the version of what it wrote.
    version: i64,
    /// Unix milliseconds.
    at: i64,
    author: &'a str,
    action: &'a str,
    /// The key or id of what was changed.
    target: &'a str,
    /// The key of the environment, when it concerns one alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'a str>,
}

/// The request's head, by which is asked again before each change is told: a session may have ended since.
#[derive(Debug)]
pub struct Asking(Parts);

impl OperationInput for Asking {}

impl FromRequestParts<App> for Asking {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        Ok(Self(parts.clone()))
    }
}

struct Watching {
    app: App,
    asking: Parts,
    watch: Watch,
    /// The last change that was read.
    last: i64,
    /// Whether there may be more after it.
    behind: bool,
    events: VecDeque<Event>,
    _permit: OwnedSemaphorePermit,
}

/// `GET`
pub async fn stream(
    State(app): State<App>,
    _: Actor,
    Path(project): Path<String>,
    Asking(asking): Asking,
) -> Result<Response, Problem> {
    let permit = Arc::clone(&app.watchers).try_acquire_owned().map_err(|_| {
        let detail = "as many people watch for changes as may: load again to see them";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too-many-streams", detail)
            .retry_after(FULL_RETRY_S)
    })?;
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    // Before the newest change is looked up: one that comes in between is told, and at worst looked for in vain.
    let watch = app.live.watch(project.id.clone());
    let everything = Filter::default();
    let newest = (0, i64::MAX);
    let page = audit::list(&mut tx, &project.id, &everything, newest, Order::NewestFirst, 1);
    let newest = page.await?.first().map_or(0, |newest| newest.entry.sequence);
    drop(tx);
    let seen =
        asking.headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    let last = seen.filter(|seen| (0..=newest).contains(seen)).unwrap_or(newest);
    let ready = Event::default().event("ready").data(json!({ "version": last }).to_string());
    let watching = Watching {
        app,
        asking,
        watch,
        last,
        behind: last < newest,
        events: VecDeque::from([ready]),
        _permit: permit,
    };
    let mut response = Sse::new(told(watching))
        .keep_alive(KeepAlive::new().interval(PING).text("ping"))
        .into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Asks nginx and its like not to hold events back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

fn told(watching: Watching) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(watching, |mut watching| async move {
        loop {
            if let Some(event) = watching.events.pop_front() {
                return Some((Ok(event), watching));
            }
            if !watching.behind {
                let app = watching.app.clone();
                tokio::select! {
                    biased;
                    // The browser comes back by itself, to whoever answers then.
                    () = app.stopped() => return None,
                    called = watching.watch.called() => called?,
                }
            }
            match watching.look().await {
                Ok(()) => {}
                // Told by /readyz; the next call looks again.
                Err(Ended::Away) => watching.behind = false,
                Err(Ended::Refused) => return None,
            }
        }
    })
}

/// Why nothing was read.
enum Ended {
    /// The database does not answer.
    Away,
    /// Whoever watches may not any more; or there is nothing to watch.
    Refused,
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Away(_) => Self::Away,
            error => {
                tracing::error!(%error, "changes cannot be told to those who watch");
                Self::Refused
            }
        }
    }
}

impl Watching {
    /// Reads what came after the last change.
    async fn look(&mut self) -> Result<(), Ended> {
        let app = &self.app;
        let actor = authenticate(app, &self.asking).await.map_err(|problem| {
            if problem.status() == StatusCode::SERVICE_UNAVAILABLE {
                Ended::Away
            } else {
                Ended::Refused
            }
        })?;
        let project_id = self.watch.project_id();
        actor.author.rights.grant(project_id).ok_or(Ended::Refused)?;
        let mut tx = app.store.begin_read().await?;
        let entries = audit::list(
            &mut tx,
            project_id,
            &Filter::default(),
            (self.last, i64::MAX),
            Order::OldestFirst,
            MAX_PAGE,
        )
        .await?;
        let keys: BTreeMap<String, String> = environments::list(&mut tx, project_id)
            .await?
            .into_iter()
            .map(|environment| (environment.id, environment.key))
            .collect();
        drop(tx);
        // A page ends early when its entries are large, so only an empty one is the end.
        self.behind = !entries.is_empty();
        for Chained { entry, .. } in entries {
            self.last = entry.sequence;
            let environment = entry.environment_id.as_ref().and_then(|id| keys.get(id));
            let told = Told {
                version: entry.sequence,
                at: entry.at,
                author: &entry.author,
                action: &entry.action,
                target: &entry.target,
                environment: environment.map(String::as_str),
                comment: entry.comment.as_deref(),
            };
            let event = Event::default().event("change").id(entry.sequence.to_string());
            self.events.push_back(event.data(json!(told).to_string()));
        }
        Ok(())
    }
}
