//! What LaunchDarkly's server SDKs read, as far as evaluation goes.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Flag {
    #[serde(default)]
    pub key: Option<String>,
    #[serde(default)]
    pub on: bool,
    #[serde(default)]
    pub deleted: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub targets: Vec<Target>,
    #[serde(default, deserialize_with = "or_default")]
    pub context_targets: Vec<Target>,
    #[serde(default, deserialize_with = "or_default")]
    pub rules: Vec<Rule>,
    #[serde(default, deserialize_with = "or_default")]
    pub prerequisites: Vec<Prerequisite>,
    #[serde(default)]
    pub fallthrough: Option<Served>,
    #[serde(default)]
    pub off_variation: Option<i64>,
    pub variations: Vec<Value>,
    #[serde(default, deserialize_with = "or_default")]
    pub salt: String,
    #[serde(default)]
    client_side: Option<bool>,
    #[serde(default)]
    client_side_availability: Option<Availability>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Availability {
    #[serde(default)]
    using_environment_id: bool,
}

impl Flag {
    pub(super) fn client_visible(&self) -> bool {
        match &self.client_side_availability {
            Some(availability) => availability.using_environment_id,
            None => self.client_side.unwrap_or(false),
        }
    }

    pub(super) fn runs_experiment(&self) -> bool {
        let served = self.rules.iter().map(|rule| &rule.served).chain(&self.fallthrough);
        let mut rollouts = served.filter_map(|served| served.rollout.as_ref());
        rollouts.any(Rollout::is_experiment)
    }
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Prerequisite {
    pub key: String,
    pub variation: i64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Target {
    #[serde(default)]
    pub context_kind: Kind,
    #[serde(default, deserialize_with = "or_default")]
    pub values: Vec<String>,
    #[serde(default)]
    pub variation: i64,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Rule {
    #[serde(default)]
    pub id: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub clauses: Vec<Clause>,
    #[serde(flatten)]
    pub served: Served,
}

/// One variation, or a rollout.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Served {
    #[serde(default)]
    pub variation: Option<i64>,
    #[serde(default)]
    pub rollout: Option<Rollout>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rollout {
    #[serde(default)]
    pub kind: Option<String>,
    #[serde(default)]
    pub context_kind: Option<Kind>,
    #[serde(default)]
    pub bucket_by: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub variations: Vec<WeightedVariation>,
    #[serde(default)]
    pub seed: Option<i64>,
}

impl Rollout {
    pub(super) fn is_experiment(&self) -> bool {
        self.kind.as_deref() == Some("experiment")
    }
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct WeightedVariation {
    pub variation: i64,
    pub weight: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Clause {
    #[serde(default)]
    pub context_kind: Option<Kind>,
    #[serde(default, deserialize_with = "or_default")]
    pub attribute: String,
    #[serde(default, deserialize_with = "or_default")]
    pub negate: bool,
    pub op: String,
    #[serde(default, deserialize_with = "or_default")]
    pub values: Vec<Value>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Segment {
    #[serde(default)]
    pub key: Option<String>,
    #[serde(default)]
    pub deleted: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub included: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub excluded: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub included_contexts: Vec<SegmentTarget>,
    #[serde(default, deserialize_with = "or_default")]
    pub excluded_contexts: Vec<SegmentTarget>,
    #[serde(default, deserialize_with = "or_default")]
    pub rules: Vec<SegmentRule>,
    #[serde(default, deserialize_with = "or_default")]
    pub salt: String,
    #[serde(default, deserialize_with = "or_default")]
    pub unbounded: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SegmentTarget {
    #[serde(default)]
    pub context_kind: Kind,
    #[serde(default, deserialize_with = "or_default")]
    pub values: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SegmentRule {
    #[serde(default, deserialize_with = "or_default")]
    pub clauses: Vec<Clause>,
    #[serde(default)]
    pub weight: Option<f64>,
    #[serde(default)]
    pub bucket_by: Option<String>,
    #[serde(default)]
    pub rollout_context_kind: Option<Kind>,
}

/// A kind of context.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub(super) struct Kind(pub String);

impl Kind {
    pub(super) const USER: &str = "user";

    pub(super) fn is_user(&self) -> bool {
        self.0 == Self::USER
    }

    /// Letters, digits, `.`, `_` and `-`; neither `kind` nor `multi`.
    pub(super) fn is_name(&self) -> bool {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        !self.0.is_empty() && self.0.bytes().all(allowed) && self.0 != "kind" && self.0 != "multi"
    }
}

impl Default for Kind {
    fn default() -> Self {
        Self(Self::USER.to_string())
    }
}

/// Null stands for nothing given.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
