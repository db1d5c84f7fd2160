//! OpenFeature Remote Evaluation Protocol 0.3 (core/spec/protocol.md section 6): bodies, statuses and ETags.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Map, Value as Json, json};

use super::Response;
use super::connection::hex;
use crate::context::Context;
use crate::outcome::{ErrorCode, Outcome, Reason};
use crate::snapshot::{FlagRef, Head, Snapshot, sha256};

/// The largest request body, in bytes.
pub const MAX_REQUEST_BYTES: usize = 128 * 1024;

/// What a caller may see of a snapshot, and when.
#[derive(Clone, Copy, Debug)]
pub struct Evaluation<'a> {
    pub snapshot: &'a Snapshot,
    pub head: &'a Head,
    /// True for a client key: every other flag is not found.
    pub client: bool,
    /// Unix milliseconds.
    pub now: i64,
}

/// `POST /ofrep/v1/evaluate/flags/{key}`.
pub fn single(evaluation: Evaluation<'_>, key: &str, body: &[u8]) -> Response {
    let context = match context(body) {
        Ok(context) => context,
        Err((code, detail)) => return failure(Some(key), code, &detail),
    };
    let outcome = evaluation.evaluate(key, &context);
    match outcome.error {
        Some(code) => failure(Some(key), code, sentence(code)),
        None => Response::json(200, &evaluation.success(key, &outcome)),
    }
}

/// `POST /ofrep/v1/evaluate/flags`. `if_none_match` is the request's header; equal ETags answer 304 without evaluating.
pub fn bulk(evaluation: Evaluation<'_>, body: &[u8], if_none_match: Option<&str>) -> Response {
    let context = match context(body) {
        Ok(context) => context,
        Err((code, detail)) => return failure(None, code, &detail),
    };
    let tag = evaluation.tag(&context);
    if let Some(held) = if_none_match.and_then(|header| held_still(header, &tag, evaluation.now)) {
        let headers = alloc::vec![("etag", format!("\"{held}\""))];
        return Response { status: 304, headers, body: Vec::new() };
    }
    let mut until: Option<i64> = None;
    let snapshot = evaluation.snapshot;
    let mut flags = Vec::with_capacity(snapshot.flag_count());
    for position in 0..snapshot.flag_count() {
        let Some(flag) = snapshot.flag_at(position) else {
            continue;
        };
        if evaluation.client && !flag.client_visible() {
            continue;
        }
        let outcome = snapshot.evaluate_at(position, &context, evaluation.now);
        until = until.into_iter().chain(outcome.until).min();
        flags.push(match outcome.error {
            Some(code) => {
                json!({"key": flag.key(), "errorCode": code.as_str(), "errorDetails": sentence(code)})
            }
            None => evaluation.success(flag.key(), &outcome),
        });
    }
    let metadata = json!({"version": evaluation.head.version, "epoch": evaluation.head.epoch});
    let mut response = Response::json(200, &json!({"flags": flags, "metadata": metadata}));
    response.headers.push(("etag", etag(&tag, until)));
    response
}

/// An answer for a caller that cannot be served, such as one whose SDK key is unknown, in the protocol's own form.
pub fn failure(key: Option<&str>, code: ErrorCode, detail: &str) -> Response {
    let status = match code {
        ErrorCode::FlagNotFound => 404,
        ErrorCode::ProviderNotReady => 503,
        ErrorCode::ProviderFatal | ErrorCode::General => 500,
        _ => 400,
    };
    failure_with_status(status, key, code, detail)
}

/// As [`failure`], with a status of the host's choice (401, 403, 413, 429).
pub fn failure_with_status(
    status: u16,
    key: Option<&str>,
    code: ErrorCode,
    detail: &str,
) -> Response {
    // Some clients take an error for malformed when it lacks a key.
    let body =
        json!({"key": key.unwrap_or(""), "errorCode": code.as_str(), "errorDetails": detail});
    Response::json(status, &body)
}

