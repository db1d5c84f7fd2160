//! Rules that need no I/O.

pub mod chain;
pub mod diff;
pub mod document;
pub mod findings;
pub mod flag;
pub mod json;
pub mod keys;
pub mod keyset;
pub mod operation;
pub mod people;
pub mod permission;
pub mod project;
pub mod references;
pub mod role;
pub mod strict;
pub mod uses;
pub mod webhook;
pub mod words;
