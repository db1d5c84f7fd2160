//! Rules without I/O.

pub mod flag;
pub mod keys;
