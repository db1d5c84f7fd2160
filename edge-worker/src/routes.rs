//! Every endpoint of the edge on one page.

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use pennon_core::snapshot::Kind;
use percent_encoding::percent_decode_str;
use worker::{Context, Env, Request};

use crate::answer::{Answer, Problem};
use crate::edge::Edge;
use crate::{delivery, ofrep, push, simple, status, stream};

/// Answers a request; whatever goes wrong is an answer as well.
pub(crate) async fn answer(request: Request, env: &Env, context: &Context) -> Answer {
    // As it was sent: `Request::method` takes a method that it does not know for GET.
    let method = request.inner().method();
    if method == "OPTIONS" {
        return Answer::preflight();
    }
    let path = request.path();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let edge = match Edge::of(env) {
        Ok(edge) => edge,
        Err(sentence) => return Problem::new(500, "misconfigured", sentence).into_answer(),
    };
    let get = matches!(method.as_str(), "GET" | "HEAD");
    let post = method == "POST";
    let edge = &edge;
    // Boxed, so that each endpoint is code of its own: an engine compiles a function whole when it is called first, and one request needs one.
    let answered: LocalBoxFuture<'_, Result<Answer, Problem>> = match segments.as_slice() {
        ["ofrep", "v1", "evaluate", "flags"] if post => {
            Box::pin(ofrep::bulk(edge, request, context).map(Ok))
        }
        ["ofrep", "v1", "evaluate", "flags", key] if post => {
            Box::pin(ofrep::single(edge, request, context, decoded(key)).map(Ok))
        }
        ["api", "v1", "flags", "batch"] if post => Box::pin(simple::batch(edge, request, context)),
        ["api", "v1", "flags", "batch"] => return wrong_method(POST),
        ["api", "v1", "flags", key] if get => {
            Box::pin(simple::single(edge, &request, context, decoded(key)))
        }
        ["api", "v1", "flags", _] => return wrong_method(GET),
        ["v1", "head", environment, kind] if get => match Kind::parse(kind) {
            Some(kind) => Box::pin(delivery::head(edge, &request, context, environment, kind)),
            None => return Problem::not_found("snapshot of that kind").into_answer(),
        },
        ["v1", "body", sha256] if get => Box::pin(delivery::body(edge, &request, context, sha256)),
        ["v1", "keyset", number] if get => Box::pin(delivery::keyset(edge, context, number)),
        ["v1", "delta", from, to] if get => {
            Box::pin(delivery::delta(edge, &request, context, from, to))
        }
        ["v1", "stream", environment, kind] if get => match Kind::parse(kind) {
            Some(kind) => Box::pin(stream::heads(edge, &request, context, environment, kind)),
            None => return Problem::not_found("snapshot of that kind").into_answer(),
        },
        ["ofrep", "v1", "stream"] if get => Box::pin(stream::evaluations(edge, &request, context)),
        ["v1", "push"] if post => Box::pin(push::take(edge, request)),
        ["v1", "status"] if get => Box::pin(status::status(edge, &request, context)),
        ["healthz"] if get => return status::health(edge),
        ["ofrep", "v1", "evaluate", "flags", key @ ..] if key.len() <= 1 => {
            return wrong_method_of_ofrep(key.first().copied());
        }
        ["v1", "push"] => return wrong_method(POST),
        ["v1", "head" | "delta" | "stream", _, _]
        | ["v1", "body" | "keyset", _]
        | ["v1", "status"]
        | ["ofrep", "v1", "stream"]
        | ["healthz"] => return wrong_method(GET),
        _ => return Problem::not_found("endpoint").into_answer(),
    };
    answered.await.unwrap_or_else(Problem::into_answer)
}

fn decoded(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

/// What a path allows that is read, and what one does that is written to.
const GET: &str = "GET, HEAD";
const POST: &str = "POST";

fn wrong_method(allowed: &'static str) -> Answer {
    method_problem(allowed).into_answer().with("allow", allowed)
}

/// The problem document in which OFREP's clients find what they look for as well.
fn wrong_method_of_ofrep(flag: Option<&str>) -> Answer {
    let problem = method_problem(POST);
    let members = problem.ofrep_members(flag);
    problem.members(members).into_answer().with("allow", POST)
}

fn method_problem(allowed: &str) -> Problem {
    Problem::new(405, "method-not-allowed", format!("Use {allowed} here."))
}
