//! Semantic Versioning 2.0.0 (semver.org): strict syntax (section 2, 9, 10) and precedence (section 11).

use core::cmp::Ordering;

use crate::bytes::Reader;

/// A version, borrowed from its text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Version<'a> {
    pub(crate) numbers: [u64; 3],
    pub(crate) prerelease: &'a [u8],
}

impl<'a> Version<'a> {
    /// None for what the grammar does not allow, and for numbers that do not fit 64 bits. `partial` allows `2` and `2.1` for 2.0.0 and
    /// 2.1.0.
    #[inline(always)]
    pub(crate) fn parse(text: &'a [u8], partial: bool) -> Option<Self> {
        let mut numbers = [0; 3];
        let mut rest = text;
        for (at, place) in numbers.iter_mut().enumerate() {
            (*place, rest) = number(rest)?;
            match rest.split_first() {
                Some((b'.', behind)) if at < 2 => rest = behind,
                _ if at == 2 || partial => break,
                _ => return None,
            }
        }
        let (rest, build) = split(rest, b'+');
        let prerelease = match rest.split_first() {
            None => None,
            Some((b'-', prerelease)) => Some(prerelease),
            Some(_) => return None,
        };
        let sound = build.is_none_or(|build| identifiers(build, false))
            && prerelease.is_none_or(|prerelease| identifiers(prerelease, true));
        sound.then_some(Self { numbers, prerelease: prerelease.unwrap_or(&[]) })
    }

    /// As the compiler wrote it: three numbers (8 each) and *short* pre-release.
    #[inline(always)]
    pub(crate) fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let numbers = [reader.u64()?, reader.u64()?, reader.u64()?];
        Some(Self { numbers, prerelease: reader.short()? })
    }

    /// Section 11; build metadata counts for nothing.
    pub(crate) fn precedence(&self, other: &Version<'_>) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| {
            match (self.prerelease.is_empty(), other.prerelease.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => prereleases(self.prerelease, other.prerelease),
            }
        })
    }
}

/// The text before the first `separator`, and what stands behind it.
fn split(text: &[u8], separator: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| *byte == separator) {
        Some(at) => (&text[..at], text.get(at + 1..)),
        None => (text, None),
    }
}

/// A number without leading zeros, and what stands behind it.
#[inline(always)]
fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    let mut rest = text;
    while let Some((digit @ b'0'..=b'9', behind)) = rest.split_first() {
        // Not `checked_mul`, which WebAssembly has to multiply 128 bits for.
        if value > u64::MAX / 10 {
            return None;
        }
        value = (value * 10).checked_add(u64::from(digit - b'0'))?;
        rest = behind;
    }
    let digits = text.len() - rest.len();
    (digits == 1 || (digits > 1 && text.first() != Some(&b'0'))).then_some((value, rest))
}

fn is_number(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_digit) && !text.is_empty() && (text.len() == 1 || text[0] != b'0')
}

/// Dot-separated identifiers; in a pre-release numeric ones have no leading zero.
fn identifiers(text: &[u8], prerelease: bool) -> bool {
    text.split(|byte| *byte == b'.').all(|part| {
        let allowed = part.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
        let digits_only = part.iter().all(u8::is_ascii_digit);
        !part.is_empty() && allowed && (!prerelease || !digits_only || is_number(part))
    })
}

fn prereleases(left: &[u8], right: &[u8]) -> Ordering {
    let mut right = right.split(|byte| *byte == b'.');
    for left in left.split(|byte| *byte == b'.') {
        let Some(right) = right.next() else {
            return Ordering::Greater;
        };
        let order = match (is_number(left), is_number(right)) {
            // Without leading zeros the longer number is the larger one.
            (true, true) => left.len().cmp(&right.len()).then_with(|| left.cmp(right)),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => left.cmp(right),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    if right.next().is_some() { Ordering::Less } else { Ordering::Equal }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_as_section_11_says() {
        let ascending = [
            "1.0.0-0.3.7",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.1",
            "1.10.0",
            "2.0.0",
            "18446744073709551615.0.0",
        ];
        for (at, left) in ascending.iter().enumerate() {
            for (other, right) in ascending.iter().enumerate() {
                let left = Version::parse(left.as_bytes(), false).unwrap();
                let right = Version::parse(right.as_bytes(), false).unwrap();
                assert_eq!(left.precedence(&right), at.cmp(&other), "{left:?} {right:?}");
            }
        }
        let plain = Version::parse(b"1.0.0", false).unwrap();
        assert_eq!(
            Version::parse(b"1.0.0+build.5", false).unwrap().precedence(&plain),
            Ordering::Equal
        );
    }

    #[test]
    fn refuses_what_the_grammar_refuses() {
        for text in [
            "",
            "1",
            "1.2",
            "1.2.3.4",
            "01.2.3",
            "1.02.3",
            "v1.2.3",
            "1.2.3-",
            "1.2.3-01",
            "1.2.3+",
            "1.2.3-a..b",
            "1.2.3-ä",
            " 1.2.3",
            "18446744073709551616.0.0",
        ] {
            assert!(Version::parse(text.as_bytes(), false).is_none(), "{text}");
        }
        assert!(Version::parse(b"1.2.3-0a.-.x-y+001", false).is_some());
    }
}
