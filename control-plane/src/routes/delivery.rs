//! Heads, bodies, deltas and keysets, from memory: the database is asked only for bodies that are no longer current.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use pennon_core::protocol::access::Denied;
use pennon_core::protocol::caching;
use pennon_core::protocol::connection;
use pennon_core::snapshot::{Kind, Snapshot};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::problem::Problem;
use crate::app::App;
use crate::auth::sdk::Caller;
use crate::publish::coding::Coding;
use crate::publish::memory::Place;
use crate::publish::wire::Coded;
use crate::routes::path::{Path, Query};
use crate::store::snapshots;

const BYTES: &str = "application/octet-stream";
/// Headers that an answer has in the end, or a few more.
const ANSWERED_HEADERS: usize = 12;

/// `?key=`, where a client key may stand.
#[derive(Debug, Deserialize)]
pub struct KeyInQuery {
    pub key: Option<String>,
}

/// Whose SDK key comes with the request, in a header or in the query: `key-missing`, `key-unknown` or `key-in-query` where it is nobody's.
impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Query(query) = Query::<KeyInQuery>::from_request_parts(parts, app).await?;
        Ok(app.sdk_keys.admit(&parts.headers, query.key.as_deref())?)
    }
}

/// What the request's Accept-Encoding takes.
impl FromRequestParts<App> for Coding {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        let accepted = parts.headers.get(header::ACCEPT_ENCODING);
        let accepted = accepted.and_then(|value| value.to_str().ok());
        Ok(accepted.map_or(Self::Identity, Self::accepted))
    }
}

/// Reads `{environment}/{kind}` and checks that the caller may have it.
///
/// # Errors
/// `key-environment`, `key-kind`, or 404 for an unknown kind.
pub fn place(caller: &Caller, environment: &str, kind: &str) -> Result<Place, Problem> {
    let kind = Kind::parse(kind)
        .ok_or_else(|| Problem::not_found("the kinds are client, server and edge"))?;
    // An environment that does not exist is, to this key, one that it does not belong to.
    let environment = connection::id(environment).ok_or(Denied::KeyEnvironment)?;
    caller.may_read(environment, kind)?;
    Ok((environment, kind))
}

/// Nothing was published for this environment yet.
pub fn no_snapshot() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "no-snapshot",
        "nothing is published for this environment yet; try again in a moment",
    )
    .retry_after(1)
}

/// `GET /v1/head/{environment}/{kind}`
pub async fn head(
    State(app): State<App>,
    Path((environment, kind)): Path<(String, String)>,
    caller: Caller,
) -> Result<Response, Problem> {
    let place = place(&caller, &environment, &kind)?;
    let current = app.published.current(place).ok_or_else(no_snapshot)?;
    Ok(bytes(current.head_bytes.clone(), caching::head(caller.kind)))
}

/// A body, and where it belongs.
struct Owned {
    sha256: [u8; 32],
    /// None for one that is not kept any more.
    snapshot: Option<Arc<Snapshot>>,
    places: Vec<Place>,
}

impl Owned {
    /// Whether the caller may have it: that comes from the environment and kind that it belongs to; knowing the hash gives nothing.
    fn admits(&self, caller: &Caller) -> Result<(), Problem> {
        let mut refusal = None;
        for (environment, kind) in &self.places {
            match caller.may_read(*environment, *kind) {
                Ok(()) => return Ok(()),
                Err(denied) => refusal = Some(denied),
            }
        }
        Err(refusal.map_or_else(unknown_body, Problem::from))
    }
}

fn unknown_body() -> Problem {
    Problem::not_found("there is no such body (any more): ask for the head again")
}

/// `GET /v1/body/{sha256}`
pub async fn body(
    State(app): State<App>,
    Path(sha256): Path<String>,
    caller: Caller,
    coding: Coding,
) -> Result<Response, Problem> {
    let body = find(&app, &caller, &sha256).await?.ok_or_else(unknown_body)?;
    body.admits(&caller)?;
    let snapshot = body.snapshot.ok_or_else(|| {
        let detail = "this body is not kept any more: ask for the head again";
        Problem::new(StatusCode::GONE, "expired", detail)
    })?;
    let coded = app.wire.body(body.sha256, &snapshot, coding).await;
    let coded = coded.map_err(|error| Problem::internal(&error))?;
    Ok(coded_bytes(coded, caching::body(caller.kind)))
}

