//! WebAssembly bindings of Pennon's evaluator. They decode, call and encode; every rule is pennon-core's.
//!
//! What crosses on the way of an evaluation are integers: a flag's position, the time, a packed outcome. The context crosses once, as
//! one buffer. Names and values are read once per snapshot by the host, which keeps them.

mod acceptance;
#[cfg(feature = "draft")]
mod draft;
mod evaluation;
mod pack;

use pennon_core::context::Context;
use pennon_core::snapshot::{Acceptance, Accepted, HighWater, Kind};
use wasm_bindgen::prelude::wasm_bindgen;

use acceptance::Offer;
pub use acceptance::{keyset_of_head, refusal_code, refusal_sentence};

/// One client: what it trusts, the snapshot it holds, the context it evaluates with.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Evaluator {
    acceptance: Acceptance,
    offer: Offer,
    held: Option<Accepted>,
    #[cfg(feature = "draft")]
    draft: Option<pennon_core::snapshot::Snapshot>,
    context: Context,
    until: Option<i64>,
}

#[wasm_bindgen]
impl Evaluator {
    /// `root_fingerprint` (32 bytes) and `environment` (16 bytes) come from the connection string, `kind` is `client` or `server`,
    /// `high_water` comes from the host's store and is empty when there is none. Nothing when one of them has another form.
    pub fn create(
        root_fingerprint: &[u8],
        environment: &[u8],
        kind: &str,
        high_water: &[u8],
    ) -> Option<Evaluator> {
        let high_water = match high_water {
            [] => None,
            bytes => Some(HighWater::from_bytes(bytes)?),
        };
        let acceptance = Acceptance::new(
            root_fingerprint.try_into().ok()?,
            environment.try_into().ok()?,
            Kind::parse(kind)?,
            high_water,
        );
        Some(Self {
            acceptance,
            offer: Offer::None,
            held: None,
            #[cfg(feature = "draft")]
            draft: None,
            context: Context::empty(),
            until: None,
        })
    }
}
