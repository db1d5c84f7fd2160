//! JavaScript's coercions as conditions: what each type of value becomes, one way beside the other.

use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};

use serde_json::Value;

use super::judge::{Judge, VALUE};
use crate::config::{Comparison, Condition, ContextType, Matches, Scalar};
use crate::import::javascript::{number_of, text_of};
use crate::import::{node, regexp};

/// What an object becomes as a text.
const OBJECT: &str = "[object Object]";

fn text(value: &str) -> Scalar {
    Scalar::String(value.into())
}

/// A list becomes what its elements are, joined by commas: one element alone stands for the list. One condition for each way, which nests
/// less than one for all.
fn only_element(of: &str, ways: Vec<Condition>) -> Condition {
    let one = || node::size(of, Comparison::Equal, 1.0);
    node::any(ways.into_iter().map(|way| node::all([one(), node::some(of, way)])))
}

fn is_empty_list(of: &str) -> Condition {
    node::size(of, Comparison::Equal, 0.0)
}

/// A list whose text has a comma, or lies deeper: what it comes to is not known now, and is declined rather than guessed.
fn longer_list(of: &str) -> Condition {
    let longer = node::size(of, Comparison::Greater, 1.0);
    let nested = node::some(of, node::is_type("", ContextType::List));
    node::all([node::any([longer, nested]), unknown_text()])
}

fn unknown_text() -> Condition {
    node::error("the text of a list or a number decides there, which is not known here")
}

fn is_missing(of: &str) -> Condition {
    node::not(node::exists(of))
}

/// `String(value) === text`, or both in lower case.
pub(super) fn equals_text(of: &str, wanted: &str, ignore_case: bool) -> Condition {
    let folded = if ignore_case { wanted.to_lowercase() } else { wanted.into() };
    let mut ways = scalar_equals_text(of, wanted, &folded, ignore_case);
    if folded == "null" {
        ways.push(is_missing(of));
    }
    let object = if ignore_case { OBJECT.to_lowercase() } else { OBJECT.into() };
    if folded == object {
        ways.push(node::is_type(of, ContextType::Object));
    }
    if folded.is_empty() {
        ways.push(is_empty_list(of));
    }
    if !folded.contains(',') {
        let mut inside = scalar_equals_text("", wanted, &folded, ignore_case);
        if folded.is_empty() {
            inside.push(is_missing(""));
        }
        if folded == object {
            inside.push(node::is_type("", ContextType::Object));
        }
        ways.push(only_element(of, inside));
    }
    node::any(ways)
}

fn scalar_equals_text(of: &str, wanted: &str, folded: &str, ignore_case: bool) -> Vec<Condition> {
    let mut ways = vec![node::equals(of, text(wanted), ignore_case)];
    if let Some(number) = number_of(folded).filter(|number| text_of(*number) == folded) {
        ways.push(node::equals(of, Scalar::Number(number), false));
    }
    if let Ok(value) = folded.parse::<bool>() {
        ways.push(node::equals(of, Scalar::Boolean(value), false));
    }
    ways
}

/// `value * 1 === number`.
pub(super) fn equals_number(of: &str, number: f64) -> Condition {
    as_number(of, |of| node::number(of, Comparison::Equal, number, true), |value| value == number)
}

/// The value as a number: `of_numbers` is asked of numbers and of texts that are one, `constant` of what null, booleans and nothing become.
fn as_number(
    of: &str,
    of_numbers: impl Fn(&str) -> Condition,
    constant: impl Fn(f64) -> bool,
) -> Condition {
    let (zero, one) = (constant(0.0), constant(1.0));
    let mut ways = vec![of_numbers(of)];
    let mut inside = vec![of_numbers("")];
    if zero {
        ways.push(node::one_of(of, vec![text(""), Scalar::Boolean(false)], false));
        ways.push(is_missing(of));
        ways.push(is_empty_list(of));
        inside.push(node::equals("", text(""), false));
        inside.push(is_missing(""));
    }
    if one {
        ways.push(node::equals(of, Scalar::Boolean(true), false));
    }
    ways.push(only_element(of, inside));
    node::any(ways)
}

/// `value !== null && !!value === wanted`.
pub(super) fn equals_boolean(of: &str, wanted: bool) -> Condition {
    let falsy = vec![Scalar::Boolean(false), Scalar::Number(0.0), text("")];
    let falsy = node::one_of(of, falsy, false);
    if wanted { node::all([node::exists(of), node::not(falsy)]) } else { falsy }
}

