//! The interactive page of the admin API, `/admin/docs`: it reads the document, sends requests from this origin alone, and
//! loads nothing from another.

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::problem::Problem;

const PAGE: &str = include_str!("docs/page.html");
const FILES: [(&str, &str, &str); 2] = [
    ("page.js", "text/javascript; charset=utf-8", include_str!("docs/page.js")),
    ("page.css", "text/css; charset=utf-8", include_str!("docs/page.css")),
];
/// What this page is made of comes from here, and what it asks goes here.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `GET /admin/docs`
pub async fn page() -> Response {
    respond("text/html; charset=utf-8", PAGE)
}

/// `GET /admin/docs/{file}`
pub async fn file(Path(name): Path<String>) -> Result<Response, Problem> {
    let found = FILES.iter().find(|(known, ..)| *known == name);
    found
        .map(|(_, content_type, text)| respond(content_type, text))
        .ok_or_else(|| Problem::not_found("the page has no such file"))
}

fn respond(content_type: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, text).into_response()
}
