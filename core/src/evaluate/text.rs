//! Comparing texts without regard to case, and versions as GrowthBook pads them; without allocating.

use core::cmp::Ordering;

use super::fold::lower;

/// The characters of a text in lower case, one by one (Unicode's default mapping, no context).
pub(crate) fn fold(text: &str) -> impl Iterator<Item = char> + Clone + '_ {
    text.chars().flat_map(|character| {
        let (first, second) = lower(character);
        core::iter::once(first).chain(second)
    })
}

/// Whether `text` begins with `part`, folded; the remaining characters decide about the rest.
fn begins<'a>(mut text: impl Iterator<Item = char> + 'a, part: &str) -> Option<bool> {
    for wanted in part.chars() {
        if text.next()? != wanted {
            return None;
        }
    }
    Some(text.next().is_none())
}

/// `part` is folded already.
pub(crate) fn folded_equals(text: &str, part: &str) -> bool {
    begins(fold(text), part) == Some(true)
}

pub(crate) fn folded_starts_with(text: &str, part: &str) -> bool {
    begins(fold(text), part).is_some()
}

pub(crate) fn folded_ends_with(text: &str, part: &str) -> bool {
    part.is_empty() || positions(fold(text)).any(|rest| begins(rest, part) == Some(true))
}

pub(crate) fn folded_contains(text: &str, part: &str) -> bool {
    part.is_empty() || positions(fold(text)).any(|rest| begins(rest, part).is_some())
}

/// What is left from each of the folded characters on: one of them may lie within a character of the text.
fn positions<I: Iterator<Item = char> + Clone>(folded: I) -> impl Iterator<Item = I> {
    core::iter::successors(Some(folded), |rest| {
        let mut rest = rest.clone();
        rest.next().is_some().then_some(rest)
    })
}

/// The order of two versions as GrowthBook has it: without a leading `v` and without build metadata, split at `-` and `.`, a fourth part `~`
/// where there are three, parts of digits padded with blanks to five, joined by `-` and compared as texts.
pub(crate) fn padded_version_order(left: &str, right: &str) -> Ordering {
    padded(left).cmp(padded(right))
}

fn padded(version: &str) -> impl Iterator<Item = u8> + '_ {
    let version = if version.is_empty() { "0" } else { version };
    let version = version.strip_prefix('v').unwrap_or(version);
    let version = version.split('+').next().unwrap_or(version);
    let three = version.split(['-', '.']).count() == 3;
    let parts = version.split(['-', '.']).chain(three.then_some("~"));
    parts.enumerate().flat_map(|(at, part)| {
        let number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let blanks = if number { 5usize.saturating_sub(part.len()) } else { 0 };
        let separator = (at > 0).then_some(b'-');
        separator.into_iter().chain(core::iter::repeat_n(b' ', blanks)).chain(part.bytes())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_is_ignored_beyond_ascii() {
        assert!(folded_equals("STRASSE Ä", "strasse ä"));
        assert!(!folded_equals("STRASSE Äx", "strasse ä"));
        assert!(folded_contains("xÄÖy", "äö"));
        assert!(folded_ends_with("AB.COM", ".com") && !folded_ends_with("ab.com.br", ".com"));
        assert!(folded_starts_with("ABC", "ab") && !folded_starts_with("A", "ab"));
        assert!(folded_equals("İ", "i\u{307}"), "one character may become two");
        assert!(folded_contains("xİy", "\u{307}y") && folded_ends_with("xİ", "\u{307}"));
    }

    #[test]
    fn versions_are_padded() {
        let ascending = ["0.9.0", "v1.2.3-rc.1", "1.2.3", "1.2.10", "1.10.0+build", "2.0"];
        for pair in ascending.windows(2) {
            assert_eq!(padded_version_order(pair[0], pair[1]), Ordering::Less, "{pair:?}");
        }
        assert_eq!(padded_version_order("v1.2.3+a", "1.2.3"), Ordering::Equal);
    }
}
