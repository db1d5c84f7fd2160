//! Semantic versions, written from semver.org 2.0.0.

use std::cmp::Ordering;

/// `major.minor.patch` and the identifiers of the pre-release. Build metadata is checked and dropped (section 10).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Version {
    numbers: Vec<u64>,
    prerelease: Vec<Identifier>,
}

/// Section 9. A numeric one is kept as its digits: it may be longer than any integer type.
#[derive(Debug, PartialEq, Eq)]
enum Identifier {
    Numeric(String),
    Text(String),
}

impl Version {
    /// None for what is no version. A number over 64 bits is none either. `partial`: numbers left out at the end are zero.
    pub(crate) fn parse(text: &str, partial: bool) -> Option<Self> {
        let (text, build) = match text.split_once('+') {
            Some((text, build)) => (text, Some(build)),
            None => (text, None),
        };
        if let Some(build) = build
            && !build.split('.').all(is_identifier)
        {
            return None;
        }
        let (core, prerelease) = match text.split_once('-') {
            Some((core, prerelease)) => (core, Some(prerelease)),
            None => (text, None),
        };
        let mut numbers: Vec<u64> = core.split('.').map(number).collect::<Option<_>>()?;
        while partial && numbers.len() < 3 {
            numbers.push(0);
        }
        let prerelease = match prerelease {
            Some(prerelease) => prerelease.split('.').map(identifier).collect::<Option<_>>()?,
            None => Vec::new(),
        };
        (numbers.len() == 3).then_some(Self { numbers, prerelease })
    }

    /// Precedence, section 11.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        let numbers = self.numbers.cmp(&other.numbers);
        if numbers != Ordering::Equal {
            return numbers;
        }
        // 11.3: a version with a pre-release comes before the same one without.
        match (self.prerelease.is_empty(), other.prerelease.is_empty()) {
            (true, true) => return Ordering::Equal,
            (true, false) => return Ordering::Greater,
            (false, true) => return Ordering::Less,
            (false, false) => {}
        }
        for (left, right) in self.prerelease.iter().zip(&other.prerelease) {
            let order = left.compare(right);
            if order != Ordering::Equal {
                return order;
            }
        }
        // 11.4.4: if all the preceding ones are equal, more identifiers come after fewer.
        self.prerelease.len().cmp(&other.prerelease.len())
    }
}

impl Identifier {
    /// 11.4.1 to 11.4.3.
    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Numeric(left), Self::Numeric(right)) => {
                (left.len(), left).cmp(&(right.len(), right))
            }
            (Self::Numeric(_), Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Numeric(_)) => Ordering::Greater,
            (Self::Text(left), Self::Text(right)) => left.as_bytes().cmp(right.as_bytes()),
        }
    }
}

fn number(digits: &str) -> Option<u64> {
    (is_digits(digits) && !has_leading_zero(digits)).then(|| digits.parse().ok())?
}

fn identifier(text: &str) -> Option<Identifier> {
    if !is_identifier(text) {
        None
    } else if !is_digits(text) {
        Some(Identifier::Text(text.to_owned()))
    } else {
        (!has_leading_zero(text)).then(|| Identifier::Numeric(text.to_owned()))
    }
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c == '-' || c.is_ascii_alphanumeric())
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
}

fn has_leading_zero(digits: &str) -> bool {
    digits.len() > 1 && digits.starts_with('0')
}
