//! Segments: audiences that rules share.

use alloc::string::String;
use alloc::vec::Vec;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Condition;
use super::bucketing::{is_targeting_key, targeting_key};

/// A reusable audience. Excluded beats included beats the condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Segment {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The attribute that `included` and `excluded` list values of.
    #[serde(default = "targeting_key", skip_serializing_if = "is_targeting_key")]
    pub unit: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
}
