//! OFREP with what is held: one call from JavaScript, which brings what the answer needs of the request and takes it as bytes. It is the way
//! of nearly every evaluation, at a fifth of what the long one through `routes` costs. Whatever needs more takes that one: a load, a refresh, a
//! key that is not admitted, attributes of the request, an address.

use pennon_core::protocol::access::{claimed_kind, key_sha256};
use pennon_core::snapshot::Kind;
use percent_encoding::percent_decode_str;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;

use crate::admission::{Caller, bearer_token, within_limit, within_origins};
use crate::attributes::Wanted;
use crate::edge::{Edge, now};
use crate::ofrep;
use crate::snapshots;

/// Answers an evaluation: the status (2 bytes, big-endian), the length of the headers (4), the headers as lines of name and value with a tab
/// between, and the body. None: it takes the long way.
#[expect(unreachable_pub, reason = "called from JavaScript")]
#[wasm_bindgen]
pub fn evaluate_held(
    env: &Env,
    path: &str,
    authorization: Option<String>,
    api_key: Option<String>,
    origin: Option<String>,
    if_none_match: Option<String>,
    body: &[u8],
) -> Option<Vec<u8>> {
    let edge = Edge::of(env).ok()?;
    let flag = match path.strip_prefix("/ofrep/v1/evaluate/flags")? {
        "" => None,
        rest => Some(rest.strip_prefix('/').filter(|flag| !flag.contains('/'))?),
    };
    let flag = flag.map(|flag| percent_decode_str(flag).decode_utf8_lossy());
    let held = snapshots::current(&edge.settings, Kind::Edge)?;
    if snapshots::is_refresh_due(&edge.settings, Kind::Edge, now()) {
        return None;
    }
    let given = authorization.as_deref().and_then(bearer_token);
    let key = given.or(api_key.as_deref().map(str::trim))?;
    claimed_kind(key)?;
    let key_sha256 = key_sha256(key);
    let kind = held.gate.admits(&key_sha256)?;
    let caller = Caller { kind, key: key.to_owned(), key_sha256 };
    let terms = &held.gate.terms;
    if kind == Kind::Client && (held.wanted != Wanted::default() || edge.limit(terms).is_some()) {
        return None;
    }
    let checked = within_origins(&edge, terms, origin.as_deref())
        .and_then(|()| within_limit(&edge, terms, &caller, || None));
    let answer = match checked {
        Ok(()) => ofrep::respond(&edge, &caller, &held, None, flag.as_deref(), body, if_none_match),
        Err(problem) => problem.into_ofrep_answer(flag.as_deref()),
    };
    answer.to_bytes(edge.readers(origin.as_deref()), origin.as_deref())
}
