//! PostgreSQL's programs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::{debian, on_path};

/// What an ephemeral cluster needs.
#[derive(Debug)]
pub(crate) struct Binaries {
    pub(crate) initdb: PathBuf,
    pub(crate) postgres: PathBuf,
}

/// Finds them, and installs them where they are missing.
pub(crate) fn binaries() -> Result<Binaries> {
    if let Some(binaries) = find() {
        return Ok(binaries);
    }
    debian::install("PostgreSQL", &["postgresql"])?;
    match find() {
        Some(binaries) => Ok(binaries),
        None => bail!(
            "PostgreSQL was installed and initdb is still not found: put its bin folder on the PATH"
        ),
    }
}

fn find() -> Option<Binaries> {
    if let (Some(initdb), Some(postgres)) = (on_path("initdb"), on_path("postgres")) {
        return Some(Binaries { initdb, postgres });
    }
    // Debian keeps the servers of every major version off the PATH.
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .filter_map(|entry| {
            Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin")))
        })
        .collect();
    versions.sort();
    let complete = |bin: &Path| bin.join("initdb").is_file() && bin.join("postgres").is_file();
    let (_, bin) = versions.into_iter().rev().find(|(_, bin)| complete(bin))?;
    Some(Binaries { initdb: bin.join("initdb"), postgres: bin.join("postgres") })
}
