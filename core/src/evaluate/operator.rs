//! Typed operators (core/spec/evaluation.md section 5.2). A missing attribute or one of another type makes them false.

use core::cmp::Ordering;
use core::net::IpAddr;

use crate::bytes::{Reader, same};
use crate::context::{Attribute, Context, Entry, elements_in, tag};
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

/// Whether the operator holds for the attribute of this entry; `None` for an operator or an operand that this evaluator does not know.
#[inline(always)]
pub(crate) fn holds(
    operator: u8,
    context: &Context,
    entry: Option<&Entry>,
    mut operand: Reader<'_>,
) -> Option<bool> {
    let Some(entry) = entry else { return op::PLAIN.contains(&operator).then_some(false) };
    // An attribute of another type is no fault: the operator is false.
    let text = || context.text(entry);
    match operator {
        op::EQUALS => equals(context, entry, &mut operand),
        op::IN => match context.hashed_text(entry) {
            Some((hash, text)) => listed(operand, hash, text),
            None => contained(context, entry, &mut operand),
        },
        op::NUMBER => {
            context.number(entry).map_or(Some(false), |number| number_holds(number, &mut operand))
        }
        op::SEMVER => text().map_or(Some(false), |text| version_holds(text, false, operand)),
        op::STARTS_WITH => any_text(text(), &mut operand, <[u8]>::starts_with),
        op::ENDS_WITH => any_text(text(), &mut operand, <[u8]>::ends_with),
        op::CONTAINS => any_text(text(), &mut operand, contains),
        _ => holds_rarely(operator, context.attribute(entry), operand),
    }
}

/// As `holds`, for the operators that are not worth a place in the hot loop.
#[inline(never)]
fn holds_rarely(
    operator: u8,
    attribute: Option<Attribute<'_>>,
    mut operand: Reader<'_>,
) -> Option<bool> {
    let operand = &mut operand;
    let Some(attribute) = attribute else { return op::PLAIN.contains(&operator).then_some(false) };
    match (operator, attribute) {
        (op::EXISTS, _) => Some(true),
        (op::IS_TYPE, attribute) => is_type(attribute, operand),
        (op::FOLDED, Attribute::String(text)) => folded(text, operand),
        (op::MATCHES, Attribute::String(text)) => automaton::accepts(operand, text),
        (op::TEXT | op::PADDED_VERSION, Attribute::String(text)) => {
            let compared = operand.u8()?;
            let bound = core::str::from_utf8(operand.short()?).ok()?;
            let value = core::str::from_utf8(text).ok()?;
            let order = if operator == op::TEXT {
                value.cmp(bound)
            } else {
                text::padded_version_order(value, bound)
            };
            order_holds(compared, order)
        }
        (op::PARTIAL_SEMVER, Attribute::String(text)) => version_holds(text, true, *operand),
        (op::PARSED_NUMBER, Attribute::Number(number)) => number_holds(number, operand),
        (op::PARSED_NUMBER, Attribute::String(text)) => {
            number::parse(text).map_or(Some(false), |number| number_holds(number, operand))
        }
        (op::DATETIME, Attribute::Number(milliseconds)) => {
            moment_holds(Moment::from_milliseconds(milliseconds), operand)
        }
        (op::DATETIME, Attribute::String(text)) => moment_holds(Moment::parse(text), operand),
        (op::IP_IN_CIDR, Attribute::String(text)) => in_network(text, operand),
        (op::SIZE, Attribute::List(list)) => number_holds(elements_in(list) as f64, operand),
        _ => op::PLAIN.contains(&operator).then_some(false),
    }
}

#[inline(always)]
fn equals(context: &Context, entry: &Entry, operand: &mut Reader<'_>) -> Option<bool> {
    let wanted = operand.u8()?;
    Some(match wanted {
        tag::STRING => {
            let wanted = operand.long()?;
            context.text(entry).is_some_and(|text| same(text, wanted))
        }
        tag::NUMBER => {
            let wanted = operand.f64()?;
            context.number(entry).is_some_and(|number| number == wanted)
        }
        tag::FALSE | tag::TRUE => entry.tag() == wanted,
        _ => return None,
    })
}

