//! OpenFeature Remote Evaluation Protocol 0.3 (core/spec/protocol.md section 6): bodies, statuses and ETags.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::Cell;

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};
use serde_json::{Map, Value as Json, json};

use super::Response;
use super::connection::hex;
use crate::context::{self, Context, ContextError};
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
        None => Response::json(200, &Told { evaluation, key, outcome: &outcome }),
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
    let all = All { evaluation, context: &context, events, until: Cell::new(None) };
    let mut response = Response::json(200, &all);
    let until = all.until.get();
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

/// Every flag's outcome, evaluated while it is written.
struct All<'a> {
    evaluation: Evaluation<'a>,
    context: &'a Context,
    events: Option<&'a str>,
    /// When the first of the outcomes may change, once they are written.
    until: Cell<Option<i64>>,
}

impl Serialize for All<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let head = self.evaluation.head;
        let mut fields = serializer.serialize_map(None)?;
        fields.serialize_entry("flags", &Flags(self))?;
        fields
            .serialize_entry("metadata", &Version { version: head.version, epoch: head.epoch })?;
        if let Some(request_uri) = self.events {
            let endpoint = Endpoint { request_uri };
            fields.serialize_entry("eventStreams", &[EventStream { kind: "sse", endpoint }])?;
        }
        fields.end()
    }
}

/// What was evaluated.
#[derive(Serialize)]
struct Version {
    version: u64,
    epoch: u32,
}

/// Where a caller hears of changes.
#[derive(Serialize)]
struct EventStream<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    endpoint: Endpoint<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Endpoint<'a> {
    request_uri: &'a str,
}

struct Flags<'a>(&'a All<'a>);

impl Serialize for Flags<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let All { evaluation, context, until, .. } = self.0;
        let snapshot = evaluation.snapshot;
        let mut flags = serializer.serialize_seq(None)?;
        for position in 0..snapshot.flag_count() {
            let Some(flag) = snapshot.flag_at(position) else {
                continue;
            };
            if evaluation.client && !flag.client_visible() {
                continue;
            }
            let outcome = snapshot.evaluate_at(position, context, evaluation.now);
            until.set(until.get().into_iter().chain(outcome.until).min());
            flags.serialize_element(&Told {
                evaluation: *evaluation,
                key: flag.key(),
                outcome: &outcome,
            })?;
        }
        flags.end()
    }
}

/// One flag's outcome.
struct Told<'a> {
    evaluation: Evaluation<'a>,
    key: &'a str,
    outcome: &'a Outcome<'a>,
}

impl Serialize for Told<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let outcome = self.outcome;
        let mut fields = serializer.serialize_map(None)?;
        fields.serialize_entry("key", self.key)?;
        if let Some(code) = outcome.error {
            fields.serialize_entry("errorCode", code.as_str())?;
            fields.serialize_entry("errorDetails", sentence(code))?;
            return fields.end();
        }
        fields.serialize_entry("reason", self.evaluation.reason(outcome))?;
        if let Some(variant) = outcome.variant() {
            fields.serialize_entry("variant", variant)?;
        }
        // Where the caller's default applies there is none.
        if let Some(value) = outcome.value() {
            fields.serialize_entry("value", &value)?;
        }
        if !outcome.metadata().is_empty() || outcome.rule().is_some() || outcome.until.is_some() {
            fields.serialize_entry("metadata", &Metadata(outcome))?;
        }
        fields.end()
    }
}

/// The protocol knows metadata of scalars only, and so does a flag's; the rule and the time stand there too.
struct Metadata<'a>(&'a Outcome<'a>);

impl Serialize for Metadata<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let outcome = self.0;
        let own =
            [("rule", outcome.rule().map(Json::from)), ("until", outcome.until.map(Json::from))];
        let mut fields = serializer.serialize_map(None)?;
        if !outcome.metadata().is_empty() {
            for (name, value) in context::to_json(outcome.metadata()).unwrap_or_default() {
                if !own.iter().any(|(taken, own)| *taken == name && own.is_some()) {
                    fields.serialize_entry(&name, &value)?;
                }
            }
        }
        for (name, value) in own {
            if let Some(value) = value {
                fields.serialize_entry(name, &value)?;
            }
        }
        fields.end()
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
