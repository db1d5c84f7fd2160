//! What a build needs beyond Rust and Node, each installed once, in a place of this repository's own where possible.

mod bindgen;
mod browser;
mod cargo_deny;
pub(crate) mod debian;
mod node;
mod postgres;
mod python;
mod redis;
mod rust;
mod valgrind;

pub(crate) use bindgen::{bindgen, version as bindgen_version};
pub(crate) use browser::{chromium, firefox, webkit};
pub(crate) use cargo_deny::cargo_deny;
pub(crate) use node::{consumer_packages, node_packages, npm, npm_test};
pub(crate) use postgres::binaries as postgres_binaries;
pub(crate) use python::{python, schemathesis};
pub(crate) use redis::redis_server;
pub(crate) use rust::wasm_target;
pub(crate) use valgrind::valgrind;

use std::path::{Path, PathBuf};

use anyhow::Result;

/// `cargo xtask tools`: everything at once.
pub(crate) fn all() -> Result<()> {
    wasm_target()?;
    node_packages()?;
    consumer_packages()?;
    bindgen()?;
    cargo_deny()?;
    postgres_binaries()?;
    redis_server()?;
    chromium()?;
    firefox()?;
    webkit()?;
    valgrind()?;
    python()?;
    schemathesis()?;
    println!("every tool is there");
    Ok(())
}

/// Where a program is, if anywhere on the PATH.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(file)
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}
