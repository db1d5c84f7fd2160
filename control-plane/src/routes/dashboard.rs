//! The dashboard: its files, and its page for every address that is nobody else's.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use crate::app::App;
use crate::dashboard::{Coding, File, IMMUTABLE, PAGE};

/// What the program shows when it was compiled without the dashboard.
const WITHOUT: &str = include_str!("dashboard.html");
/// First parts of paths that are the server's own: what is not found there is not found, whoever asks.
const RESERVED: &[&str] =
    &["admin", "api", "assets", "auth", "healthz", "metrics", "ofrep", "readyz", "v1"];
/// Everything comes from here and goes here. WebAssembly is the evaluator's.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; \
    img-src 'self' data:; font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
/// With every answer.
const ALWAYS: [(HeaderName, &str); 4] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];
/// A file whose name changes with what is in it.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Asked for again each time, and answered 304 while it is the same.
const NO_CACHE: &str = "no-cache";
/// Content types by the ending of a file's name.
const TYPES: &[(&str, &str)] = &[
    ("css", "text/css; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("ico", "image/x-icon"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain; charset=utf-8"),
    ("wasm", "application/wasm"),
    ("webmanifest", "application/manifest+json"),
    ("woff2", "font/woff2"),
];

/// Whatever no other route takes: a file of the dashboard; or its page, which finds out from the address what to show. Whoever does not
/// ask for a page gets a problem document instead.
pub async fn fallback(
    State(app): State<App>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let nothing = || {
        Problem::not_found("there is no such path: the API is under /admin, /api, /v1 and /ofrep")
    };
    if !matches!(method, Method::GET | Method::HEAD) {
        return Err(nothing());
    }
    let dashboard = &app.settings.dashboard;
    let path = uri.path().trim_start_matches('/');
    if let Some(file) = dashboard.file(path) {
        return respond(path, file, &headers);
    }
    let first = path.split('/').next().unwrap_or_default();
    if RESERVED.contains(&first) || !(path.is_empty() || wants_page(&headers)) {
        return Err(nothing());
    }
    match dashboard.file(PAGE) {
        Some(page) => respond(PAGE, page, &headers),
        None => Ok(with_headers(WITHOUT.into_response(), PAGE)),
    }
}

/// A browser's navigation says so; a script's request, or a program's, does not.
fn wants_page(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/html"))
}

fn respond(path: &str, file: &File, headers: &HeaderMap) -> Result<Response, Problem> {
    let known =
        headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let held = known.flat_map(|value| value.split(',')).any(|tag| tag.trim() == file.etag);
    let mut response = if held {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let Some((coding, bytes)) = file.form(|coding| accepts(headers, coding)) else {
            let detail = "the Accept-Encoding header forbids every form of this file";
            return Err(Problem::new(StatusCode::NOT_ACCEPTABLE, "encoding", detail));
        };
        let mut response = Body::from(bytes.clone()).into_response();
        if coding != Coding::Identity {
            let name = HeaderValue::from_static(coding.name());
            response.headers_mut().insert(header::CONTENT_ENCODING, name);
        }
        response
    };
    if let Ok(etag) = HeaderValue::from_str(&file.etag) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    Ok(with_headers(response, path))
}

fn with_headers(mut response: Response, path: &str) -> Response {
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    let known = TYPES.iter().find(|(known, _)| *known == ending);
    let content_type = known.map_or("application/octet-stream", |(_, name)| name);
    let caching = if path.starts_with(IMMUTABLE) { FOR_EVER } else { NO_CACHE };
    let headers = response.headers_mut();
    let own = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, caching),
        (header::VARY, "accept-encoding"),
    ];
    for (name, value) in ALWAYS.into_iter().chain(own) {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Whether the caller takes this form (RFC 9110, section 12.5.3): one that is not named only as `*`, and the file as it is unless that is
/// forbidden.
fn accepts(headers: &HeaderMap, coding: Coding) -> bool {
    let given =
        headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut any = None;
    for part in given.flat_map(|value| value.split(',')) {
        let (name, weight) = part.split_once(';').unwrap_or((part, ""));
        let weight = weight.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
        let taken = weight.is_ok_and(|weight| weight > 0.0);
        match name.trim() {
            name if name.eq_ignore_ascii_case(coding.name()) => return taken,
            "*" => any = Some(taken),
            _ => {}
        }
    }
    any.unwrap_or(coding == Coding::Identity)
}
