//! Every endpoint of the edge on one page.

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
    let answered = match segments.as_slice() {
        ["ofrep", "v1", "evaluate", "flags"] if post => {
            return ofrep::bulk(&edge, request, context).await;
        }
        ["ofrep", "v1", "evaluate", "flags", key] if post => {
            let key = percent_decode_str(key).decode_utf8_lossy().into_owned();
            return ofrep::single(&edge, request, context, &key).await;
        }
        ["api", "v1", "flags", "batch"] if post => simple::batch(&edge, request, context).await,
        ["api", "v1", "flags", "batch"] => return wrong_method(POST),
        ["api", "v1", "flags", key] if get => {
            let key = percent_decode_str(key).decode_utf8_lossy().into_owned();
            simple::single(&edge, &request, context, &key).await
        }
        ["api", "v1", "flags", _] => return wrong_method(GET),
        ["v1", "head", environment, kind] if get => match Kind::parse(kind) {
            Some(kind) => delivery::head(&edge, &request, context, environment, kind).await,
            None => Err(Problem::not_found("snapshot of that kind")),
        },
        ["v1", "body", sha256] if get => delivery::body(&edge, &request, context, sha256).await,
        ["v1", "keyset", number] if get => delivery::keyset(&edge, context, number).await,
        ["v1", "delta", from, to] if get => {
            delivery::delta(&edge, &request, context, from, to).await
        }
        ["v1", "stream", environment, kind] if get => match Kind::parse(kind) {
            Some(kind) => stream::heads(&edge, &request, context, environment, kind).await,
            None => Err(Problem::not_found("snapshot of that kind")),
        },
        ["ofrep", "v1", "stream"] if get => stream::evaluations(&edge, &request, context).await,
        ["v1", "push"] if post => push::take(&edge, request).await,
        ["v1", "status"] if get => status::status(&edge, &request, context).await,
        ["healthz"] if get => Ok(status::health(&edge)),
        ["ofrep", "v1", "evaluate", "flags", key @ ..] if key.len() <= 1 => {
            return wrong_method_of_ofrep(key.first().copied());
        }
        ["v1", "push"] => return wrong_method(POST),
        ["v1", "head" | "delta" | "stream", _, _]
        | ["v1", "body" | "keyset", _]
        | ["v1", "status"]
        | ["ofrep", "v1", "stream"]
        | ["healthz"] => return wrong_method(GET),
        _ => Err(Problem::not_found("endpoint")),
    };
    answered.unwrap_or_else(Problem::into_answer)
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
