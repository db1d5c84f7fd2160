//! What an environment says of those who ask: kept to here, and carried to edges.

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Method, Request};
use pennon_core::snapshot::Kind;
use serde_json::{Value, json};
use std::net::SocketAddr;

use crate::support::*;

on_both_databases!(
    edges_are_told_and_a_revision_says_so,
    pages_of_other_origins_may_neither_ask_nor_read,
    a_key_is_used_so_often_a_minute,
    odd_terms_are_refused,
    terms_travel_with_a_project,
);

const SHOP: &str = "https://shop.example";
const ELSEWHERE: &str = "https://elsewhere.example";

async fn ask(server: &Server, path: &str, origin: Option<&str>, bearer: Option<&str>) -> Answer {
    asked(server, Method::GET, path, origin, bearer, "203.0.113.7").await
}

async fn asked(
    server: &Server,
    method: Method,
    path: &str,
    origin: Option<&str>,
    bearer: Option<&str>,
    address: &str,
) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    if let Some(bearer) = bearer {
        request = request.header("authorization", format!("Bearer {bearer}"));
    }
    let peer = ConnectInfo(format!("{address}:1").parse::<SocketAddr>().unwrap());
    request.extensions_mut().unwrap().insert(peer);
    server.send(request.body(Body::from("{\"context\": {}}")).unwrap()).await
}

fn client_head(server: &Server, environment: usize) -> String {
    let id = server.environment_id(environment);
    format!("/v1/head/{id}/client?key={}", server.key(environment, Kind::Client))
}

async fn edges_are_told_and_a_revision_says_so(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("shown").await;
    server.publish().await;
    let before = server.get(DEVELOPMENT).await.ok().json();
    assert_eq!((&before["origins"], before.get("requestsPerMinute")), (&json!([]), None));
    let body = server.accepted(Kind::Edge).await.head.body_sha256;
    let terms = json!({ "origins": [SHOP], "requestsPerMinute": 600 });
    let shown = server.patch(DEVELOPMENT, terms).await.ok().json();
    assert_eq!((&shown["origins"][0], &shown["requestsPerMinute"]), (&json!(SHOP), &json!(600)));
    let revision = before["revision"].as_i64().unwrap() + 1;
    assert_eq!(shown["revision"], json!(revision));
    assert_eq!(server.get(DEVELOPMENT).await.ok().json(), shown);
    server.publish().await;
    let told = server.accepted(Kind::Edge).await;
    assert_eq!(told.head.version, u64::try_from(revision).unwrap());
    assert_ne!(told.head.body_sha256, body);
    let gate = told.snapshot.gate();
    assert_eq!(gate.terms.origins, [SHOP]);
    assert_eq!(gate.terms.requests_per_minute, Some(600));
    // Neither clients nor servers are told.
    for kind in [Kind::Client, Kind::Server] {
        let bytes = server.accepted(kind).await.snapshot.bytes().to_vec();
        assert!(!bytes.windows(SHOP.len()).any(|part| part == SHOP.as_bytes()), "{kind:?}");
    }
    // What changes neither is in no snapshot.
    let named = server.patch(DEVELOPMENT, json!({ "name": "Try out" })).await.ok().json();
    assert_eq!((&named["origins"][0], &named["revision"]), (&json!(SHOP), &json!(revision)));
    // Taken back, the edge has what it had before.
    let open = json!({ "origins": [], "requestsPerMinute": null });
    let shown = server.patch(DEVELOPMENT, open).await.ok().json();
    assert_eq!((&shown["origins"], shown.get("requestsPerMinute")), (&json!([]), None));
    server.publish().await;
    assert_eq!(server.accepted(Kind::Edge).await.head.body_sha256, body);
    let log = server.get("/admin/projects/default/audit").await.ok().json();
    assert_eq!(log["items"][0]["oldValue"]["origins"][0], SHOP);
    assert_eq!(log["items"][0]["newValue"]["origins"], json!([]));
}

async fn pages_of_other_origins_may_neither_ask_nor_read(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("shown").await;
    server.publish().await;
    server.patch(DEVELOPMENT, json!({ "origins": [SHOP] })).await.ok();
    let head = client_head(&server, 0);
    let good = ask(&server, &head, Some(SHOP), None).await.ok();
    assert_eq!(good.headers["access-control-allow-origin"], SHOP);
    let vary = |answer: &Answer| {
        let lines = answer.headers.get_all("vary").iter();
        lines.map(|line| line.to_str().unwrap().to_lowercase()).collect::<Vec<_>>().join(", ")
    };
    assert!(vary(&good).contains("origin"), "{}", vary(&good));
    let program = ask(&server, &head, None, None).await.ok();
    assert!(!program.headers.contains_key("access-control-allow-origin"));
    assert!(vary(&program).contains("origin"), "a cache may hand it to a page");
    let bad = ask(&server, &head, Some(ELSEWHERE), None).await;
    assert_eq!(bad.problem(), (403, "origin-not-allowed".to_owned()));
    assert!(!bad.headers.contains_key("access-control-allow-origin"));
    // However the key is written.
    let hidden = head.replace("key=pnc_", "key=%70nc_");
    assert_eq!(ask(&server, &hidden, Some(ELSEWHERE), None).await.status, 403);
    let preflight =
        asked(&server, Method::OPTIONS, &head, Some(ELSEWHERE), None, "203.0.113.7").await;
    assert!(!preflight.headers.contains_key("access-control-allow-origin"));
    // An OFREP client reads why in its own words; a server's key is under the same terms.
    let (flags, key) = ("/ofrep/v1/evaluate/flags/shown", server.key(0, Kind::Server));
    let address = "203.0.113.7";
    let refused = asked(&server, Method::POST, flags, Some(ELSEWHERE), Some(&key), address).await;
    assert_eq!(refused.status, 403);
    assert_eq!(
        (&refused.json()["key"], &refused.json()["errorCode"]),
        (&json!("shown"), &json!("GENERAL"))
    );
    asked(&server, Method::POST, flags, Some(SHOP), Some(&key), address).await.ok();
    // Another environment says nothing.
    let other = ask(&server, &client_head(&server, 1), Some(ELSEWHERE), None).await;
    assert_eq!(other.headers["access-control-allow-origin"], "*");
}

