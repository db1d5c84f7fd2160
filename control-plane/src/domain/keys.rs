//! Keys: the names that projects, environments, flags and segments have in paths and in code.

use pennon_core::limits::MAX_ORIGINS;
use pennon_core::protocol::gate::{Terms, is_origin};

/// The longest key, in characters.
pub const MAX_KEY_CHARACTERS: usize = 128;
/// What a key looks like, as a regular expression; some words are reserved besides.
pub const KEY_PATTERN: &str = "^[a-z0-9][a-z0-9._-]*$";
/// What a colour looks like.
pub const COLOUR_PATTERN: &str = "^#[0-9A-Fa-f]{6}$";
/// The longest name of a project, an environment or an SDK key, in bytes.
pub const MAX_TEXT_BYTES: usize = 1_000;

/// Words that paths need for themselves, or that a program would trip over.
const RESERVED: &[&str] = &[
    "new",
    "all",
    "none",
    "null",
    "undefined",
    "true",
    "false",
    "constructor",
    "prototype",
    "on",
    "off",
];

/// Whether a key may be used for something new.
///
/// # Errors
/// A sentence that says what a key looks like.
pub fn check_key(key: &str) -> Result<(), String> {
    let first = key.bytes().next();
    if key.len() > MAX_KEY_CHARACTERS {
        return Err(format!("a key has at most {MAX_KEY_CHARACTERS} characters"));
    }
    if !first.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        || !key.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte)
        })
    {
        return Err(
            "a key starts with a-z or 0-9 and has only a-z, 0-9, '.', '_' and '-' after that"
                .to_owned(),
        );
    }
    if RESERVED.contains(&key) {
        return Err(format!("{key:?} is a reserved word: take another key"));
    }
    Ok(())
}

/// Whether something imported may keep this key: as it is called elsewhere, so that programs that ask for it find it.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn check_imported(key: &str) -> Result<(), String> {
    check_attribute(key).map_err(|detail| detail.replace("an attribute's name", "a key"))
}

/// Whether a name shown to people may be used.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn check_name(name: &str) -> Result<(), String> {
    if name.trim().is_empty() {
        return Err("give a name that is not empty".to_owned());
    }
    if name.len() > MAX_TEXT_BYTES {
        return Err(format!("a name has at most {MAX_TEXT_BYTES} bytes"));
    }
    if name.chars().any(char::is_control) {
        return Err("a name has no control characters".to_owned());
    }
    Ok(())
}

/// Whether a colour may mark an environment.
///
/// # Errors
/// A sentence that says what a colour looks like.
pub fn check_colour(colour: &str) -> Result<(), String> {
    let digits = colour.strip_prefix('#').unwrap_or_default();
    if digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(())
    } else {
        Err("a colour is `#` and six hexadecimal digits, such as `#1a7f37`".to_owned())
    }
}

/// How often one SDK key may be used in a minute at most, where that is limited.
pub const MAX_REQUESTS_PER_MINUTE: u32 = 10_000_000;

/// Whether an environment may say this of those who ask.
///
/// # Errors
/// The field at fault, and a sentence that says what is wrong.
pub fn check_terms(terms: &Terms) -> Result<(), (String, String)> {
    if terms.origins.len() > MAX_ORIGINS {
        let detail = format!("an environment names at most {MAX_ORIGINS} origins");
        return Err(("origins".to_owned(), detail));
    }
    for (at, origin) in terms.origins.iter().enumerate() {
        let detail = if !is_origin(origin) {
            "an origin is what a browser sends: `https://shop.example`, with a port where it is not the usual one, and nothing behind"
        } else if terms.origins[..at].contains(origin) {
            "it is named twice"
        } else {
            continue;
        };
        return Err((format!("origins[{at}]"), detail.to_owned()));
    }
    let allowed = 1..=MAX_REQUESTS_PER_MINUTE;
    if terms.requests_per_minute.is_some_and(|many| !allowed.contains(&many)) {
        let detail = format!("give 1 to {MAX_REQUESTS_PER_MINUTE}, or none");
        return Err(("requestsPerMinute".to_owned(), detail));
    }
    Ok(())
}

/// Whether an attribute may be declared under this name: attributes are named by the programs that send them.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn check_attribute(name: &str) -> Result<(), String> {
    if name.is_empty()
        || name.len() > pennon_core::limits::MAX_NAME_BYTES
        || name.chars().any(char::is_control)
    {
        let most = pennon_core::limits::MAX_NAME_BYTES;
        return Err(format!("an attribute's name has 1 to {most} bytes and no control characters"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        for good in ["a", "0", "new-checkout", "a.b_c-d", "2024"] {
            assert_eq!(check_key(good), Ok(()), "{good}");
        }
        let long = "a".repeat(MAX_KEY_CHARACTERS + 1);
        for bad in [
            "",
            "A",
            "-a",
            ".a",
            "_a",
            "a b",
            "a/b",
            "ä",
            "a\0",
            "new",
            "on",
            "off",
            "constructor",
            &long,
        ] {
            assert!(check_key(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn colours() {
        for good in ["#000000", "#1a7f37", "#FFFFFF"] {
            assert_eq!(check_colour(good), Ok(()), "{good}");
        }
        for bad in ["", "#", "#fff", "000000", "#00000g", "#0000000", "red", "#00000\0", "#ä0000"]
        {
            assert!(check_colour(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn terms() {
        let of = |origins: &[&str], requests_per_minute| {
            let origins = origins.iter().map(|origin| (*origin).to_owned()).collect();
            check_terms(&Terms { origins, requests_per_minute }).map_err(|(field, _)| field)
        };
        assert_eq!(of(&[], None), Ok(()));
        assert_eq!(of(&["https://a.example", "http://localhost:3000"], Some(1)), Ok(()));
        assert_eq!(of(&["https://a.example", "a.example"], None), Err("origins[1]".to_owned()));
        let twice = ["https://a.example", "https://a.example"];
        assert_eq!(of(&twice, None), Err("origins[1]".to_owned()));
        assert_eq!(of(&["https://a.example"; MAX_ORIGINS + 1], None), Err("origins".to_owned()));
        for odd in [0, 10_000_001] {
            assert_eq!(of(&[], Some(odd)), Err("requestsPerMinute".to_owned()), "{odd}");
        }
    }

    #[test]
    fn names() {
        assert_eq!(check_name("Käse & Brot"), Ok(()));
        for bad in ["", " ", "a\nb", "a\0", &"a".repeat(MAX_TEXT_BYTES + 1)] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
    }
}
