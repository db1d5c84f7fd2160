//! Typed operators (core/spec/evaluation.md section 5.2). A missing attribute or one of another type makes them false.

use core::cmp::Ordering;
use core::net::IpAddr;

use crate::bytes::Reader;
use crate::context::{Attribute, elements_in, tag};
use crate::hash::name_hash;
use crate::snapshot::KeyTable;

use super::condition::op;
use super::datetime::Moment;
use super::semver::Version;
use super::{automaton, number, text};

/// How folded texts are compared.
pub(crate) mod text_mode {
    pub(crate) const EQUALS: u8 = 0;
    pub(crate) const CONTAINS: u8 = 1;
    pub(crate) const STARTS_WITH: u8 = 2;
    pub(crate) const ENDS_WITH: u8 = 3;
}

/// The types of a context's values, as `is_type` numbers them.
pub(crate) mod context_type {
    pub(crate) const BOOLEAN: u8 = 0;
    pub(crate) const STRING: u8 = 1;
    pub(crate) const NUMBER: u8 = 2;
    pub(crate) const LIST: u8 = 3;
    pub(crate) const OBJECT: u8 = 4;
}

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
        op::CONTAINS => any_text(attribute, operand, contains),
        op::STARTS_WITH => any_text(attribute, operand, <[u8]>::starts_with),
        op::ENDS_WITH => any_text(attribute, operand, <[u8]>::ends_with),
        op::FOLDED => folded(attribute, operand),
        op::MATCHES => match attribute {
            Some(Attribute::String(text)) => automaton::accepts(operand, text),
            _ => Some(false),
        },
        op::TEXT | op::PADDED_VERSION => {
            let compared = operand.u8()?;
            let bound = core::str::from_utf8(operand.short()?).ok()?;
            let Some(Attribute::String(value)) = attribute else { return Some(false) };
            let value = core::str::from_utf8(value).ok()?;
            let order = if operator == op::TEXT {
                value.cmp(bound)
            } else {
                text::padded_version_order(value, bound)
            };
            order_holds(compared, order)
        }
        op::NUMBER | op::PARSED_NUMBER | op::SIZE => {
            let compared = operand.u8()?;
            let bound = operand.f64()?;
            let number = match attribute {
                Some(Attribute::Number(number)) if operator != op::SIZE => number,
                Some(Attribute::String(text)) if operator == op::PARSED_NUMBER => {
                    let Some(number) = number::parse(text) else { return Some(false) };
                    number
                }
                Some(Attribute::List(list)) if operator == op::SIZE => elements_in(list) as f64,
                _ => return Some(false),
            };
            number.partial_cmp(&bound).map_or(Some(false), |order| order_holds(compared, order))
        }
        op::DATETIME => {
            let compared = operand.u8()?;
            let bound = Moment { seconds: operand.i64()?, nanoseconds: operand.u32()? };
            let moment = match attribute {
                Some(Attribute::Number(milliseconds)) => Moment::from_milliseconds(milliseconds),
                Some(Attribute::String(text)) => Moment::parse(text),
                _ => None,
            };
            moment.map_or(Some(false), |moment| order_holds(compared, moment.cmp(&bound)))
        }
        op::SEMVER | op::PARTIAL_SEMVER => {
            let partial = operator == op::PARTIAL_SEMVER;
            let compared = operand.u8()?;
            let bound = Version::read(operand)?;
            let Some(Attribute::String(text)) = attribute else { return Some(false) };
            Version::parse(text, partial)
                .map_or(Some(false), |version| order_holds(compared, version.precedence(&bound)))
        }
        op::IP_IN_CIDR => in_network(attribute, operand),
        op::IS_TYPE => {
            let wanted = operand.u8()?;
            Some(attribute.is_some_and(|attribute| {
                wanted
                    == match attribute {
                        Attribute::Boolean(_) => context_type::BOOLEAN,
                        Attribute::String(_) => context_type::STRING,
                        Attribute::Number(_) => context_type::NUMBER,
                        Attribute::List(_) => context_type::LIST,
                        Attribute::Object => context_type::OBJECT,
                    }
            }))
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
    let Some(Attribute::String(text)) = attribute else { return Some(false) };
    for _ in 0..count {
        if test(text, operand.short()?) {
            return Some(true);
        }
    }
    Some(false)
}

