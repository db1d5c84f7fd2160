//! `cargo xtask judge`: imported configurations against the vendors' own engines, over random worlds (`judges/`).

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::process::{cargo, run};
use crate::{build, tools, workspace};

/// Builds what answers for us: the importer and the evaluator, asked over lines of JSON.
pub(crate) fn program(release: bool) -> Result<PathBuf> {
    let mut command = cargo();
    command.arg("build").args(build::NATIVE).args(["--example", "judge"]);
    if release {
        command.arg("--release");
    }
    run(&mut command)?;
    let profile = if release { "release" } else { "debug" };
    Ok(workspace::target().join(profile).join("examples").join("judge"))
}

/// `judge [VENDOR] [--evaluations N] [--seed N] [--show N]`: without a vendor all of them.
pub(crate) fn judge(arguments: &[&str]) -> Result<()> {
    tools::node_packages()?;
    let program = program(true)?;
    let script = workspace::root().join("judges").join("judge.mjs");
    run(Command::new("node").arg(script).arg(program).args(arguments))
}
