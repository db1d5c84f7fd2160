//! Callers that ask too much are told when to come back; others do not notice.

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use pennon_control_plane::auth::rate::{BURST_S, Rates};
use pennon_control_plane::publish::replicas::Announcer;
use pennon_core::snapshot::Kind;
use std::net::SocketAddr;

use crate::support::*;

on_both_databases!(one_address_has_its_share, one_credential_has_its_share);

const RATE: u32 = 5;

async fn limited(place: &Place, per_address: u32, per_credential: u32) -> Server {
    let rates = Rates { per_address, per_credential };
    start_limited(place, Announcer::silent(), STREAMS, rates).await
}

async fn get(server: &Server, path: &str, address: &str, bearer: Option<&str>) -> Answer {
    let mut request = Request::get(path).header("origin", "https://shop.example.com");
    if let Some(bearer) = bearer {
        request = request.header("authorization", format!("Bearer {bearer}"));
    }
    let peer = ConnectInfo(format!("{address}:1").parse::<SocketAddr>().unwrap());
    request.extensions_mut().unwrap().insert(peer);
    server.send(request.body(Body::empty()).unwrap()).await
}

async fn one_address_has_its_share(place: Place) {
    let server = limited(&place, RATE, 0).await;
    let environment = server.environment_id(0);
    let key = server.key(0, Kind::Client);
    let head = format!("/v1/head/{environment}/client?key={key}");
    // Each counts, whatever is asked for: delivery, evaluation, the admin API, pages.
    let ways = [
        head.as_str(),
        "/v1/keyset/1",
        "/ofrep/v1/evaluate/flags",
        "/admin/projects",
        "/auth/setup",
        "/admin/openapi.json",
        "/",
        "/readyz",
    ];
    for (number, path) in ways.into_iter().enumerate() {
        let address = format!("203.0.113.{number}");
        for _ in 0..RATE * BURST_S {
            assert_ne!(get(&server, path, &address, None).await.status, 429, "{path}");
        }
        let refused = get(&server, path, &address, None).await;
        assert_eq!(refused.problem(), (429, "rate-limit".to_owned()), "{path}");
        assert_eq!(refused.headers["retry-after"], "1", "{path}");
        assert_eq!(get(&server, "/v1/keyset/1", &address, None).await.status, 429);
    }
    // A page of another origin may read why.
    let refused = get(&server, &head, "203.0.113.0", None).await;
    assert_eq!(refused.headers["access-control-allow-origin"], "*");
    get(&server, "/healthz", "203.0.113.0", None).await.ok();
    get(&server, &head, "198.51.100.1", None).await.ok();
    server.app.clock.advance(1_000);
    get(&server, &head, "203.0.113.0", None).await.ok();
}

async fn one_credential_has_its_share(place: Place) {
    let server = limited(&place, 0, RATE).await;
    let environment = server.environment_id(0);
    let head = |kind: &str| format!("/v1/head/{environment}/{kind}");
    let key = server.key(0, Kind::Server);
    for number in 0..RATE * BURST_S {
        get(&server, &head("server"), &format!("203.0.113.{number}"), Some(&key)).await.ok();
    }
    let refused = get(&server, &head("server"), "198.51.100.1", Some(&key)).await;
    assert_eq!(refused.problem().0, 429);
    // A client key is public: nobody uses it up for the others.
    let key = server.key(0, Kind::Client);
    for _ in 0..RATE * BURST_S + 1 {
        get(&server, &head("client"), "203.0.113.1", Some(&key)).await.ok();
    }
    for _ in 0..RATE * BURST_S {
        get(&server, "/admin/projects", "203.0.113.1", Some(&server.token)).await.ok();
    }
    assert_eq!(
        get(&server, "/admin/projects", "203.0.113.1", Some(&server.token)).await.status,
        429
    );
}
