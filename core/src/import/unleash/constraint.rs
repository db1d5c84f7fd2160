//! Constraints: one operator on one context field, whose values are texts.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::IpAddr;

use serde_json::Value;

use super::{Object, objects, strings, text};
use crate::config::{
    Comparison, Condition, DatetimeComparison, Instant, Matches, Scalar, SemverComparison,
};
use crate::context::TARGETING_KEY;
use crate::evaluate::{Moment, Version};
use crate::import::{node, pattern};

/// When a list of constraints is met.
#[derive(Clone)]
pub(super) struct Met {
    pub(super) condition: Condition,
    /// It never is, because something in it is broken. Alone in its toggle that means off; beside other strategies the SDKs disagree.
    pub(super) broken: Option<String>,
}

impl Met {
    pub(super) fn never(reason: String) -> Self {
        Self { condition: node::never(), broken: Some(reason) }
    }

    pub(super) fn all(list: Vec<Self>) -> Self {
        let broken = list.iter().find_map(|met| met.broken.clone());
        Self { condition: node::all(list.into_iter().map(|met| met.condition)), broken }
    }
}

impl From<Condition> for Met {
    fn from(condition: Condition) -> Self {
        Self { condition, broken: None }
    }
}

/// Those of a strategy or of a segment.
pub(super) fn constraints(object: &Object, place: &str) -> Result<Vec<Met>, String> {
    let constraints = objects(object, "constraints")?.into_iter().enumerate();
    constraints
        .map(|(at, constraint)| {
            let place = if place.is_empty() { String::new() } else { format!("{place}.") };
            one(constraint).map_err(|reason| format!("{place}constraints[{at}]: {reason}"))
        })
        .collect()
}

fn one(constraint: &Object) -> Result<Met, String> {
    let Some(operator) = text(constraint, "operator") else {
        return Err("has no `operator`".into());
    };
    let inverted = constraint.get("inverted").and_then(Value::as_bool).unwrap_or(false);
    let Some(operator) = Operator::of(operator) else {
        // An unknown operator does not hold, inverted or not.
        return Ok(Met::never(format!("operator `{operator}` is unknown")));
    };
    let Some(name) = text(constraint, "contextName") else {
        return Err("has no `contextName`".into());
    };
    let attribute = attribute(name)?;
    if (name == "currentTime") != matches!(operator, Operator::Date(_)) {
        return Err(format!("Unleash's SDKs disagree about this operator on `{name}`"));
    }
    let ignore_case = constraint.get("caseInsensitive").and_then(Value::as_bool).unwrap_or(false);
    let condition = match operator {
        Operator::In => is_in(&attribute, constraint)?,
        Operator::NotIn => node::not(is_in(&attribute, constraint)?),
        Operator::StartsWith | Operator::EndsWith | Operator::Contains => {
            let values = values(constraint)?;
            if values.is_empty() {
                return without_values(inverted);
            }
            let texts = node::texts(&attribute, values, ignore_case);
            match operator {
                Operator::StartsWith => Condition::StartsWith(texts),
                Operator::EndsWith => Condition::EndsWith(texts),
                _ => Condition::Contains(texts),
            }
        }
        Operator::InCidr => {
            let values = values(constraint)?;
            if values.is_empty() {
                return without_values(inverted);
            }
            in_cidr(&attribute, values.iter().map(String::as_str))
        }
        Operator::Number(is) => node::number(&attribute, is, decimal(value(constraint)?)?, true),
        Operator::Date(is) => date(is, value(constraint)?)?,
        Operator::Semver(is) => {
            let value = value(constraint)?;
            if value.starts_with('v') && !inverted {
                return Ok(Met::never(format!("`{value}` is no semantic version")));
            }
            if Version::parse(value.as_bytes(), false).is_none() {
                return Err(format!(
                    "Unleash's SDKs disagree about `{value}`, which is no semantic version"
                ));
            }
            Condition::Semver(SemverComparison {
                attribute,
                is,
                value: value.into(),
                partial: false,
            })
        }
        Operator::Regex => {
            match pattern::of_re2(text(constraint, "value").unwrap_or_default(), ignore_case)? {
                Some(pattern) => Condition::Matches(Matches { attribute, pattern }),
                // What is no regular expression matches nothing.
                None => node::never(),
            }
        }
    };
    Ok(Met::from(if inverted { node::not(condition) } else { condition }))
}

/// Yggdrasil cannot read the whole feature then.
fn without_values(inverted: bool) -> Result<Met, String> {
    let reason = "a constraint has no values";
    if inverted {
        return Err(format!("{reason}, and Unleash's SDKs disagree about it"));
    }
    Ok(Met::never(reason.into()))
}

#[derive(Clone, Copy)]
enum Operator {
    In,
    NotIn,
    StartsWith,
    EndsWith,
    Contains,
    InCidr,
    Number(Comparison),
    Date(Comparison),
    Semver(Comparison),
    Regex,
}

