//! Typed operators (core/spec/evaluation.md section 5.2). A missing attribute or one of another type makes them false.

use core::cmp::Ordering;

use crate::bytes::Reader;
use crate::context::{Attribute, tag};
use crate::hash::name_hash;
use crate::snapshot::KeyTable;

use super::condition::op;
use super::semver::Version;

/// Whether the operator holds; `None` for an operator or an operand that this evaluator does not know.
pub(crate) fn holds(
    operator: u8,
    attribute: Option<Attribute<'_>>,
    operand: &mut Reader<'_>,
) -> Option<bool> {
    match operator {
        op::EXISTS => Some(attribute.is_some()),
        op::EQUALS => equals(attribute, operand),
        op::IN => contained(attribute, operand),
        op::CONTAINS => any_text(attribute, operand, |text, part| {
            part.is_empty() || text.windows(part.len()).any(|window| window == part)
        }),
        op::STARTS_WITH => any_text(attribute, operand, |text, part| text.starts_with(part)),
        op::ENDS_WITH => any_text(attribute, operand, |text, part| text.ends_with(part)),
        op::NUMBER => {
            let compared = operand.u8()?;
            let bound = operand.f64()?;
            let Some(Attribute::Number(number)) = attribute else {
                return Some(false);
            };
            number.partial_cmp(&bound).map_or(Some(false), |order| holds_for(compared, order))
        }
        op::SEMVER => {
            let compared = operand.u8()?;
            let bound = Version::parse(operand.short()?)?;
            let Some(Attribute::String(text)) = attribute else {
                return Some(false);
            };
            Version::parse(text)
                .map_or(Some(false), |version| holds_for(compared, version.precedence(&bound)))
        }
        _ => None,
    }
}

fn equals(attribute: Option<Attribute<'_>>, operand: &mut Reader<'_>) -> Option<bool> {
    Some(match operand.u8()? {
        tag::FALSE => attribute == Some(Attribute::Boolean(false)),
        tag::TRUE => attribute == Some(Attribute::Boolean(true)),
        tag::NUMBER => attribute == Some(Attribute::Number(operand.f64()?)),
        tag::STRING => attribute == Some(Attribute::String(operand.long()?)),
        _ => return None,
    })
}

/// The operand: booleans as two bits, numbers as a list, strings as a table.
fn contained(attribute: Option<Attribute<'_>>, operand: &mut Reader<'_>) -> Option<bool> {
    let booleans = operand.u8()?;
    let numbers = operand.u16()?;
    let mut numbers = Reader::new(operand.take(usize::from(numbers) * 8)?);
    match attribute {
        Some(Attribute::Boolean(value)) => Some(booleans & (1 << u8::from(value)) != 0),
        Some(Attribute::Number(value)) => {
            while let Some(number) = numbers.f64() {
                if number == value {
                    return Some(true);
                }
            }
            Some(false)
        }
        Some(Attribute::String(text)) => {
            Some(KeyTable::read(operand)?.find(name_hash(text), text).is_some())
        }
        _ => Some(false),
    }
}

fn any_text(
    attribute: Option<Attribute<'_>>,
    operand: &mut Reader<'_>,
    test: impl Fn(&[u8], &[u8]) -> bool,
) -> Option<bool> {
    let count = operand.u16()?;
    let Some(Attribute::String(text)) = attribute else {
        return Some(false);
    };
    for _ in 0..count {
        if test(text, operand.short()?) {
            return Some(true);
        }
    }
    Some(false)
}

/// A comparison as three bits: less 1, equal 2, greater 4.
fn holds_for(compared: u8, order: Ordering) -> Option<bool> {
    let bit = match order {
        Ordering::Less => 1,
        Ordering::Equal => 2,
        Ordering::Greater => 4,
    };
    (compared < 8).then_some(compared & bit != 0)
}
