//! Files of JSON in which no object has a key twice.

use std::path::Path;

use serde_json::Value;

use super::{Failed, read};
use crate::domain::json::parse;

/// Reads a file; says where it is no JSON, or where a key stands twice.
pub(super) fn read_json(path: &Path) -> Result<Value, Failed> {
    parse(&read(path)?).map_err(|error| Failed::at(path, error))
}
