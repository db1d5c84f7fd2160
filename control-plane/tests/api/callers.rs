//! People and programs of a test, and their requests.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};

use crate::support::*;

pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const MEMBERS: &str = "/admin/projects/default/members";
pub(crate) const TOKENS: &str = "/admin/projects/default/tokens";

/// What comes with a request.
#[derive(Clone, Copy)]
pub(crate) enum With<'a> {
    Nothing,
    Cookie(&'a str),
    Bearer(&'a str),
}

/// A request as a page of ours, or a program, makes it. What is written over was looked at just before.
pub(crate) async fn ask(
    server: &Server,
    with: With<'_>,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Answer {
    let mut headers = vec![("sec-fetch-site", "same-origin")];
    let seen = match method {
        Method::PUT | Method::DELETE => server.seen(path).await,
        _ => None,
    };
    headers.extend(seen.as_deref().map(|seen| ("if-match", seen)));
    ask_from(server, with, method, path, body, &headers).await
}

pub(crate) async fn ask_from(
    server: &Server,
    with: With<'_>,
    method: Method,
    path: &str,
    body: Option<Value>,
    headers: &[(&str, &str)],
) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    match with {
        With::Nothing => {}
        With::Cookie(cookie) => request = request.header("cookie", cookie),
        With::Bearer(token) => request = request.header("authorization", format!("Bearer {token}")),
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = match body {
        Some(body) => {
            request = request.header("content-type", "application/json");
            Body::from(body.to_string())
        }
        None => Body::empty(),
    };
    server.send(request.body(body).unwrap()).await
}

/// The cookie that an answer sets, as a browser sends it back.
pub(crate) fn cookie(answer: &Answer) -> String {
    let set = answer.headers["set-cookie"].to_str().unwrap();
    assert!(set.contains("; HttpOnly; SameSite=Lax") && set.contains("; Path=/"), "{set}");
    set.split(';').next().unwrap().to_owned()
}

/// Ada owns the instance; her cookie.
pub(crate) async fn set_up(server: &Server) -> String {
    let owner = json!({ "token": server.token, "email": "Ada@example.com", "name": "Ada", "password": PASSWORD });
    cookie(&ask(server, With::Nothing, Method::POST, "/auth/setup", Some(owner)).await.ok())
}

/// Somebody with this role in the default project; the id and the cookie.
pub(crate) async fn somebody(
    server: &Server,
    ada: &str,
    email: &str,
    role: &str,
) -> (String, String) {
    let new = json!({ "email": email });
    let made =
        ask(server, With::Cookie(ada), Method::POST, "/admin/users", Some(new)).await.ok().json();
    let accepted = json!({ "invitation": made["invitation"], "password": PASSWORD });
    let accepted =
        ask(server, With::Nothing, Method::POST, "/auth/invitation", Some(accepted)).await.ok();
    let member = json!({ "email": email, "role": role });
    ask(server, With::Cookie(ada), Method::POST, MEMBERS, Some(member)).await.ok();
    (made["user"]["id"].as_str().unwrap().to_owned(), cookie(&accepted))
}

pub(crate) async fn sign_in(server: &Server, email: &str, password: &str) -> Answer {
    let credentials = json!({ "email": email, "password": password });
    ask(server, With::Nothing, Method::POST, "/auth/sign-in", Some(credentials)).await
}

pub(crate) async fn me(server: &Server, with: With<'_>) -> Answer {
    ask(server, with, Method::GET, "/auth/me", None).await
}
