//! Valgrind, whose callgrind counts instructions.

use std::path::PathBuf;

use anyhow::{Result, bail};

use super::{debian, on_path};

/// Finds it, and installs it where it is missing.
pub(crate) fn valgrind() -> Result<PathBuf> {
    if let Some(program) = on_path("valgrind") {
        return Ok(program);
    }
    debian::install("Valgrind", &["valgrind"])?;
    match on_path("valgrind") {
        Some(program) => Ok(program),
        None => bail!("Valgrind was installed and is still not on the PATH"),
    }
}
