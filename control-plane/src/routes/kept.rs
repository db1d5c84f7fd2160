//! How everything that has a definition and a version is answered.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::findings::Told;

/// A definition, its key and its version.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Kept{T}")]
pub struct Kept<T> {
    pub key: String,
    /// What the ETag says.
    pub version: i64,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub updated_at: i64,
    /// Unix milliseconds; absent unless it is archived, and then it is in no snapshot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived_at: Option<i64>,
    pub definition: T,
    /// What static analysis has to say about it; in the answers to writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub findings: Option<Vec<Told>>,
}