impl Operator {
    fn of(word: &str) -> Option<Self> {
        use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
        Some(match word {
            "IN" => Self::In,
            "NOT_IN" => Self::NotIn,
            "STR_STARTS_WITH" => Self::StartsWith,
            "STR_ENDS_WITH" => Self::EndsWith,
            "STR_CONTAINS" => Self::Contains,
            "IN_CIDR" => Self::InCidr,
            "NUM_EQ" => Self::Number(Equal),
            "NUM_GT" => Self::Number(Greater),
            "NUM_GTE" => Self::Number(GreaterOrEqual),
            "NUM_LT" => Self::Number(Less),
            "NUM_LTE" => Self::Number(LessOrEqual),
            "DATE_AFTER" => Self::Date(Greater),
            "DATE_BEFORE" => Self::Date(Less),
            "SEMVER_EQ" => Self::Semver(Equal),
            "SEMVER_GT" => Self::Semver(Greater),
            "SEMVER_GTE" => Self::Semver(GreaterOrEqual),
            "SEMVER_LT" => Self::Semver(Less),
            "SEMVER_LTE" => Self::Semver(LessOrEqual),
            "REGEX" => Self::Regex,
            _ => return None,
        })
    }
}

/// The attribute that a context field or property became.
pub(super) fn attribute(name: &str) -> Result<String, String> {
    match name {
        "userId" => Ok(TARGETING_KEY.into()),
        TARGETING_KEY | "" => Err(format!("a context field cannot be called `{name}` here")),
        name => Ok(node::name(name)),
    }
}

fn is_in(attribute: &str, constraint: &Object) -> Result<Condition, String> {
    let values = values(constraint)?.into_iter().map(Scalar::String).collect();
    Ok(node::one_of(attribute, values, false))
}

/// Some SDKs take blanks around a value off and leave empty ones out, others do not.
fn values(constraint: &Object) -> Result<Vec<String>, String> {
    let values = strings(constraint, "values")?;
    // What JavaScript and Rust call blanks differs in two characters.
    let blank = |character: char| character.is_whitespace() || character == '\u{FEFF}';
    match values.iter().find(|value| value.is_empty() || value.trim_matches(blank) != **value) {
        Some(value) => Err(format!(
            "Unleash's SDKs disagree about the value `{value}`: take the blanks off, or leave it out"
        )),
        None => Ok(values.into_iter().map(ToString::to_string).collect()),
    }
}

fn value(constraint: &Object) -> Result<&str, String> {
    text(constraint, "value").ok_or_else(|| "has no `value`".into())
}

/// A number as both of the vendor's engines read it.
fn decimal(text: &str) -> Result<f64, String> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let number = unsigned.starts_with(|first: char| first.is_ascii_digit())
        && unsigned
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    match text.parse::<f64>() {
        Ok(value) if number && value.is_finite() => Ok(value),
        _ => {
            Err(format!("Unleash's SDKs disagree about `{text}`, which is no plain decimal number"))
        }
    }
}

/// The field `currentTime`, or the time of the evaluation without it.
fn date(is: Comparison, value: &str) -> Result<Condition, String> {
    let fraction = value
        .bytes()
        .skip_while(|byte| *byte != b'.')
        .skip(1)
        .take_while(u8::is_ascii_digit)
        .count();
    let plain = value.as_bytes().get(10) == Some(&b'T')
        && (fraction == 3 || !value.contains('.'))
        && !value.ends_with('z')
        && value.get(17..19) != Some("60");
    let Some(moment) = Moment::parse(value.as_bytes()).filter(|_| plain) else {
        return Err(format!(
            "Unleash's SDKs disagree about `{value}`: write 2026-01-31T12:00:00.000Z"
        ));
    };
    let milliseconds = moment.seconds * 1000 + i64::from(moment.nanoseconds / 1_000_000);
    let given = DatetimeComparison { attribute: "currentTime".into(), is, value: value.into() };
    Ok(node::any([
        Condition::Datetime(given),
        node::all([
            node::not(node::exists("currentTime")),
            Condition::Now(Instant { is, value: milliseconds }),
        ]),
    ]))
}

/// Whatever is no network is left out.
pub(super) fn in_cidr<'a>(attribute: &str, values: impl Iterator<Item = &'a str>) -> Condition {
    let networks: Vec<String> =
        values.filter(|value| is_network(value)).map(String::from).collect();
    if networks.is_empty() {
        return node::never();
    }
    Condition::IpInCidr(node::texts(attribute, networks, false))
}

fn is_network(text: &str) -> bool {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let longest = match address.parse() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    prefix.is_none_or(|digits| {
        digits.bytes().all(|digit| digit.is_ascii_digit())
            && digits.parse::<u8>().is_ok_and(|prefix| prefix <= longest)
    })
}
