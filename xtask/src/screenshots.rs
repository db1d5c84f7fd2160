//! `cargo xtask screenshots`: the README's pictures of the dashboard, made anew from what is built.

use anyhow::Result;

use crate::process::run;
use crate::{build, tools, workspace};

/// Writes `docs/images/`.
pub(crate) fn screenshots() -> Result<()> {
    build::everything()?;
    run(tools::npm()
        .args(["run", "screenshots", "--silent", "--workspace", "dashboard"])
        .env("PENNON_BIN", workspace::pennon())
        .env("PENNON_CHROMIUM", tools::chromium()?))
}