/// Whether `part` stands somewhere in `text`. Most places are passed over by their first byte.
fn contains(text: &[u8], part: &[u8]) -> bool {
    let Some((first, behind)) = part.split_first() else { return true };
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        rest = rest.get(at + 1..).unwrap_or(&[]);
        if rest.len() < behind.len() {
            return false;
        }
        if rest.starts_with(behind) {
            return true;
        }
    }
    false
}

/// Texts without regard to case; the operand's are folded already.
fn folded(attribute: Option<Attribute<'_>>, operand: &mut Reader<'_>) -> Option<bool> {
    let test = match operand.u8()? {
        text_mode::EQUALS => text::folded_equals,
        text_mode::CONTAINS => text::folded_contains,
        text_mode::STARTS_WITH => text::folded_starts_with,
        text_mode::ENDS_WITH => text::folded_ends_with,
        _ => return None,
    };
    let count = operand.u16()?;
    let Some(Attribute::String(text)) = attribute else { return Some(false) };
    let text = core::str::from_utf8(text).ok()?;
    for _ in 0..count {
        if test(text, core::str::from_utf8(operand.short()?).ok()?) {
            return Some(true);
        }
    }
    Some(false)
}

/// The operand: number of networks (2), for each the length of its prefix (1), and *short* address of 4 or 16 bytes.
fn in_network(attribute: Option<Attribute<'_>>, operand: &mut Reader<'_>) -> Option<bool> {
    let count = operand.u16()?;
    let Some(Attribute::String(text)) = attribute else { return Some(false) };
    let address = core::str::from_utf8(text).ok().and_then(|text| text.parse::<IpAddr>().ok());
    let Some(address) = address else { return Some(false) };
    for _ in 0..count {
        let prefix = operand.u8()?;
        let network = operand.short()?;
        let inside = match address {
            IpAddr::V4(address) => network
                .first_chunk::<4>()
                .filter(|_| network.len() == 4)
                .is_some_and(|network| same_prefix(&address.octets(), network, prefix)),
            IpAddr::V6(address) => network
                .first_chunk::<16>()
                .is_some_and(|network| same_prefix(&address.octets(), network, prefix)),
        };
        if inside {
            return Some(true);
        }
    }
    Some(false)
}

fn same_prefix(left: &[u8], right: &[u8], prefix: u8) -> bool {
    left.iter().zip(right).enumerate().all(|(at, (left, right))| {
        let bits = usize::from(prefix).saturating_sub(at * 8).min(8);
        let mask = 0xFF00u16.unbounded_shr(bits as u32) as u8;
        left & mask == right & mask
    })
}

/// A comparison as three bits: less 1, equal 2, greater 4.
pub(crate) fn order_holds(compared: u8, order: Ordering) -> Option<bool> {
    let bit = match order {
        Ordering::Less => 1,
        Ordering::Equal => 2,
        Ordering::Greater => 4,
    };
    (compared < 8).then_some(compared & bit != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_end_within_bytes() {
        for (left, right, prefix, same) in [
            ([10, 0, 0, 1], [10, 0, 0, 2], 24, true),
            ([10, 0, 0, 1], [10, 0, 0, 2], 32, false),
            ([10, 0, 0, 1], [10, 0, 0, 2], 30, true),
            ([10, 0, 0, 1], [10, 0, 0, 2], 31, false),
            ([10, 0, 0, 1], [11, 0, 0, 2], 7, true),
            ([10, 0, 0, 1], [11, 0, 0, 2], 8, false),
            ([255, 0, 0, 1], [0, 0, 0, 2], 0, true),
        ] {
            assert_eq!(same_prefix(&left, &right, prefix), same, "{left:?} {right:?}/{prefix}");
        }
    }
}
