//! Attributes: the named, typed traits of the evaluation context.

use alloc::string::String;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::is_false;

/// A trait of the evaluation context.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attribute {
    #[serde(rename = "type")]
    pub attribute_type: AttributeType,
    /// Never reaches a client: a flag for clients that reads it does not compile.
    #[serde(default, skip_serializing_if = "is_false")]
    pub private: bool,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// The type of an attribute's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum AttributeType {
    Boolean,
    String,
    Number,
    Semver,
    Datetime,
    Ip,
    List,
    Object,
}
