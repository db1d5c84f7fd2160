//! Pushing to edges: a real HTTP server that verifies what it gets, as an edge does.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use pennon_control_plane::config::Edge;
use pennon_control_plane::publish::{publisher, push};
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
    let receiving =
        Router::new().route("/v1/push", post(receive)).layer(limit).with_state(Arc::clone(&edge));
    tokio::spawn(async move { axum::serve(listener, receiving).await.unwrap() });

    let configured = Edge { url: url.clone(), push_key: PUSH_KEY.to_owned() };
    let pushing = tokio::spawn(push::run(server.app.clone(), configured, push::client().unwrap()));
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
