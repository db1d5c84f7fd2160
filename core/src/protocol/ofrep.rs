//! OpenFeature Remote Evaluation Protocol 0.3 (core/spec/protocol.md section 6): bodies, statuses and ETags.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Map, Value as Json, json};

use super::connection::hex;
use super::{Response, json};
use crate::context::{self, Context, ContextError};
use crate::outcome::{ErrorCode, Outcome, Reason, Value};
use crate::snapshot::{FlagRef, Head, Snapshot, sha256};

/// The largest request body, in bytes.
pub const MAX_REQUEST_BYTES: usize = 128 * 1024;
/// What most outcomes fit in, written: a buffer of so much need not grow.
const USUAL_BYTES: usize = 128;

/// What a caller may see of a snapshot, and when.
#[derive(Clone, Copy, Debug)]
pub struct Evaluation<'a> {
    pub snapshot: &'a Snapshot,
    pub head: &'a Head,
    /// True for a client key: every other flag is not found.
    pub client: bool,
    /// Unix milliseconds.
    pub now: i64,
    /// What the host knows of the caller by itself, as `geo.country`. Each of these attributes takes the place of one of that name which
    /// the request brings.
    pub known: Option<&'a Map<String, Json>>,
}

/// `POST /ofrep/v1/evaluate/flags/{key}`.
pub fn single(evaluation: Evaluation<'_>, key: &str, body: &[u8]) -> Response {
    let context = match read_context(body, evaluation.known) {
        Ok(context) => context,
        Err((code, detail)) => return failure(Some(key), code, &detail),
    };
    let outcome = evaluation.evaluate(key, &context);
    match outcome.error {
        Some(code) => failure(Some(key), code, sentence(code)),
        None => {
            let mut body = Vec::with_capacity(USUAL_BYTES);
            write_outcome(&mut body, &evaluation, key, &outcome);
            Response::of_json(200, body)
        }
    }
}

