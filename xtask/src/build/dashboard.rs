//! The dashboard: its evaluator, its pages, and both as the control plane embeds them.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::module::{Aim, Module};
use crate::process::run;
use crate::stamp::Stamp;
use crate::{tools, workspace};

/// Builds it, after the npm package, and returns the module that it carries.
pub(crate) fn dashboard() -> Result<Module> {
    let root = workspace::root();
    let folder = root.join("dashboard");
    let module = Module {
        package: "pennon-wasm",
        target: "web",
        features: &["draft"],
        recoverable: false,
        aim: Aim::Size,
        folder: folder.join("src").join("generated").join("evaluator"),
    };
    module.build()?;

    tools::node_packages()?;
    let embedded = root.join("control-plane").join("embedded");
    let mut inputs: Vec<PathBuf> =
        ["index.html", "package.json", "scripts", "src", "tsconfig.json", "vite.config.ts"]
            .map(|name| folder.join(name))
            .to_vec();
    // Its types come from the one; its pages use the other's sources.
    inputs.push(root.join("control-plane").join("openapi.json"));
    inputs.push(root.join("npm").join("src"));
    inputs.push(root.join("package-lock.json"));
    let stamp = Stamp::of("dashboard", &inputs, &[])?;
    if !stamp.is_current(&[&embedded.join("index.html")]) {
        println!("building the dashboard");
        run(tools::npm().args(["run", "build", "--silent", "--workspace", "dashboard"]))?;
        run(Command::new("node")
            .current_dir(&folder)
            .args(["scripts/embed.mjs", "dist"])
            .arg(&embedded))?;
        // The build has written the types of the admin API, which are among its inputs.
        Stamp::of("dashboard", &inputs, &[])?.set()?;
    }
    Ok(module)
}
