//! The order of evaluation (core/spec/evaluation.md section 3).
//!
//! Total: every input has an outcome. The inner functions answer `None` for what is malformed, which becomes `PARSE_ERROR` for this
//! flag alone.

mod bucket;
mod condition;
mod operator;
mod semver;

#[cfg(feature = "compile")]
pub(crate) use bucket::{CUT_END, ONE_HUNDRED_PERCENT, SIPHASH};
#[cfg(feature = "compile")]
pub(crate) use condition::op;
#[cfg(feature = "compile")]
pub(crate) use semver::Version;

use crate::bytes::Reader;
use crate::context::{Context, TARGETING_KEY};
use crate::hash::name_hash;
use crate::limits::MAX_VARIANTS;
use crate::outcome::{ErrorCode, Outcome, Reason};
use crate::snapshot::{FlagChunk, KeyTable, Section, Snapshot};

use condition::{condition, read_attribute};

/// What a rule or the fallthrough serves.
pub(crate) mod serve {
    pub(crate) const VARIANT: u8 = 1;
    pub(crate) const SPLIT: u8 = 2;
}

/// Bits in front of a rule's window.
pub(crate) mod window {
    pub(crate) const FROM: u8 = 1;
    pub(crate) const TO: u8 = 2;
}

/// A target that never expires.
pub(crate) const NEVER: i64 = i64::MAX;

/// Everything that the conditions of one evaluation may look at.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'s, 'c> {
    pub(crate) snapshot: &'s Snapshot,
    pub(crate) context: &'c Context,
}

/// Section 3: evaluates one flag.
pub(crate) fn evaluate<'s>(
    snapshot: &'s Snapshot,
    flag: FlagChunk<'s>,
    context: &Context,
    now: i64,
) -> Outcome<'s> {
    let scope = Scope { snapshot, context };
    let mut until = NEVER;
    match steps(scope, flag, now, &mut until) {
        Some(outcome) => Outcome { until: (until != NEVER).then_some(until), ..outcome },
        None => Outcome::error(ErrorCode::ParseError),
    }
}

/// The numbered steps; `until` sinks to the next instant at which time alone may lead elsewhere.
fn steps<'s>(
    scope: Scope<'s, '_>,
    flag: FlagChunk<'s>,
    now: i64,
    until: &mut i64,
) -> Option<Outcome<'s>> {
    let outcome = |variant, reason, rule| Outcome {
        reason,
        error: None,
        until: None,
        flag: Some(flag),
        variant,
        rule,
    };
    // 3.2
    if !flag.enabled() {
        let variant = match flag.off_variant() {
            Some(variant) => Some(known(flag, variant)?),
            None => None,
        };
        return Some(outcome(variant, Reason::Disabled, None));
    }
    // 3.3 and 3.5 come with a newer evaluator; a flag that needs them is not half evaluated.
    if flag.section(Section::Prerequisites).is_some() || flag.section(Section::Holdout).is_some() {
        return None;
    }
    // 3.4
    let targets = flag.section(Section::Targets);
    if let Some(targets) = targets
        && let Some(variant) = target(scope, targets, now, until)?
    {
        return Some(outcome(Some(known(flag, variant)?), Reason::TargetingMatch, None));
    }
    // 3.6
    let rules = flag.section(Section::Rules);
    if let Some(mut rules) = rules {
        let count = rules.u16()?;
        for position in 0..count {
            let mut rule = Reader::new(rules.long()?);
            rule.short()?;
            let Some(closes) = open_window(&mut rule, now, until)? else {
                continue;
            };
            if !condition(scope, &mut rule, 1)? {
                continue;
            }
            let (variant, reason) = match served(scope, &mut rule)? {
                Served::Variant(variant) => (variant, Reason::TargetingMatch),
                Served::Split(variant) => (variant, Reason::Split),
                Served::NoUnit(_) => continue,
            };
            *until = closes.min(*until);
            return Some(outcome(Some(known(flag, variant)?), reason, Some(position)));
        }
    }
    // 3.7
    let mut fallthrough = flag.section(Section::Fallthrough)?;
    Some(match served(scope, &mut fallthrough)? {
        Served::Variant(variant) => {
            let depends = targets.is_some() || rules.is_some();
            let reason = if depends { Reason::Default } else { Reason::Static };
            outcome(Some(known(flag, variant)?), reason, None)
        }
        Served::Split(variant) => outcome(Some(known(flag, variant)?), Reason::Split, None),
        Served::NoUnit(code) => Outcome::error(code),
    })
}

/// A variant that the flag has.
#[inline]
fn known(flag: FlagChunk<'_>, variant: u8) -> Option<u8> {
    (variant < flag.variant_count() && usize::from(variant) < MAX_VARIANTS).then_some(variant)
}

/// Section 3.4: the variant of the first individual target, if any.
fn target(
    scope: Scope<'_, '_>,
    mut targets: Reader<'_>,
    now: i64,
    until: &mut i64,
) -> Option<Option<u8>> {
    for _ in 0..targets.u8()? {
        let unit = read_attribute(scope.context, &mut targets)?;
        let table = KeyTable::read(&mut targets)?;
        let found = bucket::with_unit(unit, |key| table.find(name_hash(key), key));
        if let Some(Some(mut entry)) = found {
            let variant = entry.u8()?;
            let expires = entry.i64()?;
            if now < expires {
                *until = expires.min(*until);
                return Some(Some(variant));
            }
        }
    }
    Some(None)
}

/// Section 3.6: when the rule's window closes, or none while it is not open.
fn open_window(rule: &mut Reader<'_>, now: i64, until: &mut i64) -> Option<Option<i64>> {
    let bits = rule.u8()?;
    if bits & window::FROM != 0 {
        let from = rule.i64()?;
        if now < from {
            *until = from.min(*until);
            return Some(None);
        }
    }
    let to = if bits & window::TO != 0 { rule.i64()? } else { NEVER };
    Some((now < to).then_some(to))
}

enum Served {
    Variant(u8),
    Split(u8),
    /// The split's unit is missing: section 4.3.
    NoUnit(ErrorCode),
}

/// Section 4: what is served once the rule, or the fallthrough, is reached.
fn served(scope: Scope<'_, '_>, reader: &mut Reader<'_>) -> Option<Served> {
    match reader.u8()? {
        serve::VARIANT => Some(Served::Variant(reader.u8()?)),
        serve::SPLIT => {
            let mut name = *reader;
            let unit = read_attribute(scope.context, reader)?;
            Some(match bucket::split(unit, reader)? {
                Some(variant) => Served::Split(variant),
                None if names_targeting_key(&mut name)? => {
                    Served::NoUnit(ErrorCode::TargetingKeyMissing)
                }
                None => Served::NoUnit(ErrorCode::InvalidContext),
            })
        }
        _ => None,
    }
}

/// Whether an attribute reference is the targeting key's.
fn names_targeting_key(reader: &mut Reader<'_>) -> Option<bool> {
    let names = reader.u8()?;
    reader.u32()?;
    Some(names == 1 && reader.short()? == TARGETING_KEY.as_bytes())
}
