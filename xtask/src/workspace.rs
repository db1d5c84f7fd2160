//! Where things are.

use std::path::{Path, PathBuf};

/// The repository's top folder.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Cargo's output folder: one for everything that is built.
pub(crate) fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// Build tools that are installed for this repository alone.
pub(crate) fn tools() -> PathBuf {
    target().join("tools")
}

/// The program `pennon` of the development build.
pub(crate) fn pennon() -> PathBuf {
    target().join("debug").join("pennon")
}

/// A program of an npm package.
pub(crate) fn npm_program(name: &str) -> PathBuf {
    root().join("node_modules").join(".bin").join(name)
}
