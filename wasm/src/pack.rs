//! An outcome as one integer. From the lowest bit: 4 bits reason, 4 bits error code, 8 bits variant, 12 bits rule, 1 bit whether it has
//! an end in time. Variant and rule count from 1; 0 says that there is none. npm/src/outcome.ts unpacks it.

use pennon_core::outcome::Outcome;

const ERROR: u32 = 4;
const VARIANT: u32 = 8;
const RULE: u32 = 16;
const UNTIL: u32 = 28;

pub(crate) fn pack(outcome: &Outcome<'_>) -> u32 {
    let error = outcome.error.map_or(0, |error| error as u32);
    let variant = outcome.variant_index().map_or(0, |variant| u32::from(variant) + 1);
    let rule = outcome.rule_index().map_or(0, |rule| u32::from(rule) + 1);
    outcome.reason as u32
        | error << ERROR
        | variant << VARIANT
        | rule << RULE
        | u32::from(outcome.until.is_some()) << UNTIL
}

/// The host's instants are floats; they are whole milliseconds far below 2^53.
#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and a NaN becomes 0")]
pub(crate) fn instant(milliseconds: f64) -> i64 {
    milliseconds as i64
}

#[expect(clippy::cast_precision_loss, reason = "instants are far below 2^53")]
pub(crate) fn milliseconds(instant: i64) -> f64 {
    instant as f64
}
