//! The cache of the data centre (Cache API): near and fast, neither shared with other data centres nor lasting. A cold isolate looks here
//! first. What is found may be behind KV; the next refresh sets that right.

use futures_util::StreamExt;
use pennon_core::limits::{MAX_KEYSET_BYTES, MAX_KEYSETS};
use pennon_core::protocol::connection::hex;
use pennon_core::protocol::push::MAX_PUSH_BYTES;
use pennon_core::snapshot::Kind;
use worker::{Headers, ResponseBuilder};

use super::kept::to_bytes;
use super::{SourceError, Stored, within};
use crate::settings::Settings;
use crate::snapshots::Held;

/// As long as a head can be accepted at all; it is verified wherever it comes from.
const CACHE_CONTROL: &str = "max-age=2592000";
/// How long a look may take: everything else is still to be asked.
const TIMEOUT_MS: u64 = 500;
const MAX_BYTES: usize = MAX_PUSH_BYTES + MAX_KEYSET_BYTES * MAX_KEYSETS as usize;

#[derive(Debug)]
pub(crate) struct Cache<'a>(pub(crate) &'a Settings);

impl Cache<'_> {
    /// An address that nobody can ask for: a name under `.invalid` has no server.
    fn address(&self, name: &str) -> String {
        let connection = &self.0.connection;
        let root = hex(&connection.root_fingerprint[..8]);
        format!("https://pennon.invalid/1/{root}/{}/{name}", hex(&connection.environment))
    }

    /// What is kept of a kind.
    pub(crate) async fn newest(&self, kind: Kind) -> Result<Option<Stored>, SourceError> {
        self.get(kind.as_str()).await
    }

    /// What was before it.
    pub(crate) async fn previous(&self, kind: Kind) -> Result<Option<Stored>, SourceError> {
        self.get(&previous(kind)).await
    }

    async fn get(&self, name: &str) -> Result<Option<Stored>, SourceError> {
        if !self.0.cache {
            return Ok(None);
        }
        let late = || SourceError::new("cache-unavailable", "the cache does not answer");
        within(TIMEOUT_MS, self.read(name)).await.ok_or_else(late)?
    }

    async fn read(&self, name: &str) -> Result<Option<Stored>, SourceError> {
        let cache = worker::Cache::default();
        let Some(mut response) = cache.get(self.address(name), true).await.map_err(failed)? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        let mut stream = response.stream().map_err(failed)?;
        while let Some(chunk) = stream.next().await {
            bytes.extend_from_slice(&chunk.map_err(failed)?);
            if bytes.len() > MAX_BYTES {
                return Ok(None);
            }
        }
        Ok(Stored::from_bytes(&bytes))
    }

    /// Keeps what was accepted, and the one before, for the case that it cannot be used.
    pub(crate) async fn save(
        &self,
        kind: Kind,
        keysets: &[Vec<u8>],
        held: &Held,
        before: Option<&Held>,
    ) -> Result<(), SourceError> {
        if !self.0.cache {
            return Ok(());
        }
        if let Some(before) = before {
            self.put(&previous(kind), keysets, before).await?;
        }
        self.put(kind.as_str(), keysets, held).await
    }

    async fn put(&self, name: &str, keysets: &[Vec<u8>], held: &Held) -> Result<(), SourceError> {
        let headers = Headers::new();
        headers.set("cache-control", CACHE_CONTROL).map_err(failed)?;
        let bytes = to_bytes(keysets, &held.head_bytes, held.snapshot.bytes());
        let response = ResponseBuilder::new().with_headers(headers).fixed(bytes);
        worker::Cache::default().put(self.address(name), response).await.map_err(failed)
    }
}

fn previous(kind: Kind) -> String {
    format!("{}/previous", kind.as_str())
}

fn failed(error: worker::Error) -> SourceError {
    SourceError::new("cache-unavailable", format!("the cache does not answer: {error}"))
}
