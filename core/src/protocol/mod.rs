//! What edge and control plane both speak, without I/O (core/spec/protocol.md).

pub mod access;
pub mod caching;
pub mod connection;
pub mod gate;
mod json;
pub mod ofrep;
pub mod problem;
pub mod push;
pub mod rate;
pub mod simple;
pub mod stream;

use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

/// An HTTP answer, for the host to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Response {
    /// An answer in JSON.
    pub(crate) fn json(status: u16, value: &impl Serialize) -> Self {
        // What is written here has text keys and finite numbers, which always have a form.
        Self::of_json(status, serde_json::to_vec(value).unwrap_or_default())
    }

    /// An answer in JSON that is written already.
    pub(crate) fn of_json(status: u16, body: Vec<u8>) -> Self {
        let headers = alloc::vec![("content-type", String::from("application/json"))];
        Self { status, headers, body }
    }
}
