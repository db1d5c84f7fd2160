//! `cargo xtask build`: everything that runs. Steps whose inputs did not change are not repeated.

mod edge_worker;
mod example;
mod module;
mod package;
mod pennon;
mod size;

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;

pub(crate) use edge_worker::edge_worker;
pub(crate) use example::example;
pub(crate) use package::npm_package;
pub(crate) use pennon::{NATIVE, pennon};

/// `cargo xtask build`, with the size of each WebAssembly module at the end.
pub(crate) fn all() -> Result<()> {
    let package = npm_package()?;
    example()?;
    let worker = edge_worker()?;
    pennon()?;
    size::print(&[package, worker])
}

/// All of it, once in a run: several steps need it and nothing changes between them.
pub(crate) fn everything() -> Result<()> {
    static DONE: AtomicBool = AtomicBool::new(false);
    if !DONE.load(Ordering::Relaxed) {
        all()?;
        DONE.store(true, Ordering::Relaxed);
    }
    Ok(())
}
