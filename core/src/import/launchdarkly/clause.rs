//! Clauses: one attribute compared with values.
//!
//! Nothing is converted; a list matches if one of its elements does; a missing attribute never matches, not even negated.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

use super::USER_KEY;
use super::payload::{Clause, Kind};
use crate::config::{Comparison, Condition, DatetimeComparison, Matches, Scalar, SemverComparison};
use crate::evaluate::{Moment, Version};
use crate::import::node::{self, any, equals, exists, never, not};
use crate::import::pattern;

/// The first millisecond behind the years of RFC 3339, and their own first one.
const AFTER_YEARS: f64 = 253_402_300_800_000.0;
const BEFORE_YEARS: f64 = -62_167_219_200_000.0;
/// Beyond this LaunchDarkly takes no number for a date.
const LARGEST_DATE: f64 = 9_007_199_254_740_991.0;

/// Our attribute that holds the key of a context of this kind.
pub(super) fn kind_key(kind: &Kind) -> Result<String, String> {
    if !kind.is_name() {
        return Err(format!("`{}` is no kind of context", kind.0));
    }
    Ok(if kind.is_user() { USER_KEY.to_string() } else { format!("/{}/key", kind.0) })
}

/// What an attribute reference stands for.
pub(super) enum Referenced {
    /// An attribute of ours; whether it may be a list.
    Attribute { attribute: String, text: bool },
    /// True or false, and false when it is not there.
    Anonymous(String),
    /// The kinds of the contexts.
    Kinds,
    /// Nothing.
    Nowhere,
}

/// `kind`: given when the reference may be a path; without it the name is literal and a user's.
pub(super) fn referenced(
    text: &str,
    kind: Option<&Kind>,
    kinds: &BTreeSet<String>,
) -> Result<Referenced, String> {
    let user = Kind::default();
    let names = names(text, kind.is_some())?;
    let kind = kind.unwrap_or(&user);
    let key = kind_key(kind)?;
    let inside = names.len() > 1;
    let name = names.first().map(String::as_str).unwrap_or_default();
    Ok(match name {
        "kind" if !inside => Referenced::Kinds,
        "kind" | "key" | "name" | "anonymous" if inside => Referenced::Nowhere,
        "key" => Referenced::Attribute { attribute: key, text: true },
        "anonymous" => Referenced::Anonymous(attribute(kind, &names)),
        USER_KEY if kind.is_user() => {
            return Err(format!("reads a user's attribute `{USER_KEY}`, which is the key here"));
        }
        name if kind.is_user() && kinds.contains(name) => {
            return Err(format!(
                "reads a user's attribute `{name}`, which is also a kind of context"
            ));
        }
        name => Referenced::Attribute { attribute: attribute(kind, &names), text: name == "name" },
    })
}

fn attribute(kind: &Kind, names: &[String]) -> String {
    match names {
        [name] if kind.is_user() => node::name(name),
        _ => {
            let kind = Some(&kind.0).filter(|_| !kind.is_user());
            node::pointer(kind.into_iter().chain(names).map(String::as_str))
        }
    }
}

/// The names of a reference.
fn names(text: &str, may_be_path: bool) -> Result<Vec<String>, String> {
    let invalid = || format!("has no valid attribute reference: `{text}`");
    if text.is_empty() {
        return Err(invalid());
    }
    let Some(path) = text.strip_prefix('/').filter(|_| may_be_path) else {
        return Ok(alloc::vec![text.to_string()]);
    };
    path.split('/')
        .map(|name| {
            let plain = name.replace("~0", "").replace("~1", "");
            if name.is_empty() || plain.contains('~') {
                return Err(invalid());
            }
            Ok(name.replace("~1", "/").replace("~0", "~"))
        })
        .collect()
}

/// What must hold for a clause that is not about segments.
pub(super) fn clause(clause: &Clause, kinds: &BTreeSet<String>) -> Result<Vec<Condition>, String> {
    let kind = clause.context_kind.as_ref();
    let (attribute, text) = match referenced(&clause.attribute, kind, kinds)? {
        Referenced::Nowhere => return Ok(alloc::vec![never()]),
        Referenced::Kinds => return kinds_clause(clause).map(|holds| alloc::vec![holds]),
        Referenced::Anonymous(attribute) => return anonymous(clause, &attribute),
        Referenced::Attribute { attribute, text } => (attribute, text),
    };
    let mut conditions = Vec::new();
    if let Some(kind) = kind.filter(|kind| !kind.is_user()) {
        let key = kind_key(kind)?;
        if key != attribute {
            conditions.push(exists(&key));
        }
    }
    let mut tests = tests(clause, &attribute)?;
    let elements = self::tests(clause, "")?;
    let holds_null = clause.op == "in" && clause.values.iter().any(Value::is_null);
    let null = holds_null.then(|| not(exists("")));
    let elements: Vec<Condition> = elements.into_iter().chain(null).collect();
    if !text {
        tests.extend(elements.into_iter().map(|test| node::some(&attribute, test)));
    }
    if clause.negate {
        conditions.push(exists(&attribute));
        conditions.extend(tests.into_iter().map(not));
    } else {
        conditions.push(any(tests));
    }
    Ok(conditions)
}

