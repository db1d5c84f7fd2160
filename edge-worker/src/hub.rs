//! The environment's Durable Object (hub.mjs), as the worker speaks to it, and what it asks of this module.

use pennon_core::protocol::connection::{digest, hex};
use pennon_core::snapshot::Kind;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{Env, Headers, Method, Request, RequestInit, Response, Stub};

use crate::edge::Edge;
use crate::snapshots::{self, Held};
use crate::sources::{SourceError, within};

/// The object may itself be asking the control plane.
const ASK_TIMEOUT_MS: u64 = 5_000;
const TELL_TIMEOUT_MS: u64 = 2_000;
/// Addresses inside of the object; it is reached through its binding alone.
const ADDRESS: &str = "https://pennon.invalid";
/// Whether the head was compared with the control plane a moment ago.
const AGREED: &str = "x-pennon-agreed";
/// What orders heads, and whose stream it is.
const ORDER: &str = "x-pennon-order";
const KEY: &str = "x-pennon-key";

/// What the object holds of a kind.
#[derive(Debug)]
pub(crate) struct Newest {
    pub(crate) head: Vec<u8>,
    pub(crate) agreed: bool,
}

fn failed(error: worker::Error) -> SourceError {
    SourceError::new("hub-unavailable", format!("the Durable Object does not answer: {error}"))
}

fn late() -> SourceError {
    SourceError::new("hub-unavailable", "the Durable Object does not answer in time")
}

/// The newest head that the object knows. It compares with the control plane first when it is time to.
pub(crate) async fn newest(stub: &Stub, kind: Kind) -> Result<Option<Newest>, SourceError> {
    let address = format!("{ADDRESS}/head/{}", kind.as_str());
    let asked = async {
        let mut response = stub.fetch_with_str(&address).await?;
        let agreed = response.headers().get(AGREED)?.as_deref() == Some("true");
        let head = response.bytes().await?;
        Ok((response.status_code() == 200).then_some(Newest { head, agreed }))
    };
    within(ASK_TIMEOUT_MS, asked).await.ok_or_else(late)?.map_err(failed)
}

/// Tells the object of a head that was verified here.
pub(crate) async fn tell(stub: &Stub, held: &Held) -> Result<(), SourceError> {
    let address = format!("{ADDRESS}/head/{}", held.head.kind.as_str());
    let told = async {
        let headers = Headers::new();
        headers.set(ORDER, &order(held))?;
        let mut init = RequestInit::new();
        let body = worker::js_sys::Uint8Array::from(held.head_bytes.as_slice());
        init.with_method(Method::Post).with_headers(headers).with_body(Some(body.into()));
        stub.fetch_with_request(Request::new_with_init(&address, &init)?).await
    };
    within(TELL_TIMEOUT_MS, told).await.ok_or_else(late)?.map_err(failed)?;
    Ok(())
}

/// What a stream tells its reader.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Frames {
    /// Heads.
    Heads,
    /// That evaluations are to be asked for again.
    Evaluations,
}

/// Opens a stream for a caller that has been admitted.
pub(crate) async fn stream(
    stub: &Stub,
    request: &Request,
    kind: Kind,
    frames: Frames,
    key_sha256: &[u8; 32],
) -> Result<Response, SourceError> {
    let what = match frames {
        Frames::Heads => "stream",
        Frames::Evaluations => "evaluations",
    };
    let address = format!("{ADDRESS}/{what}/{}", kind.as_str());
    let opened = async {
        let headers = Headers::new();
        headers.set(KEY, &hex(key_sha256))?;
        if let Some(upgrade) = request.headers().get("upgrade")? {
            headers.set("upgrade", &upgrade)?;
        }
        let mut init = RequestInit::new();
        init.with_headers(headers);
        stub.fetch_with_request(Request::new_with_init(&address, &init)?).await
    };
    opened.await.map_err(failed)
}

/// As text, in fields that hub.mjs compares as numbers.
fn order(held: &Held) -> String {
    let (keyset, epoch, version, created) = held.order();
    format!("{keyset}.{epoch}.{version}.{created}")
}

/// The object asks: compares with the control plane, stores what is new, and answers
/// `[whether it agrees, order, head]`, or the first alone while there is no snapshot.
#[expect(unreachable_pub, reason = "called from JavaScript")]
#[wasm_bindgen(wasm_bindgen_futures = worker::wasm_bindgen_futures)]
pub async fn newest_head(env: Env, kind: String) -> Result<Vec<JsValue>, JsValue> {
    let edge = Edge::of(&env).map_err(|sentence: String| JsValue::from(sentence))?;
    let kind = Kind::parse(&kind).ok_or_else(|| JsValue::from_str("no such kind"))?;
    if snapshots::current(&edge.settings, kind).is_none() {
        edge.restore(kind).await;
    }
    edge.restore_from_kv(kind).await;
    let (agreed, storing) = edge.compare(kind).await;
    // Whoever hears of the head from the object looks for its body in KV, which remembers for a while what it did not find.
    if let Some(storing) = storing {
        edge.store_untold(storing).await;
    }
    let mut answer = vec![JsValue::from_bool(agreed)];
    if let Some(held) = snapshots::current(&edge.settings, kind) {
        answer.push(JsValue::from_str(&order(&held)));
        answer.push(worker::js_sys::Uint8Array::from(held.head_bytes.as_slice()).into());
    }
    Ok(answer)
}

/// The object asks: by which edge snapshot this module tells whether a key is admitted, in the form of [`order`]. None while it has none.
#[expect(unreachable_pub, reason = "called from JavaScript")]
#[wasm_bindgen]
pub fn admits_by(env: &Env) -> Result<Option<String>, JsValue> {
    let edge = Edge::of(env).map_err(|sentence: String| JsValue::from(sentence))?;
    Ok(snapshots::current(&edge.settings, Kind::Edge).map(|held| order(&held)))
}

/// The object asks: whether the key with this hash is still admitted. What cannot be told now is no revocation.
#[expect(unreachable_pub, reason = "called from JavaScript")]
#[wasm_bindgen]
pub fn is_admitted(env: &Env, key_sha256: &str) -> Result<bool, JsValue> {
    let edge = Edge::of(env).map_err(|sentence: String| JsValue::from(sentence))?;
    let Some(held) = snapshots::current(&edge.settings, Kind::Edge) else { return Ok(true) };
    Ok(digest(key_sha256).is_some_and(|key| held.gate.admits(&key).is_some()))
}
