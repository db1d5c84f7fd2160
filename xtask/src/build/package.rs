//! The npm package `pennon`: the evaluator's module, then the package's own build around it.

use std::path::PathBuf;

use anyhow::Result;

use super::module::Module;
use crate::process::run;
use crate::stamp::Stamp;
use crate::{tools, workspace};

/// Builds it and returns the module that it carries.
pub(crate) fn npm_package() -> Result<PathBuf> {
    let npm = workspace::root().join("npm");
    let module = Module {
        package: "pennon-wasm",
        target: "web",
        features: &[],
        recoverable: false,
        folder: npm.join("src").join("generated"),
    };
    module.build()?;

    tools::node_packages()?;
    let lock = workspace::root().join("package-lock.json");
    let inputs = [
        npm.join("src"),
        npm.join("scripts"),
        npm.join("package.json"),
        npm.join("tsconfig.json"),
        lock,
    ];
    let stamp = Stamp::of("npm-package", &inputs, &[])?;
    if !stamp.is_current(&[&npm.join("dist")]) {
        println!("building the npm package");
        run(tools::npm().args(["run", "build", "--silent", "--workspace", "npm"]))?;
        stamp.set()?;
    }
    Ok(module.path())
}
