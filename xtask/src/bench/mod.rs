//! `cargo xtask bench`: what things cost, each beside something plain in the same run.

mod instructions;

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::build::{self, NATIVE};
use crate::process::{cargo, run};
use crate::test::Environment;
use crate::workspace;

pub(crate) use instructions::{accept, compare};

/// Writes the workloads and returns the folder that they are in.
fn workload() -> Result<PathBuf> {
    let folder = workspace::target().join("bench");
    run(cargo().arg("build").arg("--quiet").args(NATIVE).args(["--example", "workload"]))?;
    let program = workspace::target().join("debug").join("examples").join("workload");
    run(Command::new(program).arg(&folder))?;
    Ok(folder)
}

/// Times of evaluations, beside a hand-written floor.
pub(crate) fn evaluate() -> Result<()> {
    run(cargo()
        .args(["run", "--quiet", "--release", "--package", "pennon-bench", "--", "table"])
        .arg(workload()?))
}

/// Times and memory of the npm package in Node.
pub(crate) fn npm() -> Result<()> {
    build::package()?;
    let script = workspace::root().join("npm").join("bench").join("main.mjs");
    run(Command::new("node").arg(script).arg(workload()?.join("workload.json")))
}

/// Times, CPU and memory of the control plane on both databases, beside a bare axum handler. It takes about ten minutes.
pub(crate) fn control_plane() -> Result<()> {
    run(cargo().args(["build", "--release"]).args(NATIVE).args([
        "--bin",
        "pennon",
        "--example",
        "load",
    ]))?;
    let release = workspace::target().join("release");
    let mut load = Command::new(release.join("examples").join("load"));
    load.arg(release.join("pennon"));
    let mut environment = Environment::default();
    environment.postgres(&mut load)?;
    environment.scratch(&mut load)?;
    run(&mut load)
}
