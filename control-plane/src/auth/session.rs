//! Sessions of browsers: a random cookie of which only the SHA-256 is kept.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

/// What every session's cookie value starts with.
pub const PREFIX: &str = "pns_";
/// A session ends so long after it was last used, and so long after it began.
pub const IDLE_MS: i64 = 7 * 86_400_000;
pub const ABSOLUTE_MS: i64 = 30 * 86_400_000;
/// How exact the time of the last use is kept: that often a request writes it.
pub const TOUCH_MS: i64 = 5 * 60_000;
/// Sessions of one person; the oldest make room.
pub const MAX_SESSIONS: i64 = 50;
/// A longer value cannot be a session's.
const MAX_VALUE_BYTES: usize = 128;

/// The cookie's name. Over https the prefix makes browsers refuse it from any other host, path or insecure page (RFC 6265bis section 4.1.3.2).
pub fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-pennon" } else { "pennon" }
}

/// The session that the request's cookies name.
pub fn read(headers: &HeaderMap, secure: bool) -> Option<&str> {
    let name = cookie_name(secure);
    let values = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, value)| *key == name && value.len() <= MAX_VALUE_BYTES)
        .map(|(_, value)| value)
}

/// The Set-Cookie header that begins a session, or, with an empty value, ends it.
pub fn set(value: &str, secure: bool) -> Option<HeaderValue> {
    let (name, age) = (cookie_name(secure), if value.is_empty() { 0 } else { ABSOLUTE_MS / 1_000 });
    let only_https = if secure { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{only_https}");
    HeaderValue::from_str(&text).ok()
}

/// Whether a session still lasts.
pub fn lasts(created_at: i64, last_seen_at: i64, now: i64) -> bool {
    now < created_at + ABSOLUTE_MS && now < last_seen_at + IDLE_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_read_as_they_are_set() {
        for (secure, expected) in [
            (true, "__Host-pennon=pns_x; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax; Secure"),
            (false, "pennon=pns_x; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax"),
        ] {
            assert_eq!(set("pns_x", secure).unwrap(), expected);
            let mut headers = HeaderMap::new();
            let pair = expected.split(';').next().unwrap();
            headers.append(COOKIE, format!("a=b; {pair}; c=d").parse().unwrap());
            assert_eq!(read(&headers, secure), Some("pns_x"));
            assert_eq!(read(&headers, !secure), None);
        }
        assert!(set("", true).unwrap().to_str().unwrap().contains("Max-Age=0"));
    }

    #[test]
    fn a_session_ends_idle_or_old() {
        assert!(lasts(0, 0, IDLE_MS - 1));
        assert!(!lasts(0, 0, IDLE_MS));
        assert!(lasts(0, ABSOLUTE_MS - 2, ABSOLUTE_MS - 1));
        assert!(!lasts(0, ABSOLUTE_MS - 1, ABSOLUTE_MS));
    }
}
