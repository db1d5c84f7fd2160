//! What the module around this one keeps (host.mjs): it outlives a panic, which leaves this instance dead and all its statics lost.

use pennon_core::protocol::connection::{digest, hex};
use pennon_core::snapshot::sha256;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::js_sys::{Promise, Uint8Array};
use worker::wasm_bindgen_futures::JsFuture;

#[wasm_bindgen(js_namespace = pennonHost)]
extern "C" {
    #[wasm_bindgen(js_name = bundled)]
    fn js_bundled() -> Vec<u8>;
    #[wasm_bindgen(js_name = evaluating)]
    fn js_evaluating(body_sha256: &str);
    #[wasm_bindgen(js_name = crashed)]
    fn js_crashed() -> String;
    #[wasm_bindgen(js_name = sha256)]
    fn js_sha256(bytes: &[u8]) -> Promise;
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

/// The bytes with their SHA-256. The runtime computes it: an instance that has just started would take milliseconds for a whole body.
pub(crate) async fn hashed(bytes: Vec<u8>) -> (Vec<u8>, [u8; 32]) {
    let told = JsFuture::from(js_sha256(&bytes)).await.map(|buffer| Uint8Array::new(&buffer));
    let told = told.ok().and_then(|told| <[u8; 32]>::try_from(told.to_vec()).ok());
    let digest = told.unwrap_or_else(|| sha256(&bytes));
    (bytes, digest)
}
