//! What works without a server.

pub mod compile;
pub mod eval;
pub mod import;
pub mod keys;
pub mod snapshot;
pub mod token;

use std::fmt::Display;
use std::path::Path;

/// Why a command failed: a sentence for standard error.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failed(pub String);

impl Failed {
    fn at(path: &Path, why: impl Display) -> Self {
        Self(format!("{}: {why}", path.display()))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failed> {
    std::fs::read(path).map_err(|error| Failed::at(path, error))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failed> {
    std::fs::write(path, bytes).map_err(|error| Failed::at(path, error))
}
