//! npm and the packages of the workspace: wasm-opt, esbuild, TypeScript, Vite, workerd, the OpenFeature clients.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::on_path;
use crate::process::{capture, run};
use crate::stamp::Stamp;
use crate::workspace;

const OLDEST_NODE: u32 = 20;

/// npm at the repository's top.
pub(crate) fn npm() -> Command {
    let mut command = Command::new("npm");
    command.current_dir(workspace::root());
    command
}

/// A run of tests: Node 20 would report in TAP when nobody looks at a terminal, ten lines for every test.
pub(crate) fn npm_test() -> Command {
    let mut command = npm();
    let options = std::env::var("NODE_OPTIONS").unwrap_or_default();
    command.arg("test").env("NODE_OPTIONS", format!("{options} --test-reporter=spec"));
    command
}

/// Installs the packages of the workspace when the lock file changed since the last time.
pub(crate) fn node_packages() -> Result<()> {
    packages_in(&workspace::root(), "npm")
}

/// The tools around which the npm package is tried out, which nothing else needs: they have a lock file of their own.
pub(crate) fn consumer_packages() -> Result<()> {
    packages_in(&workspace::root().join("npm").join("consumers"), "npm-consumers")
}

fn packages_in(root: &Path, stamp: &str) -> Result<()> {
    if on_path("node").is_none() || on_path("npm").is_none() {
        bail!(
            "Node.js is missing: install version {OLDEST_NODE} or newer, with npm, and run this again"
        );
    }
    let version = capture(Command::new("node").arg("--version"))?;
    let major: u32 = version
        .trim()
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|major| major.parse().ok())
        .with_context(|| {
            format!("`node --version` says {}, which is no version", version.trim())
        })?;
    if major < OLDEST_NODE {
        bail!("Node.js is version {}: install version {OLDEST_NODE} or newer", version.trim());
    }

    let lock = root.join("package-lock.json");
    if !lock.is_file() {
        bail!("{} is missing: run `npm install` and commit it", lock.display());
    }
    let modules = root.join("node_modules");
    // npm's own note of what it has installed: it changes too when somebody installs by hand.
    let installed = modules.join(".package-lock.json");
    if installed.is_file()
        && Stamp::of(stamp, &[lock.clone(), installed.clone()], &[])?.is_current(&[])
    {
        return Ok(());
    }
    println!("installing {stamp} packages");
    // `ci` deletes all packages first, also from under a running `cargo xtask dev`; `install` changes what differs.
    let how = if modules.is_dir() { "install" } else { "ci" };
    run(npm().current_dir(root).args([how, "--no-audit", "--no-fund", "--loglevel=error"]))?;
    Stamp::of(stamp, &[lock, installed], &[])?.set()
}
