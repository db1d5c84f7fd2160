//! How units get their buckets, and what divides buckets among flags: layers and holdouts.

use alloc::string::String;
use alloc::vec::Vec;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::TARGETING_KEY;
use crate::evaluate::ONE_HUNDRED_PERCENT;

/// How a unit gets its bucket: by `salt` with SipHash, or by another product's `hash`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Bucketing {
    /// The attribute whose value decides; the same value always gets the same variant.
    #[serde(default = "targeting_key", skip_serializing_if = "is_targeting_key")]
    pub unit: String,
    /// Attributes to take, in order, when the unit is missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallback_units: Vec<String>,
    /// 32 hexadecimal digits, drawn at random once and kept for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<String>,
    /// Instead of a salt: the buckets of another product, for what was imported from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<VendorHash>,
}

impl Bucketing {
    /// What the weights of a split over these buckets sum to.
    pub fn size(&self) -> u32 {
        match &self.hash {
            None | Some(VendorHash::Sha1(_)) => ONE_HUNDRED_PERCENT,
            Some(VendorHash::Murmur3Modulo(murmur) | VendorHash::Murmur3Scaled(murmur)) => {
                murmur.size
            }
            Some(VendorHash::Fnv1a(_)) => 1_000,
            Some(VendorHash::Fnv1aTwice(_)) => 10_000,
        }
    }
}

/// The bucket functions of other products. `size` is the number of buckets, which is what the weights then sum to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum VendorHash {
    /// `murmur3_32(prefix + unit, seed) mod size`: Unleash.
    Murmur3Modulo(Murmur3),
    /// `murmur3_32(prefix + unit, seed) * size >> 32`: flagd.
    Murmur3Scaled(Murmur3),
    /// `fnv1a_32(unit + suffix) mod 1000`, over UTF-16 code units: GrowthBook 1. `size` is 1,000.
    Fnv1a(FnvSuffix),
    /// `fnv1a_32(decimal(fnv1a_32(prefix + unit))) mod 10000`: GrowthBook 2. `size` is 10,000.
    Fnv1aTwice(FnvPrefix),
    /// The first 60 bits of `sha1(prefix + unit)`, as a fraction: LaunchDarkly. Weights sum to 100,000.
    Sha1(Sha1Prefix),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Murmur3 {
    pub prefix: String,
    #[serde(default)]
    pub seed: u32,
    /// The number of buckets, 1 to 2^31 - 1.
    pub size: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FnvSuffix {
    pub suffix: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FnvPrefix {
    pub prefix: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sha1Prefix {
    pub prefix: String,
}

/// Buckets that rules divide among themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Layer {
    pub by: Bucketing,
}

/// A share of all units that stays outside of what is tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Holdout {
    pub by: Bucketing,
    /// Thousandths of a percent that are held out.
    pub weight: u32,
}

pub(super) fn targeting_key() -> String {
    TARGETING_KEY.into()
}

pub(super) fn is_targeting_key(unit: &str) -> bool {
    unit == TARGETING_KEY
}
