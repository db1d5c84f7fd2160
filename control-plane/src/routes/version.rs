//! ETag and If-Match: whoever writes from an older version is told so and overwrites nothing.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::problem::Problem;

/// An answer with the ETag of this version.
#[derive(Debug)]
pub struct Versioned<T>(pub StatusCode, pub i64, pub T);

impl<T: Serialize> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        let mut response = (self.0, Json(self.2)).into_response();
        if let Ok(etag) = HeaderValue::from_str(&format!("\"{}\"", self.1)) {
            response.headers_mut().insert(header::ETAG, etag);
        }
        response
    }
}

/// Whether the request may write over `version` (none: nothing is there): it names it in If-Match, or names none.
///
/// # Errors
/// 412 with `current` when it names another version.
pub fn check_if_match(
    headers: &HeaderMap,
    version: Option<i64>,
    current: impl FnOnce() -> serde_json::Value,
) -> Result<(), Problem> {
    let mut wanted = headers.get_all(header::IF_MATCH).iter().peekable();
    if wanted.peek().is_none() {
        return Ok(());
    }
    // What is not there matches nothing, not even `*`.
    let own = version.map(|version| format!("\"{version}\""));
    let named = wanted.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    // A weak tag never matches (RFC 9110 section 13.1.1).
    if named.map(str::trim).any(|tag| own.as_deref().is_some_and(|own| tag == "*" || tag == own)) {
        Ok(())
    } else {
        Err(Problem::precondition_failed(current()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(value: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        if let Some(value) = value {
            headers.insert(header::IF_MATCH, value.parse().unwrap());
        }
        check_if_match(&headers, Some(3), || serde_json::Value::Null).is_ok()
    }

    #[test]
    fn only_the_current_version_matches() {
        assert!(
            allowed(None)
                && allowed(Some("\"3\""))
                && allowed(Some("*"))
                && allowed(Some("\"2\", \"3\""))
        );
        assert!(
            !allowed(Some("\"2\""))
                && !allowed(Some("W/\"3\""))
                && !allowed(Some("3"))
                && !allowed(Some(""))
        );
    }
}