pub(super) fn is_true(json: &Value) -> bool {
    match json {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// `value < operand` and so on: as texts if both are, else as numbers.
pub(super) fn ordered(of: &str, is: Comparison, operand: &Value) -> Result<Condition, String> {
    let bound = match operand {
        Value::String(bound) => return ordered_text(of, is, bound),
        Value::Number(number) => number.as_f64().filter(|bound| bound.is_finite()),
        Value::Null => Some(0.0),
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        Value::Array(_) | Value::Object(_) => None,
    };
    let Some(bound) = bound else {
        return Err(format!("compares with `{operand}`, which is neither a number nor a text"));
    };
    let of_numbers = |of: &str| node::number(of, is, bound, true);
    Ok(as_number(of, of_numbers, |value| holds(is, value.partial_cmp(&bound))))
}

fn ordered_text(of: &str, is: Comparison, bound: &str) -> Result<Condition, String> {
    let lexically = |value: &str| holds(is, Some(value.cmp(bound)));
    let mut ways = vec![Condition::Text(node::text(of, is, bound))];
    if let Some(number) = number_of(bound) {
        if !number.is_finite() {
            return Err(format!("compares with `{bound}`"));
        }
        let constant = |value: f64| holds(is, value.partial_cmp(&number));
        ways.push(node::number(of, is, number, false));
        if constant(0.0) {
            ways.push(node::equals(of, Scalar::Boolean(false), false));
            ways.push(is_missing(of));
        }
        if constant(1.0) {
            ways.push(node::equals(of, Scalar::Boolean(true), false));
        }
    }
    let mut inside = vec![Condition::Text(node::text("", is, bound))];
    if lexically("") {
        ways.push(is_empty_list(of));
        inside.push(is_missing(""));
    }
    if lexically(OBJECT) {
        ways.push(node::is_type(of, ContextType::Object));
        inside.push(node::is_type("", ContextType::Object));
    }
    for value in [true, false] {
        if lexically(if value { "true" } else { "false" }) {
            inside.push(node::equals("", Scalar::Boolean(value), false));
        }
    }
    // The text of a number begins with a digit or a sign.
    let number = node::is_type("", ContextType::Number);
    match bound.chars().next() {
        Some('-' | '.' | '/' | '0'..='9') => inside.push(node::all([number, unknown_text()])),
        Some(first) if first > '9' && lexically("0") => inside.push(number),
        first if first.is_none_or(|first| first < '-') && lexically("9") => inside.push(number),
        _ => {}
    }
    ways.push(only_element(of, inside));
    ways.push(longer_list(of));
    Ok(node::any(ways))
}

fn holds(is: Comparison, order: Option<core::cmp::Ordering>) -> bool {
    let bit = match order {
        Some(core::cmp::Ordering::Less) => 1,
        Some(core::cmp::Ordering::Equal) => 2,
        Some(core::cmp::Ordering::Greater) => 4,
        None => 0,
    };
    is.bits() & bit != 0
}

/// The pattern matches what the value becomes as a text. Where that of a number decides, and is not known now, the evaluation is declined.
pub(super) fn matches(of: &str, pattern: &str, numbers: &[f64]) -> Result<Condition, String> {
    let on =
        |of: &str| Condition::Matches(Matches { attribute: of.into(), pattern: pattern.into() });
    let judge = Judge::new(on(VALUE))?;
    let constant = |text: &str| judge.holds(&text.into());
    let mut ways = vec![on(of)];
    let mut inside = vec![on("")];
    for number in numbers {
        if constant(&text_of(*number))? {
            ways.push(node::equals(of, Scalar::Number(*number), false));
        }
    }
    let others = match regexp::on_numbers(pattern) {
        Some(false) => None,
        Some(true) => Some(node::always()),
        None => Some(unknown_text()),
    };
    if let Some(others) = others {
        let is_number = |of| node::is_type(of, ContextType::Number);
        inside.push(node::all([is_number(""), others.clone()]));
        // Of known numbers each has been asked.
        if numbers.is_empty() {
            ways.push(node::all([is_number(of), others]));
        }
    }
    if constant("null")? {
        ways.push(is_missing(of));
    }
    if constant("")? {
        ways.push(is_empty_list(of));
        inside.push(is_missing(""));
    }
    for value in [true, false] {
        if constant(if value { "true" } else { "false" })? {
            ways.push(node::equals(of, Scalar::Boolean(value), false));
            inside.push(node::equals("", Scalar::Boolean(value), false));
        }
    }
    if constant(OBJECT)? {
        ways.push(node::is_type(of, ContextType::Object));
        inside.push(node::is_type("", ContextType::Object));
    }
    ways.push(only_element(of, inside));
    ways.push(longer_list(of));
    Ok(node::any(ways))
}

/// `paddedVersionString(value)` compared with that of the operand. What is neither a text nor a number is version 0.
pub(super) fn version(of: &str, is: Comparison, operand: &Value) -> Result<Condition, String> {
    let bound = match operand {
        Value::String(bound) => bound.clone(),
        Value::Number(number) => text_of(number.as_f64().unwrap_or(0.0)),
        _ => "0".into(),
    };
    let compare = |is: Comparison| {
        move |of: &str, bound: &str| Condition::PaddedVersion(node::text(of, is, bound))
    };
    let mut ways = vec![compare(is)(of, &bound)];
    ways.push(number_version(of, is, &bound)?);
    if Judge::new(compare(is)(VALUE, &bound))?.holds(&"0".into())? {
        let other =
            [ContextType::String, ContextType::Number].map(|other| node::is_type(of, other));
        ways.push(node::not(node::any(other)));
    }
    Ok(node::any(ways))
}

/// Numbers as versions: 1.10 is 1.1, and then 1 and 1. Whole parts decide, and for the bound's own whole part every fraction that is not
/// longer than the bound's second part is listed; a longer one is greater.
fn number_version(of: &str, is: Comparison, bound: &str) -> Result<Condition, String> {
    /// Digits of the second part: with more the list gets long.
    const MOST_DIGITS: usize = 3;
    let core = bound.strip_prefix('v').unwrap_or(bound);
    let core = core.split('+').next().unwrap_or(core);
    let mut parts = core.split(['-', '.']);
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let plain =
        |part: &&str| digits(part) && (*part == "0" || !part.starts_with('0')) && part.len() < 5;
    let less = Judge::new(Condition::PaddedVersion(node::text(VALUE, Comparison::Less, bound)))?;
    let equal = Judge::new(Condition::PaddedVersion(node::text(VALUE, Comparison::Equal, bound)))?;
    let first = parts.next();
    if first.is_some_and(|first| digits(first) && !plain(&first)) {
        return Err(format!("compares numbers with the version `{bound}`, whose first is unusual"));
    }
    let Some(first) = first.filter(plain) else {
        // Not a number: all numbers are on one side of it.
        let order = match less.holds(&"5".into())? {
            true => core::cmp::Ordering::Less,
            false => core::cmp::Ordering::Greater,
        };
        let all = node::is_type(of, ContextType::Number);
        return Ok(if holds(is, Some(order)) { all } else { node::never() });
    };
    let whole: f64 = first.parse().map_err(|_| format!("`{bound}` is no version"))?;
    let second = parts.next();
    // A word is after every fraction.
    let word = second.is_some_and(|part| !part.is_empty() && !digits(part));
    let length = second.filter(|part| digits(part)).map_or(0, str::len).min(MOST_DIGITS);
    // The order of the bound's whole part and each of its short fractions.
    let mut candidates = vec![String::from(first)];
    for digits in 1..=length {
        for fraction in 1..10u32.pow(digits as u32) {
            if fraction % 10 != 0 {
                candidates.push(format!("{first}.{fraction:0digits$}"));
            }
        }
    }
    let (mut lesser, mut same) = (Vec::new(), Vec::new());
    for candidate in candidates {
        let number: f64 = candidate.parse().map_err(|_| format!("`{bound}` is no version"))?;
        let value = Value::from(candidate);
        if less.holds(&value)? {
            lesser.push(Scalar::Number(number));
        } else if equal.holds(&value)? {
            same.push(Scalar::Number(number));
        }
    }
    let is_less = node::any([
        node::all([
            node::number(of, Comparison::GreaterOrEqual, 0.0, false),
            node::number(of, Comparison::Less, if word { whole + 1.0 } else { whole }, false),
        ]),
        node::one_of(of, lesser, false),
    ]);
    let is_equal = node::one_of(of, same, false);
    Ok(match is {
        Comparison::Less => is_less,
        Comparison::Equal => is_equal,
        Comparison::LessOrEqual => node::any([is_less, is_equal]),
        Comparison::GreaterOrEqual => {
            node::all([node::is_type(of, ContextType::Number), node::not(is_less)])
        }
        Comparison::Greater => node::all([
            node::is_type(of, ContextType::Number),
            node::not(node::any([is_less, is_equal])),
        ]),
        Comparison::NotEqual => {
            node::all([node::is_type(of, ContextType::Number), node::not(is_equal)])
        }
    })
}

/// Whether the condition, which is about one value, holds when there is none.
pub(super) fn holds_for_missing(condition: &Condition) -> bool {
    match condition {
        Condition::All(list) => list.iter().all(holds_for_missing),
        Condition::Any(list) => list.iter().any(holds_for_missing),
        Condition::Not(inner) => !holds_for_missing(inner),
        // Every operator is false then.
        _ => false,
    }
}
