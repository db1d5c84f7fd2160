//! Pushing to edges: a real HTTP server that verifies what it gets, as an edge does.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use pennon_control_plane::config::Edge;
use pennon_control_plane::publish::{edge_status, publisher, push};
use pennon_core::protocol::connection::hex;
use pennon_core::protocol::push::Push;
use pennon_core::snapshot::{Acceptance, Head, Kind};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::support::*;

on_both_databases!(an_edge_gets_every_change_even_when_it_fails_at_first);

const PUSH_KEY: &str = "0123456789abcdef";

struct Receiver {
    environment: [u8; 16],
    root: [u8; 32],
    /// Requests that are still answered with 500, or with a page.
    failing: Mutex<u32>,
    taken: mpsc::UnboundedSender<(Kind, u64)>,
}

async fn receive(
    State(edge): State<Arc<Receiver>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    assert_eq!(headers["authorization"], format!("Bearer {PUSH_KEY}"));
    {
        let mut failing = edge.failing.lock().unwrap();
        if *failing > 0 {
            *failing -= 1;
            // A page that a proxy puts in the way is no edge, whatever its status.
            return if *failing % 2 == 0 {
                (StatusCode::INTERNAL_SERVER_ERROR, String::new())
            } else {
                (StatusCode::OK, "<html>Welcome</html>".to_owned())
            };
        }
    }
    let push = Push::parse(&body).unwrap();
    let head = Head::parse(push.head).unwrap();
    if head.environment != edge.environment {
        let problem = json!({ "code": "wrong-environment", "detail": "not mine" });
        return (StatusCode::UNPROCESSABLE_ENTITY, problem.to_string());
    }
    let mut acceptance = Acceptance::new(edge.root, edge.environment, head.kind, None);
    acceptance.accept_keyset(push.keyset).unwrap();
    acceptance.accept(push.head, push.body.to_vec(), NOW).unwrap();
    edge.taken.send((head.kind, head.version)).unwrap();
    let taken = json!({ "version": head.version, "epoch": head.epoch, "kind": head.kind.as_str(), "age_ms": 0 });
    (StatusCode::OK, taken.to_string())
}

/// As the edge worker answers, for its own environment.
async fn say(State(edge): State<Arc<Receiver>>, headers: HeaderMap) -> String {
    assert_eq!(headers["authorization"], format!("Bearer {PUSH_KEY}"));
    let failure = |kind: &str, at: i64| json!({ "code": "no-answer", "detail": "KV", "kind": kind, "at": at });
    json!({
        "environment": hex(&edge.environment),
        "now": NOW,
        "snapshots": [{
            "kind": "edge", "epoch": 1, "version": 2, "flags": 1, "bodySha256": "x", "keyset": 1,
            "ageMs": 1_500, "stale": false, "checkedAt": NOW,
        }],
        "failures": { "no-answer": 3 },
        "newestFailures": [failure("edge", 7), failure("edge", 9), failure("client", 8)],
    })
    .to_string()
}

/// The list of edges, once the edge was asked: what it serves, and not what it refuses by right.
async fn what_it_says_of_itself(server: &Server, url: &str, edge: Edge) {
    let asking = tokio::spawn(edge_status::run(server.app.clone(), edge, push::client().unwrap()));
    let listed = async {
        while server.app.edge_reports.get(url).is_none() {
            tokio::task::yield_now().await;
        }
        server.get("/admin/edges").await.ok().json()["items"].as_array().unwrap().clone()
    };
    let listed = tokio::time::timeout(Duration::from_secs(10), listed).await.expect("an answer");
    assert_eq!(listed.len(), 3, "{listed:?}");
    for state in &listed {
        assert_eq!(state["environmentId"], server.environment_id(0));
        assert_eq!((&state["askedAt"], &state["failures"]["no-answer"]), (&json!(NOW), &json!(3)));
        let edge = state["kind"] == "edge";
        let running =
            json!({ "epoch": 1, "version": 2, "keyset": 1, "ageMs": 1_500, "stale": false });
        assert_eq!(state.get("reported"), edge.then_some(&running));
        assert_eq!(
            state["newestFailure"]["at"],
            if edge {
                json!(9)
            } else if state["kind"] == "client" {
                json!(8)
            } else {
                json!(null)
            }
        );
    }
    asking.abort();
}

async fn an_edge_gets_every_change_even_when_it_fails_at_first(place: Place) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let server = start(&place).await;
    let connection = server.connection(0, Kind::Edge);
    let (taken, mut arrived) = mpsc::unbounded_channel();
    let edge = Arc::new(Receiver {
        environment: connection.environment,
        root: connection.root_fingerprint,
        failing: Mutex::new(4),
        taken,
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let limit = axum::extract::DefaultBodyLimit::disable();
    let receiving = Router::new()
        .route("/v1/push", post(receive))
        .route("/v1/status", get(say))
        .layer(limit)
        .with_state(Arc::clone(&edge));
    tokio::spawn(async move { axum::serve(listener, receiving).await.unwrap() });

    let configured = Edge { url: url.clone(), push_key: PUSH_KEY.to_owned() };
    let client = push::client().unwrap();
    let pushing = tokio::spawn(push::run(server.app.clone(), configured.clone(), client));
    let publishing = tokio::spawn(publisher::run(server.app.clone()));
    let mut next = async || {
        tokio::time::timeout(Duration::from_secs(10), arrived.recv())
            .await
            .expect("a push")
            .unwrap()
    };
    let mut first = [next().await, next().await, next().await];
    first.sort_unstable();
    assert_eq!(first, [(Kind::Server, 1), (Kind::Client, 1), (Kind::Edge, 1)]);
    assert_eq!(*edge.failing.lock().unwrap(), 0);

    server.boolean_flag("a").await;
    let mut second = [next().await, next().await, next().await];
    second.sort_unstable();
    assert_eq!(second, [(Kind::Server, 2), (Kind::Client, 2), (Kind::Edge, 2)]);
    let production = server.environment_id(1);
    let settled = async {
        loop {
            let states = server.get("/admin/edges").await.ok().json();
            let states = states["items"].as_array().unwrap().clone();
            let settled = states.iter().filter(|state| {
                let refused =
                    state["lastError"].as_str().unwrap_or("").contains("wrong-environment");
                let elsewhere = state["environmentId"] == production.as_str();
                if elsewhere { refused } else { state["version"] == 2 }
            });
            if settled.count() == 6 {
                return states;
            }
            tokio::task::yield_now().await;
        }
    };
    let states = tokio::time::timeout(Duration::from_secs(10), settled)
        .await
        .expect("three refusals and three at version 2");
    what_it_says_of_itself(&server, &url, configured).await;
    server.app.stopping.send_replace(true);
    pushing.await.unwrap();
    publishing.await.unwrap();

    assert_eq!(states.len(), 6, "three kinds of two environments");
    for state in &states {
        assert_eq!(state["url"], url.as_str());
        if state["environmentId"] == production.as_str() {
            assert_eq!(state["version"], json!(0));
        } else {
            assert_eq!((&state["version"], &state["lastSuccess"]), (&json!(2), &json!(NOW)));
        }
    }
    let text = server.get("/admin/edges").await.ok().bytes;
    assert!(!String::from_utf8_lossy(&text).contains(PUSH_KEY));
}