/// `POST /ofrep/v1/evaluate/flags`. `if_none_match` is the request's header; equal ETags answer 304 without evaluating. `events` is the
/// address, on this host, of a stream that tells this caller when to ask again.
pub fn bulk(
    evaluation: Evaluation<'_>,
    body: &[u8],
    if_none_match: Option<&str>,
    events: Option<&str>,
) -> Response {
    let context = match read_context(body, evaluation.known) {
        Ok(context) => context,
        Err((code, detail)) => return failure(None, code, &detail),
    };
    let tag = evaluation.tag(&context);
    if let Some(held) = if_none_match.and_then(|header| held_still(header, &tag, evaluation.now)) {
        let headers = alloc::vec![("etag", format!("\"{held}\""))];
        return Response { status: 304, headers, body: Vec::new() };
    }
    let (body, until) = write_all(&evaluation, &context, events);
    let mut response = Response::of_json(200, body);
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

/// Every flag's outcome, evaluated while it is written, and when the first of them may change.
fn write_all(
    evaluation: &Evaluation<'_>,
    context: &Context,
    events: Option<&str>,
) -> (Vec<u8>, Option<i64>) {
    let Evaluation { snapshot, head, .. } = evaluation;
    let mut out = Vec::with_capacity(snapshot.flag_count() * USUAL_BYTES + USUAL_BYTES);
    let mut until = None;
    out.extend_from_slice(b"{\"flags\":[");
    let mut is_first = true;
    for position in 0..snapshot.flag_count() {
        let Some(flag) = snapshot.flag_at(position) else { continue };
        if evaluation.client && !flag.client_visible() {
            continue;
        }
        let outcome = snapshot.evaluate_at(position, context, evaluation.now);
        until = until.into_iter().chain(outcome.until).min();
        json::comma(&mut out, &mut is_first);
        write_outcome(&mut out, evaluation, flag.key(), &outcome);
    }
    out.extend_from_slice(b"],\"metadata\":{\"version\":");
    json::value(&mut out, &head.version);
    out.extend_from_slice(b",\"epoch\":");
    json::value(&mut out, &head.epoch);
    out.push(b'}');
    if let Some(events) = events {
        let endpoint = br#","eventStreams":[{"type":"sse","endpoint":{"requestUri":"#;
        out.extend_from_slice(endpoint);
        json::text(&mut out, events);
        out.extend_from_slice(b"}}]");
    }
    out.push(b'}');
    (out, until)
}

/// One flag's outcome.
fn write_outcome(out: &mut Vec<u8>, evaluation: &Evaluation<'_>, key: &str, outcome: &Outcome<'_>) {
    out.extend_from_slice(b"{\"key\":");
    json::text(out, key);
    if let Some(code) = outcome.error {
        out.extend_from_slice(b",\"errorCode\":");
        json::text(out, code.as_str());
        out.extend_from_slice(b",\"errorDetails\":");
        json::text(out, sentence(code));
        out.push(b'}');
        return;
    }
    out.extend_from_slice(b",\"reason\":");
    json::text(out, evaluation.reason(outcome));
    if let Some(variant) = outcome.variant() {
        out.extend_from_slice(b",\"variant\":");
        json::text(out, variant);
    }
    // Where the caller's default applies there is none.
    if let Some(value) = outcome.value() {
        out.extend_from_slice(b",\"value\":");
        match value {
            Value::Boolean(true) => out.extend_from_slice(b"true"),
            Value::Boolean(false) => out.extend_from_slice(b"false"),
            Value::String(text) => json::text(out, text),
            Value::Number(_) | Value::Json(_) => json::value(out, &value),
        }
    }
    if !outcome.metadata().is_empty() || outcome.rule().is_some() || outcome.until.is_some() {
        out.extend_from_slice(b",\"metadata\":");
        write_metadata(out, outcome);
    }
    out.push(b'}');
}

/// The protocol knows metadata of scalars only, and so does a flag's; the rule and the time stand there too.
fn write_metadata(out: &mut Vec<u8>, outcome: &Outcome<'_>) {
    let mut is_first = true;
    out.push(b'{');
    if !outcome.metadata().is_empty() {
        for (name, value) in context::to_json(outcome.metadata()).unwrap_or_default() {
            let is_taken = match name.as_str() {
                "rule" => outcome.rule().is_some(),
                "until" => outcome.until.is_some(),
                _ => false,
            };
            if !is_taken {
                json::comma(out, &mut is_first);
                json::text(out, &name);
                out.push(b':');
                json::value(out, &value);
            }
        }
    }
    if let Some(rule) = outcome.rule() {
        json::comma(out, &mut is_first);
        out.extend_from_slice(b"\"rule\":");
        json::text(out, rule);
    }
    if let Some(until) = outcome.until {
        json::comma(out, &mut is_first);
        out.extend_from_slice(b"\"until\":");
        json::value(out, &until);
    }
    out.push(b'}');
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
fn read_context(
    body: &[u8],
    known: Option<&Map<String, Json>>,
) -> Result<Context, (ErrorCode, String)> {
    if body.len() > MAX_REQUEST_BYTES {
        let detail = format!("the request body is larger than {MAX_REQUEST_BYTES} bytes");
        return Err((ErrorCode::ParseError, detail));
    }
    let request = if body.iter().all(u8::is_ascii_whitespace) {
        Map::new()
    } else {
        match serde_json::from_slice(body) {
            Ok(Json::Object(request)) => request,
            Ok(_) => {
                let detail = "the request body must be a JSON object".to_string();
                return Err((ErrorCode::ParseError, detail));
            }
            Err(error) => {
                let detail = format!("the request body is no JSON: {error}");
                return Err((ErrorCode::ParseError, detail));
            }
        }
    };
    context_with(request.get("context"), known)
        .map_err(|error| (ErrorCode::InvalidContext, error.to_string()))
}

/// What a request says, with what the host knows.
pub(super) fn context_with(
    said: Option<&Json>,
    known: Option<&Map<String, Json>>,
) -> Result<Context, ContextError> {
    match (said, known) {
        (None | Some(Json::Null), None) => Ok(Context::empty()),
        (Some(said), None) => Context::from_json(said),
        (said, Some(known)) => {
            let mut all = match said {
                None | Some(Json::Null) => Map::new(),
                Some(Json::Object(said)) => said.clone(),
                Some(_) => return Err(ContextError::NotAnObject),
            };
            all.extend(known.iter().map(|(name, value)| (name.clone(), value.clone())));
            Context::from_json(&Json::Object(all))
        }
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
