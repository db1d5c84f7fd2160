//! What the module around this one keeps (host.mjs): it outlives a panic, which leaves this instance dead and all its statics lost.

use pennon_core::protocol::connection::{digest, hex};
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(js_namespace = pennonHost)]
extern "C" {
    #[wasm_bindgen(js_name = bundled)]
    fn js_bundled() -> Vec<u8>;
    #[wasm_bindgen(js_name = evaluating)]
    fn js_evaluating(body_sha256: &str);
    #[wasm_bindgen(js_name = crashed)]
    fn js_crashed() -> String;
}

/// The snapshots that were deployed with this worker; empty when there are none.
pub(crate) fn bundled() -> Vec<u8> {
    js_bundled()
}

/// Says which body is evaluated from now on. It is the suspect when the instance dies.
pub(crate) fn evaluating(body_sha256: &[u8; 32]) {
    js_evaluating(&hex(body_sha256));
}

/// Bodies that this instance, or others before it in the isolate, died of as often as they may.
pub(crate) fn crashed() -> Vec<[u8; 32]> {
    js_crashed().split(',').filter_map(digest).collect()
}
