//! For the dashboard's build alone: an environment that is being edited, compiled and not signed. It comes from the control plane that
//! the page itself came from, and decides nothing: it is shown to whoever edits it.

use alloc::vec::Vec;

use pennon_core::snapshot::{Acceptance, Kind, Snapshot};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::acceptance::Offer;
use crate::{Evaluator, Exchange};

#[wasm_bindgen]
impl Evaluator {
    /// Opens the body of a server snapshot, which lies in the exchange. Such an evaluator accepts no head: it trusts no key and is of no
    /// environment. Nothing comes of a body that cannot be used; then a sentence in the exchange says why.
    pub fn open_draft(exchange: &mut Exchange) -> Option<Evaluator> {
        match Snapshot::open(exchange.take(), Kind::Server) {
            Ok(draft) => Some(Self {
                acceptance: Acceptance::new([0; 32], [0; 16], Kind::Server, None),
                offer: Offer::None,
                held: None,
                draft: Some(draft),
                contexts: Vec::new(),
                until: None,
            }),
            Err(refusal) => {
                exchange.put(refusal.sentence().as_bytes());
                None
            }
        }
    }
}
