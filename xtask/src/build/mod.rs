//! `cargo xtask build`: everything that runs. Steps whose inputs did not change are not repeated.

mod dashboard;
mod edge_worker;
mod example;
mod module;
mod package;
mod pennon;
mod size;

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;

use dashboard::dashboard;
use edge_worker::edge_worker;
pub(crate) use edge_worker::{crashing_edge_worker, edge_workers};
use example::example;
use module::Module;
pub(crate) use package::npm_package as package;
pub(crate) use pennon::{NATIVE, pennon};

/// `cargo xtask build`, with the size of each WebAssembly module at the end.
pub(crate) fn all() -> Result<()> {
    size::print(&parts()?)
}

/// Everything that runs. Returns the WebAssembly modules.
pub(crate) fn parts() -> Result<[Module; 4]> {
    let [evaluator, ed25519] = package()?;
    example()?;
    let worker = edge_worker()?;
    let dashboard = dashboard()?;
    // It embeds the dashboard.
    pennon()?;
    Ok([evaluator, ed25519, worker, dashboard])
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
