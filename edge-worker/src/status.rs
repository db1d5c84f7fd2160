//! What this isolate runs, and what went wrong lately.

use pennon_core::protocol::connection::hex;
use pennon_core::snapshot::Kind;
use serde_json::{Value, json};
use worker::{Context, Request};

use crate::admission;
use crate::answer::{Answer, Problem};
use crate::edge::{Edge, now};
use crate::push;
use crate::snapshots;

/// `GET /v1/status`, for the holder of the push key, of an edge key or of a server key.
pub(crate) async fn status(
    edge: &Edge,
    request: &Request,
    context: &Context,
) -> Result<Answer, Problem> {
    if push::admit(edge, request).is_err() {
        admission::admit(edge, request, context).await?.may_read(Kind::Server)?;
    }
    let settings = &edge.settings;
    let now = now();
    let snapshots: Vec<Value> = Kind::ALL
        .into_iter()
        .filter_map(|kind| {
            let held = snapshots::current(settings, kind)?;
            Some(json!({
                "kind": kind.as_str(),
                "epoch": held.head.epoch,
                "version": held.head.version,
                "flags": held.snapshot.flag_count(),
                "bodySha256": hex(&held.head.body_sha256),
                "keyset": held.head.keyset,
                "ageMs": now - held.head.created,
                "stale": now > held.head.refresh_by,
                "stored": snapshots::is_stored(settings, kind),
                "checkedAt": snapshots::checked_at(settings, kind),
            }))
        })
        .collect();
    let (counts, newest) = snapshots::failures(settings);
    let newest: Vec<Value> = newest
        .into_iter()
        .map(|failure| {
            json!({
                "code": failure.code,
                "detail": failure.detail,
                "kind": failure.kind.as_str(),
                "at": failure.at,
            })
        })
        .collect();
    Ok(Answer::json(
        200,
        &json!({
            "environment": hex(&settings.connection.environment),
            "now": now,
            "snapshots": snapshots,
            "deltas": snapshots::deltas(settings),
            "crashed": snapshots::remember_crashed(settings, &[]).iter().map(|body| hex(body)).collect::<Vec<_>>(),
            "failures": counts,
            "newestFailures": newest,
        }),
    ))
}

/// `GET /healthz`: the Worker answers. Whether it holds a snapshot is said, and never a reason to take it out of service.
pub(crate) fn health(edge: &Edge) -> Answer {
    let serving = snapshots::current(&edge.settings, Kind::Edge).is_some();
    Answer::json(200, &json!({ "status": "ok", "serving": serving }))
}
