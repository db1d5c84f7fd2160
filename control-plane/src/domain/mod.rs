//! Rules without I/O.

pub mod chain;
pub mod flag;
pub mod keys;
