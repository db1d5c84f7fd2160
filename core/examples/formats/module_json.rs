//! The minimal WebAssembly module for JSON.
#![expect(unsafe_code, reason = "exports have unmangled names")]

mod format;
mod interpret;
mod json;
mod model;
#[macro_use]
mod shell;

module!(crate::json::Json);
