//! Streams of heads: server-sent events and WebSockets.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::Request;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;
use pennon_control_plane::auth::streams::StreamLimits;
use pennon_control_plane::publish::replicas::Announcer;
use pennon_control_plane::router::router;
use pennon_core::snapshot::{Head, Kind};
use serde_json::json;
use tower::ServiceExt;

use crate::support::*;

on_both_databases!(
    carries_heads_and_says_goodbye,
    a_full_server_says_when_to_come_back,
    a_crowd_is_admitted_at_the_servers_pace,
    a_websocket_carries_the_same_frames,
    who_reads_slowly_gets_the_newest_alone,
    a_revoked_key_ends_its_stream,
);

pub(crate) struct Events {
    body: BodyDataStream,
    text: String,
}

impl Events {
    pub(crate) fn of(body: Body) -> Self {
        Self { body: body.into_data_stream(), text: String::new() }
    }

    /// The next event that is not a comment, as it stands on the wire.
    pub(crate) async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let event = self.text[..end].to_owned();
                self.text.drain(..end + 2);
                if !event.starts_with(':') {
                    return Some(event);
                }
                continue;
            }
            let part = tokio::time::timeout(Duration::from_secs(10), self.body.next())
                .await
                .expect("an event");
            self.text.push_str(std::str::from_utf8(&part?.unwrap()).unwrap());
        }
    }
}

pub(crate) async fn open(server: &Server) -> Result<Events, Answer> {
    let path = format!(
        "/v1/stream/{}/client?key={}",
        server.environment_id(0),
        server.key(0, Kind::Client)
    );
    let response = router(server.app.clone())
        .oneshot(Request::get(path).body(Body::empty()).unwrap())
        .await
        .unwrap();
    let (parts, body) = response.into_parts();
    if parts.status.is_success() {
        assert_eq!(parts.headers["content-type"], "text/event-stream");
        assert_eq!(parts.headers["cache-control"], "no-store");
        Ok(Events::of(body))
    } else {
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Err(Answer { status: parts.status, headers: parts.headers, bytes })
    }
}

fn version(event: &str) -> u64 {
    let field = |name: &str| {
        let line = event.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].trim().to_owned()
    };
    assert_eq!(field("event:"), "head");
    let head = Head::parse(&STANDARD.decode(field("data:")).unwrap()).unwrap();
    assert_eq!(field("id:"), format!("{}.{}", head.epoch, head.version));
    head.version
}

async fn carries_heads_and_says_goodbye(place: Place) {
    let server = start(&place).await;
    let mut events = open(&server).await.ok().unwrap();
    assert_eq!(version(&events.next().await.unwrap()), 1);
    server.boolean_flag("a").await;
    server.turn("a", "on").await.ok();
    server.publish().await;
    assert_eq!(version(&events.next().await.unwrap()), 3);
    server.app.stopping.send_replace(true);
    let goodbye = events.next().await.unwrap();
    assert!(goodbye.starts_with("event: goodbye\ndata: {\"reconnect_after_ms\":"), "{goodbye}");
    assert_eq!(events.next().await, None);
}

async fn a_full_server_says_when_to_come_back(place: Place) {
    let server =
        start_with(&place, Announcer::silent(), StreamLimits { open: 1, a_second: 0 }).await;
    let first = open(&server).await.ok().unwrap();
    let refused = open(&server).await.err().unwrap();
    assert_eq!(refused.problem(), (503, "too-many-streams".to_owned()));
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(server.fetch("/readyz", None).await.json()["streams"], json!(1));
    drop(first);
    open(&server).await.ok().unwrap();
}

async fn a_crowd_is_admitted_at_the_servers_pace(place: Place) {
    let limits = StreamLimits { open: 50, a_second: 3 };
    let server = start_with(&place, Announcer::silent(), limits).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(open(&server).await.ok().unwrap());
    }
    let refused = open(&server).await.err().unwrap();
    assert_eq!(refused.problem(), (503, "streams-too-fast".to_owned()));
    let after: u32 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!(after >= 1);
    server.app.clock.advance(1_000);
    held.push(open(&server).await.ok().unwrap());
    // Over how long they come back that lose their streams now.
    let mut first = held.remove(0);
    let mut retry = None;
    while retry.is_none() {
        let part = first.body.next().await.unwrap().unwrap();
        let text = std::str::from_utf8(&part).unwrap().to_owned();
        retry = text.lines().find_map(|line| line.strip_prefix("retry: ").map(str::to_owned));
    }
    let retry: u64 = retry.unwrap().parse().unwrap();
    assert!((2_500..5_000).contains(&retry), "{retry}");
}

/// Over a real connection: an upgrade is none without one.
async fn a_websocket_carries_the_same_frames(place: Place) {
    let server = start(&place).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router(server.app.clone());
    let serving = tokio::spawn(async move { axum::serve(listener, service).await });
    let path = format!("/v1/stream/{}/client", server.environment_id(0));
    let connect = async |key: &str| {
        tokio_tungstenite::connect_async(format!("ws://{address}{path}?key={key}")).await
    };
    let refused = connect("pnc_nobody").await.unwrap_err();
    assert!(refused.to_string().contains("401"), "{refused}");
    let (mut socket, _) = connect(&server.key(0, Kind::Client)).await.unwrap();
    let mut texts = Vec::new();
    let mut next = async || {
        let message = tokio::time::timeout(Duration::from_secs(10), socket.next()).await.unwrap();
        message.unwrap().unwrap()
    };
    for _ in 0..2 {
        texts.push(next().await.into_text().unwrap().to_string());
    }
    assert_eq!(version(texts[0].trim_end()), 1);
    assert!(texts[1].starts_with(": ping\nretry: "), "{texts:?}");
    server.boolean_flag("a").await;
    server.publish().await;
    let mut events = open(&server).await.ok().unwrap();
    let frame = next().await.into_text().unwrap();
    assert_eq!(frame.trim_end(), events.next().await.unwrap());
    server.app.stopping.send_replace(true);
    assert!(next().await.into_text().unwrap().starts_with("event: goodbye\ndata: {"));
    assert!(next().await.is_close());
    drop(events);
    tokio::time::timeout(Duration::from_secs(10), server.app.streams.ended()).await.unwrap();
    serving.abort();
}

async fn who_reads_slowly_gets_the_newest_alone(place: Place) {
    let server = start(&place).await;
    let mut events = open(&server).await.ok().unwrap();
    assert_eq!(version(&events.next().await.unwrap()), 1);
    for key in ["a", "b", "c", "d"] {
        server.boolean_flag(key).await;
        server.publish().await;
    }
    assert_eq!(version(&events.next().await.unwrap()), 5);
    server.boolean_flag("e").await;
    server.publish().await;
    assert_eq!(version(&events.next().await.unwrap()), 6);
}

async fn a_revoked_key_ends_its_stream(place: Place) {
    let server = start(&place).await;
    let mut events = open(&server).await.ok().unwrap();
    assert_eq!(version(&events.next().await.unwrap()), 1);
    let keys = format!("{DEVELOPMENT}/sdk-keys");
    let list = server.get(&keys).await.ok().json();
    let own = list["items"].as_array().unwrap().iter().find(|key| key["kind"] == "client").unwrap();
    server.delete(&format!("{keys}/{}", own["id"].as_str().unwrap())).await.ok();
    server.publish().await;
    assert!(events.next().await.unwrap().starts_with("event: goodbye"));
    assert_eq!(events.next().await, None);
    assert_eq!(open(&server).await.err().unwrap().problem().1, "key-unknown");
}
