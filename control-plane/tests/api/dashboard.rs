//! What browsers are shown: the dashboard's files as they lie in the program, and its page for every address that is nobody else's.

use axum::body::{Body, Bytes};
use axum::http::{Method, Request};
use pennon_control_plane::auth::rate::Rates;
use pennon_control_plane::dashboard::Dashboard;
use pennon_control_plane::publish::replicas::Announcer;

use crate::support::{Answer, Place, STREAMS, Server, on_both_databases, start, start_showing};

on_both_databases!(files_and_pages, without_a_dashboard);

const INDEX: &str = "<!doctype html><title>the dashboard</title>";

/// A dashboard that says in which form it was sent.
pub(crate) fn sample() -> Dashboard {
    let files = [
        ("index.html", INDEX),
        ("index.html.br", "the page in brotli"),
        ("index.html.gz", "the page in gzip"),
        ("assets/main-1a2b.js", "plain"),
        ("assets/main-1a2b.js.br", "in brotli"),
        ("assets/main-1a2b.js.gz", "in gzip"),
        ("assets/evaluator-3c4d.wasm", "a module"),
        ("icon.svg", "<svg/>"),
    ];
    Dashboard::of(files.map(|(path, text)| (path.to_owned(), Bytes::from_static(text.as_bytes()))))
}

async fn ask(server: &Server, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    server.send(request.body(Body::empty()).unwrap()).await
}

/// As a browser asks when somebody types an address.
const NAVIGATION: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

async fn files_and_pages(place: Place) {
    let server = start(&place).await;
    forms(&server).await;
    caching(&server).await;
    addresses(&server).await;
    policy(&server).await;
}

async fn forms(server: &Server) {
    let cases: &[(&str, Option<&str>, &str)] = &[
        ("", None, "plain"),
        ("br", Some("br"), "in brotli"),
        ("gzip, deflate, br, zstd", Some("br"), "in brotli"),
        ("gzip, deflate", Some("gzip"), "in gzip"),
        ("GZIP", Some("gzip"), "in gzip"),
        ("br;q=0, gzip;q=0.5", Some("gzip"), "in gzip"),
        ("br; q=0.0, *", Some("gzip"), "in gzip"),
        ("*", Some("br"), "in brotli"),
        ("*;q=0, identity", None, "plain"),
        ("zstd", None, "plain"),
        ("identity", None, "plain"),
        ("br;q=much", None, "plain"),
    ];
    for &(accepted, coding, body) in cases {
        let headers = [("accept-encoding", accepted)];
        let answer = ask(server, Method::GET, "/assets/main-1a2b.js", &headers).await.ok();
        let given = answer.headers.get("content-encoding").map(|value| value.to_str().unwrap());
        assert_eq!(given, coding, "{accepted}");
        assert_eq!(answer.bytes, body, "{accepted}");
        assert_eq!(answer.headers["vary"], "accept-encoding");
        assert_eq!(answer.headers["content-type"], "text/javascript; charset=utf-8");
    }
    let headers = [("accept-encoding", "br, identity;q=0")];
    let refused = ask(server, Method::GET, "/icon.svg", &headers).await;
    assert_eq!(refused.problem(), (406, "encoding".to_owned()));
    let module = ask(server, Method::GET, "/assets/evaluator-3c4d.wasm", &[]).await.ok();
    assert_eq!(module.headers["content-type"], "application/wasm");
    let head = ask(server, Method::HEAD, "/assets/main-1a2b.js", &[]).await.ok();
    assert_eq!(head.bytes, "");
}

async fn caching(server: &Server) {
    let hashed = ask(server, Method::GET, "/assets/main-1a2b.js", &[]).await.ok();
    assert_eq!(hashed.headers["cache-control"], "public, max-age=31536000, immutable");
    for path in ["/", "/icon.svg"] {
        let first = ask(server, Method::GET, path, &[NAVIGATION]).await.ok();
        assert_eq!(first.headers["cache-control"], "no-cache", "{path}");
        let tag = first.headers["etag"].to_str().unwrap().to_owned();
        let known = format!("W/\"other\", {tag}");
        let again = ask(server, Method::GET, path, &[("if-none-match", &known)]).await;
        assert_eq!((again.status.as_u16(), again.bytes.len()), (304, 0), "{path}");
        assert_eq!(again.headers["etag"], tag.as_str());
        let other = [("if-none-match", "W/\"other\"")];
        assert_eq!(ask(server, Method::GET, path, &other).await.status, 200, "{path}");
    }
}

async fn addresses(server: &Server) {
    let pages = [
        "/",
        "/projects/default",
        "/projects/default/flags/new.checkout",
        "/sign-in?to=%2Fprojects",
        "/index.html",
    ];
    for path in pages {
        let page = ask(server, Method::GET, path, &[NAVIGATION]).await.ok();
        assert_eq!(page.bytes, INDEX, "{path}");
        assert_eq!(page.headers["content-type"], "text/html; charset=utf-8", "{path}");
    }
    // What belongs to the server is never a page, whoever asks.
    let reserved = [
        "/admin/nothing",
        "/admin",
        "/api/v1/nothing",
        "/v1/nothing",
        "/ofrep/v1/nothing",
        "/auth/nothing",
        "/assets/old-9999.js",
        "/metrics",
    ];
    for path in reserved {
        let answer = ask(server, Method::GET, path, &[NAVIGATION]).await;
        assert_eq!(answer.problem().0, 404, "{path}");
    }
    // Nor is a page what a program asks for that has mistaken the address, or sends something.
    let lost = ask(server, Method::GET, "/projects", &[("accept", "application/json")]).await;
    assert_eq!(lost.problem().0, 404);
    assert_eq!(ask(server, Method::GET, "/projects", &[]).await.problem().0, 404);
    assert_eq!(ask(server, Method::POST, "/projects", &[NAVIGATION]).await.problem().0, 404);
    let outside = ask(server, Method::GET, "/../Cargo.toml", &[]).await;
    assert_eq!(outside.problem().0, 404);
}

async fn policy(server: &Server) {
    for path in ["/", "/projects/default", "/assets/main-1a2b.js", "/assets/evaluator-3c4d.wasm"] {
        let answer = ask(server, Method::GET, path, &[NAVIGATION]).await.ok();
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        for part in [
            "default-src 'none'",
            "script-src 'self' 'wasm-unsafe-eval'",
            "style-src 'self'",
            "connect-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        ] {
            assert!(policy.split("; ").any(|given| given == part), "{path}: {part} in {policy}");
        }
        assert!(!policy.contains("unsafe-inline") && !policy.contains("http"), "{policy}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(answer.headers["referrer-policy"], "no-referrer", "{path}");
        assert_eq!(answer.headers["cross-origin-opener-policy"], "same-origin", "{path}");
    }
}

async fn without_a_dashboard(place: Place) {
    let none = Dashboard::of([]);
    let server = start_showing(&place, Announcer::silent(), STREAMS, Rates::UNLIMITED, none).await;
    for path in ["/", "/projects/default"] {
        let answer = ask(&server, Method::GET, path, &[NAVIGATION]).await.ok();
        let page = String::from_utf8(answer.bytes.to_vec()).unwrap();
        assert!(page.contains("cargo xtask build"), "{page}");
        assert!(answer.headers.contains_key("content-security-policy"), "{path}");
    }
}
