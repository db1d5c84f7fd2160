//! Clauses: one attribute compared with values.
//!
//! Nothing is converted; a list matches if one of its elements does; a missing attribute never matches, not even negated.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

use super::date;
use super::payload::{Clause, Kind};
use super::reference::{Referenced, kind_key, referenced};
use crate::config::{Comparison, Condition, Matches, Scalar, SemverComparison};
use crate::evaluate::Version;
use crate::import::node::{self, any, constant, equals, error, exists, never, not};
use crate::import::{pattern, regexp};

/// Longer versions are none in every engine.
const LONGEST_VERSION: usize = 256;
/// Larger parts of a version are not whole numbers in every engine.
const LARGEST_PART: u64 = 9_007_199_254_740_991;

/// What must hold for a clause that is not about segments.
pub(super) fn clause(clause: &Clause, kinds: &BTreeSet<String>) -> Result<Vec<Condition>, String> {
    let kind = clause.context_kind.as_ref();
    let (attribute, is_key) = match referenced(&clause.attribute, kind, kinds)? {
        Referenced::Nowhere => return Ok(alloc::vec![never()]),
        Referenced::Invalid => {
            return Ok(alloc::vec![error("an attribute reference that is invalid there too")]);
        }
        Referenced::Kinds => return kinds_clause(clause).map(|holds| alloc::vec![holds]),
        Referenced::Anonymous(attribute) => return anonymous(clause, &attribute),
        Referenced::Attribute { attribute, key } => (attribute, key),
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
    if !is_key {
        // One by one: that is one level less.
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
    let texts = || node::texts(attribute, strings().map(ToString::to_string).collect(), false);
    let compared =
        |is: Comparison| numbers().map(|value| node::number(attribute, is, value, false)).collect();
    let some_text = strings().next().is_some();
    Ok(match clause.op.as_str() {
        "in" => alloc::vec![node::one_of(attribute, scalars(&clause.values)?, false)],
        "startsWith" if some_text => alloc::vec![Condition::StartsWith(texts())],
        "endsWith" if some_text => alloc::vec![Condition::EndsWith(texts())],
        "contains" if some_text => alloc::vec![Condition::Contains(texts())],
        "matches" => {
            let patterns = strings().map(pattern_of).collect::<Result<Vec<_>, _>>()?;
            let patterns = patterns.into_iter().flatten();
            let matches = |pattern| Matches { attribute: attribute.to_string(), pattern };
            patterns.map(|pattern| Condition::Matches(matches(pattern))).collect()
        }
        "lessThan" => compared(Comparison::Less),
        "lessThanOrEqual" => compared(Comparison::LessOrEqual),
        "greaterThan" => compared(Comparison::Greater),
        "greaterThanOrEqual" => compared(Comparison::GreaterOrEqual),
        "before" => date::tests(&clause.values, attribute, Comparison::Less)?,
        "after" => date::tests(&clause.values, attribute, Comparison::Greater)?,
        "semVerEqual" => versions(strings(), attribute, Comparison::Equal)?,
        "semVerLessThan" => versions(strings(), attribute, Comparison::Less)?,
        "semVerGreaterThan" => versions(strings(), attribute, Comparison::Greater)?,
        // An operator that LaunchDarkly's engines do not know either never matches.
        _ => Vec::new(),
    })
}

/// None for what is a regular expression to none of LaunchDarkly's engines: they read JavaScript's, RE2's or others'.
fn pattern_of(text: &str) -> Result<Option<String>, String> {
    let unlike = || {
        format!("the regular expression `{text}` is not read alike by every engine of LaunchDarkly")
    };
    match (regexp::of_javascript(text, false)?, pattern::of_re2(text, false)) {
        (Some(pattern), Ok(Some(_))) => Ok(Some(pattern)),
        (None, Ok(None)) => Ok(None),
        _ => Err(unlike()),
    }
}

fn versions<'a>(
    texts: impl Iterator<Item = &'a str>,
    attribute: &str,
    is: Comparison,
) -> Result<Vec<Condition>, String> {
    let mut tests = Vec::new();
    for text in texts {
        let parse = |text: &'a str| Version::parse(text.as_bytes(), true);
        let unlike = match (parse(text), parse(text.trim())) {
            (None, None) => continue,
            (None, Some(_)) => true,
            (Some(version), _) => {
                text.len() > LONGEST_VERSION
                    || version.numbers.iter().any(|part| *part > LARGEST_PART)
            }
        };
        if unlike {
            return Err(format!(
                "compares with `{text}`, which not every engine of LaunchDarkly takes for a version"
            ));
        }
        let (attribute, value) = (attribute.to_string(), text.to_string());
        tests.push(Condition::Semver(SemverComparison { attribute, is, value, partial: true }));
    }
    Ok(tests)
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

/// `kind`: which kinds of context there are, at least one. Only names can be asked for, for all kinds are nowhere listed.
fn kinds_clause(clause: &Clause) -> Result<Condition, String> {
    let names = || clause.values.iter().filter_map(Value::as_str);
    let found = match clause.op.as_str() {
        "in" => {
            let keys = names().filter_map(|name| kind_key(&Kind(name.into())).ok());
            any(keys.map(|key| exists(&key)))
        }
        "startsWith" | "endsWith" | "contains" | "matches" | "semVerEqual" | "semVerLessThan"
        | "semVerGreaterThan"
            if names().next().is_some() =>
        {
            return Err(format!("compares the kinds of context by `{}`", clause.op));
        }
        // The name of a kind is neither a number nor a date.
        _ => never(),
    };
    Ok(if clause.negate { not(found) } else { found })
}

/// Of every context that is there it is true or false.
fn anonymous(clause: &Clause, attribute: &str) -> Result<Vec<Condition>, String> {
    let key = kind_key(clause.context_kind.as_ref().unwrap_or(&Kind::default()))?;
    let is = || equals(attribute, Scalar::Boolean(true), false);
    let asked = |value: bool| clause.op == "in" && clause.values.contains(&Value::Bool(value));
    let holds = match (asked(true) != clause.negate, asked(false) != clause.negate) {
        (true, true) => constant(true),
        (false, false) => return Ok(alloc::vec![never()]),
        (true, false) => is(),
        (false, true) => not(is()),
    };
    Ok([exists(&key), holds].into_iter().filter(|one| !node::is_always(one)).collect())
}
