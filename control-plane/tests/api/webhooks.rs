//! Webhooks against a receiver of this test's own.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pennon_control_plane::domain::webhook::{MAX_ATTEMPTS, signature};
use pennon_control_plane::store::deliveries;
use pennon_control_plane::webhooks::guard::{Guard, Resolver};
use pennon_control_plane::webhooks::sender::Sender;
use pennon_control_plane::webhooks::{deliver_due, prune};
use serde_json::{Value, json};

use crate::support::*;

on_both_databases!(
    tells_what_was_asked_for_and_signs_it,
    tries_again_later_and_later,
    reaches_no_address_that_is_not_public,
    follows_nothing_and_reads_no_endless_answer,
    two_replicas_tell_everything_once,
    a_claim_runs_out_with_its_process,
    a_rotated_secret_signs_for_another_day,
    filters_by_environment_and_turns_off,
    the_log_is_pruned,
    refuses_what_is_no_webhook,
);

const WEBHOOKS: &str = "/admin/projects/default/webhooks";

/// A request as the receiver saw it.
#[derive(Clone, Debug)]
struct Seen {
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Seen {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

/// A server that notes what it is sent. It answers by the path: `/500` with that status, `/moved` with a redirect, `/endless` without end.
struct Receiver {
    port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Receiver {
    async fn start() -> Self {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let noted = Arc::clone(&seen);
        let receive = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let noted = Arc::clone(&noted);
            async move {
                assert_eq!(method, Method::POST);
                let path = uri.path().to_owned();
                noted.lock().unwrap().push(Seen { path: path.clone(), headers, body });
                answer(&path)
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().fallback(receive);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, seen }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

fn answer(path: &str) -> Response {
    match path {
        "/moved" => (StatusCode::FOUND, [(header::LOCATION, "/elsewhere")]).into_response(),
        "/endless" => {
            let parts = futures_util::stream::repeat_with(|| {
                Ok::<_, std::convert::Infallible>(Bytes::from_static(&[b'x'; 16 * 1024]))
            });
            Body::from_stream(parts).into_response()
        }
        path => {
            let status = path[1..].parse().ok().and_then(|code| StatusCode::from_u16(code).ok());
            status.unwrap_or(StatusCode::NO_CONTENT).into_response()
        }
    }
}

/// A sender that may reach the receiver.
fn sender() -> Sender {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Sender::new(Guard::new(vec!["127.0.0.0/8".parse().unwrap()], Resolver::System)).unwrap()
}

async fn webhook(server: &Server, url: &str, events: &[&str]) -> Value {
    let body = json!({ "name": "a hook", "url": url, "events": events });
    server.post(WEBHOOKS, body).await.ok().json()
}

async fn log(server: &Server, webhook: &Value) -> Vec<Value> {
    let path = format!("{WEBHOOKS}/{}/deliveries", webhook["id"].as_str().unwrap());
    server.get(&path).await.ok().json()["items"].as_array().unwrap().clone()
}

fn secret(webhook: &Value) -> Vec<u8> {
    let text = webhook["secret"].as_str().unwrap().strip_prefix("whsec_").unwrap();
    STANDARD.decode(text).unwrap()
}

async fn tells_what_was_asked_for_and_signs_it(place: Place) {
    let (server, receiver) = (start(&place).await, Receiver::start().await);
    let url = receiver.url("/hook/a-secret-path");
    let made = webhook(&server, &url, &["flag-configuration.*"]).await;
    assert_eq!(
        deliver_due(&server.app, &sender()).await.unwrap(),
        0,
        "its own making is not asked for"
    );
    server.boolean_flag("a").await;
    server.turn("a", "on").await.ok();
    assert_eq!(deliver_due(&server.app, &sender()).await.unwrap(), 1);
    assert_eq!(deliver_due(&server.app, &sender()).await.unwrap(), 0);
    let [seen] = &receiver.take()[..] else { panic!() };
    let message = seen.json();
    assert_eq!(seen.path, "/hook/a-secret-path");
    assert_eq!(message["type"], json!("flag-configuration.turned-on"));
    assert_eq!(message["project"]["key"], json!("default"));
    assert_eq!(message["environment"]["key"], json!("development"));
    assert_eq!(
        (&message["data"]["target"], &message["data"]["author"]),
        (&json!("a"), &json!("token:admin"))
    );
    assert_eq!(message["data"]["newValue"]["enabled"], json!(true));
    assert_eq!(message["data"].get("origin"), None);
    let (id, timestamp) = (seen.header("webhook-id"), seen.header("webhook-timestamp"));
    assert_eq!((message["id"].as_str(), timestamp), (Some(id), &*(NOW / 1_000).to_string()));
    let expected = signature(&[secret(&made)], id, NOW / 1_000, &seen.body);
    assert_eq!(seen.header("webhook-signature"), expected);
    let [told] = &log(&server, &made).await[..] else { panic!() };
    assert_eq!(
        (&told["state"], &told["lastStatus"], &told["attempts"]),
        (&json!("delivered"), &json!(204), &json!(1))
    );
    // Neither the secret nor the path, which may be one, is told again.
    let shown = made["secret"].as_str().unwrap();
    for path in [
        WEBHOOKS,
        &format!("{WEBHOOKS}/{}", made["id"].as_str().unwrap()),
        "/admin/projects/default/audit",
    ] {
        let answer = server.get(path).await.ok();
        let text = String::from_utf8(answer.bytes.to_vec()).unwrap();
        assert!(text.contains("a hook") && !text.contains(shown), "{path}");
        assert_eq!(
            text.contains("a-secret-path"),
            path != "/admin/projects/default/audit",
            "{path}"
        );
    }
    // A value that makes the message too long is left out.
    webhook(&server, &receiver.url("/"), &["segment.*"]).await;
    let keys: Vec<String> = (0..3_000).map(|key| format!("{key:0100}")).collect();
    server.put("/admin/projects/default/segments/large", json!({ "included": keys })).await.ok();
    assert_eq!(deliver_due(&server.app, &sender()).await.unwrap(), 1);
    let [seen] = &receiver.take()[..] else { panic!() };
    assert!(seen.body.len() < 1_000);
    assert_eq!(
        (&seen.json()["data"]["newValue"], &seen.json()["data"]["valuesLeftOut"]),
        (&Value::Null, &json!(true))
    );
}

async fn tries_again_later_and_later(place: Place) {
    let (server, receiver) = (start(&place).await, Receiver::start().await);
    let made = webhook(&server, &receiver.url("/503"), &["flag.created"]).await;
    server.boolean_flag("a").await;
    let mut before = 0;
    for attempt in 1..=MAX_ATTEMPTS {
        assert_eq!(deliver_due(&server.app, &sender()).await.unwrap(), 1, "attempt {attempt}");
        let [told] = &log(&server, &made).await[..] else { panic!() };
        assert_eq!((&told["attempts"], &told["lastStatus"]), (&json!(attempt), &json!(503)));
        assert_eq!(deliver_due(&server.app, &sender()).await.unwrap(), 0, "not at once");
        if attempt == MAX_ATTEMPTS {
            assert_eq!(told["state"], json!("failed"));
            break;
        }
        assert_eq!(told["state"], json!("waiting"));
        let wait = told["notBefore"].as_i64().unwrap() - server.app.clock.now_ms();
        assert!(wait >= 2_500 && wait * 2 > before && wait < 3_600_000, "{wait} after {before}");
        before = wait;
        server.app.clock.advance(wait - 1);
        assert_eq!(deliver_due(&server.app, &sender()).await.unwrap(), 0, "not too early");
        server.app.clock.advance(1);
    }
    let seen = receiver.take();
    assert_eq!(i64::try_from(seen.len()).unwrap(), MAX_ATTEMPTS);
    let mut ids: Vec<&str> = seen.iter().map(|seen| seen.header("webhook-id")).collect();
    ids.dedup();
    let [id] = ids[..] else { panic!("every attempt has the same id") };
    // Mended by hand, and sent again.
    let path = format!("{WEBHOOKS}/{}", made["id"].as_str().unwrap());
    let mended = json!({ "name": "a hook", "url": receiver.url("/"), "events": ["flag.created"] });
    server.put(&path, mended).await.ok();
    let again = server.post(&format!("{path}/deliveries/{id}/redeliver"), json!({})).await;
    assert_eq!((again.status.as_u16(), &again.json()["state"]), (200, &json!("waiting")));
    assert_eq!(deliver_due(&server.app, &sender()).await.unwrap(), 1);
    assert_eq!(receiver.take()[0].header("webhook-id"), id);
    assert_eq!(log(&server, &made).await[0]["state"], json!("delivered"));
    for unknown in ["0-1", "a%00b", "..%2f"] {
        let answer =
            server.post(&format!("{path}/deliveries/{unknown}/redeliver"), json!({})).await;
        assert_eq!(answer.problem().0, 404, "{unknown}");
    }
}

async fn reaches_no_address_that_is_not_public(place: Place) {
    let (server, receiver) = (start(&place).await, Receiver::start().await);
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    let table = Arc::new(Mutex::new(HashMap::from([
        ("inside.test".to_owned(), VecDeque::from([vec![address("127.0.0.1")]])),
        ("both.test".to_owned(), VecDeque::from([vec![address("1.1.1.1"), address("127.0.0.1")]])),
        ("nowhere.test".to_owned(), VecDeque::new()),
        // Good when it is looked up first, and another one afterwards.
        (
            "rebinding.test".to_owned(),
            VecDeque::from([vec![address("127.0.0.1")], vec![address("10.0.0.1")]]),
        ),
    ])));
    let _ = rustls::crypto::ring::default_provider().install_default();
    let closed = Sender::new(Guard::new(Vec::new(), Resolver::Table(Arc::clone(&table)))).unwrap();
    let port = receiver.port;
    let cases = [
        (format!("http://127.0.0.1:{port}/"), "not a public one"),
        (format!("https://127.0.0.1:{port}/"), "not a public one"),
        (format!("http://[::1]:{port}/"), "not a public one"),
        (format!("http://2130706433:{port}/"), "not a public one"),
        ("http://169.254.169.254/latest/meta-data".to_owned(), "not a public one"),
        (format!("http://inside.test:{port}/"), "not a public one"),
        (format!("https://both.test:{port}/"), "not a public one"),
        ("http://1.1.1.1/".to_owned(), "without TLS"),
        (format!("http://both.test:{port}/"), "without TLS"),
        ("https://nowhere.test/".to_owned(), "no address"),
    ];
    let mut made = Vec::new();
    for (url, _) in &cases {
        made.push(webhook(&server, url, &["flag.created"]).await);
    }
    server.boolean_flag("a").await;
    assert_eq!(deliver_due(&server.app, &closed).await.unwrap(), cases.len());
    for ((url, why), made) in cases.iter().zip(&made) {
        let told = &log(&server, made).await[0];
        assert!(told["lastError"].as_str().unwrap().contains(why), "{url}: {told}");
        assert_eq!(told["lastStatus"], Value::Null, "{url}");
    }
    assert!(receiver.take().is_empty());

    let open =
        Guard::new(vec!["127.0.0.0/8".parse().unwrap()], Resolver::Table(Arc::clone(&table)));
    let open = Sender::new(open).unwrap();
    let rebinding =
        webhook(&server, &format!("http://rebinding.test:{port}/"), &["segment.*"]).await;
    for (round, (seen, state)) in [(1, "delivered"), (0, "waiting")].into_iter().enumerate() {
        server
            .put("/admin/projects/default/segments/s", json!({ "included": [round.to_string()] }))
            .await
            .ok();
        assert_eq!(deliver_due(&server.app, &open).await.unwrap(), 1);
        assert_eq!(receiver.take().len(), seen, "round {round}");
        assert_eq!(
            log(&server, &rebinding).await.iter().filter(|told| told["state"] == state).count(),
            1
        );
        // One look-up an attempt: what was checked is what is connected to.
        assert_eq!(table.lock().unwrap()["rebinding.test"].len(), 1);
    }
}

async fn follows_nothing_and_reads_no_endless_answer(place: Place) {
    let (server, receiver) = (start(&place).await, Receiver::start().await);
    let moved = webhook(&server, &receiver.url("/moved"), &["flag.created"]).await;
    let endless = webhook(&server, &receiver.url("/endless"), &["flag.created"]).await;
    server.boolean_flag("a").await;
    assert_eq!(deliver_due(&server.app, &sender()).await.unwrap(), 2);
    let mut paths: Vec<String> = receiver.take().into_iter().map(|seen| seen.path).collect();
    paths.sort();
    assert_eq!(paths, ["/endless", "/moved"]);
    let told = &log(&server, &moved).await[0];
    assert_eq!((&told["lastStatus"], &told["state"]), (&json!(302), &json!("waiting")));
    assert!(told["lastError"].as_str().unwrap().contains("not followed"));
    assert_eq!(log(&server, &endless).await[0]["state"], json!("delivered"));
}

async fn two_replicas_tell_everything_once(place: Place) {
    let (one, other) = (start(&place).await, start(&place).await);
    let receiver = Receiver::start().await;
    for _ in 0..4 {
        webhook(&one, &receiver.url("/"), &["flag.created"]).await;
    }
    for flag in 0..5 {
        one.boolean_flag(&format!("flag-{flag}")).await;
    }
    let work = async |server: &Server| {
        let sender = sender();
        while deliver_due(&server.app, &sender).await.unwrap() > 0 {}
    };
    tokio::join!(work(&one), work(&other), work(&one), work(&other));
    let mut ids: Vec<String> =
        receiver.take().iter().map(|seen| seen.header("webhook-id").to_owned()).collect();
    assert_eq!(ids.len(), 20);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 20);
}

async fn a_claim_runs_out_with_its_process(place: Place) {
    let (server, receiver) = (start(&place).await, Receiver::start().await);
    let made = webhook(&server, &receiver.url("/"), &["flag.created"]).await;
    server.boolean_flag("a").await;
    // As if killed between the claim and the attempt.
    let mut tx = server.app.store.begin().await.unwrap();
    let claimed = deliveries::claim(&mut tx, NOW, NOW + 60_000, 10).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(claimed.len(), 1);
    server.app.clock.advance(59_999);
    assert_eq!(deliver_due(&server.app, &sender()).await.unwrap(), 0);
    server.app.clock.advance(1);
    assert_eq!(deliver_due(&server.app, &sender()).await.unwrap(), 1);
    assert_eq!(receiver.take().len(), 1);
    // The first one comes back to life, and changes nothing any more.
    let mut late = claimed[0].clone();
    late.state = "failed".to_owned();
    let mut tx = server.app.store.begin().await.unwrap();
    deliveries::settle(&mut tx, &late, None).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(log(&server, &made).await[0]["state"], json!("delivered"));
}

async fn a_rotated_secret_signs_for_another_day(place: Place) {
    let (server, receiver) = (start(&place).await, Receiver::start().await);
    let made = webhook(&server, &receiver.url("/"), &["flag.created"]).await;
    let path = format!("{WEBHOOKS}/{}", made["id"].as_str().unwrap());
    let rotated = server.post(&format!("{path}/secret"), json!({})).await.ok().json();
    assert_ne!(rotated["secret"], made["secret"]);
    for (flag, after_ms, secrets) in [
        ("a", 24 * 3_600_000 - 1, vec![secret(&rotated), secret(&made)]),
        ("b", 1, vec![secret(&rotated)]),
    ] {
        server.app.clock.advance(after_ms);
        server.boolean_flag(flag).await;
        deliver_due(&server.app, &sender()).await.unwrap();
        let [seen] = &receiver.take()[..] else { panic!() };
        let now_s = server.app.clock.now_ms() / 1_000;
        let expected = signature(&secrets, seen.header("webhook-id"), now_s, &seen.body);
        assert_eq!(seen.header("webhook-signature"), expected, "{flag}");
    }
    // At rest there is none of them.
    let mut tx = server.app.store.begin_read().await.unwrap();
    let (sealed, previous): (Vec<u8>, Vec<u8>) =
        sqlx::query_as("SELECT sealed_secret, sealed_previous FROM webhooks")
            .fetch_one(&mut *tx)
            .await
            .unwrap();
    for secret in [secret(&made), secret(&rotated)] {
        for kept in [&sealed, &previous] {
            assert!(!kept.windows(8).any(|part| secret.windows(8).any(|known| known == part)));
        }
    }
}

async fn filters_by_environment_and_turns_off(place: Place) {
    let (server, receiver) = (start(&place).await, Receiver::start().await);
    let written = |enabled: bool| {
        json!({ "name": "production", "url": receiver.url("/"), "events": ["*"],
            "environments": ["production"], "enabled": enabled })
    };
    let made = server.post(WEBHOOKS, written(true)).await.ok();
    let tag = made.headers["etag"].to_str().unwrap().to_owned();
    let made = made.json();
    assert_eq!(made["environments"], json!(["production"]));
    server.boolean_flag("a").await;
    server.turn("a", "on").await.ok();
    let production = "/admin/projects/default/environments/production/flags/a/on";
    server.admin(Method::POST, production, None).await.ok();
    let told = log(&server, &made).await;
    let events: Vec<&str> = told.iter().map(|told| told["event"].as_str().unwrap()).collect();
    let production = ["flag-configuration.turned-on", "flag.created", "webhook.created"];
    let mut sorted = events.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, production, "not what concerns development alone");
    let path = format!("{WEBHOOKS}/{}", made["id"].as_str().unwrap());
    let stale = server.admin_if(Method::PUT, &path, Some(written(false)), Some("\"1\"")).await;
    assert_eq!(stale.problem().0, 412);
    server.admin_if(Method::PUT, &path, Some(written(false)), Some(&tag)).await.ok();
    let told = log(&server, &made).await;
    assert!(told.iter().all(|told| told["state"] == "failed"), "{told:?}");
    server.turn("a", "off").await.ok();
    assert_eq!(deliver_due(&server.app, &sender()).await.unwrap(), 0);
    assert!(receiver.take().is_empty());
    let id = told[0]["id"].as_str().unwrap();
    let refused = server.post(&format!("{path}/deliveries/{id}/redeliver"), json!({})).await;
    assert_eq!(refused.problem().0, 409);
    server.delete(&path).await.ok();
    assert_eq!(server.get(&path).await.problem().0, 404);
}

async fn the_log_is_pruned(place: Place) {
    let (server, receiver) = (start(&place).await, Receiver::start().await);
    let made = webhook(&server, &receiver.url("/"), &["flag.created"]).await;
    server.boolean_flag("old").await;
    deliver_due(&server.app, &sender()).await.unwrap();
    server.app.clock.advance(31 * 24 * 3_600_000);
    server.boolean_flag("recent").await;
    deliver_due(&server.app, &sender()).await.unwrap();
    server.boolean_flag("waiting").await;
    // As many as are kept, all newer than those two.
    let mut tx = server.app.store.begin().await.unwrap();
    for number in 0..deliveries::MAX_ENDED {
        sqlx::query(
            "INSERT INTO webhook_deliveries (id, webhook_id, project_id, sequence, event, state, attempts, not_before, \
             claimed_until, created_at) SELECT $1, webhook_id, project_id, sequence, event, 'failed', 16, 0, 0, created_at + 1 \
             FROM webhook_deliveries WHERE state = 'waiting'",
        )
        .bind(format!("more-{number}"))
        .execute(&mut *tx)
        .await
        .unwrap();
    }
    tx.commit().await.unwrap();
    let count = async || {
        let mut tx = server.app.store.begin_read().await.unwrap();
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT state, COUNT(*) FROM webhook_deliveries GROUP BY state ORDER BY state",
        )
        .fetch_all(&mut *tx)
        .await
        .unwrap();
        rows.into_iter().map(|(state, count)| format!("{state} {count}")).collect::<Vec<_>>()
    };
    assert_eq!(count().await, ["delivered 2", "failed 1000", "waiting 1"]);
    prune(&server.app).await.unwrap();
    assert_eq!(count().await, ["failed 1000", "waiting 1"]);
    let path = format!("{WEBHOOKS}/{}/deliveries", made["id"].as_str().unwrap());
    let mut query = String::from("?state=failed&limit=200");
    let (mut pages, mut items) = (0, 0);
    loop {
        let page = server.get(&format!("{path}{query}")).await.ok().json();
        pages += 1;
        items += page["items"].as_array().unwrap().len();
        let Some(next) = page["next"].as_str() else { break };
        query = format!("?state=failed&limit=200&cursor={next}");
    }
    assert_eq!((pages, items), (6, 1_000));
}

async fn refuses_what_is_no_webhook(place: Place) {
    let server = start(&place).await;
    let good = json!({ "name": "a", "url": "https://example.com/", "events": ["*"] });
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    for (body, field) in [
        (with("name", json!("")), "name"),
        (with("url", json!("ftp://example.com")), "url"),
        (with("url", json!("https://u:p@example.com")), "url"),
        (with("events", json!([])), "events"),
        (with("events", json!(["Flag"])), "events[0]"),
        (with("environments", json!(["nowhere"])), "environments[0]"),
        (with("secret", json!("mine")), "secret"),
    ] {
        let refused = server.post(WEBHOOKS, body).await;
        assert_eq!((refused.problem().0, &refused.json()["field"]), (422, &json!(field)));
    }
    for _ in 0..20 {
        server.post(WEBHOOKS, good.clone()).await.ok();
    }
    assert_eq!(server.post(WEBHOOKS, good.clone()).await.problem().0, 409);
    let id = server.get(WEBHOOKS).await.ok().json()["items"][0]["id"].as_str().unwrap().to_owned();
    // Another project's.
    server.post("/admin/projects", json!({ "key": "shop" })).await.ok();
    for path in [
        format!("/admin/projects/shop/webhooks/{id}"),
        format!("{WEBHOOKS}/x"),
        format!("{WEBHOOKS}/%00"),
    ] {
        assert_eq!(server.get(&path).await.problem().0, 404, "{path}");
        assert_eq!(server.put(&path, good.clone()).await.problem().0, 404, "{path}");
    }
    for query in ["state=sent", "limit=0", "cursor=x", "cursor=1:%00"] {
        assert_eq!(
            server.get(&format!("{WEBHOOKS}/{id}/deliveries?{query}")).await.problem().0,
            422,
            "{query}"
        );
    }
}
