//! `cargo xtask bench`: what things cost, each beside something plain in the same run.

mod instructions;

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::build::{self, NATIVE};
use crate::process::{cargo, run};
use crate::test::Environment;
use crate::{tools, workspace};

pub(crate) use instructions::{accept, compare};

/// Writes the workloads and returns the folder that they are in.
fn workload() -> Result<PathBuf> {
    let folder = workspace::target().join("bench");
    run(cargo().arg("build").arg("--quiet").args(NATIVE).args(["--example", "workload"]))?;
    let program = workspace::target().join("debug").join("examples").join("workload");
    run(Command::new(program).arg(&folder))?;
    Ok(folder)
}

/// Times of evaluations, natively and through the npm package in Node, each beside a hand-written floor.
pub(crate) fn evaluate() -> Result<()> {
    let folder = workload()?;
    run(cargo()
        .args(["run", "--quiet", "--release", "--package", "pennon-bench", "--", "table"])
        .arg(&folder))?;
    build::package()?;
    let script = workspace::root().join("bench").join("node.mjs");
    run(Command::new("node").arg("--expose-gc").arg(script).arg(folder))
}

/// Times of static analysis on environments as large as the limits allow.
pub(crate) fn analysis() -> Result<()> {
    run(cargo().args(["run", "--quiet", "--release", "--package", "pennon-core"]).args([
        "--all-features",
        "--example",
        "analysis",
    ]))
}

/// Times and memory of the npm package in Node.
pub(crate) fn npm() -> Result<()> {
    build::package()?;
    let script = workspace::root().join("npm").join("bench").join("main.mjs");
    run(Command::new("node").arg(script).arg(workload()?.join("workload.json")))
}

/// Times, CPU and memory of the control plane on both databases, beside a bare axum handler, with what is to be reached. It takes about four minutes.
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

/// From the admin API's answer to a change until it is evaluated with: at another replica, at the edge worker, in a page. It takes about five
/// minutes.
pub(crate) fn delivery() -> Result<()> {
    let mut environment = Environment::default();
    let mut bench = Command::new("node");
    environment.parts(&mut bench)?;
    run(cargo().args(["build", "--release"]).args(NATIVE).args(["--bin", "pennon"]))?;
    bench.env("PENNON_BIN", workspace::target().join("release").join("pennon"));
    bench.current_dir(workspace::root().join("end-to-end")).arg("bench/delivery.mjs");
    run(&mut bench)
}

/// Memory and time of ten thousand streams, and what heads and bodies cost beside a bare axum handler. It takes about two minutes.
pub(crate) fn streams() -> Result<()> {
    run(cargo().args(["build", "--release"]).args(NATIVE).args([
        "--bin",
        "pennon",
        "--example",
        "streams",
    ]))?;
    let release = workspace::target().join("release");
    let mut streams = Command::new(release.join("examples").join("streams"));
    streams.arg(release.join("pennon"));
    streams.env("PENNON_MAX_STREAMS", "11000");
    streams.env("PENNON_RATE_PER_ADDRESS", "0").env("PENNON_RATE_PER_CREDENTIAL", "0");
    Environment::default().scratch(&mut streams)?;
    run(&mut streams)
}

/// CPU and times of the edge worker on workerd, beside a worker in JavaScript that answers a constant.
pub(crate) fn edge() -> Result<()> {
    build::edge_workers()?;
    run(cargo().arg("build").arg("--quiet").args(NATIVE).args(["--example", "sign_snapshot"]))?;
    run(tools::npm().args(["run", "bench", "--silent", "--workspace", "edge-worker"]))
}
