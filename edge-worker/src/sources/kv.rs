//! The KV namespace of the worker.

use futures_util::future::join;
use pennon_core::protocol::connection::{digest, hex};
use pennon_core::snapshot::{Head, Kind};
use worker::kv::{KvError, KvStore};

use super::kept::{pack, to_bytes, unpack};
use super::{SourceError, Stored, within};
use crate::settings::Settings;
use crate::snapshots::Held;

/// Bodies are named by their hash, so a copy near the edge never goes stale; seconds.
const BODY_CACHE_TTL_S: u64 = 86_400;
/// A replaced body stays for isolates that still read its head; seconds.
const REPLACED_BODY_TTL_S: u64 = 86_400;
/// The shortest that KV allows; seconds.
const HEAD_CACHE_TTL_S: u64 = 30;
/// How long one read and one write may take: behind KV there are other sources, and a caller may be waiting.
const READ_TIMEOUT_MS: u64 = 1_000;
const WRITE_TIMEOUT_MS: u64 = 5_000;
/// Snapshots that are remembered because they stopped the evaluator.
pub(crate) const MAX_CRASHED: usize = 16;

impl From<KvError> for SourceError {
    fn from(error: KvError) -> Self {
        Self::new("kv-unavailable", format!("KV does not answer: {error}"))
    }
}

fn late(milliseconds: u64) -> SourceError {
    SourceError::new("kv-slow", format!("KV has not answered within {milliseconds} ms"))
}

/// The KV namespace. Keys carry the root and the environment, so that one namespace may serve several edges.
#[derive(Debug)]
pub(crate) struct Kv<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) store: &'a KvStore,
}

impl Kv<'_> {
    fn key(&self, name: &str) -> String {
        let connection = &self.settings.connection;
        let root = hex(&connection.root_fingerprint[..8]);
        format!("pennon/1/{root}/{}/{name}", hex(&connection.environment))
    }

    /// The kind is in the name: it says who may read the body.
    fn body_key(&self, kind: Kind, sha256: &[u8; 32]) -> String {
        self.key(&format!("{}/body/{}", kind.as_str(), hex(sha256)))
    }

    async fn get(&self, key: &str, cache_ttl_s: u64) -> Result<Option<Vec<u8>>, SourceError> {
        let get = self.store.get(key).cache_ttl(cache_ttl_s).bytes();
        Ok(within(READ_TIMEOUT_MS, get).await.ok_or_else(|| late(READ_TIMEOUT_MS))??)
    }

    async fn put(&self, key: &str, bytes: &[u8]) -> Result<(), SourceError> {
        let put = self.store.put_bytes(key, bytes)?.execute();
        Ok(within(WRITE_TIMEOUT_MS, put).await.ok_or_else(|| late(WRITE_TIMEOUT_MS))??)
    }

    /// Everything kept of a kind.
    pub(crate) async fn load(&self, kind: Kind) -> Result<Stored, SourceError> {
        let keysets_key = self.key("keysets");
        let (keysets, head) = join(self.get(&keysets_key, HEAD_CACHE_TTL_S), self.head(kind)).await;
        let keysets = keysets?.as_deref().map(unpack).unwrap_or_default();
        let mut stored = Stored { keysets, head: head?, body: None };
        if let Some(head) = stored.head.as_deref().and_then(|bytes| Head::parse(bytes).ok()) {
            stored.body = self.body(kind, &head.body_sha256).await?;
        }
        Ok(stored)
    }

    /// A body of the kind, which may be newer or older than the one that the kind's head names. Its hash is the caller's to check.
    pub(crate) async fn body(
        &self,
        kind: Kind,
        sha256: &[u8; 32],
    ) -> Result<Option<Vec<u8>>, SourceError> {
        self.get(&self.body_key(kind, sha256), BODY_CACHE_TTL_S).await
    }

    fn head_key(&self, kind: Kind) -> String {
        self.key(&format!("{}/head", kind.as_str()))
    }

    pub(crate) async fn save_keysets(&self, keysets: &[Vec<u8>]) -> Result<(), SourceError> {
        self.put(&self.key("keysets"), &pack(keysets)).await
    }

    /// The body first: a head is never there before its body.
    pub(crate) async fn save_body(
        &self,
        kind: Kind,
        sha256: &[u8; 32],
        body: &[u8],
    ) -> Result<(), SourceError> {
        self.put(&self.body_key(kind, sha256), body).await
    }

    /// The head is the high-water mark too: a mark beside it would be unsigned, and could forbid it.
    pub(crate) async fn save_head(&self, kind: Kind, head: &[u8]) -> Result<(), SourceError> {
        self.put(&self.head_key(kind), head).await
    }

    /// Lets a replaced body go after a while.
    pub(crate) async fn retire_body(
        &self,
        kind: Kind,
        sha256: &[u8; 32],
        body: &[u8],
    ) -> Result<(), SourceError> {
        let put = self.store.put_bytes(&self.body_key(kind, sha256), body)?;
        let put = put.expiration_ttl(REPLACED_BODY_TTL_S).execute();
        Ok(within(WRITE_TIMEOUT_MS, put).await.ok_or_else(|| late(WRITE_TIMEOUT_MS))??)
    }

    /// The head alone: whether there is a newer one.
    pub(crate) async fn head(&self, kind: Kind) -> Result<Option<Vec<u8>>, SourceError> {
        self.get(&self.head_key(kind), HEAD_CACHE_TTL_S).await
    }

    fn previous_key(&self, kind: Kind) -> String {
        self.key(&format!("{}/previous", kind.as_str()))
    }

    /// The snapshot before the newest one, whole, for the case that the newest cannot be used.
    pub(crate) async fn previous(&self, kind: Kind) -> Result<Option<Stored>, SourceError> {
        let bytes = self.get(&self.previous_key(kind), HEAD_CACHE_TTL_S).await?;
        Ok(bytes.as_deref().and_then(Stored::from_bytes))
    }

    pub(crate) async fn save_previous(
        &self,
        kind: Kind,
        keysets: &[Vec<u8>],
        held: &Held,
    ) -> Result<(), SourceError> {
        let bytes = to_bytes(keysets, &held.head_bytes, held.snapshot.bytes());
        self.put(&self.previous_key(kind), &bytes).await
    }

    /// Hashes of bodies that stopped the evaluator again and again.
    pub(crate) async fn crashed(&self) -> Result<Vec<[u8; 32]>, SourceError> {
        let text = self.get(&self.key("crashed"), HEAD_CACHE_TTL_S).await?.unwrap_or_default();
        let text = String::from_utf8(text).unwrap_or_default();
        Ok(text.split('\n').filter_map(digest).take(MAX_CRASHED).collect())
    }

    pub(crate) async fn save_crashed(&self, bodies: &[[u8; 32]]) -> Result<(), SourceError> {
        let text: Vec<String> = bodies.iter().map(|body| hex(body)).collect();
        self.put(&self.key("crashed"), text.join("\n").as_bytes()).await
    }
}
