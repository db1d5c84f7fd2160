//! Who may ask: SDK keys, known by the hashes that the edge snapshot carries, so that callers are admitted with nothing
//! behind the edge.

use pennon_core::protocol::access::{self, Denied, claimed_kind, claimed_prefix, key_sha256};
use pennon_core::protocol::gate::Terms;
use pennon_core::snapshot::Kind;
use serde_json::{Map, Value};
use worker::{Context, Request};

use crate::answer::Problem;
use crate::attributes;
use crate::edge::{Edge, now};
use crate::limits;
use crate::snapshots::Held;

/// An admitted caller.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) kind: Kind,
    pub(crate) key: String,
    pub(crate) key_sha256: [u8; 32],
}

impl Caller {
    /// Whether the caller's key is good for snapshots of `kind`.
    pub(crate) fn may_read(&self, kind: Kind) -> Result<(), Problem> {
        if access::may_read(self.kind, kind) { Ok(()) } else { Err(Denied::KeyKind.into()) }
    }

    /// What the edge knows of whom is evaluated for. A client key speaks for the device that sends the request. Who has a server key
    /// speaks for others: where and on what its own machine runs says nothing of them.
    pub(crate) fn known(
        &self,
        edge: &Edge,
        request: &Request,
        held: &Held,
    ) -> Option<Map<String, Value>> {
        let own = self.kind == Kind::Client;
        own.then(|| attributes::known(&edge.settings, request, held.wanted)).flatten()
    }
}

/// The token of `Authorization: Bearer`.
pub(crate) fn bearer(request: &Request) -> Option<String> {
    let header = request.headers().get("authorization").ok().flatten()?;
    bearer_token(&header).map(str::to_owned)
}

/// The same of the header's value.
pub(crate) fn bearer_token(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// A key from the places where it may stand. Only client keys, which are public, may stand in the query.
fn key(request: &Request) -> Result<String, Denied> {
    let url = request.inner().url();
    let in_query = from_query(&url);
    // Whatever a header says: what stands in a URL is logged on its way.
    if in_query.and_then(claimed_prefix).is_some_and(|kind| kind != Kind::Client) {
        return Err(Denied::KeyInQuery);
    }
    if let Some(key) = bearer(request) {
        return Ok(key);
    }
    if let Some(key) = request.headers().get("x-api-key").ok().flatten() {
        return Ok(key.trim().to_owned());
    }
    in_query.map(str::to_owned).ok_or(Denied::KeyMissing)
}

/// `key` of the query as it stands: no character of a key needs an escape. (Crate `url` would be half of the upload.)
fn from_query(url: &str) -> Option<&str> {
    query(url).split('&').find_map(|pair| pair.strip_prefix("key="))
}

/// What stands behind the question mark of an address.
pub(crate) fn query(url: &str) -> &str {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    query.split_once('#').map_or(query, |(query, _)| query)
}

/// Admits a caller by its SDK key, on the terms of the environment and of this deployment.
///
/// # Errors
/// Why not, or `no-snapshot` while nothing says which keys are good.
pub(crate) async fn admit(
    edge: &Edge,
    request: &Request,
    context: &Context,
) -> Result<Caller, Problem> {
    let key = key(request)?;
    let claimed = claimed_kind(&key).ok_or(Denied::KeyUnknown)?;
    let key_sha256 = key_sha256(&key);
    let mut held = edge.snapshot(Kind::Edge, context).await?;
    let mut admitted = held.gate.admits(&key_sha256);
    if admitted.is_none() {
        // A key made a moment ago, or one of another environment: the control plane knows.
        let denied = edge.ask_about(&key, claimed, &key_sha256, context).await;
        held = edge.snapshot(Kind::Edge, context).await?;
        admitted = Some(held.gate.admits(&key_sha256).ok_or(denied)?);
    }
    let caller = Caller { kind: admitted.unwrap_or(claimed), key, key_sha256 };
    within_terms(edge, request, &held.gate.terms, &caller)?;
    Ok(caller)
}

/// Whether this page, and this caller, may ask now.
fn within_terms(
    edge: &Edge,
    request: &Request,
    terms: &Terms,
    caller: &Caller,
) -> Result<(), Problem> {
    if !terms.origins.is_empty() || !edge.settings.terms.origins.is_empty() {
        let origin = request.headers().get("origin").ok().flatten();
        within_origins(edge, terms, origin.as_deref())?;
    }
    within_limit(edge, terms, caller, || attributes::address(&edge.settings, request))
}

/// Whether pages of this origin may ask.
pub(crate) fn within_origins(
    edge: &Edge,
    terms: &Terms,
    origin: Option<&str>,
) -> Result<(), Problem> {
    let refused = |detail| Err(Problem::new(403, "origin-not-allowed", detail));
    if !terms.allows(origin) {
        return refused(
            "pages of this origin may not ask with this key: name it in the settings of the environment",
        );
    }
    if !edge.settings.terms.allows(origin) {
        return refused("pages of this origin may not ask here: add it to PENNON_ORIGINS");
    }
    Ok(())
}

/// Counts the request where there is a limit. Only good keys are counted, so nobody fills the memory with others.
pub(crate) fn within_limit(
    edge: &Edge,
    terms: &Terms,
    caller: &Caller,
    address: impl FnOnce() -> Option<String>,
) -> Result<(), Problem> {
    let Some(allowed) = edge.limit(terms) else { return Ok(()) };
    // All browsers share a client key: whoever reads it in a page must not use it up for the others.
    let address = if caller.kind == Kind::Client { address() } else { None };
    let (secret, key) = (&edge.settings.secret, &caller.key_sha256);
    limits::count(secret, key, address.as_deref(), allowed, now()).map_err(|seconds| {
        let detail = format!("this key may be used {allowed} times a minute here");
        Problem::new(429, "too-many-requests", detail).retry_after(seconds)
    })
}
