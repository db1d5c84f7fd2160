//! What an evaluation answers (core/spec/evaluation.md section 2).

#[cfg(any(feature = "compile", feature = "protocol"))]
mod json;

use crate::snapshot::FlagChunk;

/// The type of a flag's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FlagType {
    Boolean = 0,
    String = 1,
    Number = 2,
    Json = 3,
}

impl FlagType {
    pub const ALL: [Self; 4] = [Self::Boolean, Self::String, Self::Number, Self::Json];

    /// The word used in configurations and in the HTTP interfaces.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::String => "string",
            Self::Number => "number",
            Self::Json => "json",
        }
    }

    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte)).copied()
    }
}

/// Why this outcome: OpenFeature's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// The flag has neither targets nor rules and serves one variant to all.
    Static = 0,
    /// An individual target or a rule matched and names the variant.
    TargetingMatch = 1,
    /// A percentage rollout chose the variant.
    Split = 2,
    /// The flag is off.
    Disabled = 3,
    /// Nothing matched: the fallthrough's variant.
    Default = 4,
    /// See the error code; the caller's default applies.
    Error = 5,
}

impl Reason {
    pub const ALL: [Self; 6] = [
        Self::Static,
        Self::TargetingMatch,
        Self::Split,
        Self::Disabled,
        Self::Default,
        Self::Error,
    ];

    /// OpenFeature's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Static => "STATIC",
            Self::TargetingMatch => "TARGETING_MATCH",
            Self::Split => "SPLIT",
            Self::Disabled => "DISABLED",
            Self::Default => "DEFAULT",
            Self::Error => "ERROR",
        }
    }
}

/// Why there is no value: OpenFeature's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ErrorCode {
    FlagNotFound = 1,
    TypeMismatch = 2,
    TargetingKeyMissing = 3,
    InvalidContext = 4,
    /// The flag's chunk is malformed, or needs a newer evaluator.
    ParseError = 5,
    ProviderNotReady = 6,
    ProviderFatal = 7,
    General = 8,
}

impl ErrorCode {
    pub const ALL: [Self; 8] = [
        Self::FlagNotFound,
        Self::TypeMismatch,
        Self::TargetingKeyMissing,
        Self::InvalidContext,
        Self::ParseError,
        Self::ProviderNotReady,
        Self::ProviderFatal,
        Self::General,
    ];

    /// OpenFeature's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FlagNotFound => "FLAG_NOT_FOUND",
            Self::TypeMismatch => "TYPE_MISMATCH",
            Self::TargetingKeyMissing => "TARGETING_KEY_MISSING",
            Self::InvalidContext => "INVALID_CONTEXT",
            Self::ParseError => "PARSE_ERROR",
            Self::ProviderNotReady => "PROVIDER_NOT_READY",
            Self::ProviderFatal => "PROVIDER_FATAL",
            Self::General => "GENERAL",
        }
    }
}

/// A value as the snapshot carries it. `Json` is a whole JSON text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'s> {
    Boolean(bool),
    Number(f64),
    String(&'s str),
    Json(&'s str),
}

/// The answer to one evaluation. Small and without allocation: value, variant name and rule id are
/// read from the snapshot when asked for.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'s> {
    pub reason: Reason,
    pub error: Option<ErrorCode>,
    /// The instant, in Unix milliseconds, at which time alone may next change this outcome.
    pub until: Option<i64>,
    pub(crate) flag: Option<FlagChunk<'s>>,
    pub(crate) variant: Option<u8>,
    pub(crate) rule: Option<u16>,
}

impl<'s> Outcome<'s> {
    /// An outcome without a value: the caller's default applies.
    pub fn error(code: ErrorCode) -> Self {
        Self {
            reason: Reason::Error,
            error: Some(code),
            until: None,
            flag: None,
            variant: None,
            rule: None,
        }
    }

    /// The value, or none where the caller's default applies.
    pub fn value(&self) -> Option<Value<'s>> {
        self.flag?.value(self.variant?)
    }

    /// The variant's name.
    pub fn variant(&self) -> Option<&'s str> {
        core::str::from_utf8(self.flag?.variant_name(self.variant?)?).ok()
    }

    /// The variant's position in the flag's list.
    pub fn variant_index(&self) -> Option<u8> {
        self.variant
    }

    /// The stable id of the rule that matched.
    pub fn rule(&self) -> Option<&'s str> {
        self.flag?.rule_id(self.rule?)
    }

    /// The flag's metadata: attributes in the encoding of a context (core/spec/snapshot.md section 6), each a string, a number or a boolean.
    pub fn metadata(&self) -> &'s [u8] {
        self.flag.map_or(&[], |flag| flag.metadata())
    }

    /// The position of the rule that matched, among the rules that this snapshot carries.
    pub fn rule_index(&self) -> Option<u16> {
        self.rule
    }
}
