//! SDK keys: who may fetch which snapshot. Held in memory, so that admitting a caller asks no database.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::http::{HeaderMap, header};
use pennon_core::config::Access;
use pennon_core::protocol::access::{self, Denied};
use pennon_core::protocol::gate::Terms;
use pennon_core::snapshot::Kind;

use super::token;
use super::token::bearer;
use crate::ambient::{NoRandomness, Random};
use crate::app::App;
use crate::store::environments;
use crate::store::sdk_keys::{self, SdkKey};
use crate::store::{Store, StoreError};
use pennon_core::protocol::connection;

/// How often the uses of keys are written down.
const NOTE_EVERY: Duration = Duration::from_secs(60);
/// Keys whose use is written in one transaction: on SQLite no change can be made meanwhile.
const USES_AT_ONCE: usize = 200;

/// A new key, and the row that is kept of it.
///
/// # Errors
/// When the operating system has no randomness to give.
pub fn generate(
    environment_id: &str,
    kind: Kind,
    name: &str,
    random: &Random,
    version: i64,
    now_ms: i64,
) -> Result<(String, SdkKey), NoRandomness> {
    let text = access::key_text(kind, &random.bytes()?);
    let row = SdkKey {
        id: random.id()?,
        environment_id: environment_id.to_owned(),
        kind: kind.as_str().to_owned(),
        name: name.to_owned(),
        prefix: token::shown(&text),
        sha256: access::key_sha256(&text).to_vec(),
        version,
        created_at: now_ms,
        revoked_at: None,
        last_used_at: None,
    };
    Ok((text, row))
}

/// The keys as the compiler puts them into an edge snapshot.
///
/// # Errors
/// When a row is damaged.
pub fn carried(keys: &[SdkKey]) -> Result<Vec<Access>, &'static str> {
    keys.iter()
        .map(|key| {
            let sha256 = <[u8; 32]>::try_from(key.sha256.as_slice()).map_err(
                |_| "an SDK key in the database has no SHA-256: revoke it and make a new one",
            )?;
            let kind = Kind::parse(&key.kind).ok_or(
                "an SDK key in the database has an unknown kind: revoke it and make a new one",
            )?;
            Ok(Access { sha256, kind })
        })
        .collect()
}

/// Whose key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    pub environment: [u8; 16],
    pub kind: Kind,
    /// Of the key.
    pub sha256: [u8; 32],
}

impl Caller {
    /// Whether this caller may fetch such a snapshot.
    ///
    /// # Errors
    /// [`Denied::KeyEnvironment`] or [`Denied::KeyKind`].
    pub fn may_read(&self, environment: [u8; 16], kind: Kind) -> Result<(), Denied> {
        if self.environment != environment {
            return Err(Denied::KeyEnvironment);
        }
        if access::may_read(self.kind, kind) { Ok(()) } else { Err(Denied::KeyKind) }
    }
}

/// A key that is not revoked.
#[derive(Debug)]
struct Live {
    caller: Caller,
    /// Whether it let somebody in since [`SdkKeys::note_uses`] looked last.
    used: AtomicBool,
}

impl Live {
    /// Remembers a use. It is read before it is written: cores that share a busy key then share its cache line.
    fn mark(&self) {
        if !self.used.load(Relaxed) {
            self.used.store(true, Relaxed);
        }
    }
}

/// The keys that are not revoked, by their hash.
#[derive(Debug, Default)]
pub struct SdkKeys {
    live: RwLock<HashMap<[u8; 32], Live>>,
    /// The key of each environment, by its id: what people call it.
    environments: RwLock<HashMap<[u8; 16], Arc<str>>>,
    /// What those environments that say anything of those who ask do say, and whether any does.
    terms: RwLock<HashMap<[u8; 16], Arc<Terms>>>,
    any_terms: AtomicBool,
    /// Held from reading the keys until they are taken, so that an older reading never replaces a newer one.
    reloading: tokio::sync::Mutex<()>,
}

