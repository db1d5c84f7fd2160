//! Conditions on the context: the tree and its operators.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bucketing, Prerequisite, is_false, literal};

/// A condition on the context.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Condition {
    /// True if all are; true without any.
    All(Vec<Condition>),
    /// True if one is; false without any.
    Any(Vec<Condition>),
    Not(Box<Condition>),
    /// The context is in the segment of this key.
    Segment(String),
    /// Another flag is on, without error, and serves one of these variants.
    Flag(Prerequisite),
    /// An element of the list meets the condition, in which the attribute "" is the element.
    Some(Box<SomeElement>),
    /// The unit's bucket is at least `from` and below `below`.
    Bucket(BucketRange),
    /// The time of the evaluation.
    Now(Instant),
    /// No condition: who comes here gets an error, `PARSE_ERROR`. The text says why; for what was imported and is an error there too.
    Error(String),
    /// The attribute is there and not null.
    Exists(Exists),
    /// The attribute is of this type.
    IsType(IsType),
    Equals(Equals),
    /// The value is one of these.
    In(In),
    /// The text contains one of these.
    Contains(Texts),
    StartsWith(Texts),
    EndsWith(Texts),
    /// The text matches the regular expression somewhere.
    Matches(Matches),
    /// Texts compared by their bytes.
    Text(TextComparison),
    Number(NumberComparison),
    Datetime(DatetimeComparison),
    /// Precedence of Semantic Versioning 2.0.0.
    Semver(SemverComparison),
    /// Versions compared as GrowthBook does: parts padded to five characters, as text.
    PaddedVersion(TextComparison),
    /// The address is in one of these networks.
    IpInCidr(Texts),
    /// The list holds one of these.
    AnyOf(In),
    /// The list holds all of these.
    AllOf(In),
    /// The attribute is a list and holds none of these.
    NoneOf(In),
    /// The number of elements of the list.
    Size(NumberComparison),
    /// The whole value, lists and objects with all that is in them.
    DeepEquals(DeepEquals),
    /// A number, compared with the evaluation's time in whole Unix seconds.
    UnixTime(TimeComparison),
}

impl Condition {
    /// The attribute that a leaf is about.
    pub fn attribute(&self) -> Option<&str> {
        Some(match self {
            Self::Exists(leaf) => &leaf.attribute,
            Self::IsType(leaf) => &leaf.attribute,
            Self::Equals(leaf) => &leaf.attribute,
            Self::In(leaf) | Self::AnyOf(leaf) | Self::AllOf(leaf) | Self::NoneOf(leaf) => {
                &leaf.attribute
            }
            Self::Contains(leaf)
            | Self::StartsWith(leaf)
            | Self::EndsWith(leaf)
            | Self::IpInCidr(leaf) => &leaf.attribute,
            Self::Matches(leaf) => &leaf.attribute,
            Self::Text(leaf) | Self::PaddedVersion(leaf) => &leaf.attribute,
            Self::Number(leaf) | Self::Size(leaf) => &leaf.attribute,
            Self::Datetime(leaf) => &leaf.attribute,
            Self::Semver(leaf) => &leaf.attribute,
            Self::DeepEquals(leaf) => &leaf.attribute,
            Self::UnixTime(leaf) => &leaf.attribute,
            Self::All(_)
            | Self::Any(_)
            | Self::Not(_)
            | Self::Segment(_)
            | Self::Flag(_)
            | Self::Some(_)
            | Self::Bucket(_)
            | Self::Now(_)
            | Self::Error(_) => return None,
        })
    }

