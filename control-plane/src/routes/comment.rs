//! Why a change is made: a header that every write takes, kept in the audit log.

use axum::http::HeaderMap;
use percent_encoding::percent_decode;

use super::problem::Problem;

/// The text, percent-encoded UTF-8 as JavaScript's `encodeURIComponent` makes it.
pub const COMMENT: &str = "x-pennon-comment";
/// The longest comment.
pub const MAX_COMMENT_CHARACTERS: usize = 1_000;

/// The comment of a request.
///
/// # Errors
/// 422 when it is too long, not UTF-8, or holds control characters other than line breaks and tabs.
pub fn comment(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(COMMENT) else { return Ok(None) };
    let text = percent_decode(value.as_bytes()).decode_utf8();
    let text = text.map_err(|_| Problem::invalid(COMMENT, "send UTF-8, percent-encoded"))?;
    bounded(COMMENT, &text)
}

/// The comment that came as the field `comment` of a body.
///
/// # Errors
/// As [`comment`].
pub fn checked(text: &str) -> Result<Option<String>, Problem> {
    bounded("comment", text)
}

fn bounded(field: &str, text: &str) -> Result<Option<String>, Problem> {
    let text = text.trim();
    if text.chars().count() > MAX_COMMENT_CHARACTERS {
        let detail = format!("a comment has at most {MAX_COMMENT_CHARACTERS} characters");
        return Err(Problem::invalid(field, detail));
    }
    if text
        .chars()
        .any(|character| character.is_control() && !['\n', '\t', '\r'].contains(&character))
    {
        return Err(Problem::invalid(field, "a comment holds no control characters"));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &[u8]) -> Result<Option<String>, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(COMMENT, axum::http::HeaderValue::from_bytes(value).unwrap());
        comment(&headers)
    }

    #[test]
    fn reads_what_a_browser_can_send() {
        let long = "%C3%A4".repeat(MAX_COMMENT_CHARACTERS);
        let cases: [(&[u8], Option<&str>); 6] = [
            (b"plain", Some("plain")),
            (b"gr%C3%BC%C3%9Fe %E2%9C%93%0A100%25", Some("grüße ✓\n100%")),
            ("grüße".as_bytes(), Some("grüße")),
            (b"100 %", Some("100 %")),
            (b"  ", None),
            (long.as_bytes(), Some(&"ä".repeat(MAX_COMMENT_CHARACTERS))),
        ];
        for (value, expected) in cases {
            assert_eq!(read(value).unwrap().as_deref(), expected);
        }
        let longer = format!("{long}x");
        for refused in [longer.as_bytes(), b"%FF", b"a%00b", b"%1b[2J"] {
            let problem = read(refused).unwrap_err();
            assert_eq!(problem.status(), 422, "{refused:?}");
        }
        assert_eq!(comment(&HeaderMap::new()).unwrap(), None);
    }
}
