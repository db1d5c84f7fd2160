//! SDK keys: who may fetch which snapshot. Held in memory, so that admitting a caller asks no database.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use axum::http::{HeaderMap, StatusCode, header};
use pennon_core::config::Access;
use pennon_core::snapshot::Kind;

use super::admin::bearer;
use super::token;
use crate::ambient::{NoRandomness, Random};
use crate::hex;
use crate::routes::problem::Problem;
use crate::store::sdk_keys::SdkKey;

/// Longer than any key; a longer text is refused before it is hashed.
const MAX_KEY_BYTES: usize = 256;

/// What a key of this kind starts with.
pub fn prefix(kind: Kind) -> &'static str {
    match kind {
        Kind::Client => "pnc_",
        Kind::Server => "pns_",
        Kind::Edge => "pne_",
    }
}

/// A new key, and the row that is kept of it.
///
/// # Errors
/// When the operating system has no randomness to give.
pub fn generate(
    environment_id: &str,
    kind: Kind,
    name: &str,
    random: &Random,
    now_ms: i64,
) -> Result<(String, SdkKey), NoRandomness> {
    let text = token::generate(prefix(kind), random)?;
    let row = SdkKey {
        id: random.id()?,
        environment_id: environment_id.to_owned(),
        kind: kind.as_str().to_owned(),
        name: name.to_owned(),
        prefix: token::shown(&text),
        sha256: token::sha256(&text).to_vec(),
        created_at: now_ms,
        revoked_at: None,
    };
    Ok((text, row))
}

/// The keys as the compiler puts them into an edge snapshot.
///
/// # Errors
/// When a row is damaged.
pub fn access(keys: &[SdkKey]) -> Result<Vec<Access>, &'static str> {
    keys.iter()
        .map(|key| {
            let sha256 = <[u8; 32]>::try_from(key.sha256.as_slice())
                .map_err(|_| "an SDK key in the database has no SHA-256: revoke it and make a new one")?;
            let kind = Kind::parse(&key.kind)
                .ok_or("an SDK key in the database has an unknown kind: revoke it and make a new one")?;
            Ok(Access { sha256, kind })
        })
        .collect()
}

/// Whose key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    pub environment: [u8; 16],
    pub kind: Kind,
}

impl Caller {
    /// Whether this caller may fetch such a snapshot: a client key the client kind, a server key the server and client kinds,
    /// an edge key all, each of its own environment.
    ///
    /// # Errors
    /// `key-environment` or `key-kind`.
    pub fn may_read(&self, environment: [u8; 16], kind: Kind) -> Result<(), Problem> {
        if self.environment != environment {
            return Err(wrong_environment());
        }
        let may = match self.kind {
            Kind::Edge => true,
            Kind::Server => kind != Kind::Edge,
            Kind::Client => kind == Kind::Client,
        };
        if may {
            return Ok(());
        }
        let (own, wanted) = (self.kind.as_str(), kind.as_str());
        Err(Problem::new(
            StatusCode::FORBIDDEN,
            "key-kind",
            format!("a {own} key may not read {wanted} snapshots: use a {wanted} key, and keep it secret"),
        ))
    }
}

/// The key belongs to another environment than the one asked for.
pub fn wrong_environment() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "key-environment",
        "this key belongs to another environment: use the connection string of the environment that you ask for",
    )
}

/// The keys that are not revoked, by their hash.
#[derive(Debug, Default)]
pub struct SdkKeys(RwLock<HashMap<[u8; 32], Caller>>);

impl SdkKeys {
    /// Replaces all of them.
    pub fn install(&self, keys: &[SdkKey]) {
        let callers = keys.iter().filter_map(|key| {
            let sha256 = <[u8; 32]>::try_from(key.sha256.as_slice()).ok()?;
            let environment = hex::decode(&key.environment_id)?;
            Some((sha256, Caller { environment, kind: Kind::parse(&key.kind)? }))
        });
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = callers.collect();
    }

    /// Whose key comes with the request: in `Authorization: Bearer`, in X-API-Key, or, a client key alone, in the query.
    ///
    /// # Errors
    /// `key-missing`, `key-in-query` or `key-unknown`.
    pub fn admit(&self, headers: &HeaderMap, query_key: Option<&str>) -> Result<Caller, Problem> {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let given = header(header::AUTHORIZATION.as_str()).and_then(bearer).or_else(|| header("x-api-key").map(str::trim));
        let key = match (given, query_key) {
            (Some(key), _) => key,
            (None, Some(key)) if key.starts_with(prefix(Kind::Server)) || key.starts_with(prefix(Kind::Edge)) => {
                return Err(Problem::new(
                    StatusCode::FORBIDDEN,
                    "key-in-query",
                    "server and edge keys are secret and addresses are logged: send this key as Authorization: Bearer, and replace it",
                ));
            }
            (None, Some(key)) => key,
            (None, None) => {
                return Err(Problem::new(
                    StatusCode::UNAUTHORIZED,
                    "key-missing",
                    "send an SDK key: Authorization: Bearer, X-API-Key, or ?key= for a client key",
                ));
            }
        };
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        // The hash of a guess tells nothing about the keys, however long the look-up takes.
        let known = (key.len() <= MAX_KEY_BYTES).then(|| keys.get(&token::sha256(key)).copied()).flatten();
        known.ok_or_else(|| {
            Problem::new(
                StatusCode::UNAUTHORIZED,
                "key-unknown",
                "this SDK key is unknown or was revoked: make a new one for the environment",
            )
        })
    }
}