/// `GET /v1/delta/{from}/{to}`: what makes the one body out of the other. 404 means to fetch the body.
pub async fn delta(
    State(app): State<App>,
    Path((from, to)): Path<(String, String)>,
    caller: Caller,
    coding: Coding,
) -> Result<Response, Problem> {
    let none = || Problem::not_found("there is no delta between these: fetch the body");
    let to = find(&app, &caller, &to).await?.ok_or_else(none)?;
    to.admits(&caller)?;
    let from = find(&app, &caller, &from).await?.ok_or_else(none)?;
    from.admits(&caller)?;
    // Of two environments that a key may read, one tells nothing about the other.
    if !to.places.iter().any(|place| from.places.contains(place)) {
        return Err(none());
    }
    let opened = |body: Owned| body.snapshot.map(|snapshot| (body.sha256, snapshot));
    let (from, to) = opened(from).zip(opened(to)).ok_or_else(none)?;
    let made = app.wire.delta(from, to, coding).await;
    let coded = made.map_err(|error| Problem::internal(&error))?.ok_or_else(none)?;
    Ok(coded_bytes(coded, caching::delta(caller.kind)))
}

/// A body by the name that stands in an address. Memory may know of some of its places alone, such as an environment where it is current
/// still: where none of these admits the caller, the database says which others it has.
async fn find(app: &App, caller: &Caller, name: &str) -> Result<Option<Owned>, Problem> {
    let Some(sha256) = connection::digest(name) else { return Ok(None) };
    if let Some((snapshot, places)) = app.published.body(&sha256) {
        let held = Owned { sha256, snapshot: Some(snapshot), places };
        if held.admits(caller).is_ok() {
            return Ok(Some(held));
        }
    }
    let mut tx = app.store.begin_read().await?;
    let owners = snapshots::owners_of_body(&mut tx, &sha256).await?;
    let places: Vec<Place> = owners
        .iter()
        .filter_map(|(environment, kind)| Some((connection::id(environment)?, Kind::parse(kind)?)))
        .collect();
    let Some((_, kind)) = places.first().copied() else { return Ok(None) };
    let Some(bytes) = snapshots::body(&mut tx, &sha256).await? else {
        return Ok(Some(Owned { sha256, snapshot: None, places }));
    };
    if <[u8; 32]>::from(Sha256::digest(&bytes)) != sha256 {
        return Err(Problem::internal(&"a stored body has another hash than its name says"));
    }
    let opened = Snapshot::open(bytes, kind).map_err(|refusal| Problem::internal(&refusal))?;
    Ok(Some(Owned { sha256, snapshot: Some(Arc::new(opened)), places }))
}

/// `GET /v1/keyset/{number}`: public.
pub async fn keyset(
    State(app): State<App>,
    Path(number): Path<String>,
) -> Result<Response, Problem> {
    let keyset = number.parse().ok().and_then(|number| app.published.keyset(number));
    let keyset = keyset.ok_or_else(|| Problem::not_found("there is no keyset of that number"))?;
    Ok(bytes(keyset, caching::KEYSET))
}

/// What has several codings, of which the request chose one.
fn coded_bytes(coded: Coded, caching: &'static str) -> Response {
    let mut response = bytes(coded.bytes, caching);
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if let Some(name) = coded.coding.name() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    response
}

fn bytes(body: Bytes, caching: &'static str) -> Response {
    let mut response = Response::new(body.into());
    // With those that the layers around add: a map that grows is a map that is built twice.
    let mut headers = HeaderMap::with_capacity(ANSWERED_HEADERS);
    for (name, value) in [
        (header::CONTENT_TYPE, BYTES),
        (header::CACHE_CONTROL, caching),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // A shared cache must not hand a private answer to somebody with another key.
        (header::VARY, "Authorization, X-API-Key"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    *response.headers_mut() = headers;
    response
}
