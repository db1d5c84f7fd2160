//! Pennon's edge worker: takes signed snapshots from the control plane, verifies them, keeps them in KV and in the
//! isolate's memory, and answers OpenFeature Remote Evaluation and the delivery endpoints with nothing behind it.
//!
//! A request never waits for the control plane while a snapshot is held: it is answered with what is held, and a refresh
//! runs behind the answer.

mod admission;
mod answer;
mod attributes;
mod delivery;
mod edge;
mod failed;
mod held;
mod host;
mod hub;
mod limits;
mod ofrep;
mod push;
mod refresh;
mod restore;
mod routes;
mod settings;
mod simple;
mod snapshots;
mod sources;
mod status;
mod stream;

use worker::{Context, Env, Request, Response, event};

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    let origin = request.headers().get("origin")?;
    routes::answer(request, &env, &context).await.into_response(&env, origin.as_deref())
}
