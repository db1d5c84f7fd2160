//! Answers: bytes, JSON and problem documents (RFC 9457), with the cross-origin headers that browsers need.

use pennon_core::protocol::access::Denied;
use pennon_core::protocol::caching::{CORS_ALLOWED_HEADERS, CORS_EXPOSED_HEADERS, NEVER, VARY};
use pennon_core::protocol::problem::problem;
use pennon_core::{outcome::ErrorCode, protocol};
use serde_json::{Map, Value};
use worker::{Env, Headers, Response, ResponseBuilder};

use crate::edge::{Edge, Readers};

const JSON: &str = "application/json";
const BYTES: &str = "application/octet-stream";

/// How long a browser may remember a preflight, in seconds.
const PREFLIGHT_MAX_AGE: &str = "86400";

/// An answer, before it becomes the runtime's.
#[derive(Debug)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    /// The Durable Object's own answer, which has no end: it stands in the place of all the rest.
    stream: Option<Response>,
}

impl From<Response> for Answer {
    fn from(stream: Response) -> Self {
        Self { stream: Some(stream), ..Self::of(200, Vec::new()) }
    }
}

impl Answer {
    fn of(status: u16, body: Vec<u8>) -> Self {
        Self { status, headers: Vec::new(), body, stream: None }
    }

    /// A head, a body or a keyset.
    pub(crate) fn bytes(bytes: Vec<u8>, caching: &'static str) -> Self {
        Self::of(200, bytes)
            .with("content-type", BYTES)
            .with("cache-control", caching)
            .with("vary", VARY)
    }

    pub(crate) fn json(status: u16, value: &Value) -> Self {
        Self::of(status, value.to_string().into_bytes())
            .with("content-type", JSON)
            .with("cache-control", NEVER)
    }

    /// What a browser asks before a request with a key or a JSON body.
    pub(crate) fn preflight() -> Self {
        Self::of(204, Vec::new())
            .with("access-control-allow-methods", "GET, HEAD, POST, OPTIONS")
            .with("access-control-allow-headers", CORS_ALLOWED_HEADERS)
            .with("access-control-max-age", PREFLIGHT_MAX_AGE)
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// As the runtime wants it.
    ///
    /// # Errors
    /// When the runtime refuses a header.
    pub(crate) fn into_response(self, env: &Env, origin: Option<&str>) -> worker::Result<Response> {
        let readers = Edge::of(env).map_or(Readers::Anybody, |edge| edge.readers(origin));
        let headers = match &self.stream {
            Some(stream) => stream.headers().clone(),
            None => Headers::new(),
        };
        for (name, value) in crossing(readers, origin) {
            headers.append(name, value)?;
        }
        if let Some(stream) = self.stream {
            return Ok(if stream.status_code() == 101 {
                stream
            } else {
                stream.with_headers(headers)
            });
        }
        headers.set("access-control-expose-headers", CORS_EXPOSED_HEADERS)?;
        for (name, value) in &self.headers {
            headers.append(name, value)?;
        }
        let builder = ResponseBuilder::new().with_status(self.status).with_headers(headers);
        // 204 and 304 must have no body at all, not an empty one.
        Ok(if matches!(self.status, 204 | 304) {
            builder.empty()
        } else {
            builder.fixed(self.body)
        })
    }

    /// In one piece, as `held` hands it to JavaScript. None for a stream.
    pub(crate) fn to_bytes(&self, readers: Readers, origin: Option<&str>) -> Option<Vec<u8>> {
        if self.stream.is_some() {
            return None;
        }
        let exposed = ("access-control-expose-headers", CORS_EXPOSED_HEADERS);
        let own = self.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let all = crossing(readers, origin).into_iter().chain([exposed]).chain(own);
        let lines: Vec<String> = all.map(|(name, value)| format!("{name}\t{value}")).collect();
        let lines = lines.join("\n");
        let mut bytes = Vec::with_capacity(6 + lines.len() + self.body.len());
        bytes.extend_from_slice(&self.status.to_be_bytes());
        bytes.extend_from_slice(&u32::try_from(lines.len()).ok()?.to_be_bytes());
        bytes.extend_from_slice(lines.as_bytes());
        bytes.extend_from_slice(&self.body);
        Some(bytes)
    }
}

/// What says whose pages may read an answer.
fn crossing(readers: Readers, origin: Option<&str>) -> Vec<(&'static str, &str)> {
    const ALLOWED: &str = "access-control-allow-origin";
    match readers {
        Readers::Anybody => vec![(ALLOWED, "*")],
        Readers::Named(allowed) => {
            // What one page may read must not be handed to another out of a cache.
            let named = origin.filter(|_| allowed).map(|origin| (ALLOWED, origin));
            [("vary", "origin")].into_iter().chain(named).collect()
        }
    }
}

impl From<protocol::Response> for Answer {
    fn from(response: protocol::Response) -> Self {
        Self { headers: response.headers, ..Self::of(response.status, response.body) }
    }
}

/// Why a request is not answered as asked. `code` is stable, `detail` says what to do next.
#[derive(Debug)]
pub(crate) struct Problem {
    status: u16,
    code: &'static str,
    detail: String,
    /// OpenFeature's word for it, for OFREP clients.
    error_code: ErrorCode,
    retry_after_s: Option<u32>,
    extra: Map<String, Value>,
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        Self::new(denied.status(), denied.code(), denied.detail())
    }
}

impl Problem {
    pub(crate) fn new(status: u16, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            error_code: ErrorCode::General,
            retry_after_s: None,
            extra: Map::new(),
        }
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(404, "not-found", format!("there is no {what} here"))
    }

    pub(crate) fn error_code(mut self, error_code: ErrorCode) -> Self {
        self.error_code = error_code;
        self
    }

    pub(crate) fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Further members of the document.
    pub(crate) fn members(mut self, members: Map<String, Value>) -> Self {
        self.extra.extend(members);
        self
    }

    /// The problem document.
    pub(crate) fn into_answer(self) -> Answer {
        let mut response = problem(self.status, self.code, &self.detail);
        if !self.extra.is_empty()
            && let Ok(Value::Object(mut document)) = serde_json::from_slice(&response.body)
        {
            document.extend(self.extra.clone());
            response.body = Value::Object(document).to_string().into_bytes();
        }
        self.with_headers(response.into())
    }

    /// The same for an OFREP client.
    pub(crate) fn into_ofrep_answer(self, flag: Option<&str>) -> Answer {
        let mut body = self.ofrep_members(flag);
        body.insert("code".to_owned(), self.code.into());
        let answer = Answer::json(self.status, &Value::Object(body));
        self.with_headers(answer)
    }

    /// What an OFREP client looks for.
    pub(crate) fn ofrep_members(&self, flag: Option<&str>) -> Map<String, Value> {
        let members = [
            ("key", flag.unwrap_or_default()),
            ("errorCode", self.error_code.as_str()),
            ("errorDetails", &self.detail),
        ];
        members.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
    }

    fn with_headers(&self, mut answer: Answer) -> Answer {
        if self.status == 401 {
            answer = answer.with("www-authenticate", "Bearer");
        }
        match self.retry_after_s {
            Some(seconds) => answer.with("retry-after", seconds.to_string()),
            None => answer,
        }
    }
}
