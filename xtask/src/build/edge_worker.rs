//! The edge worker: its module, bundled with the shim that workerd loads.

use anyhow::Result;

use super::module::{Aim, Module};
use crate::process::run;
use crate::stamp::Stamp;
use crate::{tools, workspace};

/// What is bundled around the module.
const SOURCES: &[&str] = &[
    "shim.mjs",
    "host.mjs",
    "instance.mjs",
    "evaluation.mjs",
    "hub.mjs",
    "unread.mjs",
    "build.mjs",
];

/// Builds it and returns its module.
pub(crate) fn edge_worker() -> Result<Module> {
    build(&[], "")
}

/// Both of them.
pub(crate) fn edge_workers() -> Result<()> {
    edge_worker()?;
    crashing_edge_worker()?;
    Ok(())
}

/// Builds, beside it, the one that stops at a flag made for that: for tests.
pub(crate) fn crashing_edge_worker() -> Result<Module> {
    build(&["crash"], "-crash")
}

/// Module and bundle, in folders whose names end with `suffix`.
fn build(features: &'static [&'static str], suffix: &str) -> Result<Module> {
    let folder = workspace::root().join("edge-worker");
    let module = Module {
        package: "pennon-edge-worker",
        features,
        target: "module",
        recoverable: true,
        aim: Aim::Speed,
        folder: folder.join(format!("pkg{suffix}")),
    };
    module.build()?;

    tools::node_packages()?;
    let lock = workspace::root().join("package-lock.json");
    let mut inputs = vec![module.folder.clone(), lock];
    inputs.extend(SOURCES.iter().map(|name| folder.join(name)));
    let stamp = Stamp::of(&format!("edge-worker-bundle{suffix}"), &inputs, &[])?;
    let dist = folder.join(format!("dist{suffix}"));
    let outputs = [dist.join("worker.mjs"), dist.join("pennon_edge_worker_bg.wasm")];
    if !stamp.is_current(&[&outputs[0], &outputs[1]]) {
        println!("bundling the edge worker");
        let build = ["run", "build", "--silent", "--workspace", "edge-worker", "--", suffix];
        run(tools::npm().args(build))?;
        stamp.set()?;
    }
    Ok(module)
}
