//! The minimal WebAssembly module for postcard.
#![expect(unsafe_code, reason = "exports have unmangled names")]

mod format;
mod interpret;
mod model;
mod postcard;
#[macro_use]
mod shell;

module!(crate::postcard::Postcard);
