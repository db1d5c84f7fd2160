//! OpenFeature Remote Evaluation over HTTP. What the bodies say, and what the ETag covers, is core's
//! (`pennon_core::protocol::ofrep`), the same as the control plane's.

use futures_util::StreamExt;
use pennon_core::outcome::ErrorCode;
use pennon_core::protocol::ofrep::{self, Evaluation, MAX_REQUEST_BYTES};
use pennon_core::snapshot::Kind;
use serde_json::{Map, Value};
use worker::{ByteStream, Context, Request};

use crate::admission::{self, Caller, query};
use crate::answer::{Answer, Problem};
use crate::edge::{Edge, now};
use crate::snapshots::Held;
use crate::sources::within;

/// `POST /ofrep/v1/evaluate/flags/{key}`
pub(crate) async fn single(
    edge: &Edge,
    request: Request,
    context: &Context,
    flag: String,
) -> Answer {
    match evaluate(edge, request, context, Some(&flag)).await {
        Ok(answer) => answer,
        Err(problem) => problem.into_ofrep_answer(Some(&flag)),
    }
}

/// `POST /ofrep/v1/evaluate/flags`
pub(crate) async fn bulk(edge: &Edge, request: Request, context: &Context) -> Answer {
    match evaluate(edge, request, context, None).await {
        Ok(answer) => answer,
        Err(problem) => problem.into_ofrep_answer(None),
    }
}

async fn evaluate(
    edge: &Edge,
    mut request: Request,
    context: &Context,
    flag: Option<&str>,
) -> Result<Answer, Problem> {
    let caller = admission::admit(edge, &request, context).await?;
    let body = read_body(&mut request, MAX_REQUEST_BYTES).await?;
    let held = match heard_of(&request.inner().url()) {
        Some(version) => edge.snapshot_since(Kind::Edge, version, context).await?,
        None => edge.snapshot(Kind::Edge, context).await?,
    };
    let known = caller.known(edge, &request, &held);
    let if_none_match = request.headers().get("if-none-match").ok().flatten();
    Ok(respond(edge, &caller, &held, known.as_ref(), flag, &body, if_none_match))
}

/// Evaluates one flag, or all of them.
pub(crate) fn respond(
    edge: &Edge,
    caller: &Caller,
    held: &Held,
    known: Option<&Map<String, Value>>,
    flag: Option<&str>,
    body: &[u8],
    if_none_match: Option<String>,
) -> Answer {
    let evaluation = Evaluation {
        snapshot: &held.snapshot,
        head: &held.head,
        client: caller.kind == Kind::Client,
        now: now(),
        known,
    };
    #[cfg(feature = "crash")]
    crash(held, flag);
    let response = match flag {
        Some(key) => ofrep::single(evaluation, key, body),
        None => {
            let events = events(edge, caller);
            ofrep::bulk(evaluation, body, if_none_match.as_deref(), events.as_deref())
        }
    };
    // For one context and one key: nobody in between may keep it.
    Answer::from(response).with("cache-control", "private, no-cache")
}

/// Dies of a flag that is there for it.
#[cfg(feature = "crash")]
#[expect(clippy::panic, reason = "it is there to panic")]
fn crash(held: &Held, flag: Option<&str>) {
    const DEADLY: &str = "crash-the-evaluator";
    if flag.is_none_or(|key| key == DEADLY) && held.snapshot.find(DEADLY).is_some() {
        panic!("asked for {DEADLY}");
    }
}

/// The version that a stream told the caller of: `flagConfigEtag`, which hub.mjs makes of epoch and version.
fn heard_of(url: &str) -> Option<(u32, u64)> {
    let tag = query(url).split('&').find_map(|pair| pair.strip_prefix("flagConfigEtag="))?;
    let (epoch, version) = tag.split_once('.')?;
    Some((epoch.parse().ok()?, version.parse().ok()?))
}

/// Where the caller hears of changes. `EventSource` sends no headers, so the key goes into the address, where only a public one may be.
fn events(edge: &Edge, caller: &Caller) -> Option<String> {
    let told = caller.kind == Kind::Client && edge.has_hub();
    told.then(|| format!("/ofrep/v1/stream?key={}", caller.key))
}

/// How much is read of what goes over the limit, and for how long, so that the caller can go on with its connection: as in unread.mjs.
const MAX_DISCARDED_BYTES: usize = 1024 * 1024;
const DISCARD_TIMEOUT_MS: u64 = 1_000;

/// A request body of at most `limit` bytes.
pub(crate) async fn read_body(request: &mut Request, limit: usize) -> Result<Vec<u8>, Problem> {
    let too_large = || {
        Problem::new(413, "body-too-large", format!("send at most {limit} bytes"))
            .error_code(ErrorCode::InvalidContext)
    };
    let broken = |error: worker::Error| {
        Problem::new(400, "body-unreadable", format!("the request body breaks off: {error}"))
            .error_code(ErrorCode::ParseError)
    };
    let announced = request.headers().get("content-length").ok().flatten();
    if let Some(length) = announced.and_then(|length| length.parse::<usize>().ok()) {
        // The runtime holds the sender to it, so the body can be taken whole.
        return if length > limit {
            Err(too_large())
        } else {
            request.bytes().await.map_err(broken)
        };
    }
    if request.inner().body().is_none() {
        return Ok(Vec::new());
    }
    let mut bytes = Vec::new();
    let mut stream = request.stream().map_err(broken)?;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(broken)?;
        if bytes.len() + chunk.len() > limit {
            within(DISCARD_TIMEOUT_MS, discard(stream)).await;
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Reads on to the end of a body that turned out too long. One that nobody began to read is left to unread.mjs.
async fn discard(mut stream: ByteStream) {
    let mut read = 0;
    while let Some(Ok(chunk)) = stream.next().await {
        read += chunk.len();
        if read > MAX_DISCARDED_BYTES {
            break;
        }
    }
}
