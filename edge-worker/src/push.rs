//! `POST /v1/push`: the control plane brings a change itself. It is verified like anything else; the push key only keeps
//! strangers from costing work.

use pennon_core::limits::MAX_KEYSETS;
use pennon_core::protocol::push::{MAX_PUSH_BYTES, Push};
use pennon_core::snapshot::{Head, Keyset, Kind, Refusal, sha256};
use serde_json::{Map, Value};
use worker::Request;

use crate::admission::bearer;
use crate::answer::{Answer, Problem};
use crate::edge::{Edge, now};
use crate::failed::Failed;
use crate::ofrep::read_body;
use crate::refresh::Storing;
use crate::snapshots;
use crate::sources::within;

/// How long the body of a push may take to arrive.
const READ_TIMEOUT_MS: u64 = 20_000;

pub(crate) async fn take(edge: &Edge, mut request: Request) -> Result<Answer, Problem> {
    admit(edge, &request)?;
    let read = within(READ_TIMEOUT_MS, read_body(&mut request, MAX_PUSH_BYTES)).await;
    let bytes = read.ok_or_else(|| {
        let detail = format!("send the body within {} seconds", READ_TIMEOUT_MS / 1_000);
        Problem::new(408, "body-too-slow", detail)
    })??;
    let push = Push::parse(&bytes).ok_or_else(|| {
        Problem::new(
            400,
            "malformed-push",
            "send the head's length (4 bytes, big-endian), the head, the keyset's length, the keyset, and the body",
        )
    })?;
    let kind = Head::parse(push.head).map_err(|refusal| refused(&refusal.into(), Map::new()))?.kind;
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
        Err(failed) => Err(refused(&failed, held)),
    }
}

/// A refusal says as well what is held instead.
fn refused(failed: &Failed, held: Map<String, Value>) -> Problem {
    let status = match failed {
        Failed::Refused(
            Refusal::OlderVersion | Refusal::ConflictingBody | Refusal::OlderKeyset,
        ) => 409,
        _ => 422,
    };
    let (code, detail) = failed.told();
    Problem::new(status, code, format!("{detail}; the edge keeps what it has")).members(held)
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

impl Edge {
    /// Takes what the control plane pushed and stores it before answering.
    ///
    /// # Errors
    /// The refusal; what is held stays.
    async fn take_push(&self, kind: Kind, push: &Push<'_>) -> Result<(), Failed> {
        self.restore(kind).await;
        self.restore_from_kv(kind).await;
        let taken = self.verify_push(kind, push).await;
        if let Err(failed) = &taken {
            self.note(kind, failed);
        }
        taken
    }

    async fn verify_push(&self, kind: Kind, push: &Push<'_>) -> Result<(), Failed> {
        let settings = &self.settings;
        match snapshots::check_head(settings, kind, push.head, now()) {
            Err(Refusal::KeysetNeeded) if !push.keyset.is_empty() => {
                self.follow_to(push.keyset).await?
            }
            checked => drop(checked?),
        }
        if snapshots::crashed(settings, &Head::parse(push.head)?.body_sha256) {
            return Err(Failed::Crashed);
        }
        let from = now();
        let current = snapshots::current(settings, kind);
        if current.is_some_and(|held| held.head_bytes == push.head) {
            // Sent once more, because the answer was lost: it is here and stored.
            snapshots::end_refresh(settings, kind, true, from, now());
            return Ok(());
        }
        let previous = snapshots::current(settings, kind);
        let held = snapshots::accept(settings, kind, push.head, push.body.to_vec(), now())?;
        snapshots::end_refresh(settings, kind, true, from, now());
        self.store(Storing::pushed(kind, held, previous)).await;
        Ok(())
    }

    /// Takes a pushed keyset; where it is not the next one, the control plane is asked for those between.
    async fn follow_to(&self, keyset: &[u8]) -> Result<(), Refusal> {
        match snapshots::adopt_keyset(&self.settings, keyset) {
            Err(Refusal::KeysetNeeded) => {}
            adopted => return adopted,
        }
        let number = Keyset::parse(keyset)?.number.min(MAX_KEYSETS);
        while snapshots::keyset_number(&self.settings) + 1 < number {
            let next = snapshots::keyset_number(&self.settings) + 1;
            let Ok(between) = self.origin().keyset(next).await else {
                return Err(Refusal::KeysetNeeded);
            };
            snapshots::adopt_keyset(&self.settings, &between)?;
        }
        snapshots::adopt_keyset(&self.settings, keyset)
    }
}
