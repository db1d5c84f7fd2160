//! Where snapshots come from and where they are kept: the control plane over HTTP, and KV. Nothing that comes out of
//! here is trusted before `snapshots` has verified it.

use futures_util::StreamExt;
use pennon_core::limits::{MAX_BODY_BYTES, MAX_HEAD_BYTES, MAX_KEYSET_BYTES};
use pennon_core::protocol::access::Denied;
use pennon_core::protocol::connection::hex;
use pennon_core::snapshot::{Head, Kind};
use serde_json::Value;
use worker::kv::{KvError, KvStore};
use worker::{
    AbortSignal, Fetch, Headers, Method, Request, RequestInit, RequestRedirect, Response,
};

use crate::settings::Settings;
use crate::snapshots::Stored;

/// How long the control plane may take to begin an answer about a head or a keyset, and to send a body.
const HEAD_TIMEOUT_MS: u32 = 4_000;
const BODY_TIMEOUT_MS: u32 = 10_000;
/// Bodies are named by their hash, so a copy near the edge never goes stale; seconds.
const BODY_CACHE_TTL_S: u64 = 86_400;
/// A replaced body stays for isolates that still read its head; seconds.
const REPLACED_BODY_TTL_S: u64 = 86_400;
/// The shortest that KV allows; seconds.
const HEAD_CACHE_TTL_S: u64 = 30;
/// A problem document of the control plane.
const MAX_PROBLEM_BYTES: usize = 16 * 1024;
/// Keysets that are kept and followed.
pub(crate) const MAX_KEYSETS: u32 = 64;

/// Why a source gave nothing: a stable code, and a sentence.
#[derive(Debug)]
pub(crate) struct SourceError {
    pub(crate) code: &'static str,
    pub(crate) detail: String,
}

impl SourceError {
    fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

impl From<KvError> for SourceError {
    fn from(error: KvError) -> Self {
        Self::new("kv-unavailable", format!("KV does not answer: {error}"))
    }
}

/// The control plane's delivery endpoints.
#[derive(Debug)]
pub(crate) struct Origin<'a>(pub(crate) &'a Settings);

impl Origin<'_> {
    pub(crate) async fn head(&self, kind: Kind) -> Result<Vec<u8>, SourceError> {
        self.get(&self.head_path(kind), MAX_HEAD_BYTES, HEAD_TIMEOUT_MS).await
    }

    fn head_path(&self, kind: Kind) -> String {
        format!("/v1/head/{}/{}", hex(&self.0.connection.environment), kind.as_str())
    }

    /// The body that a verified head names: never more bytes than the head says.
    pub(crate) async fn body(&self, head: &Head) -> Result<Vec<u8>, SourceError> {
        let limit = MAX_BODY_BYTES.min(head.body_length as usize);
        self.get(&format!("/v1/body/{}", hex(&head.body_sha256)), limit, BODY_TIMEOUT_MS).await
    }

    pub(crate) async fn keyset(&self, number: u32) -> Result<Vec<u8>, SourceError> {
        self.get(&format!("/v1/keyset/{number}"), MAX_KEYSET_BYTES, HEAD_TIMEOUT_MS).await
    }

    /// What the control plane says of an SDK key that this edge does not know. None when it is good.
    pub(crate) async fn judge(&self, key: &str, kind: Kind) -> Result<Option<Denied>, SourceError> {
        let path = self.head_path(kind);
        let mut response = match kind {
            // Client keys are public and go in the query.
            Kind::Client => self.send(&format!("{path}?key={key}"), None, HEAD_TIMEOUT_MS).await?,
            Kind::Server | Kind::Edge => self.send(&path, Some(key), HEAD_TIMEOUT_MS).await?,
        };
        match response.status_code() {
            200 => Ok(None),
            401 => Ok(Some(Denied::KeyUnknown)),
            403 => {
                let problem = read(&mut response, MAX_PROBLEM_BYTES, &path).await?;
                let problem: Option<Value> = serde_json::from_slice(&problem).ok();
                let code = problem.as_ref().and_then(|problem| problem.get("code")?.as_str());
                let elsewhere = code == Some(Denied::KeyEnvironment.code());
                Ok(Some(if elsewhere { Denied::KeyEnvironment } else { Denied::KeyUnknown }))
            }
            status => Err(unexpected(status, &path)),
        }
    }

    async fn get(&self, path: &str, limit: usize, timeout_ms: u32) -> Result<Vec<u8>, SourceError> {
        let mut response = self.send(path, Some(&self.0.connection.sdk_key), timeout_ms).await?;
        match response.status_code() {
            200 => read(&mut response, limit, path).await,
            status => Err(unexpected(status, path)),
        }
    }

    async fn send(
        &self,
        path: &str,
        bearer: Option<&str>,
        timeout_ms: u32,
    ) -> Result<Response, SourceError> {
        let unreachable = |error: worker::Error| {
            let detail = format!("the control plane does not answer {path}: {error}");
            SourceError::new("origin-unreachable", detail)
        };
        let url = format!("{}{path}", self.0.connection.origin);
        let headers = Headers::new();
        if let Some(key) = bearer {
            headers.set("authorization", &format!("Bearer {key}")).map_err(unreachable)?;
        }
        let mut init = RequestInit::new();
        // A redirect would carry the key elsewhere.
        init.with_method(Method::Get).with_headers(headers).with_redirect(RequestRedirect::Manual);
        let request = Request::new_with_init(&url, &init).map_err(unreachable)?;
        let signal = AbortSignal::from(web_sys::AbortSignal::timeout_with_u32(timeout_ms));
        Fetch::Request(request).send_with_signal(&signal).await.map_err(unreachable)
    }
}

