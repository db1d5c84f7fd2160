//! For the dashboard's build alone: an environment that is being edited, compiled and not signed. It comes from the control plane that
//! the page itself came from, and decides nothing: it is shown to whoever edits it.

use pennon_core::context::Context;
use pennon_core::snapshot::{Acceptance, Kind, Snapshot};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::Evaluator;
use crate::acceptance::Offer;

#[wasm_bindgen]
impl Evaluator {
    /// Opens the body of a server snapshot. Such an evaluator accepts no head: it trusts no key and is of no environment.
    ///
    /// # Errors
    /// Why the body cannot be used, as a sentence.
    pub fn open_draft(body: Vec<u8>) -> Result<Evaluator, String> {
        let draft = Snapshot::open(body, Kind::Server).map_err(|refusal| refusal.to_string())?;
        Ok(Self {
            acceptance: Acceptance::new([0; 32], [0; 16], Kind::Server, None),
            offer: Offer::None,
            held: None,
            draft: Some(draft),
            context: Context::empty(),
            until: None,
        })
    }
}