/// One of these must hold for a value that is no list; `in` with null is not among them, for null is no value.
fn tests(clause: &Clause, attribute: &str) -> Result<Vec<Condition>, String> {
    let strings = || clause.values.iter().filter_map(Value::as_str);
    let numbers = || clause.values.iter().filter_map(Value::as_f64);
    let owned = || attribute.to_string();
    let texts = || node::texts(attribute, strings().map(ToString::to_string).collect(), false);
    let compared =
        |is: Comparison| numbers().map(|value| node::number(attribute, is, value, false)).collect();
    let versions = |is: Comparison| -> Vec<Condition> {
        let valid = strings().filter(|text| Version::parse(text.as_bytes(), true).is_some());
        let semver = |value: &str| SemverComparison {
            attribute: owned(),
            is,
            value: value.into(),
            partial: true,
        };
        valid.map(|value| Condition::Semver(semver(value))).collect()
    };
    let some_text = strings().next().is_some();
    Ok(match clause.op.as_str() {
        "in" => alloc::vec![node::one_of(attribute, scalars(&clause.values)?, false)],
        "startsWith" if some_text => alloc::vec![Condition::StartsWith(texts())],
        "endsWith" if some_text => alloc::vec![Condition::EndsWith(texts())],
        "contains" if some_text => alloc::vec![Condition::Contains(texts())],
        "matches" => {
            let matches = |pattern: &str| {
                let pattern = pattern::of_re2(pattern, false)?.ok_or_else(|| {
                    format!("`{pattern}` is no regular expression of linear time")
                })?;
                Ok(Condition::Matches(Matches { attribute: owned(), pattern }))
            };
            strings().map(matches).collect::<Result<_, String>>()?
        }
        "lessThan" => compared(Comparison::Less),
        "lessThanOrEqual" => compared(Comparison::LessOrEqual),
        "greaterThan" => compared(Comparison::Greater),
        "greaterThanOrEqual" => compared(Comparison::GreaterOrEqual),
        "before" => dates(clause, attribute, Comparison::Less)?,
        "after" => dates(clause, attribute, Comparison::Greater)?,
        "semVerEqual" => versions(Comparison::Equal),
        "semVerLessThan" => versions(Comparison::Less),
        "semVerGreaterThan" => versions(Comparison::Greater),
        // An operator that LaunchDarkly's engines do not know either never matches.
        _ => Vec::new(),
    })
}

fn scalars(values: &[Value]) -> Result<Vec<Scalar>, String> {
    values
        .iter()
        .filter(|value| !value.is_null())
        .map(|value| match value {
            Value::Bool(value) => Ok(Scalar::Boolean(*value)),
            Value::Number(number) => {
                number.as_f64().map(Scalar::Number).ok_or_else(|| format!("cannot hold {number}"))
            }
            Value::String(text) => Ok(Scalar::String(text.clone())),
            _ => Err("compares with a list or an object".into()),
        })
        .collect()
}

/// Texts of RFC 3339 and Unix milliseconds, on both sides.
fn dates(clause: &Clause, attribute: &str, is: Comparison) -> Result<Vec<Condition>, String> {
    let mut tests = Vec::new();
    for value in &clause.values {
        let text = match value {
            Value::String(text) if Moment::parse(text.as_bytes()).is_some() => text.clone(),
            Value::Number(number) => {
                let milliseconds = number.as_f64().unwrap_or(f64::NAN);
                if !(-LARGEST_DATE..=LARGEST_DATE).contains(&milliseconds) {
                    continue;
                }
                let within_years = (BEFORE_YEARS..AFTER_YEARS).contains(&milliseconds);
                let moment = Moment::from_milliseconds(milliseconds).filter(|_| within_years);
                rfc_3339(moment.ok_or_else(|| {
                    format!("compares with {number} ms, which is not in the years 0 to 9999")
                })?)
            }
            _ => continue,
        };
        let date = DatetimeComparison { attribute: attribute.to_string(), is, value: text };
        tests.push(Condition::Datetime(date));
    }
    if !tests.is_empty() {
        // Numbers that our dates do not reach.
        tests.push(match is {
            Comparison::Less => node::number(attribute, is, -AFTER_YEARS, false),
            _ => node::number(attribute, Comparison::GreaterOrEqual, AFTER_YEARS, false),
        });
    }
    Ok(tests)
}

/// As `2026-01-31T12:00:00.000000000Z` (Hinnant, chrono-compatible low-level date algorithms, 2013).
fn rfc_3339(moment: Moment) -> String {
    let Moment { seconds, nanoseconds } = moment;
    let (days, second) = (seconds.div_euclid(86_400) + 719_468, seconds.rem_euclid(86_400));
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{nanoseconds:09}Z")
}

/// `kind`: which kinds of context there are. Only names can be asked for, for all kinds are nowhere listed.
fn kinds_clause(clause: &Clause) -> Result<Condition, String> {
    if clause.op != "in" {
        return Err(format!("compares the kinds of context by `{}`", clause.op));
    }
    let names = clause.values.iter().filter_map(Value::as_str).map(|name| Kind(name.into()));
    let keys = names.filter_map(|kind| kind_key(&kind).ok());
    let present = any(keys.map(|key| exists(&key)));
    Ok(if clause.negate { not(present) } else { present })
}

/// Of every context that is there it is true or false.
fn anonymous(clause: &Clause, attribute: &str) -> Result<Vec<Condition>, String> {
    let key = kind_key(clause.context_kind.as_ref().unwrap_or(&Kind::default()))?;
    let is = || equals(attribute, Scalar::Boolean(true), false);
    let asked = |value: bool| clause.op == "in" && clause.values.contains(&Value::Bool(value));
    let holds = match (asked(true) != clause.negate, asked(false) != clause.negate) {
        (true, true) => return Ok(alloc::vec![exists(&key)]),
        (false, false) => never(),
        (true, false) => is(),
        (false, true) => not(is()),
    };
    Ok(alloc::vec![exists(&key), holds])
}
