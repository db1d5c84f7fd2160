//! Sections 5 and 6: conditions and segments.

use std::cmp::Ordering;

use pennon_core::config::{Comparison, Condition, ContextType, In, Scalar, Segment, Texts};
use serde_json::Value;

use super::bucket::cut_point;
use super::version::Version;
use super::{Evaluation, TWO_TO_53, datetime, reach, text};

/// What attribute references of a condition start from.
#[derive(Clone, Copy)]
pub(crate) enum Scope<'a> {
    Context,
    Element(&'a Value),
}

impl<'a> Evaluation<'a, '_> {
    pub(crate) fn holds(&mut self, condition: &'a Condition, scope: Scope<'a>) -> bool {
        if self.broken {
            return false;
        }
        let holds = self.test(condition, scope);
        self.marks.put(word(condition), holds);
        holds
    }

    fn test(&mut self, condition: &'a Condition, scope: Scope<'a>) -> bool {
        let value = condition.attribute().and_then(|reference| self.attribute(reference, scope));
        let string = value.and_then(Value::as_str);
        let list = value.and_then(Value::as_array);
        match condition {
            Condition::All(list) => list.iter().all(|child| self.holds(child, scope)),
            Condition::Any(list) => list.iter().any(|child| self.holds(child, scope)),
            Condition::Not(child) => !self.holds(child, scope),
            Condition::Segment(key) => self.is_in(&self.configuration.segments[key]),
            Condition::Flag(flag) => self.is_met(flag),
            Condition::Some(some) => match self.attribute(&some.attribute, scope) {
                Some(Value::Array(list)) => {
                    list.iter().any(|element| self.holds(&some.when, Scope::Element(element)))
                }
                _ => false,
            },
            Condition::Bucket(range) => self.bucket(&range.by).is_some_and(|bucket| {
                let start = cut_point(&range.by, range.from.into());
                let end = cut_point(&range.by, range.below.into());
                start <= bucket && bucket < end
            }),
            Condition::Now(instant) => {
                // It compares otherwise from the instant on, and from the next on.
                self.until
                    .extend([instant.value, instant.value + 1].iter().filter(|at| **at > self.now));
                compares(instant.is, self.now.cmp(&instant.value))
            }
            Condition::Error(_) => {
                self.broken = true;
                true
            }
            Condition::DeepEquals(leaf) => {
                value.is_some_and(|value| deep_equal(value, &leaf.value))
            }
            Condition::UnixTime(leaf) => {
                let read = string.filter(|_| leaf.parse).and_then(text::number);
                let Some(number) = value.and_then(Value::as_f64).or(read) else { return false };
                // The seconds at which the order becomes another.
                let turns = [number.ceil(), number.floor() + 1.0].map(|turn| turn * 1_000.0);
                let turns = turns.map(|turn| turn.min(TWO_TO_53) as i64);
                self.until.extend(turns.iter().filter(|at| **at > self.now));
                let second = self.now.div_euclid(1_000) as f64;
                number.partial_cmp(&second).is_some_and(|order| compares(leaf.is, order))
            }
            Condition::Exists(_) => value.is_some(),
            Condition::IsType(leaf) => value.is_some_and(|value| match leaf.value_type {
                ContextType::Boolean => value.is_boolean(),
                ContextType::String => value.is_string(),
                ContextType::Number => value.is_number(),
                ContextType::List => value.is_array(),
                ContextType::Object => value.is_object(),
            }),
            Condition::Equals(leaf) => {
                value.is_some_and(|value| equal(value, &leaf.value, leaf.ignore_case))
            }
            Condition::In(leaf) => value.is_some_and(|value| is_listed(value, leaf)),
            Condition::Contains(leaf) => any_text(string, leaf, |text, part| text.contains(part)),
            Condition::StartsWith(leaf) => {
                any_text(string, leaf, |text, part| text.starts_with(part))
            }
            Condition::EndsWith(leaf) => any_text(string, leaf, |text, part| text.ends_with(part)),
            Condition::IpInCidr(leaf) => any_text(string, leaf, text::is_in_network),
            Condition::Matches(leaf) => {
                string.is_some_and(|string| text::matches(string, &leaf.pattern))
            }
            Condition::Text(leaf) => string.is_some_and(|string| {
                compares(leaf.is, string.as_bytes().cmp(leaf.value.as_bytes()))
            }),
            Condition::PaddedVersion(leaf) => string.is_some_and(|string| {
                let (left, right) =
                    (text::padded_version(string), text::padded_version(&leaf.value));
                compares(leaf.is, left.as_bytes().cmp(right.as_bytes()))
            }),
            Condition::Number(leaf) => {
                let read = string.filter(|_| leaf.parse).and_then(text::number);
                let number = value.and_then(Value::as_f64).or(read);
                let order = number.and_then(|number| number.partial_cmp(&leaf.value));
                order.is_some_and(|order| compares(leaf.is, order))
            }
            Condition::Size(leaf) => {
                let order = list.and_then(|list| (list.len() as f64).partial_cmp(&leaf.value));
                order.is_some_and(|order| compares(leaf.is, order))
            }
            Condition::Datetime(leaf) => {
                let bound = datetime::parse(&leaf.value).expect("a checked date");
                let moment = match value {
                    Some(Value::String(text)) => datetime::parse(text),
                    Some(Value::Number(number)) => {
                        number.as_f64().and_then(datetime::from_milliseconds)
                    }
                    _ => None,
                };
                moment.is_some_and(|moment| compares(leaf.is, moment.cmp(&bound)))
            }
            Condition::Semver(leaf) => {
                let parse = |text: &str| Version::parse(text, leaf.partial);
                let bound = parse(&leaf.value).expect("a checked version");
                let version = string.and_then(parse);
                version.is_some_and(|version| compares(leaf.is, version.compare(&bound)))
            }
            Condition::AnyOf(leaf) => {
                list.is_some_and(|list| list.iter().any(|element| is_listed(element, leaf)))
            }
            Condition::AllOf(leaf) => list.is_some_and(|list| {
                leaf.values
                    .iter()
                    .all(|value| list.iter().any(|element| equal(element, value, leaf.ignore_case)))
            }),
            Condition::NoneOf(leaf) => {
                list.is_some_and(|list| !list.iter().any(|element| is_listed(element, leaf)))
            }
        }
    }

    /// No reference at all means the element itself, and nothing outside of a list.
    fn attribute(&self, reference: &str, scope: Scope<'a>) -> Option<&'a Value> {
        match scope {
            Scope::Element(element) if reference.is_empty() => {
                Some(element).filter(|element| !element.is_null())
            }
            Scope::Element(element) => reach(element, reference),
            Scope::Context if reference.is_empty() => None,
            Scope::Context => reach(self.context, reference),
        }
    }

    /// Section 6.
    fn is_in(&mut self, segment: &'a Segment) -> bool {
        let unit = self.unit(&segment.unit);
        let listed = |keys: &[String]| unit.as_ref().is_some_and(|unit| keys.contains(unit));
        if listed(&segment.excluded) {
            false
        } else if listed(&segment.included) {
            true
        } else {
            segment.when.as_ref().is_some_and(|when| self.holds(when, Scope::Context))
        }
    }
}

