//! What static analysis has to say about what is written.

use pennon_core::config::analysis::{Options, findings};
use pennon_core::config::{Code, Configuration, Finding};
use schemars::JsonSchema;
use serde::Serialize;

/// What is said of a document because no flag uses it: the author of a new one knows.
const UNUSED: [Code; 4] =
    [Code::UnusedAttribute, Code::UnusedHoldout, Code::UnusedLayer, Code::UnusedSegment];

/// A finding and where it holds.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Told {
    /// The environment's key; absent for what is the same in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    #[serde(flatten)]
    pub finding: Finding,
}

/// What documents say of themselves, errors included: the same in every environment, so `documents` has no flags.
pub fn of_documents(documents: &Configuration, now_ms: i64) -> Vec<Finding> {
    findings(documents, &Options { now: Some(now_ms) })
}

/// Those about one document, which its kind (`segment`) and its key name.
pub fn about(found: &[Finding], kind: &str, key: &str) -> Vec<Told> {
    let place = format!("/{kind}s/{}", key.replace('~', "~0").replace('/', "~1"));
    let about = |finding: &&Finding| {
        let rest = finding.place.strip_prefix(&place);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            && !UNUSED.contains(&finding.code)
    };
    let told = |finding: &Finding| Told { environment: None, finding: finding.clone() };
    found.iter().filter(about).map(told).collect()
}
