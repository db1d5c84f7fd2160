//! `POST /v1/push`: the control plane brings a change itself. It is verified like anything else; the push key only keeps
//! strangers from costing work.

use pennon_core::protocol::push::{MAX_PUSH_BYTES, Push};
use pennon_core::snapshot::{Head, Refusal, sha256};
use serde_json::{Map, Value};
use worker::Request;

use crate::admission::bearer;
use crate::answer::{Answer, Problem};
use crate::ofrep::read_body;
use crate::refresh::{Edge, now};
use crate::snapshots;

pub(crate) async fn take(edge: &Edge, mut request: Request) -> Result<Answer, Problem> {
    admit(edge, &request)?;
    let bytes = read_body(&mut request, MAX_PUSH_BYTES).await?;
    let push = Push::parse(&bytes).ok_or_else(|| {
        Problem::new(
            400,
            "malformed-push",
            "send the head's length (4 bytes, big-endian), the head, the keyset's length, the keyset, and the body",
        )
    })?;
    let kind = Head::parse(push.head).map_err(|refusal| refused(refusal, Map::new()))?.kind;
    let taken = edge.take_push(kind, &push).await;
    let mut held = Map::new();
    if let Some(current) = snapshots::current(&edge.settings, kind) {
        held.insert("kind".to_owned(), kind.as_str().into());
        held.insert("epoch".to_owned(), current.head.epoch.into());
        held.insert("version".to_owned(), current.head.version.into());
        held.insert("age_ms".to_owned(), (now() - current.head.created).into());
    }
    match taken {
        Ok(()) => Ok(Answer::json(200, &Value::Object(held))),
        Err(refusal) => Err(refused(refusal, held)),
    }
}

/// A refusal says as well what is held instead.
fn refused(refusal: Refusal, held: Map<String, Value>) -> Problem {
    let status = match refusal {
        Refusal::OlderVersion | Refusal::ConflictingBody | Refusal::OlderKeyset => 409,
        _ => 422,
    };
    Problem::new(status, refusal.code(), format!("{refusal}; the edge keeps what it has"))
        .members(held)
}

/// Whether the caller has the push key.
pub(crate) fn admit(edge: &Edge, request: &Request) -> Result<(), Problem> {
    let expected = edge.settings.push_key_sha256.ok_or_else(|| {
        Problem::new(
            403,
            "push-disabled",
            "this edge has no push key: set the secret PENNON_PUSH_KEY",
        )
    })?;
    let key = bearer(request).ok_or_else(|| {
        Problem::new(401, "key-missing", "send the push key as Authorization: Bearer")
    })?;
    // Hashes are compared, so the time it takes tells nothing about the key.
    if sha256(key.as_bytes()) == expected {
        Ok(())
    } else {
        Err(Problem::new(401, "key-unknown", "this is not the push key of this edge"))
    }
}