/// For [`super::Marks`].
fn word(condition: &Condition) -> &'static str {
    match condition {
        Condition::All(_) => "all",
        Condition::Any(_) => "any",
        Condition::Not(_) => "not",
        Condition::Segment(_) => "segment",
        Condition::Flag(_) => "flag",
        Condition::Some(_) => "some",
        Condition::Bucket(_) => "bucket",
        Condition::Now(_) => "now",
        Condition::Error(_) => "error",
        Condition::DeepEquals(_) => "deep_equals",
        Condition::UnixTime(_) => "unix_time",
        Condition::Exists(_) => "exists",
        Condition::IsType(_) => "is_type",
        Condition::Equals(_) => "equals",
        Condition::In(_) => "in",
        Condition::Contains(_) => "contains",
        Condition::StartsWith(_) => "starts_with",
        Condition::EndsWith(_) => "ends_with",
        Condition::Matches(_) => "matches",
        Condition::Text(_) => "text",
        Condition::Number(_) => "number",
        Condition::Datetime(_) => "datetime",
        Condition::Semver(_) => "semver",
        Condition::PaddedVersion(_) => "padded_version",
        Condition::IpInCidr(_) => "ip_in_cidr",
        Condition::AnyOf(_) => "any_of",
        Condition::AllOf(_) => "all_of",
        Condition::NoneOf(_) => "none_of",
        Condition::Size(_) => "size",
    }
}

fn any_text(string: Option<&str>, leaf: &Texts, test: impl Fn(&str, &str) -> bool) -> bool {
    let case = |text: &str| if leaf.ignore_case { text::folded(text) } else { text.to_owned() };
    string.is_some_and(|string| {
        let string = case(string);
        leaf.values.iter().any(|part| test(&string, &case(part)))
    })
}

fn is_listed(value: &Value, leaf: &In) -> bool {
    leaf.values.iter().any(|listed| equal(value, listed, leaf.ignore_case))
}

/// Section 5.2: type and value.
fn equal(value: &Value, operand: &Scalar, ignore_case: bool) -> bool {
    match (value, operand) {
        (Value::Bool(value), Scalar::Boolean(operand)) => value == operand,
        (Value::Number(value), Scalar::Number(operand)) => value.as_f64() == Some(*operand),
        (Value::String(value), Scalar::String(operand)) if ignore_case => {
            text::folded(value) == text::folded(operand)
        }
        (Value::String(value), Scalar::String(operand)) => value == operand,
        _ => false,
    }
}

/// Section 5.2: with all that is in it.
fn deep_equal(value: &Value, operand: &Value) -> bool {
    match (value, operand) {
        (Value::Number(value), Value::Number(operand)) => value.as_f64() == operand.as_f64(),
        (Value::Array(value), Value::Array(operand)) => {
            value.len() == operand.len()
                && value.iter().zip(operand).all(|(value, operand)| deep_equal(value, operand))
        }
        (Value::Object(value), Value::Object(operand)) => {
            value.len() == operand.len()
                && operand.iter().all(|(name, operand)| {
                    value.get(name).is_some_and(|value| deep_equal(value, operand))
                })
        }
        _ => value == operand,
    }
}

fn compares(is: Comparison, order: Ordering) -> bool {
    match is {
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Equal => order.is_eq(),
        Comparison::GreaterOrEqual => order.is_ge(),
        Comparison::Greater => order.is_gt(),
        Comparison::NotEqual => order.is_ne(),
    }
}
