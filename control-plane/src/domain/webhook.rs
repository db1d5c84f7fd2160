//! Webhooks without I/O: which changes one is told of, how a message is signed, when it is tried again.
//!
//! Messages are signed as Standard Webhooks (standardwebhooks.com) says, so that receivers can use its libraries: `webhook-id`,
//! `webhook-timestamp` (Unix seconds) and `webhook-signature`, which is `v1,` and the Base64 of the HMAC-SHA256 of
//! `id.timestamp.body` under the bytes behind `whsec_`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use url::Url;

use super::flag::Wrong;

/// What a secret's text starts with.
pub const SECRET_PREFIX: &str = "whsec_";
/// Patterns of one webhook.
pub const MAX_EVENTS: usize = 50;
/// Environments of one webhook's filter.
pub const MAX_ENVIRONMENTS: usize = 100;
/// The longest pattern.
const MAX_EVENT_BYTES: usize = 100;
/// The longest address.
const MAX_URL_BYTES: usize = 2_048;
/// After the first failure; then twice as long, and so on.
const FIRST_RETRY_MS: i64 = 5_000;
/// The longest wait between two attempts.
const LAST_RETRY_MS: i64 = 3_600_000;
/// Attempts until a delivery is given up: about six and a half hours.
pub const MAX_ATTEMPTS: i64 = 16;

/// Whether one of the patterns takes the event: itself, `flag.*` for whatever begins with `flag.`, or `*`.
pub fn takes(patterns: &[String], event: &str) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(beginning) => event.starts_with(beginning),
        None => pattern == event,
    })
}

/// Checks the patterns of an events filter.
///
/// # Errors
/// Which one is wrong.
pub fn check_events(patterns: &[String]) -> Result<(), Wrong> {
    let wrong = |field: String, detail: &str| Wrong { field, detail: detail.to_owned() };
    if patterns.is_empty() || patterns.len() > MAX_EVENTS {
        return Err(wrong(
            "events".to_owned(),
            "give 1 to 50 events, such as [\"flag-configuration.*\"], or [\"*\"]",
        ));
    }
    for (index, pattern) in patterns.iter().enumerate() {
        let name = pattern.strip_suffix(".*").unwrap_or(pattern);
        let named = pattern == "*"
            || !name.is_empty()
                && pattern.len() <= MAX_EVENT_BYTES
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || b"-.".contains(&byte));
        if !named {
            return Err(wrong(
                format!("events[{index}]"),
                "give the name of an event such as flag.created, a beginning such as flag.*, or *",
            ));
        }
    }
    Ok(())
}

/// Checks the address of a receiver, as far as that goes without looking it up.
///
/// # Errors
/// What is wrong with it.
pub fn check_url(text: &str) -> Result<Url, Wrong> {
    let wrong = |detail: &str| Wrong { field: "url".to_owned(), detail: detail.to_owned() };
    if text.len() > MAX_URL_BYTES {
        return Err(wrong("an address has at most 2048 bytes"));
    }
    let url = Url::parse(text).map_err(|error| wrong(&format!("this is no address: {error}")))?;
    if !["https", "http"].contains(&url.scheme()) || url.host().is_none() {
        return Err(wrong("give an address that starts with https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(
            "an address holds no user name and no password: check the signature instead",
        ));
    }
    if url.fragment().is_some() {
        return Err(wrong("an address has no part behind a #: it would not be sent"));
    }
    Ok(url)
}

/// The part of an address that may be logged: what follows may be somebody's secret.
pub fn shown(url: &str) -> String {
    Url::parse(url).map_or_else(|_| String::new(), |url| url.origin().ascii_serialization())
}

/// The text of a secret.
pub fn secret_text(secret: &[u8]) -> String {
    format!("{SECRET_PREFIX}{}", STANDARD.encode(secret))
}

/// The value of `webhook-signature` under one or, during a rotation, two secrets.
pub fn signature(secrets: &[Vec<u8>], id: &str, timestamp_s: i64, body: &[u8]) -> String {
    let signed = secrets.iter().filter_map(|secret| {
        // A key of any length will do, so this does not fail.
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(secret).ok()?;
        mac.update(format!("{id}.{timestamp_s}.").as_bytes());
        mac.update(body);
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    });
    signed.collect::<Vec<_>>().join(" ")
}

/// The longest wait after the `attempts`-th attempt failed, in milliseconds; the caller takes at least half of it, and the rest by chance.
pub fn retry_within_ms(attempts: i64) -> i64 {
    let doublings = u32::try_from((attempts - 1).clamp(0, 20)).unwrap_or(20);
    FIRST_RETRY_MS.saturating_mul(1 << doublings).min(LAST_RETRY_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_as_the_standard_says() {
        // The example of the Standard Webhooks libraries.
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let body = br#"{"test": 2432232314}"#;
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signature(std::slice::from_ref(&secret), id, 1_614_265_330, body), expected);
        let both = signature(&[vec![1], secret], id, 1_614_265_330, body);
        assert!(both.starts_with("v1,") && both.ends_with(&format!(" {expected}")));
    }

    #[test]
    fn takes_what_it_asked_for() {
        let cases: [(&[&str], &str, bool); 6] = [
            (&["*"], "flag.created", true),
            (&["flag.*"], "flag.created", true),
            (&["flag.*"], "flag-configuration.updated", false),
            (&["flag.created"], "flag.created", true),
            (&["flag.created"], "flag.created-twice", false),
            (&["segment.*", "flag.deleted"], "flag.deleted", true),
        ];
        for (patterns, event, expected) in cases {
            let patterns: Vec<String> = patterns.iter().map(|text| (*text).to_owned()).collect();
            assert!(check_events(&patterns).is_ok());
            assert_eq!(takes(&patterns, event), expected, "{patterns:?} {event}");
        }
        for wrong in [&[][..], &["*.created"], &["Flag.*"], &["flag*"], &[""], &[".*"], &["a b"]] {
            let wrong: Vec<String> = wrong.iter().map(|text| (*text).to_owned()).collect();
            assert!(check_events(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn refuses_addresses_that_are_none() {
        for good in ["https://example.com/hook?x=1", "http://10.0.0.1:8080/", "https://[::1]/"] {
            check_url(good).unwrap();
        }
        for wrong in [
            "",
            "example.com",
            "ftp://example.com",
            "file:///etc/passwd",
            "https://user:pass@example.com",
            "https://user@example.com",
            "https://example.com/#x",
            "https://",
            &format!("https://example.com/{}", "a".repeat(2_048)),
        ] {
            assert_eq!(check_url(wrong).unwrap_err().field, "url", "{wrong}");
        }
        assert_eq!(shown("https://hooks.example.com/services/secret"), "https://hooks.example.com");
    }

    #[test]
    fn waits_longer_and_longer() {
        let waits: Vec<i64> = (1..MAX_ATTEMPTS).map(retry_within_ms).collect();
        assert_eq!(waits[..3], [5_000, 10_000, 20_000]);
        assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]));
        assert_eq!(waits.last(), Some(&3_600_000));
        assert_eq!(retry_within_ms(i64::MAX), 3_600_000);
        let hours = waits.iter().sum::<i64>() as f64 / 3_600_000.0;
        assert!((6.0..7.0).contains(&hours), "{hours}");
    }
}
