//! What a rule or the fallthrough serves: a variant, a split, a ramp.

use alloc::string::String;
use alloc::vec::Vec;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Bucketing;

/// What a rule or the fallthrough serves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Serve {
    /// One variant, by its key.
    Variant(String),
    /// A percentage rollout.
    Split(Split),
    /// A percentage rollout whose weights move with time.
    Ramp(Ramp),
}

/// A percentage rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Split {
    pub by: Bucketing,
    /// In this order along the buckets. A variant may have several parts: changing weights moves the fewest units when parts are
    /// kept where they are.
    pub weights: Vec<Weight>,
}

/// One part of a split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Weight {
    /// Null: units in this part are not served here, and the next rule is tested. Not at the fallthrough.
    pub variant: Option<String>,
    /// Thousandths of a percent; of another product's buckets, their number.
    pub weight: u32,
}

/// A percentage rollout whose weights move from step to step, in a straight line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ramp {
    pub by: Bucketing,
    /// The variants along the buckets.
    pub variants: Vec<Option<String>>,
    /// In the order of their times. Before the first its weights hold, after the last its.
    pub steps: Vec<RampStep>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RampStep {
    /// Unix milliseconds.
    pub at: i64,
    /// One for each of the ramp's variants.
    pub weights: Vec<u32>,
}
