//! What Pennon's modules for browsers have in common.

// Browsers load every byte of these: without the standard library, a panic carries no text and no code that formats it.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

mod exchange;
#[cfg(target_arch = "wasm32")]
mod runtime;

pub use exchange::Exchange;
