//! The evaluator of the model: the same features as Pennon's, over structures. It leaves out what Pennon's does beside: bounds on
//! every count and depth, and a damaged or unknown flag spoiling only itself (here it spoils the whole body).

use std::borrow::Cow;
use std::cmp::Ordering;

use siphasher::sip::SipHasher24;

use crate::format::{Answer, Value as Answered};
use crate::model::{
    Attribute, Comparison, Condition, Context, Flag, Model, Path, Scalar, Segment, Serve, Targets,
    Value, Version,
};

const STATIC: u8 = 0;
const TARGETING_MATCH: u8 = 1;
const SPLIT: u8 = 2;
const DISABLED: u8 = 3;
const DEFAULT: u8 = 4;
const ERROR: u8 = 5;

const FLAG_NOT_FOUND: u8 = 1;
const TARGETING_KEY_MISSING: u8 = 3;
const INVALID_CONTEXT: u8 = 4;
const PARSE_ERROR: u8 = 5;

impl Model {
    pub(crate) fn evaluate(&self, key: &str, context: &Context, now: i64) -> Answer<'_> {
        let Some(flag) = self.flags.get(key) else {
            return error(FLAG_NOT_FOUND);
        };
        let mut until = i64::MAX;
        let answer = self.decide(flag, context, now, &mut until);
        Answer { until: (until != i64::MAX).then_some(until), ..answer }
    }

    fn decide<'m>(
        &'m self,
        flag: &'m Flag,
        context: &Context,
        now: i64,
        until: &mut i64,
    ) -> Answer<'m> {
        if !flag.enabled {
            return match flag.off_variant {
                Some(variant) => flag.answer(variant, DISABLED, None),
                None => Answer { reason: DISABLED, ..error(0) },
            };
        }
        if let Some((variant, expires)) = target(&flag.targets, context, now) {
            *until = expires.unwrap_or(i64::MAX).min(*until);
            return flag.answer(variant, TARGETING_MATCH, None);
        }
        for (position, rule) in flag.rules.iter().enumerate() {
            if let Some(from) = rule.from
                && now < from
            {
                *until = from.min(*until);
                continue;
            }
            if rule.to.is_some_and(|to| now >= to) {
                continue;
            }
            match self.holds(&rule.when, context) {
                Some(true) => {}
                Some(false) => continue,
                None => return error(PARSE_ERROR),
            }
            let served = match &rule.serve {
                Serve::Variant(variant) => Some((*variant, TARGETING_MATCH)),
                Serve::Split { .. } => part(&rule.serve, context).map(|variant| (variant, SPLIT)),
            };
            let Some((variant, reason)) = served else {
                continue;
            };
            *until = rule.to.unwrap_or(i64::MAX).min(*until);
            return flag.answer(variant, reason, Some(position as u16));
        }
        match &flag.fallthrough {
            Serve::Variant(variant) => {
                let depends = !flag.targets.is_empty() || !flag.rules.is_empty();
                flag.answer(*variant, if depends { DEFAULT } else { STATIC }, None)
            }
            split @ Serve::Split { unit, .. } => match part(split, context) {
                Some(variant) => flag.answer(variant, SPLIT, None),
                None if unit.name == "targetingKey" && unit.inside.is_empty() => {
                    error(TARGETING_KEY_MISSING)
                }
                None => error(INVALID_CONTEXT),
            },
        }
    }

    /// None for a segment that there is not.
    fn holds(&self, condition: &Condition, context: &Context) -> Option<bool> {
        let any_text = |path: &Path, parts: &[String], test: fn(&str, &str) -> bool| {
            matches!(attribute(context, path), Some(Attribute::String(text))
                if parts.iter().any(|part| test(text, part)))
        };
        Some(match condition {
            Condition::All(list) => {
                for child in list {
                    if !self.holds(child, context)? {
                        return Some(false);
                    }
                }
                true
            }
            Condition::Any(list) => {
                for child in list {
                    if self.holds(child, context)? {
                        return Some(true);
                    }
                }
                false
            }
            Condition::Not(child) => !self.holds(child, context)?,
            Condition::Segment(key) => self.is_in(self.segments.get(key)?, context)?,
            Condition::Exists(path) => attribute(context, path).is_some(),
            Condition::Equals(path, operand) => match (attribute(context, path), operand) {
                (Some(Attribute::Boolean(value)), Scalar::Boolean(operand)) => value == operand,
                (Some(Attribute::Number(value)), Scalar::Number(operand)) => value == operand,
                (Some(Attribute::String(value)), Scalar::String(operand)) => value == operand,
                _ => false,
            },
            Condition::In { attribute: path, booleans, numbers, strings } => {
                match attribute(context, path) {
                    Some(Attribute::Boolean(value)) => booleans[usize::from(*value)],
                    Some(Attribute::Number(value)) => numbers.contains(value),
                    Some(Attribute::String(value)) => strings.binary_search(value).is_ok(),
                    _ => false,
                }
            }
            Condition::Contains(path, parts) => {
                any_text(path, parts, |text, part| text.contains(part))
            }
            Condition::StartsWith(path, parts) => {
                any_text(path, parts, |text, part| text.starts_with(part))
            }
            Condition::EndsWith(path, parts) => {
                any_text(path, parts, |text, part| text.ends_with(part))
            }
            Condition::Number(path, is, bound) => match attribute(context, path) {
                Some(Attribute::Number(value)) => {
                    value.partial_cmp(bound).is_some_and(|order| is.holds(order))
                }
                _ => false,
            },
            Condition::Semver(path, is, bound) => match attribute(context, path) {
                Some(Attribute::String(text)) => {
                    version(text).is_some_and(|version| is.holds(precedence(&version, bound)))
                }
                _ => false,
            },
        })
    }

    fn is_in(&self, segment: &Segment, context: &Context) -> Option<bool> {
        if let Some(unit) = unit(context, &segment.unit) {
            let listed =
                |keys: &[String]| keys.binary_search_by(|key| key.as_str().cmp(&unit)).is_ok();
            if listed(&segment.excluded) {
                return Some(false);
            }
            if listed(&segment.included) {
                return Some(true);
            }
        }
        segment.when.as_ref().map_or(Some(false), |when| self.holds(when, context))
    }
}

