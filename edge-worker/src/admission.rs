//! Who may ask: SDK keys, known by the hashes that the edge snapshot carries, so that callers are admitted with nothing
//! behind the edge.

use pennon_core::protocol::access::{self, Denied, claimed_kind, key_sha256};
use pennon_core::snapshot::Kind;
use worker::{Context, Request};

use crate::answer::Problem;
use crate::refresh::Edge;

/// An admitted caller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    pub(crate) kind: Kind,
}

impl Caller {
    /// Whether the caller's key is good for snapshots of `kind`.
    pub(crate) fn may_read(self, kind: Kind) -> Result<(), Problem> {
        if access::may_read(self.kind, kind) { Ok(()) } else { Err(Denied::KeyKind.into()) }
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
    let (_, query) = url.split_once('?')?;
    let query = query.split_once('#').map_or(query, |(query, _)| query);
    query.split('&').find_map(|pair| pair.strip_prefix("key="))
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
    let held = edge.snapshot(Kind::Edge, context).await?;
    if let Some(kind) = held.snapshot.admits(&hash) {
        return Ok(Caller { kind });
    }
    // A key made a moment ago, or one of another environment: the control plane knows.
    let denied = edge.ask_about(&key, claimed, &hash).await;
    let held = edge.snapshot(Kind::Edge, context).await?;
    match held.snapshot.admits(&hash) {
        Some(kind) => Ok(Caller { kind }),
        None => Err(denied.into()),
    }
}
