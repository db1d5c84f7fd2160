//! The authored model: CONFIG.json, the flags of one environment (core/spec/config.md), its checks and its compiler.

mod check;
mod client;
mod compile;
mod encode;
mod literal;
mod pattern;
mod uses;

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use check::Problem;
pub use compile::{Access, CompileError, compile};

use crate::evaluate::ONE_HUNDRED_PERCENT;
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

/// A flag that must be on, without error, and serve one of these variants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Prerequisite {
    pub flag: String,
    pub variants: Vec<String>,
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

/// What a flag serves to the units of a holdout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeldOut {
    pub holdout: String,
    pub variant: String,
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
    /// Only units in this slot match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<LayerSlot>,
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
    /// A percentage rollout whose weights move with time.
    Ramp(Ramp),
}

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
    /// Another flag is on, without error, and serves one of these variants.
    Flag(Prerequisite),
    /// An element of the list meets the condition, in which the attribute "" is the element.
    Some(alloc::boxed::Box<SomeElement>),
    /// The unit's bucket is at least `from` and below `below`.
    Bucket(BucketRange),
    /// The time of the evaluation.
    Now(Instant),
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