impl Evaluation<'_> {
    /// Where the flag stands, if the caller may know of it.
    pub(super) fn find(&self, key: &str) -> Option<usize> {
        let visible = |flag: FlagRef<'_>| !self.client || flag.client_visible();
        let position = self.snapshot.find(key)?;
        self.snapshot.flag_at(position).is_some_and(visible).then_some(position)
    }

    /// The flags that the caller may know of.
    pub(super) fn visible(&self) -> impl Iterator<Item = FlagRef<'_>> {
        let flags = (0..self.snapshot.flag_count()).filter_map(|at| self.snapshot.flag_at(at));
        flags.filter(|flag| !self.client || flag.client_visible())
    }

    /// The outcome's reason. What is overdue is still served, and says so (core/spec/evaluation.md section 2.2).
    pub(super) fn reason(&self, outcome: &Outcome<'_>) -> &'static str {
        let overdue = self.now > self.head.refresh_by;
        let told = matches!(outcome.reason, Reason::Disabled | Reason::Error);
        if overdue && !told { "STALE" } else { outcome.reason.as_str() }
    }

    pub(super) fn evaluate(&self, key: &str, context: &Context) -> Outcome<'_> {
        match self.find(key) {
            Some(position) => self.snapshot.evaluate_at(position, context, self.now),
            None => Outcome::error(ErrorCode::FlagNotFound),
        }
    }

    /// An outcome without an error. Where the caller's default applies there is no `value`.
    fn success(&self, key: &str, outcome: &Outcome<'_>) -> Json {
        let mut fields = outcome.to_json();
        fields.insert("reason".to_string(), self.reason(outcome).into());
        fields.insert("key".to_string(), key.into());
        // The protocol knows metadata of scalars only, and so does a flag's.
        let mut metadata = match fields.remove("metadata") {
            Some(Json::Object(metadata)) => metadata,
            _ => Map::new(),
        };
        let own =
            ["rule", "until"].into_iter().filter_map(|name| Some((name, fields.remove(name)?)));
        metadata.extend(own.map(|(name, field)| (name.to_string(), field)));
        if !metadata.is_empty() {
            fields.insert("metadata".to_string(), Json::Object(metadata));
        }
        Json::Object(fields)
    }

    /// Covers the body, who asks, and the whole context: a change of any attribute is another tag.
    fn tag(&self, context: &Context) -> String {
        let mut message = self.head.body_sha256.to_vec();
        message.extend_from_slice(&self.head.epoch.to_be_bytes());
        message.extend_from_slice(&self.head.version.to_be_bytes());
        message.push(u8::from(self.client));
        message.push(u8::from(self.now > self.head.refresh_by));
        message.extend_from_slice(context.encoded());
        hex(sha256(&message).get(..16).unwrap_or_default())
    }
}

/// `"<tag>"`, or `"<tag>.<until>"` where time alone will change an outcome.
fn etag(tag: &str, until: Option<i64>) -> String {
    match until {
        Some(until) => format!("\"{tag}.{until}\""),
        None => format!("\"{tag}\""),
    }
}

/// The one of the ETags in an If-None-Match header (RFC 9110 section 13.1.2) that is this tag and has not run out.
fn held_still<'h>(header: &'h str, tag: &str, now: i64) -> Option<&'h str> {
    header.split(',').find_map(|entry| {
        let entry = entry.trim();
        let entry = entry.strip_prefix("W/").unwrap_or(entry).trim_matches('"');
        let holds = match entry.split_once('.') {
            Some((held, until)) => held == tag && until.parse().is_ok_and(|until: i64| now < until),
            None => entry == tag,
        };
        holds.then_some(entry)
    })
}

/// The context of a request body `{"context": {...}}`; a body without one has none.
fn context(body: &[u8]) -> Result<Context, (ErrorCode, String)> {
    if body.len() > MAX_REQUEST_BYTES {
        let detail = format!("the request body is larger than {MAX_REQUEST_BYTES} bytes");
        return Err((ErrorCode::ParseError, detail));
    }
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Context::empty());
    }
    let request: Json = serde_json::from_slice(body).map_err(|error| {
        (ErrorCode::ParseError, format!("the request body is no JSON: {error}"))
    })?;
    let Json::Object(request) = request else {
        return Err((ErrorCode::ParseError, "the request body must be a JSON object".to_string()));
    };
    match request.get("context") {
        None | Some(Json::Null) => Ok(Context::empty()),
        Some(context) => Context::from_json(context)
            .map_err(|error| (ErrorCode::InvalidContext, error.to_string())),
    }
}

pub(super) fn sentence(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::FlagNotFound => "no such flag, or not one for this SDK key",
        ErrorCode::TypeMismatch => "the flag is of another type",
        ErrorCode::TargetingKeyMissing => "this flag needs a targetingKey in the context",
        ErrorCode::InvalidContext => "the attribute that this flag splits by is missing",
        ErrorCode::ParseError => "this flag is damaged or needs a newer evaluator",
        ErrorCode::ProviderNotReady => "no snapshot has arrived yet",
        ErrorCode::ProviderFatal | ErrorCode::General => "the evaluation failed",
    }
}
