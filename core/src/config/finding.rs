//! Findings: what checks and static analysis have to say about a configuration (core/spec/config.md section 4).

use alloc::string::String;
use core::fmt;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::Serialize;

/// One thing that is wrong, or probably not meant.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    pub code: Code,
    pub severity: Severity,
    /// The flag that it is about; none when it concerns the whole configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flag: Option<String>,
    /// A JSON Pointer into the configuration.
    pub place: String,
    /// One sentence, of which `place` is the subject.
    pub message: String,
    /// Whether it is proved for every context there can be. What is not may have a reason that the analysis cannot see.
    pub exact: bool,
    /// The place of the other part, for what two parts have with each other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<String>,
    /// An evaluation that shows it. The evaluator has confirmed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witness: Option<Witness>,
}

/// The inputs of an evaluation.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Witness {
    /// An evaluation context.
    pub context: serde_json::Value,
    /// Unix milliseconds.
    pub now: i64,
}

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing need be wrong.
    Note,
    /// Hardly meant.
    Warning,
    /// Does not compile.
    Error,
}

/// What a finding says, in one word that stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    UnknownFormat,
    OverLimit,
    WrongCount,
    BadName,
    BadReference,
    BadBucketing,
    BadBucketRange,
    BadDatetime,
    BadNetwork,
    BadPattern,
    BadVersion,
    DuplicateVariant,
    DuplicateRule,
    EmptyLayerSlot,
    FallthroughUnserved,
    InexactNumber,
    PrerequisiteCycle,
    SegmentCycle,
    PrivateAttribute,
    StepsOutOfOrder,
    TargetListedTwice,
    UnknownFlag,
    UnknownHoldout,
    UnknownLayer,
    UnknownSegment,
    UnknownVariant,
    WeightsDoNotSum,
    WindowNeverOpens,
    WrongValueType,

    RuleNeverMatches,
    RuleShadowed,
    RuleServesNobody,
    VariantNeverServed,
    PrerequisiteNeverMet,
    PrerequisiteVariantNeverServed,
    TargetExpired,
    WindowOver,
    WrongType,
    UnknownAttribute,
    UnusedSegment,
    KeyListedTwice,
    KeyIncludedAndExcluded,

    RulesOverlap,
    FallthroughUnreachable,
    PrerequisiteOff,
    UnusedAttribute,
    UnusedLayer,
    UnusedHoldout,
    NotDecided,
}

impl Code {
    pub fn severity(self) -> Severity {
        if self <= Self::WrongValueType {
            Severity::Error
        } else if self <= Self::KeyIncludedAndExcluded {
            Severity::Warning
        } else {
            Severity::Note
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(formatter)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(formatter)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} [{}] {}: {}", self.severity, self.code, self.place, self.message)
    }
}
