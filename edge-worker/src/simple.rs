//! The simple evaluation API over HTTP. What is read and answered is core's (`pennon_core::protocol::simple`), the same as the control
//! plane's.

use pennon_core::protocol::connection::hex;
use pennon_core::protocol::ofrep::{Evaluation, MAX_REQUEST_BYTES};
use pennon_core::protocol::simple::{self, Environment};
use pennon_core::snapshot::Kind;
use worker::{Context, Request};

use crate::admission::{self, Caller};
use crate::answer::{Answer, Problem};
use crate::edge::{Edge, now};
use crate::ofrep::read_body;

/// `GET /api/v1/flags/{key}`
pub(crate) async fn single(
    edge: &Edge,
    request: &Request,
    context: &Context,
    flag: String,
) -> Result<Answer, Problem> {
    let caller = admission::admit(edge, request, context).await?;
    let url = request.inner().url();
    let query = admission::query(&url);
    answer(edge, request, context, &caller, |evaluation, environment| {
        simple::single(evaluation, environment, &flag, query)
    })
    .await
}

/// `POST /api/v1/flags/batch`
pub(crate) async fn batch(
    edge: &Edge,
    mut request: Request,
    context: &Context,
) -> Result<Answer, Problem> {
    let caller = admission::admit(edge, &request, context).await?;
    let body = read_body(&mut request, MAX_REQUEST_BYTES).await?;
    answer(edge, &request, context, &caller, |evaluation, environment| {
        simple::batch(evaluation, environment, &body)
    })
    .await
}

async fn answer(
    edge: &Edge,
    request: &Request,
    context: &Context,
    caller: &Caller,
    evaluate: impl FnOnce(Evaluation<'_>, Environment<'_>) -> pennon_core::protocol::Response,
) -> Result<Answer, Problem> {
    let held = edge.snapshot(Kind::Edge, context).await?;
    let id = hex(&held.head.environment);
    let known = caller.known(edge, request, &held);
    let evaluation = Evaluation {
        snapshot: &held.snapshot,
        head: &held.head,
        client: caller.kind == Kind::Client,
        now: now(),
        known: known.as_ref(),
    };
    let environment = Environment { id: &id, key: edge.settings.environment.as_deref() };
    Ok(evaluate(evaluation, environment).into())
}