impl Flag {
    fn answer(&self, variant: u8, reason: u8, rule: Option<u16>) -> Answer<'_> {
        let Some(found) = self.variants.get(usize::from(variant)) else {
            return error(PARSE_ERROR);
        };
        let value = match &found.value {
            Value::Boolean(value) => Answered::Boolean(*value),
            Value::Number(number) => Answered::Number(*number),
            Value::Text(text) => Answered::Text(text),
        };
        Answer { value: Some(value), variant: Some(variant), reason, error: 0, rule, until: None }
    }
}

impl Comparison {
    fn holds(self, order: Ordering) -> bool {
        match order {
            Ordering::Less => self.0,
            Ordering::Equal => self.1,
            Ordering::Greater => self.2,
        }
    }
}

fn error(error: u8) -> Answer<'static> {
    Answer { value: None, variant: None, reason: ERROR, error, rule: None, until: None }
}

fn target(targets: &[Targets], context: &Context, now: i64) -> Option<(u8, Option<i64>)> {
    targets.iter().find_map(|targets| {
        let unit = unit(context, &targets.unit)?;
        let found = targets.keys.binary_search_by(|(key, ..)| key.as_str().cmp(&unit)).ok()?;
        let (_, variant, expires) = targets.keys.get(found)?;
        expires.is_none_or(|expires| now < expires).then_some((*variant, *expires))
    })
}

fn part(serve: &Serve, context: &Context) -> Option<u8> {
    let Serve::Split { unit: path, salt, parts } = serve else {
        return None;
    };
    let unit = unit(context, path)?;
    let bucket = SipHasher24::new_with_key(salt).hash(unit.as_bytes()) >> 32;
    parts.iter().find(|(cut, _)| bucket < *cut).map(|(_, variant)| *variant)
}

fn attribute<'c>(context: &'c Context, path: &Path) -> Option<&'c Attribute> {
    let mut found = context.get(&path.name)?;
    for name in &path.inside {
        let Attribute::Object(inside) = found else {
            return None;
        };
        found = inside.get(name)?;
    }
    (*found != Attribute::Null).then_some(found)
}

fn unit<'c>(context: &'c Context, path: &Path) -> Option<Cow<'c, str>> {
    match attribute(context, path)? {
        Attribute::String(text) if !text.is_empty() => Some(Cow::Borrowed(text)),
        Attribute::Number(number)
            if *number as i64 as f64 == *number && number.abs() <= 9_007_199_254_740_992.0 =>
        {
            Some(Cow::Owned((*number as i64).to_string()))
        }
        _ => None,
    }
}

/// A strict semantic version; the pre-release is borrowed.
pub(crate) fn version(text: &str) -> Option<([u64; 3], &str)> {
    let identifier = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte == b'-' || byte.is_ascii_alphanumeric())
    };
    let (text, build) =
        text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
    let (core, prerelease) =
        text.split_once('-').map_or((text, None), |(core, rest)| (core, Some(rest)));
    let sound = build.is_none_or(|build| build.split('.').all(identifier))
        && prerelease.is_none_or(|prerelease| {
            prerelease.split('.').all(|part| identifier(part) && (!digits(part) || numeric(part)))
        });
    let mut parts = core.split('.').map(|part| {
        numeric(part).then_some(())?;
        part.bytes().try_fold(0u64, |value, digit| {
            value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
        })
    });
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    (sound && parts.next().is_none()).then_some((numbers, prerelease.unwrap_or_default()))
}

fn digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn numeric(text: &str) -> bool {
    !text.is_empty() && digits(text) && (text.len() == 1 || !text.starts_with('0'))
}

fn precedence(left: &([u64; 3], &str), right: &Version) -> Ordering {
    left.0.cmp(&right.numbers).then_with(|| {
        match (left.1.is_empty(), right.prerelease.is_empty()) {
            (true, true) => return Ordering::Equal,
            (true, false) => return Ordering::Greater,
            (false, true) => return Ordering::Less,
            (false, false) => {}
        }
        let mut others = right.prerelease.split('.');
        for left in left.1.split('.') {
            let Some(right) = others.next() else {
                return Ordering::Greater;
            };
            let order = match (digits(left), digits(right)) {
                (true, true) => left.len().cmp(&right.len()).then_with(|| left.cmp(right)),
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                (false, false) => left.cmp(right),
            };
            if order != Ordering::Equal {
                return order;
            }
        }
        if others.next().is_some() { Ordering::Less } else { Ordering::Equal }
    })
}
