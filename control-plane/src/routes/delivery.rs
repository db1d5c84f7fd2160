//! Heads, bodies and keysets, from memory: the database is asked only for bodies that are no longer current.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use pennon_core::protocol::access::Denied;
use pennon_core::protocol::caching;
use pennon_core::protocol::connection;
use pennon_core::snapshot::Kind;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::problem::Problem;
use crate::app::App;
use crate::auth::sdk::Caller;
use crate::publish::memory::Place;
use crate::routes::path::{Path, Query};
use crate::store::snapshots;

const BYTES: &str = "application/octet-stream";
/// `?key=`, where a client key may stand.
#[derive(Debug, Deserialize)]
pub struct KeyInQuery {
    pub key: Option<String>,
}

/// Reads `{environment}/{kind}` and checks that the caller may have it.
///
/// # Errors
/// `key-missing`, `key-unknown`, `key-in-query`, `key-environment`, `key-kind`, or 404 for an unknown kind.
pub fn place(
    app: &App,
    headers: &HeaderMap,
    query: &KeyInQuery,
    environment: &str,
    kind: &str,
) -> Result<(Caller, Place), Problem> {
    let caller = app.sdk_keys.admit(headers, query.key.as_deref())?;
    let kind = Kind::parse(kind)
        .ok_or_else(|| Problem::not_found("the kinds are client, server and edge"))?;
    // An environment that does not exist is, to this key, one that it does not belong to.
    let environment = connection::id(environment).ok_or(Denied::KeyEnvironment)?;
    caller.may_read(environment, kind)?;
    Ok((caller, (environment, kind)))
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
    Query(query): Query<KeyInQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (caller, place) = place(&app, &headers, &query, &environment, &kind)?;
    let current = app.published.current(place).ok_or_else(no_snapshot)?;
    Ok(bytes(current.head_bytes.clone(), caching::head(caller.kind)))
}

/// `GET /v1/body/{sha256}`: the right to it comes from the environment and kind that it belongs to; knowing the hash gives none.
pub async fn body(
    State(app): State<App>,
    Path(sha256): Path<String>,
    Query(query): Query<KeyInQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = app.sdk_keys.admit(&headers, query.key.as_deref())?;
    let unknown = || Problem::not_found("there is no such body (any more): ask for the head again");
    let sha256 = connection::digest(&sha256).ok_or_else(unknown)?;
    let (body, places) = match app.published.body(&sha256) {
        Some(held) => held,
        None => stored(&app, &sha256).await?.ok_or_else(unknown)?,
    };
    let mut refusal = None;
    for (environment, kind) in places {
        match caller.may_read(environment, kind) {
            // Precompressed forms (br, zstd, gzip) will be chosen here.
            Ok(()) => return Ok(bytes(body, caching::body(caller.kind))),
            Err(denied) => refusal = Some(denied),
        }
    }
    Err(refusal.map_or_else(unknown, Problem::from))
}

/// A body that is no longer in memory.
async fn stored(app: &App, sha256: &[u8; 32]) -> Result<Option<(Bytes, Vec<Place>)>, Problem> {
    let mut tx = app.store.begin_read().await?;
    let owners = snapshots::owners_of_body(&mut tx, sha256).await?;
    let places = owners
        .iter()
        .filter_map(|(environment, kind)| Some((connection::id(environment)?, Kind::parse(kind)?)))
        .collect();
    let Some(bytes) = snapshots::body(&mut tx, sha256).await? else { return Ok(None) };
    if <[u8; 32]>::from(Sha256::digest(&bytes)) != *sha256 {
        return Err(Problem::internal(&"a stored body has another hash than its name says"));
    }
    Ok(Some((Bytes::from(bytes), places)))
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

fn bytes(body: Bytes, caching: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, BYTES),
        (header::CACHE_CONTROL, caching),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // A shared cache must not hand a private answer to somebody with another key.
        (header::VARY, "Authorization, X-API-Key"),
    ];
    (headers, body).into_response()
}
