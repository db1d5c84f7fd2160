//! What the modules weigh on disk and on the wire, and what the parts of the browser's weigh. npm/tests/size.test.mjs holds that one to
//! its budget.

use std::process::Command;

use anyhow::Result;

use super::module::Module;
use crate::process::run;
use crate::workspace;

/// Prints one line for each module, then the first, the browser's, by its parts.
pub(crate) fn print(modules: &[Module]) -> Result<()> {
    let script = workspace::root().join("xtask").join("src").join("build").join("size.mjs");
    let mut command = Command::new("node");
    command.arg(script).args(modules.first().map(Module::named));
    run(command.args(modules.iter().map(Module::path)))
}
