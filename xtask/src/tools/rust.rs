//! The target that wasm is built for.

use std::process::Command;

use anyhow::{Result, bail};

use super::on_path;
use crate::process::{capture, run};
use crate::workspace;

pub(crate) const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Adds the wasm target to the toolchain, which rustup has not done when it was installed without our toolchain file.
pub(crate) fn wasm_target() -> Result<()> {
    let libraries = capture(Command::new("rustc").current_dir(workspace::root()).args([
        "--print",
        "target-libdir",
        "--target",
        WASM_TARGET,
    ]))?;
    if std::path::Path::new(libraries.trim()).is_dir() {
        return Ok(());
    }
    if on_path("rustup").is_none() {
        bail!(
            "Rust's target {WASM_TARGET} is missing and rustup is not there to add it: install Rust by https://rustup.rs"
        );
    }
    run(Command::new("rustup").current_dir(workspace::root()).args(["target", "add", WASM_TARGET]))
}
