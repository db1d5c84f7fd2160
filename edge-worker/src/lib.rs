//! Pennon's edge worker: takes signed snapshots from the control plane, verifies them, keeps them in KV and in the
//! isolate's memory, and answers OpenFeature Remote Evaluation and the delivery endpoints with nothing behind it.
//!
//! A request never waits for the control plane while a snapshot is held: it is answered with what is held, and a refresh
//! runs behind the answer.

mod admission;
mod answer;
mod delivery;
mod ofrep;
mod push;
mod refresh;
mod routes;
mod settings;
mod simple;
mod snapshots;
mod sources;
mod status;

use worker::{Context, Env, Request, Response, event};

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    routes::answer(request, &env, &context).await.into_response()
}
