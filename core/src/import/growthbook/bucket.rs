//! GrowthBook's hashes, as fractions of whole buckets.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::config::{
    Bucketing, Condition, ContextType, FnvPrefix, FnvSuffix, Scalar, VendorHash, Weight,
};
use crate::context::TARGETING_KEY;
use crate::evaluate::{FNV_OFFSET, fnv1a};
use crate::import::node;

/// Which of the two hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    One,
    Two,
}

impl Version {
    fn size(self) -> u32 {
        match self {
            Self::One => 1_000,
            Self::Two => 10_000,
        }
    }

    /// The fraction that GrowthBook calls a bucket.
    fn fraction(self, bucket: u32) -> f64 {
        f64::from(bucket) / f64::from(self.size())
    }
}

/// A unit and how it is hashed.
#[derive(Clone, Debug)]
pub(super) struct Hash {
    pub(super) unit: String,
    pub(super) seed: String,
    pub(super) version: Version,
}

impl Hash {
    pub(super) fn by(&self) -> Bucketing {
        let seed = self.seed.clone();
        Bucketing {
            unit: self.unit.clone(),
            fallback_units: Vec::new(),
            salt: None,
            hash: Some(match self.version {
                Version::One => VendorHash::Fnv1a(FnvSuffix { suffix: seed }),
                Version::Two => VendorHash::Fnv1aTwice(FnvPrefix { prefix: seed }),
            }),
        }
    }

    /// The number 0 is as good as missing.
    pub(super) fn has_unit(&self) -> Condition {
        node::not(node::equals(&self.unit, Scalar::Number(0.0), false))
    }

    /// The unit's fraction is one of those that `included` takes, which are in a row.
    pub(super) fn within(&self, included: impl Fn(f64) -> bool) -> Condition {
        let taken = |bucket: &u32| included(self.version.fraction(*bucket));
        let size = self.version.size();
        let Some(from) = (0..size).find(taken) else { return node::never() };
        let below = (from..size).find(|bucket| !taken(bucket)).unwrap_or(size);
        let regular = node::all([self.has_unit(), node::bucket(&self.by(), from, below)]);
        let written = self.written().into_iter();
        let written = written.filter(|(_, fraction)| included(*fraction)).map(|(is, _)| is);
        let unknown = self.unknown().into_iter().map(|is| node::all([is, unwritten()]));
        node::any([regular].into_iter().chain(written).chain(unknown))
    }

    /// Values that are no unit here and one text there, and the fraction of it. A context's key is always a unit.
    pub(super) fn written(&self) -> Vec<(Condition, f64)> {
        if self.unit == TARGETING_KEY {
            return Vec::new();
        }
        let is_true = node::equals(&self.unit, Scalar::Boolean(true), false);
        let is_object = node::is_type(&self.unit, ContextType::Object);
        Vec::from([
            (is_true, self.fraction_of("true")),
            (is_object, self.fraction_of("[object Object]")),
        ])
    }

    /// Values that are no unit here, and there a text that is not known now: lists, and numbers that are not whole.
    pub(super) fn unknown(&self) -> Vec<Condition> {
        if self.unit == TARGETING_KEY {
            return Vec::new();
        }
        Vec::from([
            node::is_type(&self.unit, ContextType::List),
            node::all([
                node::is_type(&self.unit, ContextType::Number),
                node::not(node::bucket(&self.by(), 0, self.version.size())),
            ]),
        ])
    }

    fn fraction_of(&self, unit: &str) -> f64 {
        let hash = |from, text: &str| fnv1a(from, text.as_bytes()).unwrap_or_default();
        self.version.fraction(match self.version {
            Version::One => hash(hash(FNV_OFFSET, unit), &self.seed) % 1_000,
            Version::Two => {
                let first = hash(hash(FNV_OFFSET, &self.seed), unit);
                hash(FNV_OFFSET, &first.to_string()) % 10_000
            }
        })
    }

    /// The parts of a split: `chosen` says whose each fraction is. None when they are nobody's.
    pub(super) fn weights(&self, chosen: impl Fn(f64) -> Option<String>) -> Option<Vec<Weight>> {
        let mut parts: Vec<Weight> = Vec::new();
        for bucket in 0..self.version.size() {
            let variant = chosen(self.version.fraction(bucket));
            match parts.last_mut() {
                Some(part) if part.variant == variant => part.weight += 1,
                _ => parts.push(Weight { variant, weight: 1 }),
            }
        }
        parts.iter().any(|part| part.variant.is_some()).then_some(parts)
    }
}

/// An evaluation is declined rather than given a bucket that nobody had.
pub(super) fn unwritten() -> Condition {
    node::error("the unit is a list or a fraction, whose text decides there and is not known here")
}

/// A range holds its start and not its end.
pub(super) type Range = (f64, f64);

pub(super) fn in_range(fraction: f64, range: &Range) -> bool {
    fraction >= range.0 && fraction < range.1
}

/// `getBucketRanges`: the ranges of variations with these weights, of which `coverage` takes part.
pub(super) fn ranges(variations: usize, coverage: f64, weights: Option<&[f64]>) -> Vec<Range> {
    let coverage = coverage.clamp(0.0, 1.0);
    let equal = alloc::vec![1.0 / variations as f64; variations];
    let weights = weights.filter(|weights| weights.len() == variations).filter(|weights| {
        let total = weights.iter().fold(0.0, |sum, weight| weight + sum);
        (0.99..=1.01).contains(&total)
    });
    let mut cumulative = 0.0;
    let range = |weight: &f64| {
        let start = cumulative;
        cumulative += weight;
        (start, start + coverage * weight)
    };
    weights.unwrap_or(&equal).iter().map(range).collect()
}

/// The name of a value, for a variant.
pub(super) fn short_name(value: &serde_json::Value) -> String {
    /// Longer names are hard to read.
    const LONGEST: usize = 64;
    use serde_json::Value;
    match value {
        Value::String(text)
            if !text.is_empty() && text.len() <= LONGEST && !text.starts_with('\0') =>
        {
            text.clone()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        _ => "value".into(),
    }
}