async fn a_key_is_used_so_often_a_minute(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("shown").await;
    server.publish().await;
    server.patch(DEVELOPMENT, json!({ "requestsPerMinute": 3 })).await.ok();
    let (flags, key) = ("/ofrep/v1/evaluate/flags", server.key(0, Kind::Server));
    for address in ["203.0.113.1", "203.0.113.2", "203.0.113.3"] {
        asked(&server, Method::POST, flags, None, Some(&key), address).await.ok();
    }
    let refused = asked(&server, Method::POST, flags, None, Some(&key), "203.0.113.4").await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.json()["errorCode"], "GENERAL");
    assert_eq!(refused.headers["retry-after"], "21");
    // A client key is everybody's: who uses it up in one place does so for that place.
    let head = client_head(&server, 0);
    let get = async |address: &str| asked(&server, Method::GET, &head, None, None, address).await;
    for _ in 0..3 {
        get("203.0.113.1").await.ok();
    }
    assert_eq!(get("203.0.113.1").await.problem(), (429, "too-many-requests".to_owned()));
    get("203.0.113.2").await.ok();
    // Who has no good key counts for nobody.
    let other = client_head(&server, 1);
    for _ in 0..5 {
        asked(&server, Method::GET, &other, None, None, "203.0.113.1").await;
    }
    server.patch(DEVELOPMENT, json!({ "requestsPerMinute": null })).await.ok();
    get("203.0.113.1").await.ok();
}

async fn odd_terms_are_refused(place: Place) {
    let server = start(&place).await;
    let many: Vec<Value> =
        (0..101).map(|number| json!(format!("https://{number}.example"))).collect();
    for (patch, field) in [
        (json!({ "origins": ["shop.example"] }), "origins[0]"),
        (json!({ "origins": [SHOP, "https://shop.example/"] }), "origins[1]"),
        (json!({ "origins": [SHOP, SHOP] }), "origins[1]"),
        (json!({ "origins": ["*"] }), "origins[0]"),
        (json!({ "origins": SHOP }), "origins"),
        (json!({ "origins": many }), "origins"),
        (json!({ "requestsPerMinute": 0 }), "requestsPerMinute"),
        (json!({ "requestsPerMinute": -1 }), "requestsPerMinute"),
        (json!({ "requestsPerMinute": 10_000_001 }), "requestsPerMinute"),
    ] {
        let refused = server.patch(DEVELOPMENT, patch.clone()).await;
        assert_eq!(refused.problem(), (422, "invalid".to_owned()), "{patch}");
        assert_eq!(refused.json()["field"], field, "{patch}: {refused:?}");
    }
    server.patch(DEVELOPMENT, json!({ "origins": many[1..] })).await.ok();
}

async fn terms_travel_with_a_project(place: Place) {
    let server = start(&place).await;
    let terms = json!({ "origins": [SHOP], "requestsPerMinute": 60 });
    server.patch(DEVELOPMENT, terms).await.ok();
    let whole = server.get("/admin/projects/default/export").await.ok().json();
    assert_eq!(whole["environments"][0]["origins"], json!([SHOP]));
    server.post("/admin/projects", json!({ "key": "other" })).await.ok();
    server.post("/admin/projects/other/import", whole.clone()).await.ok();
    let again = server.get("/admin/projects/other/export").await.ok().json();
    assert_eq!(again["environments"], whole["environments"]);
    // Without them, what is there stays.
    let mut without = whole.clone();
    for name in ["origins", "requestsPerMinute"] {
        without["environments"][0].as_object_mut().unwrap().remove(name);
    }
    server.post("/admin/projects/other/import", without).await.ok();
    let again = server.get("/admin/projects/other/export").await.ok().json();
    assert_eq!(again["environments"], whole["environments"]);
    let mut odd = whole;
    odd["environments"][0]["origins"] = json!(["shop.example"]);
    let refused = server.post("/admin/projects/other/import", odd).await;
    assert_eq!(refused.json()["field"], "environments[0].origins[0]", "{refused:?}");
}
