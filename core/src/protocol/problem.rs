//! Problem documents (RFC 9457) of the delivery endpoints.

use alloc::format;
use alloc::string::String;

use super::Response;
use super::access::Denied;

/// A problem: `code` is stable and for programs, `detail` is for people.
pub fn problem(status: u16, code: &str, detail: &str) -> Response {
    let body = serde_json::json!({
        "type": format!("urn:pennon:problem:{code}"),
        "title": title(status),
        "status": status,
        "code": code,
        "detail": detail,
    });
    let headers = alloc::vec![
        ("content-type", String::from("application/problem+json")),
        ("cache-control", String::from(super::caching::NEVER)),
    ];
    Response { status, headers, body: format!("{body}").into_bytes() }
}

/// A caller that is not served.
pub fn denied(denied: Denied) -> Response {
    problem(denied.status(), denied.code(), denied.detail())
}

fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}