    /// The operator as configurations spell it.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Exists(_) => "exists",
            Self::IsType(_) => "is_type",
            Self::Equals(_) => "equals",
            Self::In(_) => "in",
            Self::AnyOf(_) => "any_of",
            Self::AllOf(_) => "all_of",
            Self::NoneOf(_) => "none_of",
            Self::Contains(_) => "contains",
            Self::StartsWith(_) => "starts_with",
            Self::EndsWith(_) => "ends_with",
            Self::IpInCidr(_) => "ip_in_cidr",
            Self::Matches(_) => "matches",
            Self::Text(_) => "text",
            Self::PaddedVersion(_) => "padded_version",
            Self::Number(_) => "number",
            Self::Size(_) => "size",
            Self::Datetime(_) => "datetime",
            Self::Semver(_) => "semver",
            Self::All(_) => "all",
            Self::Any(_) => "any",
            Self::Not(_) => "not",
            Self::Segment(_) => "segment",
            Self::Flag(_) => "flag",
            Self::Some(_) => "some",
            Self::Bucket(_) => "bucket",
            Self::Now(_) => "now",
            Self::Error(_) => "error",
            Self::DeepEquals(_) => "deep_equals",
            Self::UnixTime(_) => "unix_time",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SomeElement {
    pub attribute: String,
    pub when: Condition,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BucketRange {
    pub by: Bucketing,
    /// Thousandths of a percent, or another product's buckets.
    #[serde(default)]
    pub from: u32,
    pub below: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Instant {
    pub is: Comparison,
    /// Unix milliseconds.
    pub value: i64,
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
pub struct IsType {
    pub attribute: String,
    #[serde(rename = "type")]
    pub value_type: ContextType,
}

/// The types of a context's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ContextType {
    Boolean,
    String,
    Number,
    List,
    Object,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Equals {
    pub attribute: String,
    pub value: Scalar,
    /// Compares texts in lower case (Unicode, character by character).
    #[serde(default, skip_serializing_if = "is_false")]
    pub ignore_case: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct In {
    pub attribute: String,
    pub values: Vec<Scalar>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub ignore_case: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Texts {
    pub attribute: String,
    pub values: Vec<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub ignore_case: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Matches {
    pub attribute: String,
    /// Linear-time syntax: no look-around, no back references. `\\w`, `\\d`, `\\s` and `\\b` are ASCII.
    pub pattern: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TextComparison {
    pub attribute: String,
    pub is: Comparison,
    pub value: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NumberComparison {
    pub attribute: String,
    pub is: Comparison,
    #[serde(deserialize_with = "exact_number")]
    pub value: f64,
    /// Also reads a text that is a decimal number; for what was imported.
    #[serde(default, skip_serializing_if = "is_false")]
    pub parse: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DatetimeComparison {
    pub attribute: String,
    pub is: Comparison,
    /// A date and time of RFC 3339. The attribute is one too, or Unix milliseconds.
    pub value: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SemverComparison {
    pub attribute: String,
    pub is: Comparison,
    pub value: String,
    /// Reads `2` and `2.1` as 2.0.0 and 2.1.0; for what was imported.
    #[serde(default, skip_serializing_if = "is_false")]
    pub partial: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeepEquals {
    pub attribute: String,
    /// Any JSON but null. The order of a list counts, that of an object's names does not.
    pub value: serde_json::Value,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TimeComparison {
    pub attribute: String,
    pub is: Comparison,
    /// Also reads a text that is a decimal number; for what was imported.
    #[serde(default, skip_serializing_if = "is_false")]
    pub parse: bool,
}

/// A value without parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(
    untagged,
    expecting = "expected a string, a boolean, or a number, of integers one within 2^53"
)]
pub enum Scalar {
    Boolean(bool),
    Number(#[serde(deserialize_with = "exact_number")] f64),
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

/// A number as JavaScript has it: an integer beyond 2^53 would silently become another one.
fn exact_number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    use serde::de::Error;

    let number = serde_json::Number::deserialize(deserializer)?;
    if literal::exact(&serde_json::Value::Number(number.clone())) {
        return number.as_f64().ok_or_else(|| D::Error::custom("must be a finite number"));
    }
    Err(D::Error::custom(literal::NOT_EXACT))
}
