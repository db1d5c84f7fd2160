//! The minimal WebAssembly module for Pennon's layout.
#![expect(unsafe_code, reason = "exports have unmangled names")]

mod format;
mod pennon;
#[macro_use]
mod shell;

module!(crate::pennon::Pennon);