fn unexpected(status: u16, path: &str) -> SourceError {
    match status {
        401 | 403 => SourceError::new(
            "origin-refused",
            format!(
                "the control plane answers {status} to {path}: is the edge key of the connection string still valid?"
            ),
        ),
        _ => SourceError::new(
            "origin-error",
            format!("the control plane answers {status} to {path}"),
        ),
    }
}

async fn read(response: &mut Response, limit: usize, path: &str) -> Result<Vec<u8>, SourceError> {
    let too_large =
        || SourceError::new("origin-too-large", format!("{path} is larger than {limit} bytes"));
    let broken = |error: worker::Error| {
        SourceError::new("origin-unreachable", format!("the answer to {path} breaks off: {error}"))
    };
    let mut bytes = Vec::new();
    let mut stream = response.stream().map_err(broken)?;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(broken)?;
        if bytes.len() + chunk.len() > limit {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
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
        Ok(self.store.get(key).cache_ttl(cache_ttl_s).bytes().await?)
    }

    async fn put(&self, key: &str, bytes: &[u8]) -> Result<(), SourceError> {
        Ok(self.store.put_bytes(key, bytes)?.execute().await?)
    }

    /// Everything kept of a kind.
    pub(crate) async fn load(&self, kind: Kind) -> Result<Stored, SourceError> {
        let mut stored = Stored::default();
        if let Some(bytes) = self.get(&self.key("keysets"), HEAD_CACHE_TTL_S).await? {
            stored.keysets = unpack(&bytes);
        }
        stored.head = self.get(&self.head_key(kind), HEAD_CACHE_TTL_S).await?;
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
        Ok(put.expiration_ttl(REPLACED_BODY_TTL_S).execute().await?)
    }
}

/// Keysets in order, each behind its length in 4 bytes, big-endian.
fn pack(keysets: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for keyset in keysets {
        bytes.extend_from_slice(&u32::try_from(keyset.len()).unwrap_or(0).to_be_bytes());
        bytes.extend_from_slice(keyset);
    }
    bytes
}

fn unpack(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut keysets = Vec::new();
    let mut rest = bytes;
    while let Some((keyset, after)) = split_counted(rest) {
        keysets.push(keyset.to_vec());
        rest = after;
    }
    keysets
}

/// Splits off what stands behind its length in 4 bytes, big-endian.
fn split_counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}
