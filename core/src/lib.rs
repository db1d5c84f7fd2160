//! Pennon's evaluator and its signed snapshots.
//!
//! The same code runs in the control plane, on the edge and in browsers: no I/O, no clock, no randomness, no logging, and without
//! features no dependency but SipHash. `core/spec` is its specification.
#![no_std]

extern crate alloc;

mod bytes;
#[cfg(feature = "compile")]
pub mod config;
pub mod context;
mod evaluate;
mod explain;
mod hash;
#[cfg(feature = "import")]
pub mod import;
pub mod limits;
pub mod outcome;
#[cfg(feature = "protocol")]
pub mod protocol;
pub mod snapshot;
