//! Who may ask: SDK keys, known by the hashes that the edge snapshot carries, so that callers are admitted with nothing
//! behind the edge.

use pennon_core::protocol::access::{self, Denied, claimed_kind, key_sha256};
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
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

/// A key from the places where it may stand. Only client keys, which are public, may stand in the query.
fn key(request: &Request) -> Result<String, Denied> {
    if let Some(key) = bearer(request) {
        return Ok(key);
    }
    if let Some(key) = request.headers().get("x-api-key").ok().flatten() {
        return Ok(key.trim().to_owned());
    }
    let url = request.inner().url();
    let key = from_query(&url).ok_or(Denied::KeyMissing)?;
    match claimed_kind(key) {
        Some(Kind::Client) => Ok(key.to_owned()),
        Some(Kind::Server | Kind::Edge) => Err(Denied::KeyInQuery),
        None => Err(Denied::KeyUnknown),
    }
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

/// Admits a caller by its SDK key.
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
    let hash = key_sha256(&key);
    within_limits(edge, request, claimed, hash)?;
    let held = edge.snapshot(Kind::Edge, context).await?;
    if let Some(kind) = held.snapshot.admits(&hash) {
        return Ok(Caller { kind, key, key_sha256: hash });
    }
    // A key made a moment ago, or one of another environment: the control plane knows.
    let denied = edge.ask_about(&key, claimed, &hash, context).await;
    let held = edge.snapshot(Kind::Edge, context).await?;
    match held.snapshot.admits(&hash) {
        Some(kind) => Ok(Caller { kind, key, key_sha256: hash }),
        None => Err(denied.into()),
    }
}

/// Whether this page, and this caller, may ask now.
fn within_limits(
    edge: &Edge,
    request: &Request,
    kind: Kind,
    key_sha256: [u8; 32],
) -> Result<(), Problem> {
    let settings = &edge.settings;
    if !settings.origins.is_empty()
        && let Some(origin) = request.headers().get("origin").ok().flatten()
        && !settings.origins.contains(&origin)
    {
        return Err(Problem::new(
            403,
            "origin-not-allowed",
            "pages of this origin may not ask here: add it to PENNON_ORIGINS",
        ));
    }
    let Some(allowed) = settings.requests_per_minute else { return Ok(()) };
    // All browsers share a client key: whoever reads it in a page must not use it up for the others.
    let address = if kind == Kind::Client { attributes::address(settings, request) } else { None };
    limits::count((key_sha256, address.unwrap_or_default()), allowed, now()).map_err(|seconds| {
        Problem::new(
            429,
            "too-many-requests",
            format!("this key may be used {allowed} times a minute here"),
        )
        .retry_after(seconds)
    })
}
