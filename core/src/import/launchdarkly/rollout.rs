//! Percentage rollouts, in LaunchDarkly's own buckets.
//!
//! A context that lacks the attribute, or the whole kind, has bucket 0 there, and so the first variation with a share. An empty text is hashed
//! like any other; here it is no unit, so that its bucket is computed now.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::Translation;
use super::payload::{Kind, Rollout, SegmentRule, Served};
use super::reference::{Referenced, kind_key, referenced};
use crate::config::{
    Bucketing, Comparison, Condition, Rule, Scalar, Serve, Sha1Prefix, Split, VendorHash, Weight,
};
use crate::evaluate::{ONE_HUNDRED_PERCENT, sha1_60};
use crate::import::node::{all, any, bucket, equals, error, exists, never, not, number};

/// Integers up to here are units.
const LARGEST_UNIT: f64 = 9_007_199_254_740_992.0;

impl Translation<'_> {
    /// The rules that serve this under these conditions; the last of them serves to everybody who is left.
    pub(super) fn serving(
        &self,
        id: &str,
        conditions: Vec<Condition>,
        served: &Served,
    ) -> Result<Vec<Rule>, String> {
        let rule = |suffix: &str, more: Vec<Condition>, variant: Option<String>| {
            let conditions = conditions.iter().cloned().chain(more).collect();
            self.serves(&format!("{id}{suffix}"), conditions, variant)
        };
        if let Some(variation) = served.variation {
            return Ok(alloc::vec![rule("", Vec::new(), self.variant(variation))]);
        }
        let rollout = served.rollout.as_ref().filter(|rollout| !rollout.variations.is_empty());
        // An error there too.
        let Some(rollout) = rollout else { return Ok(alloc::vec![rule("", Vec::new(), None)]) };
        let weights = self.weights(rollout)?;
        let positive = || weights.iter().filter(|part| part.weight > 0);
        let first = positive().next().and_then(|part| part.variant.clone());
        let bucket_by = rollout.bucket_by.as_deref().filter(|text| !text.is_empty());
        let bucket_by = bucket_by.filter(|_| !rollout.is_experiment());
        let kinds = self.segments.kinds;
        let prefix = match rollout.seed {
            Some(0) => {
                return Err("has the seed 0, which LaunchDarkly's engines read differently".into());
            }
            Some(seed) => format!("{seed}."),
            None => {
                let key = self.flag.key.as_deref().unwrap_or_default();
                format!("{key}.{}.", self.flag.salt)
            }
        };
        let Some(unit) = Unit::of(bucket_by, rollout.context_kind.as_ref(), prefix, kinds)? else {
            return Ok(alloc::vec![rule("", Vec::new(), None)]);
        };
        if positive().all(|part| part.variant == first) {
            return Ok(alloc::vec![rule("", Vec::new(), first)]);
        }
        let mut rules = Vec::new();
        if let Some(by) = unit.bucketing() {
            let split = Split { by: by.clone(), weights: weights.clone() };
            let guard = rule("", unit.guard(), Some(String::new()));
            rules.push(Rule { serve: Serve::Split(split), ..guard });
            if positive().any(|part| part.variant.is_none()) {
                // Whom the split leaves out.
                let within = bucket(&by, 0, ONE_HUNDRED_PERCENT);
                let conditions = unit.guard().into_iter().chain([within]).collect();
                rules.push(rule("-malformed", conditions, None));
            }
            if let Some(empty) = unit.empty_text() {
                let bucket = unit.bucket_of_empty_text();
                let mut cut = 0;
                let hit = weights.iter().find(|part| {
                    cut += part.weight;
                    inside(bucket, cut)
                });
                let variant = hit.map_or(first.clone(), |part| part.variant.clone());
                if variant != first {
                    let conditions = unit.guard().into_iter().chain([empty]).collect();
                    rules.push(rule("-empty", conditions, variant));
                }
            }
            if let Some(large) = unit.large() {
                let conditions: Vec<Condition> = unit.guard().into_iter().chain([large]).collect();
                let declined = conditions.into_iter().chain([error(LARGE)]).collect();
                rules.push(rule("-large", declined, first.clone()));
            }
        }
        let suffix = if rules.is_empty() { "" } else { "-without" };
        rules.push(rule(suffix, Vec::new(), first));
        Ok(rules)
    }

    /// Summing to all: the last variation has what is missing, and what is too much is cut.
    fn weights(&self, rollout: &Rollout) -> Result<Vec<Weight>, String> {
        let mut left = ONE_HUNDRED_PERCENT;
        let mut weights = Vec::new();
        let last = rollout.variations.len().saturating_sub(1);
        for (at, part) in rollout.variations.iter().enumerate() {
            let whole = whole(part.weight)?;
            let weight = if at == last { left } else { whole.min(left) };
            left -= weight;
            weights.push(Weight { variant: self.variant(part.variation), weight });
        }
        Ok(weights)
    }
}

