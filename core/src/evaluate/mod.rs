//! The order of evaluation (core/spec/evaluation.md section 3).
//!
//! Total: every input has an outcome. The inner functions answer `None` for what is malformed, which becomes `PARSE_ERROR` for this
//! flag alone.

mod automaton;
mod bucket;
mod condition;
mod datetime;
mod deep;
mod fold;
mod hash;
mod number;
mod operator;
mod semver;
mod serve;
mod text;
mod trace;

#[cfg(all(test, feature = "compile"))]
pub(crate) use automaton::accepts;
#[cfg(feature = "compile")]
pub(crate) use automaton::{ACCEPT, DEAD};
pub(crate) use bucket::Digits;
#[cfg(feature = "compile")]
pub(crate) use bucket::{algorithm, unit};
pub(crate) use condition::op;
#[cfg(feature = "compile")]
pub(crate) use datetime::Moment;
#[cfg(feature = "compile")]
pub use datetime::unix_ms;
#[cfg(feature = "import")]
pub(crate) use hash::{FNV_OFFSET, fnv1a, murmur3, sha1_60};
#[cfg(feature = "compile")]
pub(crate) use operator::{context_type, text_mode};
#[cfg(feature = "compile")]
pub(crate) use semver::Version;
#[cfg(feature = "compile")]
pub(crate) use serve::serving;
#[cfg(feature = "compile")]
pub(crate) use text::{fold, padded_version_order};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use trace::Silent;
pub(crate) use trace::{Observer, Step};

use crate::bytes::Reader;
use crate::context::Context;
use crate::hash::name_hash;
use crate::limits::{MAX_DEPTH, MAX_RULES, MAX_STEPS, MAX_VARIANTS};
use crate::outcome::{ErrorCode, Outcome, Reason};
use crate::snapshot::{FlagChunk, KeyTable, Name, RuleChunk, Section, Snapshot};

use serve::Served;
use trace::observe;

/// Weights are thousandths of a percent.
#[cfg(feature = "compile")]
pub(crate) const ONE_HUNDRED_PERCENT: u32 = 100_000;

/// Bits in front of a rule.
pub(crate) mod rule_bit {
    pub(crate) const FROM: u8 = 1;
    pub(crate) const TO: u8 = 2;
    pub(crate) const LAYER: u8 = 4;
}

/// A target that never expires; an outcome that time does not change.
pub(crate) const NEVER: i64 = i64::MAX;
/// No variant, in a part of a split.
pub(crate) const UNSERVED: u8 = 255;

/// One evaluation under way.
pub(crate) struct Evaluation<'s, 'c, O> {
    pub(crate) snapshot: &'s Snapshot,
    pub(crate) context: &'c Context,
    /// Unix milliseconds.
    pub(crate) now: i64,
    /// Sinks to the next instant at which time alone may lead elsewhere.
    until: i64,
    /// Conditions and prerequisites that may still be tested: what bounds a hostile snapshot's work.
    steps_left: u32,
    /// Flags whose prerequisite is being evaluated.
    flags_above: usize,
    /// The flag that is being evaluated.
    current: FlagChunk<'s>,
    pub(crate) observer: O,
}

/// What a flag came to.
#[derive(Clone, Copy, Debug)]
struct Decision {
    variant: Option<u8>,
    reason: Reason,
    rule: Option<u16>,
    error: Option<ErrorCode>,
}

impl Decision {
    fn error(code: ErrorCode) -> Self {
        Self { variant: None, reason: Reason::Error, rule: None, error: Some(code) }
    }
}

/// Section 3: evaluates one flag.
pub(crate) fn evaluate<'s, O: Observer>(
    snapshot: &'s Snapshot,
    flag: FlagChunk<'s>,
    context: &Context,
    now: i64,
    observer: O,
) -> Outcome<'s> {
    let mut evaluation = Evaluation {
        snapshot,
        context,
        now,
        until: NEVER,
        steps_left: MAX_STEPS,
        flags_above: 0,
        current: flag,
        observer,
    };
    let decision = evaluation.flag(flag);
    let until = (evaluation.until != NEVER).then_some(evaluation.until);
    match decision {
        Some(decision) => Outcome {
            reason: decision.reason,
            error: decision.error,
            until,
            flag: Some(flag),
            variant: decision.variant,
            rule: decision.rule,
        },
        // A condition that is an error may be reached at one time and not at another.
        None => Outcome { until, ..Outcome::error(ErrorCode::ParseError) },
    }
}

