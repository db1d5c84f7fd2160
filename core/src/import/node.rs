//! Conditions in few words, and simplified where that changes nothing.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;

use crate::config::{
    BucketRange, Bucketing, Comparison, Condition, ContextType, DeepEquals, Equals, Exists, In,
    IsType, NumberComparison, Prerequisite, Scalar, SomeElement, TextComparison, Texts,
    TimeComparison,
};

pub(crate) fn always() -> Condition {
    Condition::All(Vec::new())
}

pub(crate) fn never() -> Condition {
    Condition::Any(Vec::new())
}

pub(crate) fn constant(holds: bool) -> Condition {
    if holds { always() } else { never() }
}

pub(crate) fn is_always(condition: &Condition) -> bool {
    matches!(condition, Condition::All(list) if list.is_empty())
}

pub(crate) fn is_never(condition: &Condition) -> bool {
    matches!(condition, Condition::Any(list) if list.is_empty())
}

/// All of them, without those that always hold; one that never does decides. As flat as can be: nesting is bounded.
pub(crate) fn all(conditions: impl IntoIterator<Item = Condition>) -> Condition {
    let mut list = Vec::new();
    for condition in conditions {
        match condition {
            Condition::All(inner) => list.extend(inner),
            Condition::Not(inner) if matches!(*inner, Condition::Any(_)) => {
                if let Condition::Any(inner) = *inner {
                    list.extend(inner.into_iter().map(not));
                }
            }
            condition if is_never(&condition) => {
                if !list.iter().any(may_fail) {
                    return never();
                }
                list.push(condition);
                break;
            }
            condition => list.push(condition),
        }
    }
    single(list).unwrap_or_else(Condition::All)
}

/// One of them, without those that never hold; one that always does decides.
pub(crate) fn any(conditions: impl IntoIterator<Item = Condition>) -> Condition {
    let mut list = Vec::new();
    for condition in conditions {
        match condition {
            Condition::Any(inner) => list.extend(inner),
            Condition::Not(inner) if matches!(*inner, Condition::All(_)) => {
                if let Condition::All(inner) = *inner {
                    list.extend(inner.into_iter().map(not));
                }
            }
            condition if is_always(&condition) => {
                if !list.iter().any(may_fail) {
                    return always();
                }
                list.push(condition);
                break;
            }
            condition => list.push(condition),
        }
    }
    single(list).unwrap_or_else(Condition::Any)
}

/// Whether testing it may be an error, segments left aside.
pub(crate) fn may_fail(condition: &Condition) -> bool {
    let mut reasons = BTreeSet::new();
    errors(condition, &mut reasons);
    !reasons.is_empty()
}

/// Why testing it may be an error, segments left aside.
pub(crate) fn errors<'a>(condition: &'a Condition, reasons: &mut BTreeSet<&'a str>) {
    match condition {
        Condition::Error(why) => drop(reasons.insert(why)),
        Condition::All(list) | Condition::Any(list) => {
            list.iter().for_each(|inner| errors(inner, reasons));
        }
        Condition::Not(inner) => errors(inner, reasons),
        Condition::Some(some) => errors(&some.when, reasons),
        _ => {}
    }
}

pub(crate) fn error(why: &str) -> Condition {
    Condition::Error(why.into())
}

fn single(mut list: Vec<Condition>) -> Result<Condition, Vec<Condition>> {
    if list.len() != 1 {
        return Err(list);
    }
    list.pop().ok_or(list)
}

pub(crate) fn not(condition: Condition) -> Condition {
    match condition {
        Condition::Not(inner) => *inner,
        condition if is_always(&condition) => never(),
        condition if is_never(&condition) => always(),
        condition => Condition::Not(Box::new(condition)),
    }
}

pub(crate) fn exists(attribute: &str) -> Condition {
    Condition::Exists(Exists { attribute: attribute.into() })
}

pub(crate) fn is_type(attribute: &str, value_type: ContextType) -> Condition {
    Condition::IsType(IsType { attribute: attribute.into(), value_type })
}

pub(crate) fn equals(attribute: &str, value: Scalar, ignore_case: bool) -> Condition {
    Condition::Equals(Equals { attribute: attribute.into(), value, ignore_case })
}

pub(crate) fn deep_equals(attribute: &str, value: Value) -> Condition {
    Condition::DeepEquals(DeepEquals { attribute: attribute.into(), value })
}

pub(crate) fn unix_time(attribute: &str, is: Comparison, parse: bool) -> Condition {
    Condition::UnixTime(TimeComparison { attribute: attribute.into(), is, parse })
}

pub(crate) fn one_of(attribute: &str, values: Vec<Scalar>, ignore_case: bool) -> Condition {
    if values.is_empty() {
        return never();
    }
    Condition::In(In { attribute: attribute.into(), values, ignore_case })
}

pub(crate) fn texts(attribute: &str, values: Vec<String>, ignore_case: bool) -> Texts {
    Texts { attribute: attribute.into(), values, ignore_case }
}

pub(crate) fn number(attribute: &str, is: Comparison, value: f64, parse: bool) -> Condition {
    Condition::Number(NumberComparison { attribute: attribute.into(), is, value, parse })
}

pub(crate) fn size(attribute: &str, is: Comparison, value: f64) -> Condition {
    Condition::Size(NumberComparison { attribute: attribute.into(), is, value, parse: false })
}

pub(crate) fn text(attribute: &str, is: Comparison, value: &str) -> TextComparison {
    TextComparison { attribute: attribute.into(), is, value: value.into() }
}

pub(crate) fn some(attribute: &str, when: Condition) -> Condition {
    if is_never(&when) {
        return never();
    }
    Condition::Some(Box::new(SomeElement { attribute: attribute.into(), when }))
}

pub(crate) fn serves(flag: &str, variants: Vec<String>) -> Condition {
    if variants.is_empty() {
        return never();
    }
    Condition::Flag(Prerequisite { flag: flag.into(), variants })
}

/// The unit's bucket is in `from..below`; false without a unit.
pub(crate) fn bucket(by: &Bucketing, from: u32, below: u32) -> Condition {
    if from >= below {
        return never();
    }
    Condition::Bucket(BucketRange { by: by.clone(), from, below })
}

/// An attribute reference that is this one name, whatever it begins with.
pub(crate) fn name(name: &str) -> String {
    if name.starts_with('/') { pointer([name]) } else { name.into() }
}

/// A JSON Pointer of these names.
pub(crate) fn pointer<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().fold(String::new(), |mut pointer, name| {
        pointer.push('/');
        pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
        pointer
    })
}