fn whole(weight: f64) -> Result<u32, String> {
    let cast = weight as u32;
    if f64::from(cast) == weight {
        return Ok(cast);
    }
    Err(format!("has a weight of {weight}, which is no whole number of thousandths of a percent"))
}

/// Whether a bucket of SHA-1 is below `weight` parts of 100,000.
fn inside(bucket: u64, weight: u32) -> bool {
    const LAST: u128 = 0x0FFF_FFFF_FFFF_FFFF;
    u128::from(bucket) * u128::from(ONE_HUNDRED_PERCENT) < u128::from(weight) * LAST
}

/// What holds for the share of a segment's rule.
pub(super) fn share(
    rule: &SegmentRule,
    weight: f64,
    prefix: String,
    kinds: &BTreeSet<String>,
) -> Result<Option<Condition>, String> {
    let weight = whole(weight)?.min(ONE_HUNDRED_PERCENT);
    let kind = rule.rollout_context_kind.as_ref();
    let bucket_by = rule.bucket_by.as_deref().filter(|text| !text.is_empty());
    let Some(unit) = Unit::of(bucket_by, kind, prefix, kinds)? else {
        return Ok(Some(error("an attribute reference that is invalid there too")));
    };
    if weight == 0 {
        return Ok(Some(never()));
    }
    // The largest bucket of all is no part of the whole there; nobody has it.
    if weight == ONE_HUNDRED_PERCENT {
        return Ok(None);
    }
    let Some(by) = unit.bucketing() else { return Ok(None) };
    // Who has no bucket has bucket 0.
    let mut without = alloc::vec![not(bucket(&by, 0, ONE_HUNDRED_PERCENT))];
    if let Some(empty) = unit.empty_text()
        && !inside(unit.bucket_of_empty_text(), weight)
    {
        without.push(not(empty));
    }
    let large = unit.large().map(|large| all([large, error(LARGE)]));
    let share = any([bucket(&by, 0, weight), all(without)]);
    Ok(Some(any(large.into_iter().chain([share]))))
}

/// Why an evaluation is declined.
pub(super) const LARGE: &str = "a number beyond 2^53 has a bucket there that is unknown here";

/// What decides about the bucket.
struct Unit {
    /// None: an attribute that nothing has.
    attribute: Option<String>,
    /// The key of its context; keys are never empty.
    key: String,
    prefix: String,
}

impl Unit {
    /// None for an invalid attribute reference, an error.
    fn of(
        bucket_by: Option<&str>,
        kind: Option<&Kind>,
        prefix: String,
        kinds: &BTreeSet<String>,
    ) -> Result<Option<Self>, String> {
        let key = kind_key(kind.unwrap_or(&Kind::default()))?;
        let attribute = match referenced(bucket_by.unwrap_or("key"), kind, kinds)? {
            Referenced::Attribute { attribute, .. } => Some(attribute),
            // True and false have no bucket.
            Referenced::Nowhere | Referenced::Anonymous(_) => None,
            Referenced::Kinds => return Err("buckets by the kind of context".into()),
            Referenced::Invalid => return Ok(None),
        };
        Ok(Some(Self { attribute, key, prefix }))
    }

    fn bucketing(&self) -> Option<Bucketing> {
        Some(Bucketing {
            unit: self.attribute.clone()?,
            fallback_units: Vec::new(),
            salt: None,
            hash: Some(VendorHash::Sha1(Sha1Prefix { prefix: self.prefix.clone() })),
        })
    }

    /// Attributes of a context that is not there count for nothing.
    fn guard(&self) -> Vec<Condition> {
        let other = self.key != super::USER_KEY && self.attribute.as_ref() != Some(&self.key);
        if other { alloc::vec![exists(&self.key)] } else { Vec::new() }
    }

    fn empty_text(&self) -> Option<Condition> {
        let attribute = self.attribute.as_ref().filter(|attribute| **attribute != self.key)?;
        Some(equals(attribute, Scalar::String(String::new()), false))
    }

    /// An integer beyond 2^53, which is hashed there and no unit here.
    fn large(&self) -> Option<Condition> {
        let attribute = self.attribute.as_ref().filter(|attribute| **attribute != self.key)?;
        let beyond = |is, bound| number(attribute, is, bound, false);
        Some(any([
            beyond(Comparison::Greater, LARGEST_UNIT),
            beyond(Comparison::Less, -LARGEST_UNIT),
        ]))
    }

    fn bucket_of_empty_text(&self) -> u64 {
        sha1_60(self.prefix.as_bytes(), b"")
    }
}
