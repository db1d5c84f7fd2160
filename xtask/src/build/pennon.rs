//! What runs on the machine itself: the program `pennon`, which embeds the dashboard, the example of a service in Rust, and the signer of
//! snapshots that tests in JavaScript call.

use std::path::PathBuf;

use anyhow::Result;

use crate::process::{cargo, run};
use crate::workspace;

/// What is compiled for the machine itself, always selected alike, tests and their dependencies with it: cargo unites the
/// features of what one command builds, and another selection would compile many of the dependencies a second time.
pub(crate) const NATIVE: &[&str] =
    &["--package", "pennon-core", "--package", "pennon-control-plane", "--all-features"];

/// Builds the development build and returns where it is.
pub(crate) fn pennon() -> Result<PathBuf> {
    println!("building the control plane");
    // With the others: by itself the example would have its dependencies compiled once more.
    let example = ["--package", "pennon-example-rust-server", "--bin", "rust-server"];
    run(cargo()
        .arg("build")
        .args(NATIVE)
        .args(["--bin", "pennon", "--example", "sign_snapshot"])
        .args(example))?;
    Ok(workspace::pennon())
}
