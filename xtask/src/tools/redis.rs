//! Redis's server.

use std::path::PathBuf;

use anyhow::{Result, bail};

use super::{debian, on_path};

/// Finds it, and installs it where it is missing.
pub(crate) fn redis_server() -> Result<PathBuf> {
    if let Some(program) = on_path("redis-server") {
        return Ok(program);
    }
    debian::install("Redis", &["redis-server"])?;
    match on_path("redis-server") {
        Some(program) => Ok(program),
        None => bail!("Redis was installed and redis-server is still not on the PATH"),
    }
}
