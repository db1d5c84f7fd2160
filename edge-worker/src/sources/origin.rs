//! The control plane, over HTTP.

use futures_util::StreamExt;
use pennon_core::limits::{MAX_BODY_BYTES, MAX_HEAD_BYTES, MAX_KEYSET_BYTES};
use pennon_core::protocol::access::Denied;
use pennon_core::protocol::connection::hex;
use pennon_core::snapshot::{Head, Kind};
use serde_json::Value;
use worker::{
    AbortSignal, Fetch, Headers, Method, Request, RequestInit, RequestRedirect, Response,
};

use super::SourceError;
use crate::settings::Settings;

/// How long the control plane may take to begin an answer about a head or a keyset, and to send a body.
const HEAD_TIMEOUT_MS: u32 = 4_000;
const BODY_TIMEOUT_MS: u32 = 10_000;
/// A problem document of the control plane.
const MAX_PROBLEM_BYTES: usize = 16 * 1024;

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

    /// What makes the body `to` of the body `from`. None when there is none: the whole body is to be had.
    pub(crate) async fn delta(
        &self,
        from: &[u8; 32],
        to: &Head,
    ) -> Result<Option<Vec<u8>>, SourceError> {
        let path = format!("/v1/delta/{}/{}", hex(from), hex(&to.body_sha256));
        let key = Some(self.0.connection.sdk_key.as_str());
        let mut response = self.send(&path, key, HEAD_TIMEOUT_MS).await?;
        match response.status_code() {
            // One that is larger than the body is none.
            200 => read(&mut response, to.body_length as usize, &path).await.map(Some),
            404 => Ok(None),
            status => Err(unexpected(status, &path)),
        }
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