impl SdkKeys {
    /// Replaces all of them with what the database holds now.
    ///
    /// # Errors
    /// What the database says; then they stay as they were.
    pub async fn reload(&self, store: &Store) -> Result<(), StoreError> {
        let _turn = self.reloading.lock().await;
        let mut tx = store.begin_read().await?;
        let keys = sdk_keys::list_live(&mut tx).await?;
        let callers = keys.iter().filter_map(|key| {
            let sha256 = <[u8; 32]>::try_from(key.sha256.as_slice()).ok()?;
            let environment = connection::id(&key.environment_id)?;
            Some(Caller { environment, kind: Kind::parse(&key.kind)?, sha256 })
        });
        let callers: Vec<Caller> = callers.collect();
        let environments = environments::list_all(&mut tx).await?;
        let terms: HashMap<_, _> = environments
            .iter()
            .map(|environment| (&environment.id, environment.terms()))
            .filter(|(_, terms)| *terms != Terms::default())
            .filter_map(|(id, terms)| Some((connection::id(id)?, Arc::new(terms))))
            .collect();
        self.any_terms.store(!terms.is_empty(), Relaxed);
        *self.terms.write().unwrap_or_else(PoisonError::into_inner) = terms;
        let named = environments.into_iter().filter_map(|environment| {
            Some((connection::id(&environment.id)?, Arc::from(environment.key)))
        });
        *self.environments.write().unwrap_or_else(PoisonError::into_inner) = named.collect();
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::take(&mut *live);
        *live = callers
            .into_iter()
            .map(|caller| {
                let used = old.get(&caller.sha256).is_some_and(|old| old.used.load(Relaxed));
                (caller.sha256, Live { caller, used: AtomicBool::new(used) })
            })
            .collect();
        Ok(())
    }

    /// Writes down which keys let somebody in since this was asked last, as used now. There are never more than there are keys.
    ///
    /// # Errors
    /// What the database says; then they are written the next time.
    pub async fn note_uses(&self, store: &Store, now_ms: i64) -> Result<(), StoreError> {
        let mut used: Vec<[u8; 32]> = {
            let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
            live.iter()
                .filter(|(_, key)| key.used.swap(false, Relaxed))
                .map(|(sha256, _)| *sha256)
                .collect()
        };
        if used.is_empty() {
            return Ok(());
        }
        // In the same order everywhere, so that two replicas never wait for each other.
        used.sort_unstable();
        let written = write_uses(store, &used, now_ms).await;
        if written.is_err() {
            let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
            used.iter().filter_map(|sha256| live.get(sha256)).for_each(Live::mark);
        }
        written
    }

    /// The key of an environment.
    pub fn environment(&self, id: &[u8; 16]) -> Option<Arc<str>> {
        let environments = self.environments.read().unwrap_or_else(PoisonError::into_inner);
        environments.get(id).cloned()
    }

    /// Whether any environment says anything of those who ask.
    pub fn any_terms(&self) -> bool {
        self.any_terms.load(Relaxed)
    }

    /// What an environment says of those who ask, if anything.
    pub fn terms(&self, environment: &[u8; 16]) -> Option<Arc<Terms>> {
        let terms = self.terms.read().unwrap_or_else(PoisonError::into_inner);
        terms.get(environment).cloned()
    }

    /// Whether the caller's key is still good; asked again while a stream lasts.
    pub fn knows(&self, caller: &Caller) -> bool {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        let known = live.get(&caller.sha256).filter(|key| key.caller == *caller);
        known.inspect(|key| key.mark()).is_some()
    }

    /// Whose key comes with the request: in `Authorization: Bearer`, in X-API-Key, or, a client key alone, in the query.
    ///
    /// # Errors
    /// [`Denied::KeyMissing`], [`Denied::KeyInQuery`] or [`Denied::KeyUnknown`].
    pub fn admit(&self, headers: &HeaderMap, query_key: Option<&str>) -> Result<Caller, Denied> {
        // Whatever a header says: what stands in a URL is logged on its way.
        if query_key.and_then(access::claimed_prefix).is_some_and(|kind| kind != Kind::Client) {
            return Err(Denied::KeyInQuery);
        }
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let given = header(header::AUTHORIZATION.as_str()).and_then(bearer);
        let given = given.or_else(|| header("x-api-key").map(str::trim));
        let key = given.or(query_key).ok_or(Denied::KeyMissing)?;
        access::claimed_kind(key).ok_or(Denied::KeyUnknown)?;
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        // The hash of a guess tells nothing about the keys, however long the look-up takes.
        let known = live.get(&access::key_sha256(key)).ok_or(Denied::KeyUnknown)?;
        known.mark();
        Ok(known.caller)
    }
}

async fn write_uses(store: &Store, used: &[[u8; 32]], now_ms: i64) -> Result<(), StoreError> {
    for some in used.chunks(USES_AT_ONCE) {
        let mut tx = store.begin().await?;
        for sha256 in some {
            sdk_keys::used(&mut tx, sha256, now_ms).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

/// Writes down, as long as the server runs, when each key was last used: at most once in [`NOTE_EVERY`], beside the requests.
pub async fn note_uses(app: App) {
    loop {
        let stopped = tokio::select! {
            () = tokio::time::sleep(NOTE_EVERY) => false,
            () = app.stopped() => true,
        };
        if let Err(error) = app.sdk_keys.note_uses(&app.store, app.clock.now_ms()).await {
            tracing::debug!(%error, "when SDK keys were last used is written later");
        }
        if stopped {
            return;
        }
    }
}
