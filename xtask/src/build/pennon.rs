//! The control plane: the program `pennon`, which serves the dashboard's placeholder too.

use std::path::PathBuf;

use anyhow::Result;

use crate::process::{cargo, run};
use crate::workspace;

/// Builds the development build and returns where it is.
pub(crate) fn pennon() -> Result<PathBuf> {
    println!("building the control plane");
    run(cargo().args(["build", "--package", "pennon-control-plane"]))?;
    Ok(workspace::pennon())
}
