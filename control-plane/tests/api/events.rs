//! What is changed in a project, told to those who watch it.

use axum::body::Body;
use axum::http::{Method, Request};
use pennon_control_plane::app::MAX_WATCHERS;
use pennon_control_plane::router::router;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::callers::*;
use crate::streams::Events;
use crate::support::*;

on_both_databases!(
    changes_are_told_as_they_commit,
    a_break_loses_nothing,
    other_projects_are_not_told_of,
    who_may_no_longer_watch_hears_nothing,
    another_replica_tells_too,
    watchers_are_bounded,
);

const EVENTS: &str = "/admin/projects/default/events";

async fn watch(server: &Server, headers: &[(&str, &str)]) -> Result<Events, u16> {
    let mut request = Request::get(EVENTS);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).unwrap();
    let answer = router(server.app.clone()).oneshot(request).await.unwrap();
    if !answer.status().is_success() {
        return Err(answer.status().as_u16());
    }
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    Ok(Events::of(answer.into_body()))
}

fn bearer(server: &Server) -> String {
    format!("Bearer {}", server.token)
}

/// The event's name, id and data.
fn read(event: &str) -> (String, Option<i64>, Value) {
    let field = |name: &str| {
        let line = event.lines().find_map(|line| line.strip_prefix(name));
        line.map(|rest| rest.trim().to_owned())
    };
    let id = field("id:").map(|id| id.parse().unwrap());
    (field("event:").unwrap(), id, serde_json::from_str(&field("data:").unwrap()).unwrap())
}

async fn next(events: &mut Events) -> (String, Option<i64>, Value) {
    read(&events.next().await.expect("an event"))
}

async fn changes_are_told_as_they_commit(place: Place) {
    let server = start(&place).await;
    let mut events = watch(&server, &[("authorization", &bearer(&server))]).await.unwrap();
    let (name, _, ready) = next(&mut events).await;
    assert_eq!((name.as_str(), ready), ("ready", json!({ "version": 1 })));
    server.boolean_flag("a").await;
    let body = json!({ "operations": [{ "op": "turnOn" }], "comment": "it is time" });
    server.post(&format!("{DEVELOPMENT}/flags/a/operations"), body).await.ok();
    let (name, id, told) = next(&mut events).await;
    assert_eq!((name.as_str(), id), ("change", Some(2)));
    let expected = json!({ "version": 2, "at": NOW, "author": "token:admin", "action": "flag.created", "target": "a" });
    assert_eq!(told, expected);
    let (_, id, told) = next(&mut events).await;
    assert_eq!(id, Some(3));
    assert_eq!(told["environment"], json!("development"));
    assert_eq!(told["comment"], json!("it is time"));
    server.app.stopping.send_replace(true);
    assert_eq!(events.next().await, None);
}

async fn a_break_loses_nothing(place: Place) {
    let server = start(&place).await;
    for key in ["a", "b", "c"] {
        server.boolean_flag(key).await;
    }
    let token = bearer(&server);
    let after = |seen: &'static str| [("authorization", token.as_str()), ("last-event-id", seen)];
    let mut events = watch(&server, &after("2")).await.unwrap();
    assert_eq!(next(&mut events).await.2, json!({ "version": 2 }));
    assert_eq!(next(&mut events).await.2["target"], json!("b"));
    assert_eq!(next(&mut events).await.2["target"], json!("c"));
    // What is no number of a change begins now.
    for seen in ["99", "-1", "two", ""] {
        let mut events = watch(&server, &after(seen)).await.unwrap();
        assert_eq!(next(&mut events).await.2, json!({ "version": 4 }), "{seen:?}");
    }
}

async fn other_projects_are_not_told_of(place: Place) {
    let server = start(&place).await;
    server.post("/admin/projects", json!({ "key": "other" })).await.ok();
    let mut events = watch(&server, &[("authorization", &bearer(&server))]).await.unwrap();
    next(&mut events).await;
    let flag = json!({ "key": "theirs", "definition": { "type": "boolean" } });
    server.post("/admin/projects/other/flags", flag).await.ok();
    server.boolean_flag("ours").await;
    assert_eq!(next(&mut events).await.2["target"], json!("ours"));
}

async fn who_may_no_longer_watch_hears_nothing(place: Place) {
    let server = start(&place).await;
    assert_eq!(watch(&server, &[]).await.err(), Some(401));
    let ada = set_up(&server).await;
    let (gone, of_gone) = somebody(&server, &ada, "gone@example.com", "viewer").await;
    let (_, of_out) = somebody(&server, &ada, "out@example.com", "viewer").await;
    let mut ended = watch(&server, &[("cookie", &of_out)]).await.unwrap();
    let mut removed = watch(&server, &[("cookie", &of_gone)]).await.unwrap();
    for events in [&mut ended, &mut removed] {
        assert_eq!(next(events).await.0, "ready");
    }
    ask(&server, With::Cookie(&of_out), Method::POST, "/auth/sign-out", None).await.ok();
    server.delete(&format!("{MEMBERS}/{gone}")).await.ok();
    server.boolean_flag("secret").await;
    assert_eq!(ended.next().await, None);
    assert_eq!(removed.next().await, None);
    assert_eq!(watch(&server, &[("cookie", &of_gone)]).await.err(), Some(404));
}

async fn another_replica_tells_too(place: Place) {
    let (one, other) = (start(&place).await, start(&place).await);
    let mut events = watch(&other, &[("authorization", &bearer(&one))]).await.unwrap();
    next(&mut events).await;
    one.boolean_flag("a").await;
    // As Redis, or the look every two seconds, calls.
    other.app.live.anything();
    assert_eq!(next(&mut events).await.2["target"], json!("a"));
}

async fn watchers_are_bounded(place: Place) {
    let server = start(&place).await;
    let count = u32::try_from(MAX_WATCHERS).unwrap();
    let full = server.app.watchers.try_acquire_many(count).unwrap();
    assert_eq!(watch(&server, &[("authorization", &bearer(&server))]).await.err(), Some(503));
    drop(full);
    let events = watch(&server, &[("authorization", &bearer(&server))]).await.unwrap();
    assert_eq!(server.app.watchers.available_permits(), MAX_WATCHERS - 1);
    drop(events);
    assert_eq!(server.app.watchers.available_permits(), MAX_WATCHERS);
}
