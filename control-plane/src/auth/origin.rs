//! Against forged requests: a browser sends its cookies along with what another site's page asks for. What changes something under a cookie
//! must come from our own pages. Browsers say where a request comes from in Sec-Fetch-Site, which no page can set or hide; over plain http
//! they leave it out, and Origin says it. There is no token to carry around; SameSite=Lax is the second wall.

use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};

/// What the headers say of where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Site {
    /// From a page of ours, or typed by the person.
    Own,
    /// From somebody else's page.
    Foreign,
    /// Nothing is said: no browser of the last years.
    Unknown,
}

/// Reads the headers.
pub fn site(headers: &HeaderMap, public_url: &str) -> Site {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    match text("sec-fetch-site") {
        Some("same-origin" | "none") => return Site::Own,
        Some(_) => return Site::Foreign,
        None => {}
    }
    let Some(origin) = text(ORIGIN.as_str()) else { return Site::Unknown };
    let host = origin.split_once("://").map(|(_, host)| host);
    // Behind a proxy that ends TLS the scheme here is not the browser's, so the host is what counts.
    let own = origin.eq_ignore_ascii_case(public_url)
        || host.is_some_and(|host| {
            text(HOST.as_str()).is_some_and(|own| own.eq_ignore_ascii_case(host))
        });
    if own { Site::Own } else { Site::Foreign }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_are_our_own() {
        let public_url = "https://flags.example.com";
        // Headers, and what they say.
        let cases: &[(&[(&str, &str)], Site)] = &[
            (&[], Site::Unknown),
            (&[("sec-fetch-site", "same-origin")], Site::Own),
            (&[("sec-fetch-site", "none")], Site::Own),
            (&[("sec-fetch-site", "same-site")], Site::Foreign),
            (&[("sec-fetch-site", "cross-site")], Site::Foreign),
            (&[("sec-fetch-site", "odd")], Site::Foreign),
            // What the browser says of the site beats what Origin says.
            (&[("sec-fetch-site", "cross-site"), ("origin", public_url)], Site::Foreign),
            (&[("origin", public_url)], Site::Own),
            (
                &[("origin", "https://evil.example.com"), ("host", "flags.example.com")],
                Site::Foreign,
            ),
            (&[("origin", "http://10.0.0.1:8600"), ("host", "10.0.0.1:8600")], Site::Own),
            (&[("origin", "http://10.0.0.1:8601"), ("host", "10.0.0.1:8600")], Site::Foreign),
            (&[("origin", "null"), ("host", "null")], Site::Foreign),
            (&[("origin", "https://flags.example.com.evil.com")], Site::Foreign),
        ];
        for (headers, expected) in cases {
            let mut map = HeaderMap::new();
            for (name, value) in *headers {
                map.insert(
                    axum::http::HeaderName::from_bytes(name.as_bytes()).unwrap(),
                    value.parse().unwrap(),
                );
            }
            assert_eq!(site(&map, public_url), *expected, "{headers:?}");
        }
    }
}
