//! The edge worker: its module, bundled with the shim that workerd loads.

use anyhow::Result;

use super::module::Module;
use crate::process::run;
use crate::stamp::Stamp;
use crate::{tools, workspace};

/// Builds it and returns its module.
pub(crate) fn edge_worker() -> Result<Module> {
    let folder = workspace::root().join("edge-worker");
    let module = Module {
        package: "pennon-edge-worker",
        target: "module",
        features: &[],
        recoverable: true,
        folder: folder.join("pkg"),
    };
    module.build()?;

    tools::node_packages()?;
    let lock = workspace::root().join("package-lock.json");
    let inputs = [module.folder.clone(), folder.join("shim.mjs"), folder.join("build.mjs"), lock];
    let stamp = Stamp::of("edge-worker-bundle", &inputs, &[])?;
    let outputs = [
        folder.join("dist").join("worker.mjs"),
        folder.join("dist").join("pennon_edge_worker_bg.wasm"),
    ];
    if !stamp.is_current(&[&outputs[0], &outputs[1]]) {
        println!("bundling the edge worker");
        run(tools::npm().args(["run", "build", "--silent", "--workspace", "edge-worker"]))?;
        stamp.set()?;
    }
    Ok(module)
}