/// Whether a text is in the table of the operand of `in`.
#[inline(never)]
fn listed(mut operand: Reader<'_>, hash: u32, text: &[u8]) -> Option<bool> {
    Operands::read(&mut operand)?;
    Some(KeyTable::read(&mut operand)?.find(hash, text).is_some())
}

/// Whether something else than a text is in the operand of `in`.
fn contained(context: &Context, entry: &Entry, operand: &mut Reader<'_>) -> Option<bool> {
    let mut operands = Operands::read(operand)?;
    if let Some(number) = context.number(entry) {
        while let Some(listed) = operands.numbers.f64() {
            if listed == number {
                return Some(true);
            }
        }
    }
    Some(match entry.tag() {
        tag::FALSE => operands.booleans & 1 != 0,
        tag::TRUE => operands.booleans & 2 != 0,
        _ => false,
    })
}

/// The operand: comparison (1), number (8).
#[inline(always)]
fn number_holds(number: f64, operand: &mut Reader<'_>) -> Option<bool> {
    let compared = operand.u8()?;
    let order = number.partial_cmp(&operand.f64()?);
    order.map_or(Some(false), |order| order_holds(compared, order))
}

/// The operand: comparison (1), version.
#[inline(never)]
fn version_holds(text: &[u8], partial: bool, mut operand: Reader<'_>) -> Option<bool> {
    let compared = operand.u8()?;
    let bound = Version::read(&mut operand)?;
    let version = Version::parse(text, partial);
    version.map_or(Some(false), |version| order_holds(compared, version.precedence(&bound)))
}

/// The operand: comparison (1), seconds (8), nanoseconds (4).
fn moment_holds(moment: Option<Moment>, operand: &mut Reader<'_>) -> Option<bool> {
    let compared = operand.u8()?;
    let bound = Moment { seconds: operand.i64()?, nanoseconds: operand.u32()? };
    moment.map_or(Some(false), |moment| order_holds(compared, moment.cmp(&bound)))
}

fn is_type(attribute: Attribute<'_>, operand: &mut Reader<'_>) -> Option<bool> {
    let its = match attribute {
        Attribute::Boolean(_) => context_type::BOOLEAN,
        Attribute::String(_) => context_type::STRING,
        Attribute::Number(_) => context_type::NUMBER,
        Attribute::List(_) => context_type::LIST,
        Attribute::Object => context_type::OBJECT,
    };
    Some(operand.u8()? == its)
}

/// What `in` lists in front of its table of strings: booleans as two bits (1), zero (1), number of numbers (2), numbers (8 each).
struct Operands<'s> {
    booleans: u8,
    numbers: Reader<'s>,
}

impl<'s> Operands<'s> {
    #[inline(always)]
    fn read(operand: &mut Reader<'s>) -> Option<Self> {
        let [booleans, _, low, high] = *operand.array::<4>()?;
        let count = usize::from(u16::from_le_bytes([low, high]));
        Some(Self { booleans, numbers: Reader::new(operand.take(count * 8)?) })
    }
}

#[inline(always)]
fn any_text(
    text: Option<&[u8]>,
    operand: &mut Reader<'_>,
    test: impl Fn(&[u8], &[u8]) -> bool,
) -> Option<bool> {
    let Some(text) = text else { return Some(false) };
    for _ in 0..operand.u16()? {
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
fn folded(text: &[u8], operand: &mut Reader<'_>) -> Option<bool> {
    let test = match operand.u8()? {
        text_mode::EQUALS => text::folded_equals,
        text_mode::CONTAINS => text::folded_contains,
        text_mode::STARTS_WITH => text::folded_starts_with,
        text_mode::ENDS_WITH => text::folded_ends_with,
        _ => return None,
    };
    let count = operand.u16()?;
    let text = core::str::from_utf8(text).ok()?;
    for _ in 0..count {
        if test(text, core::str::from_utf8(operand.short()?).ok()?) {
            return Some(true);
        }
    }
    Some(false)
}

/// The operand: number of networks (2), for each the length of its prefix (1), and *short* address of 4 or 16 bytes.
fn in_network(text: &[u8], operand: &mut Reader<'_>) -> Option<bool> {
    let count = operand.u16()?;
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
#[inline]
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
