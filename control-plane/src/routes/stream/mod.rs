//! `GET /v1/stream/{environment}/{kind}`: server-sent events that carry heads, nothing else. The latest wins; a slow
//! reader misses the ones in between and gets the newest, so nothing piles up here.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream::{self, Stream};
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::delivery::{KeyInQuery, no_snapshot, place};
use super::problem::Problem;
use crate::app::App;
use crate::auth::sdk::Caller;
use crate::publish::memory::Current;
use crate::routes::path::{Path, Query};
use std::sync::Arc;

/// A comment line goes out this often, so that both sides notice a dead connection.
const PING: Duration = Duration::from_secs(15);
/// When there are too many streams, the next client is told to come back after this many seconds.
const FULL_RETRY_S: u32 = 5;
/// Clients of a stopping server come back spread over this many milliseconds.
const RECONNECT_WINDOW_MS: u64 = 5_000;

struct Following {
    app: App,
    caller: Caller,
    receiver: watch::Receiver<Option<Arc<Current>>>,
    _permit: OwnedSemaphorePermit,
}

/// The current head at once, then each newer one, a ping every 15 s, and a goodbye when the server stops.
pub async fn stream(
    State(app): State<App>,
    Path((environment, kind)): Path<(String, String)>,
    Query(query): Query<KeyInQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (caller, place) = place(&app, &headers, &query, &environment, &kind)?;
    let permit = Arc::clone(&app.streams).try_acquire_owned().map_err(|_| {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too-many-streams",
            "this server holds as many streams as it may: poll the head, and try again later",
        )
        .retry_after(FULL_RETRY_S)
    })?;
    let receiver = app.published.follow(place).ok_or_else(no_snapshot)?;
    let events = events(Following { app, caller, receiver, _permit: permit });
    let mut response =
        Sse::new(events).keep_alive(KeepAlive::new().interval(PING).text("ping")).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Asks nginx and its like not to hold events back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

fn events(following: Following) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(Some(following), |following| async move {
        let mut following = following?;
        tokio::select! {
            biased;
            () = following.app.stopped() => {
                let goodbye = goodbye(&following.app);
                Some((Ok(goodbye), None))
            }
            changed = following.receiver.changed() => {
                changed.ok()?;
                // A revocation is a change of the environment, so it is noticed here.
                if !following.app.sdk_keys.knows(&following.caller) {
                    return Some((Ok(goodbye(&following.app)), None));
                }
                let current = following.receiver.borrow_and_update().clone()?;
                Some((Ok(head(&current)), Some(following)))
            }
        }
    })
}

fn head(current: &Current) -> Event {
    Event::default()
        .event("head")
        .id(format!("{}.{}", current.head.epoch, current.head.version))
        .data(STANDARD.encode(&current.head_bytes))
}

fn goodbye(app: &App) -> Event {
    let after = app.random.below(RECONNECT_WINDOW_MS).unwrap_or(RECONNECT_WINDOW_MS);
    Event::default().event("goodbye").data(json!({ "reconnect_after_ms": after }).to_string())
}
