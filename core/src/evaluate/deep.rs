//! Whole values against an authored one (core/spec/evaluation.md section 5.2), in place.

use crate::bytes::Reader;
use crate::context::{Attribute, Context, tag};
use crate::limits::MAX_CONTEXT_DEPTH;

/// Whether the context's value at `offset` is the operand's, with all that is in it. `level` is that of the object around it.
/// `None` for an operand that is malformed; what of it is not reached is not read.
pub(super) fn equals(
    context: &Context,
    offset: u32,
    operand: &mut Reader<'_>,
    level: usize,
) -> Option<bool> {
    if level > MAX_CONTEXT_DEPTH {
        return None;
    }
    let value = context.read(offset);
    Some(match operand.u8()? {
        tag::NULL => value.is_none(),
        tag::FALSE => value == Some(Attribute::Boolean(false)),
        tag::TRUE => value == Some(Attribute::Boolean(true)),
        tag::NUMBER => value == Some(Attribute::Number(operand.f64()?)),
        tag::STRING => value == Some(Attribute::String(operand.long()?)),
        tag::LIST => {
            let count = operand.u32()?;
            let Some((mut element, end)) = context.elements(offset) else { return Some(false) };
            for _ in 0..count {
                if element >= end || !equals(context, element, operand, level + 1)? {
                    return Some(false);
                }
                element = context.after(element)?;
            }
            element >= end
        }
        tag::OBJECT => {
            let count = operand.u32()?;
            if context.members(offset) != Some(count as usize) {
                return Some(false);
            }
            for _ in 0..count {
                let hash = operand.u32()?;
                let name = operand.short()?;
                let Some(member) = context.member(hash, offset, name) else {
                    return Some(false);
                };
                if !equals(context, member.value(), operand, level + 1)? {
                    return Some(false);
                }
            }
            true
        }
        _ => return None,
    })
}
