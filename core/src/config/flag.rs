//! A flag: its variants, prerequisites, targets and rules.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bucketing::{is_targeting_key, targeting_key};
use super::{Condition, Scalar, Serve, is_false};
use crate::outcome::FlagType;

/// One flag in one environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Flag {
    #[serde(rename = "type")]
    pub flag_type: ValueType,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Whether client SDKs may see it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub client_visible: bool,
    /// Off serves the off variant to all.
    pub enabled: bool,
    pub variants: Vec<Variant>,
    /// Served while the flag is off; without it the caller's default applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off_variant: Option<String>,
    /// Other flags that must serve one of these variants; else the off variant is served.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prerequisites: Vec<Prerequisite>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Target>,
    /// Units that are held out get this variant before any rule is tested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holdout: Option<HeldOut>,
    /// The first that matches decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// Served when no rule matches.
    pub fallthrough: Serve,
    /// Strings, numbers and booleans that come back with every outcome.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, Scalar>,
}

/// The type of a flag's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ValueType {
    Boolean,
    String,
    Number,
    Json,
}

impl From<ValueType> for FlagType {
    fn from(value_type: ValueType) -> Self {
        match value_type {
            ValueType::Boolean => Self::Boolean,
            ValueType::String => Self::String,
            ValueType::Number => Self::Number,
            ValueType::Json => Self::Json,
        }
    }
}

/// A named value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Variant {
    pub key: String,
    /// Of the flag's type. Integers beyond 2^53 are refused.
    pub value: serde_json::Value,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// A flag that must be on, without error, and serve one of these variants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Prerequisite {
    pub flag: String,
    pub variants: Vec<String>,
}

/// Individuals who get a variant whatever the rules say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Target {
    pub variant: String,
    /// The attribute that `keys` are values of.
    #[serde(default = "targeting_key", skip_serializing_if = "is_targeting_key")]
    pub unit: String,
    pub keys: Vec<String>,
    /// Unix milliseconds from which on the target counts no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<i64>,
}

/// What a flag serves to the units of a holdout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeldOut {
    pub holdout: String,
    pub variant: String,
}

/// A condition and what it serves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// Stable, and part of the outcome.
    pub id: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Unix milliseconds from which on the rule counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<i64>,
    /// Unix milliseconds from which on it counts no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<i64>,
    /// Only units in this slot match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<LayerSlot>,
    pub when: Condition,
    pub serve: Serve,
}

/// A rule's part of a layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LayerSlot {
    pub layer: String,
    /// Thousandths of a percent: the slot's first and, not included, its last.
    pub from: u32,
    pub to: u32,
}
