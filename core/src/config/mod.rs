//! The authored model: CONFIG.json, the flags of one environment (core/spec/config.md), its checks and its compiler.

pub mod analysis;
mod attribute;
mod bucketing;
mod check;
mod client;
mod compilation;
mod compile;
mod condition;
mod encode;
mod finding;
mod flag;
mod literal;
mod pattern;
mod reallocate;
mod segment;
mod serve;
pub(crate) mod uses;

use alloc::collections::BTreeMap;
use alloc::string::String;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::evaluate::unix_ms;
pub use attribute::{Attribute, AttributeType};
pub use bucketing::{
    Bucketing, FnvPrefix, FnvSuffix, Holdout, Layer, Murmur3, Sha1Prefix, VendorHash,
};
pub use check::Problem;
pub use compilation::Compilation;
pub use compile::{Access, Admission, CompileError, compile, compile_admitting};
pub use condition::{
    BucketRange, Comparison, Condition, ContextType, DatetimeComparison, DeepEquals, Equals,
    Exists, In, Instant, IsType, Matches, NumberComparison, Scalar, SemverComparison, SomeElement,
    TextComparison, Texts, TimeComparison,
};
pub use finding::{Code, Finding, Severity, Witness};
pub use flag::{Flag, HeldOut, LayerSlot, Prerequisite, Rule, Target, ValueType, Variant};
pub use reallocate::{ReallocateError, Reallocation, moved, reallocate};
pub use segment::Segment;
pub use serve::{Ramp, RampStep, Serve, Split, Weight};

/// The only format so far.
pub const FORMAT: u32 = 1;

/// The flags of one environment, and what they refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Configuration {
    /// Where the schema of this file lies; for editors only.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The format of this file: 1.
    pub format: u32,
    /// Attributes of the evaluation context, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, Attribute>,
    /// Audiences that rules share, by key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub segments: BTreeMap<String, Segment>,
    /// Layers, by key: rules that take different slots of one layer never share a unit.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub layers: BTreeMap<String, Layer>,
    /// Holdouts, by key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub holdouts: BTreeMap<String, Holdout>,
    /// Flags, by key.
    #[serde(default)]
    pub flags: BTreeMap<String, Flag>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// JSON Schema of CONFIG.json.
#[cfg(feature = "schema")]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Configuration).to_value()
}

#[cfg(test)]
mod tests;
