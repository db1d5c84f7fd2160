//! `GET /v1/stream/{environment}/{kind}`: heads, nothing else, as server-sent events or, on upgrade, as messages of a WebSocket. The latest
//! wins; a slow reader misses the ones in between and gets the newest, so nothing piles up here.

mod socket;

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use pennon_core::protocol::stream as frames;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Interval, MissedTickBehavior};

use super::delivery::{no_snapshot, place};
use super::problem::Problem;
use crate::app::App;
use crate::auth::sdk::Caller;
use crate::auth::streams::Refused;
use crate::publish::memory::News;
use crate::routes::path::Path;

/// The current head at once, then each newer one, pings, and a goodbye when the server stops.
pub async fn stream(
    State(app): State<App>,
    Path((environment, kind)): Path<(String, String)>,
    caller: Caller,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let place = place(&caller, &environment, &kind)?;
    let receiver = app.published.follow(place).ok_or_else(no_snapshot)?;
    let permit = app.streams.admit(app.clock.now_ms()).map_err(refused)?;
    let following = Following::new(app, caller, receiver, permit);
    Ok(match upgrade {
        Ok(upgrade) => socket::answer(upgrade, following),
        Err(_) => events(following),
    })
}

fn refused(refused: Refused) -> Problem {
    let (code, detail, retry_after_s) = match refused {
        Refused::Full { retry_after_s } => (
            "too-many-streams",
            "this server holds as many streams as it may: poll the head, and try again later",
            retry_after_s,
        ),
        Refused::TooFast { retry_after_s } => (
            "streams-too-fast",
            "too many streams are being opened at once: poll the head, and try again later",
            retry_after_s,
        ),
    };
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(retry_after_s)
}

/// One client and what it is told.
struct Following {
    app: App,
    caller: Caller,
    receiver: watch::Receiver<Option<News>>,
    ping: Interval,
    _permit: OwnedSemaphorePermit,
}

/// What a client is told next.
enum Said {
    Frame(Bytes),
    /// Nothing comes behind it.
    Last(Bytes),
}

impl Following {
    fn new(
        app: App,
        caller: Caller,
        receiver: watch::Receiver<Option<News>>,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        let mut ping = tokio::time::interval(Duration::from_millis(frames::PING_MS));
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { app, caller, receiver, ping, _permit: permit }
    }

    /// Waits for the next frame: the newest head, however many there were since; none when the server is gone.
    async fn next(&mut self) -> Option<Said> {
        tokio::select! {
            biased;
            () = self.app.stopped() => Some(Said::Last(self.goodbye())),
            changed = self.receiver.changed() => {
                // Nobody publishes here any more: the environment is deleted.
                if changed.is_err() {
                    return Some(Said::Last(self.goodbye()));
                }
                // A revocation is a change of the environment, so it is noticed here.
                if !self.app.sdk_keys.knows(&self.caller) {
                    return Some(Said::Last(self.goodbye()));
                }
                let news = self.receiver.borrow_and_update().clone()?;
                Some(Said::Frame(news.frame))
            }
            _ = self.ping.tick() => Some(Said::Frame(frames::ping(self.window()).into())),
        }
    }

    fn goodbye(&self) -> Bytes {
        frames::goodbye(self.window()).into()
    }

    /// After how long this client comes back at the latest, should it lose its stream.
    fn window(&self) -> u64 {
        let below = |bound| self.app.random.below(bound).unwrap_or(0);
        frames::drawn(self.app.streams.window_ms(), below)
    }
}

fn events(following: Following) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // Asks nginx and its like not to hold events back.
        (header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, Body::from_stream(texts(following))).into_response()
}

fn texts(following: Following) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::unfold(Some(following), |following| async move {
        let mut following = following?;
        match following.next().await? {
            Said::Frame(frame) => Some((Ok(frame), Some(following))),
            Said::Last(frame) => Some((Ok(frame), None)),
        }
    })
}
