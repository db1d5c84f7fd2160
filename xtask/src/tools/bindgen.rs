//! wasm-bindgen of exactly the version that the code was compiled against.
//!
//! Measured cold on two cores, in CPU seconds: `cargo install wasm-bindgen-cli` with `--locked` does not resolve; without,
//! in a debug build, 131; its library alone at opt-level 1 with line tables 235, at opt-level 0 without debug information 50.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::process::{capture, cargo, run};
use crate::workspace;

/// The version of wasm-bindgen in the lock file, and of the library that must match it.
pub(crate) fn version() -> Result<String> {
    let text = capture(cargo().args(["metadata", "--format-version", "1", "--all-features"]))?;
    let metadata: Value =
        serde_json::from_str(&text).context("reading the output of cargo metadata")?;
    let version_of = |name: &str| {
        let packages = metadata["packages"].as_array()?;
        let package = packages.iter().find(|package| package["name"] == name)?;
        package["version"].as_str()
    };
    let (Some(code), Some(tool)) =
        (version_of("wasm-bindgen"), version_of("wasm-bindgen-cli-support"))
    else {
        bail!(
            "cargo metadata knows no wasm-bindgen or no wasm-bindgen-cli-support: did a Cargo.toml lose it?"
        );
    };
    if code != tool {
        bail!(
            "wasm-bindgen is {code} and wasm-bindgen-cli-support {tool}: run `cargo update -p wasm-bindgen-cli-support`"
        );
    }
    Ok(code.to_owned())
}

/// Builds the tool and returns where it is. Cargo knows when there is nothing to do.
pub(crate) fn bindgen() -> Result<PathBuf> {
    let folder = workspace::tools().join("bindgen");
    run(cargo()
        .args(["build", "--package", "xtask", "--bin", "bindgen", "--features", "bindgen"])
        .args(["--config", "profile.dev.debug=false"])
        .args(["--config", "profile.dev.package.\"*\".opt-level=0"])
        .arg("--target-dir")
        .arg(&folder))?;
    Ok(folder.join("debug").join("bindgen"))
}