impl<'s, O: Observer> Evaluation<'s, '_, O> {
    fn flag(&mut self, flag: FlagChunk<'s>) -> Option<Decision> {
        let serve = |variant: Option<u8>, reason, rule| {
            if let Some(variant) = variant
                && (variant >= flag.variant_count() || usize::from(variant) >= MAX_VARIANTS)
            {
                return None;
            }
            Some(Decision { variant, reason, rule, error: None })
        };
        // 3.2
        if !flag.enabled() {
            observe!(self, Step::Disabled);
            return serve(flag.off_variant(), Reason::Disabled, None);
        }
        // 3.3
        if let Some(prerequisites) = flag.section(Section::Prerequisites)
            && !self.prerequisites(prerequisites)?
        {
            return serve(flag.off_variant(), Reason::Disabled, None);
        }
        // 3.4
        let targets = flag.section(Section::Targets);
        if let Some(targets) = targets
            && let Some(variant) = self.target(targets)?
        {
            return serve(Some(variant), Reason::TargetingMatch, None);
        }
        // 3.5
        if let Some(holdout) = flag.section(Section::Holdout)
            && let Some(variant) = self.holdout(holdout)?
        {
            return serve(Some(variant), Reason::Split, None);
        }
        // 3.6
        let rules = flag.section(Section::Rules);
        if let Some(mut rules) = rules {
            let count = rules.u16()?;
            if usize::from(count) > MAX_RULES {
                return None;
            }
            for position in 0..count {
                let Some((variant, reason)) = self.rule(RuleChunk::read(&mut rules)?)? else {
                    continue;
                };
                return serve(Some(variant), reason, Some(position));
            }
        }
        // 3.7
        let mut fallthrough = flag.section(Section::Fallthrough)?;
        observe!(self, Step::Fallthrough);
        match self.served(&mut fallthrough)? {
            Served::Variant(variant) => {
                let depends = targets.is_some() || rules.is_some();
                serve(Some(variant), if depends { Reason::Default } else { Reason::Static }, None)
            }
            Served::Split(variant) => serve(Some(variant), Reason::Split, None),
            Served::Unserved => None,
            Served::NoUnit(code) => Some(Decision::error(code)),
        }
    }

    /// Section 3.3: whether all are met.
    #[inline(never)]
    fn prerequisites(&mut self, mut list: Reader<'s>) -> Option<bool> {
        for _ in 0..list.u16()? {
            let key = Name::read(&mut list)?;
            if !self.flag_serves(key, &mut list)? {
                return Some(false);
            }
        }
        Some(true)
    }

    /// Whether another flag is on, without error, and serves one of the variants listed.
    pub(crate) fn flag_serves(&mut self, key: Name<'s>, list: &mut Reader<'s>) -> Option<bool> {
        let variants = list.u8()?;
        let flag = self.snapshot.flag(key)?;
        if self.flags_above == MAX_DEPTH {
            return None;
        }
        // A flag without conditions is work too: a hundred prerequisites on eight levels would be 100^8 evaluations.
        self.spend()?;
        observe!(self, Step::PrerequisiteBegins { key: key.text });
        // A prerequisite that is itself malformed is unmet; only this flag's own bytes spoil it.
        let above = core::mem::replace(&mut self.current, flag);
        self.flags_above += 1;
        let decision = self.flag(flag);
        self.flags_above -= 1;
        self.current = above;
        if decision.is_none() && self.steps_left == 0 {
            return None;
        }
        let served = decision
            .filter(|decision| decision.error.is_none() && flag.enabled())
            .and_then(|decision| flag.variant_name(decision.variant?));
        let mut met = false;
        for _ in 0..variants {
            met |= Some(list.short()?) == served;
        }
        observe!(self, Step::PrerequisiteEnds { served, met });
        Some(met)
    }

    /// Section 3.4: the variant of the first individual target, if any.
    #[inline(never)]
    fn target(&mut self, mut targets: Reader<'s>) -> Option<Option<u8>> {
        for _ in 0..targets.u8()? {
            let unit = Name::read(&mut targets)?;
            let unit = self.attribute(&unit);
            let table = KeyTable::read(&mut targets)?;
            let mut digits = Digits::default();
            let Some(key) = bucket::unit(unit, &mut digits) else { continue };
            if let Some(mut entry) = table.find(name_hash(key), key) {
                let variant = entry.u8()?;
                let expires = entry.i64()?;
                if self.now < expires {
                    self.sooner(expires);
                    observe!(self, Step::Target { variant: self.name(variant), expires });
                    return Some(Some(variant));
                }
                observe!(self, Step::TargetExpired { variant: self.name(variant), expires });
            }
        }
        Some(None)
    }

    /// Section 3.5: the variant that units held out get, for one of them.
    #[inline(never)]
    fn holdout(&mut self, mut holdout: Reader<'s>) -> Option<Option<u8>> {
        let key = holdout.short()?;
        let variant = holdout.u8()?;
        let bucket = self.bucket(&mut holdout)?;
        let cut = holdout.u64()?;
        let held_out = bucket.is_ok_and(|bucket| bucket < cut);
        observe!(self, Step::Holdout { key, bucket: bucket.ok(), cut, held_out });
        Some(held_out.then_some(variant))
    }

    /// Section 3.6: what the rule serves, if it matches.
    #[inline]
    fn rule(&mut self, mut rule: RuleChunk<'s>) -> Option<Option<(u8, Reason)>> {
        observe!(self, Step::RuleBegins { id: rule.id });
        let served = self.rule_serves(rule.bits, &mut rule.rest)?;
        observe!(self, Step::RuleEnds { matched: served.is_some() });
        Some(served)
    }

    #[inline]
    fn rule_serves(&mut self, bits: u8, rule: &mut Reader<'s>) -> Option<Option<(u8, Reason)>> {
        let mut closes = NEVER;
        if bits != 0 {
            match self.open_window(bits, rule)? {
                Some(instant) => closes = instant,
                None => return Some(None),
            }
        }
        let Some(holds) = self.condition(rule, 1, 0) else {
            // The error stands while the window is open.
            self.sooner(closes);
            return None;
        };
        if !holds {
            return Some(None);
        }
        let served = match self.served(rule)? {
            Served::Variant(variant) => (variant, Reason::TargetingMatch),
            Served::Split(variant) => (variant, Reason::Split),
            Served::Unserved | Served::NoUnit(_) => return Some(None),
        };
        self.sooner(closes);
        Some(Some(served))
    }

    /// Section 3.6: when the rule's window closes, or none while it is not open, or for a unit outside of its layer slot.
    #[inline(never)]
    fn open_window(&mut self, bits: u8, rule: &mut Reader<'s>) -> Option<Option<i64>> {
        let from = if bits & rule_bit::FROM != 0 { rule.i64()? } else { i64::MIN };
        let to = if bits & rule_bit::TO != 0 { rule.i64()? } else { NEVER };
        if self.now < from {
            self.sooner(from);
        }
        if self.now < from || self.now >= to {
            observe!(self, Step::WindowClosed { from, to });
            return Some(None);
        }
        if bits & rule_bit::LAYER != 0 {
            let layer = rule.short()?;
            let bucket = self.bucket(rule)?;
            let (from, to) = (rule.u64()?, rule.u64()?);
            let inside = bucket.is_ok_and(|bucket| (from..to).contains(&bucket));
            observe!(self, Step::Layer { layer, bucket: bucket.ok(), from, to, inside });
            if !inside {
                return Some(None);
            }
        }
        Some(Some(to))
    }

    /// A variant's name, for observers.
    #[cfg(not(pennon_without_observer))]
    pub(crate) fn name(&self, variant: u8) -> Option<&'s [u8]> {
        self.current.variant_name(variant)
    }

    #[inline]
    pub(crate) fn sooner(&mut self, instant: i64) {
        self.until = instant.min(self.until);
    }

    /// Counts one condition or prerequisite; `None` when a snapshot asks for more than any honest one.
    #[inline]
    pub(crate) fn spend(&mut self) -> Option<()> {
        self.steps_left = self.steps_left.checked_sub(1)?;
        Some(())
    }
}
