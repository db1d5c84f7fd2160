//! WebAssembly bindings of Pennon's evaluator. They decode, call and encode; every rule is pennon-core's.
//!
//! Only numbers cross: on the way of an evaluation a flag's position, the time, a packed outcome. Bytes lie in an [`Exchange`]: a
//! context once for all its evaluations; names and values once per snapshot, for the host keeps them. npm/src/evaluator.ts is the other
//! side.

#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

mod acceptance;
#[cfg(feature = "draft")]
mod draft;
mod evaluation;
mod pack;

use alloc::vec::Vec;

use pennon_core::context::Context;
use pennon_core::snapshot::{Acceptance, Accepted, HighWater, Kind};
use wasm_bindgen::prelude::wasm_bindgen;

use acceptance::Offer;
pub use acceptance::{keyset_of_head, refusal_code, refusal_sentence};
pub use pennon_wasm_exchange::Exchange;

/// One client: what it trusts, the snapshot it holds, the contexts it evaluates with.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Evaluator {
    acceptance: Acceptance,
    offer: Offer,
    held: Option<Accepted>,
    #[cfg(feature = "draft")]
    draft: Option<pennon_core::snapshot::Snapshot>,
    /// Those that are held ready.
    contexts: Vec<Context>,
    until: Option<i64>,
}

#[wasm_bindgen]
impl Evaluator {
    /// In the exchange lie 32 bytes of root fingerprint and 16 of environment, both from the connection string, and then the high-water
    /// mark of the host's store, or nothing. Nothing comes of it when one of them has another form.
    pub fn create(exchange: &Exchange, server: bool) -> Option<Evaluator> {
        let (root, rest) = exchange.bytes().split_first_chunk()?;
        let (environment, high_water) = rest.split_first_chunk()?;
        let high_water = match high_water {
            [] => None,
            bytes => Some(HighWater::from_bytes(bytes)?),
        };
        let kind = if server { Kind::Server } else { Kind::Client };
        Some(Self {
            acceptance: Acceptance::new(*root, *environment, kind, high_water),
            offer: Offer::None,
            held: None,
            #[cfg(feature = "draft")]
            draft: None,
            contexts: Vec::new(),
            until: None,
        })
    }
}
