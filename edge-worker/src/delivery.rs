//! Heads, bodies and keysets, passed on as they were verified.

use pennon_core::protocol::access::Denied;
use pennon_core::protocol::caching;
use pennon_core::protocol::connection::{digest, id};
use pennon_core::snapshot::Kind;
use pennon_core::snapshot::delta::make;
use worker::{Context, Request};

use crate::admission;
use crate::answer::{Answer, Problem};
use crate::edge::Edge;
use crate::snapshots;

/// `GET /v1/head/{environment}/{kind}`
pub(crate) async fn head(
    edge: &Edge,
    request: &Request,
    context: &Context,
    environment: &str,
    kind: Kind,
) -> Result<Answer, Problem> {
    let caller = admission::admit(edge, request, context).await?;
    if id(environment) != Some(edge.settings.connection.environment) {
        return Err(Denied::KeyEnvironment.into());
    }
    caller.may_read(kind)?;
    let held = edge.snapshot(kind, context).await?;
    let answer = Answer::bytes(held.head_bytes.clone(), caching::head(caller.kind));
    let (name, value) = caching::STREAM_OFFER;
    // The Durable Object sleeps while WebSockets are silent, and not while event streams are open.
    Ok(if edge.hub().is_some() { answer.with(name, value) } else { answer })
}

/// `GET /v1/body/{sha256}`: the right to it comes from the kind that it belongs to, not from knowing its hash.
pub(crate) async fn body(
    edge: &Edge,
    request: &Request,
    context: &Context,
    sha256: &str,
) -> Result<Answer, Problem> {
    let caller = admission::admit(edge, request, context).await?;
    let unknown = || Problem::not_found("body with that hash (any more): ask for the head again");
    let sha256 = digest(sha256).ok_or_else(unknown)?;
    if let Some(held) = snapshots::by_body(&edge.settings, &sha256) {
        caller.may_read(held.head.kind)?;
        let bytes = held.snapshot.bytes().to_vec();
        return Ok(coded(request, Answer::bytes(bytes, caching::body(caller.kind))));
    }
    // Another isolate served the head.
    let bytes = edge.body(caller.kind, &sha256, context).await?.ok_or_else(unknown)?;
    Ok(coded(request, Answer::bytes(bytes, caching::body(caller.kind))))
}

/// Compressed by the runtime, which does so when an answer says that it is, where the request accepts one of its codings.
fn coded(request: &Request, answer: Answer) -> Answer {
    let answer = answer.with("vary", "accept-encoding");
    let accepted = request.headers().get("accept-encoding").ok().flatten().unwrap_or_default();
    let accepts = |coding: &str| {
        accepted.split(',').any(|offer| {
            let (name, weight) = offer.split_once(';').unwrap_or((offer, ""));
            let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
            let refused = weight.chars().all(|digit| matches!(digit, '0' | '.'));
            name.trim().eq_ignore_ascii_case(coding) && !refused
        })
    };
    match ["br", "gzip"].into_iter().find(|coding| accepts(coding)) {
        Some(coding) => answer.with("content-encoding", coding),
        None => answer,
    }
}

/// `GET /v1/delta/{from}/{to}`, by hashes of bodies: what makes the one of the other, while both are at hand. Without one the whole
/// body is to be had.
pub(crate) async fn delta(
    edge: &Edge,
    request: &Request,
    context: &Context,
    from: &str,
    to: &str,
) -> Result<Answer, Problem> {
    let caller = admission::admit(edge, request, context).await?;
    let unknown = || Problem::not_found("delta between these bodies: ask for the whole body");
    let held = |text: &str| snapshots::by_body(&edge.settings, &digest(text)?);
    let (from, to) = held(from).zip(held(to)).ok_or_else(unknown)?;
    caller.may_read(from.head.kind)?;
    caller.may_read(to.head.kind)?;
    let delta = make(&from.snapshot, &to.snapshot).map_err(|_| unknown())?;
    Ok(coded(request, Answer::bytes(delta, caching::body(caller.kind))))
}

/// `GET /v1/keyset/{number}`: public.
pub(crate) async fn keyset(
    edge: &Edge,
    context: &Context,
    number: &str,
) -> Result<Answer, Problem> {
    let unknown = || Problem::not_found("keyset of that number");
    // One address for each: `+1` and `01` are none.
    let number = number
        .parse()
        .ok()
        .filter(|parsed: &u32| parsed.to_string() == number)
        .ok_or_else(unknown)?;
    if snapshots::keyset(&edge.settings, number).is_none() {
        // A cold isolate gets its keysets with its first snapshot.
        edge.snapshot(Kind::Edge, context).await?;
    }
    let bytes = snapshots::keyset(&edge.settings, number).ok_or_else(unknown)?;
    Ok(Answer::bytes(bytes, caching::KEYSET))
}
