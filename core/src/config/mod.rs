//! The authored model: CONFIG.json, the flags of one environment (core/spec/config.md), its checks and its compiler.

mod check;
mod compile;
mod encode;

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use check::Problem;
pub use compile::{Access, CompileError, compile};

use crate::outcome::FlagType;

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
    /// Flags, by key.
    #[serde(default)]
    pub flags: BTreeMap<String, Flag>,
}

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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Target>,
    /// The first that matches decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// Served when no rule matches.
    pub fallthrough: Serve,
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
    pub when: Condition,
    pub serve: Serve,
}

/// What a rule or the fallthrough serves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Serve {
    /// One variant, by its key.
    Variant(String),
    /// A percentage rollout.
    Split(Split),
}

/// A percentage rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Split {
    /// The attribute whose value decides; the same value always gets the same variant.
    #[serde(default = "targeting_key", skip_serializing_if = "is_targeting_key")]
    pub unit: String,
    /// 32 hexadecimal digits, drawn at random when the split is made and kept for good.
    pub salt: String,
    /// In this order along the buckets; they sum to 100,000.
    pub weights: Vec<Weight>,
}

/// One part of a split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Weight {
    pub variant: String,
    /// Thousandths of a percent.
    pub weight: u32,
}

/// A condition on the context.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Condition {
    /// True if all are; true without any.
    All(Vec<Condition>),
    /// True if one is; false without any.
    Any(Vec<Condition>),
    Not(alloc::boxed::Box<Condition>),
    /// The context is in the segment of this key.
    Segment(String),
    /// The attribute is there and not null.
    Exists(Exists),
    Equals(Equals),
    /// The value is one of these.
    In(In),
    /// The text contains one of these.
    Contains(Texts),
    StartsWith(Texts),
    EndsWith(Texts),
    Number(NumberComparison),
    /// Precedence of Semantic Versioning 2.0.0.
    Semver(SemverComparison),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Exists {
    pub attribute: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Equals {
    pub attribute: String,
    pub value: Scalar,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct In {
    pub attribute: String,
    pub values: Vec<Scalar>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Texts {
    pub attribute: String,
    pub values: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NumberComparison {
    pub attribute: String,
    pub is: Comparison,
    pub value: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SemverComparison {
    pub attribute: String,
    pub is: Comparison,
    pub value: String,
}

/// A value without parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(untagged, expecting = "expected a string, a number or a boolean")]
pub enum Scalar {
    Boolean(bool),
    Number(f64),
    String(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub enum Comparison {
    #[serde(rename = "<")]
    Less,
    #[serde(rename = "<=")]
    LessOrEqual,
    #[serde(rename = "=")]
    Equal,
    #[serde(rename = ">=")]
    GreaterOrEqual,
    #[serde(rename = ">")]
    Greater,
    #[serde(rename = "!=")]
    NotEqual,
}

impl Comparison {
    /// Less 1, equal 2, greater 4.
    pub(crate) fn bits(self) -> u8 {
        match self {
            Self::Less => 1,
            Self::LessOrEqual => 3,
            Self::Equal => 2,
            Self::GreaterOrEqual => 6,
            Self::Greater => 4,
            Self::NotEqual => 5,
        }
    }
}

fn targeting_key() -> String {
    crate::context::TARGETING_KEY.into()
}

fn is_targeting_key(unit: &str) -> bool {
    unit == crate::context::TARGETING_KEY
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
