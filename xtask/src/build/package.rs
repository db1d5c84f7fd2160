//! The npm package `pennon`: the evaluator's module, then the package's own build around it.

use anyhow::Result;

use super::module::{Aim, Module};
use crate::process::run;
use crate::stamp::Stamp;
use crate::{tools, workspace};

/// Builds it and returns the modules that it carries, the evaluator's first.
pub(crate) fn npm_package() -> Result<[Module; 2]> {
    let npm = workspace::root().join("npm");
    let module = Module {
        package: "pennon-wasm",
        target: "web",
        features: &[],
        recoverable: false,
        aim: Aim::Size,
        folder: npm.join("src").join("generated"),
    };
    module.build()?;
    // Below the other's folder, which is written anew.
    let ed25519 = Module {
        package: "pennon-wasm-ed25519",
        target: "web",
        features: &[],
        recoverable: false,
        aim: Aim::Size,
        folder: module.folder.join("ed25519"),
    };
    ed25519.build()?;

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
    Ok([module, ed25519])
}
