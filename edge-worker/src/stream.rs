//! Streams: the caller is admitted here, and the environment's Durable Object does the rest.

use pennon_core::protocol::access::Denied;
use pennon_core::protocol::connection::id;
use pennon_core::snapshot::Kind;
use worker::{Context, Request};

use crate::admission::{self, Caller};
use crate::answer::{Answer, Problem};
use crate::edge::Edge;
use crate::hub::{self, Frames};

/// When the Durable Object holds as many streams as it may, or is gone for a moment.
const RETRY_AFTER_S: u32 = 5;

/// `GET /v1/stream/{environment}/{kind}`, as server-sent events or, when asked to upgrade, over WebSocket.
pub(crate) async fn heads(
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
    // Nothing to tell of is an answer now, not a silent stream.
    edge.snapshot(kind, context).await?;
    open(edge, request, kind, Frames::Heads, &caller).await
}

/// `GET /ofrep/v1/stream`: tells OpenFeature's web client when to ask again.
pub(crate) async fn evaluations(
    edge: &Edge,
    request: &Request,
    context: &Context,
) -> Result<Answer, Problem> {
    let caller = admission::admit(edge, request, context).await?;
    edge.snapshot(Kind::Edge, context).await?;
    open(edge, request, Kind::Edge, Frames::Evaluations, &caller).await
}

async fn open(
    edge: &Edge,
    request: &Request,
    kind: Kind,
    frames: Frames,
    caller: &Caller,
) -> Result<Answer, Problem> {
    let stub = edge.hub().ok_or_else(|| {
        Problem::not_found("stream (this edge has no Durable Object PENNON_HUB): poll the head")
    })?;
    let opened = hub::stream(&stub, request, kind, frames, &caller.key_sha256).await;
    match opened {
        Ok(response) if response.status_code() == 503 => Err(Problem::new(
            503,
            "too-many-streams",
            "this edge holds as many streams as it may: poll the head, and try again later",
        )
        .retry_after(RETRY_AFTER_S)),
        Ok(response) => Ok(response.into()),
        Err(error) => {
            let unavailable = Problem::new(503, error.code, error.detail.clone());
            edge.note(kind, &error.into());
            Err(unavailable.retry_after(RETRY_AFTER_S))
        }
    }
}
