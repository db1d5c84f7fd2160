//! Probes and metrics.

use axum::body::Body;
use axum::http::Request;
use pennon_control_plane::router::operation;
use pennon_control_plane::watch;
use pennon_core::snapshot::Kind;
use serde_json::json;
use tower::ServiceExt;

use crate::support::*;

on_both_databases!(
    counts_what_happens,
    probes_tell_what_is_away,
    an_outage_that_is_known_keeps_nobody_waiting,
);

/// A path on the address of the metrics.
async fn operated(server: &Server, path: &str) -> (u16, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = operation(server.app.clone()).oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

async fn counts_what_happens(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    server.app.clock.advance(300);
    server.publish().await;
    for path in ["/admin/projects/nowhere", "/admin/projects/default", "/secret/pns_x", "/%FF"] {
        server.get(path).await;
    }
    for method in ["BREW", "WHEN"] {
        let request = Request::builder().method(method).uri("/healthz").body(Body::empty());
        server.send(request.unwrap()).await;
    }
    for path in ["/a", "/nowhere", ""] {
        let request = Request::post(format!("/ofrep/v1/evaluate/flags{path}"))
            .header("x-api-key", server.key(0, Kind::Server));
        server.send(request.body(Body::from("{}")).unwrap()).await;
    }
    let (status, text) = operated(&server, "/metrics").await;
    assert_eq!(status, 200);
    let expected = [
        r#"pennon_http_requests_total{method="GET",route="/admin/projects/{project}",status="404"} 1"#,
        r#"pennon_http_requests_total{method="GET",route="/admin/projects/{project}",status="200"} 1"#,
        r#"pennon_http_requests_total{method="GET",route="unmatched",status="404"} 2"#,
        r#"pennon_http_requests_total{method="other",route="/healthz",status="405"} 2"#,
        r#"pennon_http_request_duration_seconds_count{route="/admin/projects/{project}"} 2"#,
        r#"pennon_evaluations_total{api="ofrep-single"} 2"#,
        r#"pennon_evaluations_total{api="ofrep-bulk"} 1"#,
        r#"pennon_publications_total{result="failed"} 0"#,
        // Twice two environments: the first start, and the flag.
        r#"pennon_publications_total{result="ok"} 4"#,
        "pennon_compile_duration_seconds_count 4",
        r#"pennon_publish_lag_seconds_bucket{le="0.25"} 2"#,
        r#"pennon_publish_lag_seconds_bucket{le="0.5"} 4"#,
        "pennon_streams 0",
        "pennon_database_up 1",
        "pennon_redis_up 1",
    ];
    for line in expected {
        assert!(text.lines().any(|told| told.ends_with(line)), "{line}\n{text}");
    }
    assert!(text.contains("pennon_database_connections{pool="), "{text}");
    assert!(text.ends_with("# EOF\n"));
    assert!(!text.contains("pns_"), "{text}");
    // On the public address there are none.
    assert_eq!(server.fetch("/metrics", None).await.status, 404);
}

async fn probes_tell_what_is_away(place: Place) {
    let server = start(&place).await;
    let ready = server.fetch("/readyz", None).await.ok().json();
    assert_eq!((&ready["status"], &ready["degraded"]), (&json!("ok"), &json!([])));
    server.fetch("/readyz/delivery", None).await.ok();
    server.app.store.close().await;
    let away = server.fetch("/readyz", None).await;
    assert_eq!((away.status.as_u16(), &away.json()["degraded"]), (503, &json!(["database"])));
    let delivery = server.fetch("/readyz/delivery", None).await.ok().json();
    assert_eq!(delivery["status"], json!("ok"));
    assert!(operated(&server, "/readyz").await.1.contains("degraded"));
    server.app.stopping.send_replace(true);
    for path in ["/readyz", "/readyz/delivery"] {
        assert_eq!(operated(&server, path).await.0, 503, "{path}");
        assert_eq!(server.fetch(path, None).await.json()["status"], json!("stopping"));
    }
    assert_eq!(operated(&server, "/healthz").await.0, 200);
}

async fn an_outage_that_is_known_keeps_nobody_waiting(place: Place) {
    let server = start(&place).await;
    assert!(!watch::look(&server.app).await, "it was not away");
    server.app.set_database_up(false, &"pulled out");
    let begun = std::time::Instant::now();
    for _ in 0..20 {
        assert_eq!(server.get("/admin/projects").await.problem().1, "database-away");
    }
    assert!(begun.elapsed().as_millis() < 1_000, "{:?}", begun.elapsed());
    assert!(operated(&server, "/metrics").await.1.contains("pennon_database_up 0"));
    // It was there all the time, so the next look finds it.
    assert!(watch::look(&server.app).await);
    server.get("/admin/projects").await.ok();
}
