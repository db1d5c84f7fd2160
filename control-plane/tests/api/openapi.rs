//! The OpenAPI document: kept as a file, complete, and true of the router.

use axum::body::Body;
use axum::http::{Method, Request};
use pennon_control_plane::router;
use pennon_control_plane::routes::access;
use serde_json::{Value, json};

use crate::support::*;

/// The document as it is kept; what the API promises changes with it, and shows in review.
const KEPT: &str = include_str!("../../openapi.json");
/// Writes the file instead of comparing with it.
const ACCEPT: &str = "PENNON_ACCEPT_OPENAPI";
const METHODS: [Method; 5] =
    [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// Each path with the operations that the document says it has.
fn paths(document: &Value) -> Vec<(&String, &serde_json::Map<String, Value>)> {
    let paths = document["paths"].as_object().unwrap();
    paths.iter().map(|(path, item)| (path, item.as_object().unwrap())).collect()
}

#[test]
fn the_document_is_the_kept_one() {
    let text = format!("{:#}\n", router::openapi());
    if std::env::var_os(ACCEPT).is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json"), text).unwrap();
        return;
    }
    let differing = text.lines().zip(KEPT.lines()).find(|(new, kept)| new != kept);
    assert!(
        text == KEPT,
        "the API is not the one of control-plane/openapi.json: {differing:?}; if that is meant, run this test with {ACCEPT}=1"
    );
}

#[test]
fn every_operation_is_described() {
    let document = router::openapi();
    let mut ids = std::collections::BTreeSet::new();
    let mut seen = 0;
    for (path, operations) in paths(&document) {
        for (method, operation) in operations {
            seen += 1;
            let place = format!("{method} {path}");
            let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{place}: no id"));
            assert!(ids.insert(id.to_owned()), "{place}: {id} is there twice");
            assert!(operation["summary"].is_string(), "{place}: no summary");
            for parameter in operation["parameters"].as_array().unwrap() {
                let name = &parameter["name"];
                assert!(
                    parameter["description"].as_str().is_some_and(|text| !text.is_empty()),
                    "{place}: {name}"
                );
            }
            let responses = operation["responses"].as_object().unwrap();
            let good: Vec<_> =
                responses.iter().filter(|(status, _)| status.starts_with('2')).collect();
            assert!(!good.is_empty(), "{place}: no good answer");
            for (status, response) in good {
                let content = response["content"].as_object();
                let has_body = content.is_some_and(|content| {
                    content
                        .iter()
                        .all(|(kind, body)| kind != "application/json" || !body["schema"].is_null())
                });
                assert!(has_body || status == "204", "{place}: {status} says nothing of its body");
            }
        }
    }
    assert!(seen > 30, "{seen}");
}

/// Who may call what stands in a table of its own: both have the same operations.
#[test]
fn every_operation_has_its_permission() {
    let document = router::openapi();
    let mut described: Vec<(String, &String)> = Vec::new();
    for (path, operations) in paths(&document) {
        described.extend(operations.keys().map(|method| (method.to_uppercase(), path)));
    }
    let owned: Vec<(String, String)> = access::TABLE
        .iter()
        .map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned()))
        .collect();
    let mut permitted: Vec<(String, &String)> =
        owned.iter().map(|(method, path)| (method.clone(), path)).collect();
    described.sort_unstable();
    permitted.sort_unstable();
    assert_eq!(described, permitted);
}

/// What is replaced or deleted is so by who has seen it. Revoking, and ending a session, is right whatever else was changed; people
/// have no versions, and what is said about them is said field by field.
#[test]
fn what_is_written_over_takes_a_version() {
    const WITHOUT: [&str; 4] = ["endSession", "patchUser", "revokeSdkKey", "revokeToken"];
    let document = router::openapi();
    let mut seen = 0;
    for (path, operations) in paths(&document) {
        for (method, operation) in operations {
            let id = operation["operationId"].as_str().unwrap();
            let parameters = operation["parameters"].as_array().unwrap();
            let given = parameters.iter().find(|parameter| parameter["name"] == "If-Match");
            let writes_over = ["put", "patch", "delete"].contains(&method.as_str())
                || path.ends_with("/rollback");
            let needed = writes_over && !WITHOUT.contains(&id);
            assert_eq!(operation["responses"].get("428").is_some(), needed, "{id}");
            assert!(!needed || given.is_some(), "{id}");
            assert!(!WITHOUT.contains(&id) || given.is_none(), "{id}");
            seen += usize::from(needed);
        }
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str));
                map.values().for_each(|inner| walk(inner, found));
            }
            Value::Array(list) => list.iter().for_each(|inner| walk(inner, found)),
            _ => {}
        }
    }
    let document = router::openapi();
    let mut found = Vec::new();
    walk(&document, &mut found);
    assert!(found.len() > 30);
    for reference in found {
        let place = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference}"));
        assert!(document.pointer(place).is_some(), "{reference}");
    }
}

/// The router takes exactly the methods that the document names: anything else is a 405, and nothing that it names is. The router
/// has no way to describe a route without having it (`documented` in router.rs), so no route can be missing here.
#[tokio::test]
async fn the_router_has_what_the_document_says() {
    on_sqlite(async |place: Place| {
        let server = start(&place).await;
        for (path, operations) in paths(&router::openapi()) {
            let path = path.replace(['{', '}'], "");
            for method in METHODS {
                let request = Request::builder().method(method.clone()).uri(&path);
                let answer = server.send(request.body(Body::empty()).unwrap()).await;
                let operation = operations.get(&method.as_str().to_lowercase());
                // What is open to everybody gets as far as to miss its body.
                let open = operation.is_some_and(|operation| operation["security"] == json!([]));
                let expected = match (operation, &method) {
                    (None, _) => 405,
                    (Some(_), &Method::GET) if open => 200,
                    (Some(_), _) if open => 415,
                    (Some(_), _) => 401,
                };
                assert_eq!(answer.status.as_u16(), expected, "{method} {path}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere() {
    on_sqlite(async |place: Place| {
        let server = start(&place).await;
        let page = server.fetch("/admin/docs", None).await.ok();
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"),
            "{policy}"
        );
        let text = std::str::from_utf8(&page.bytes).unwrap();
        let mut files = 0;
        for name in ["src=\"", "href=\""] {
            for part in text.split(name).skip(1) {
                let address = part.split('"').next().unwrap();
                assert!(address.starts_with('/'), "{address}");
                server.fetch(address, None).await.ok();
                files += 1;
            }
        }
        assert_eq!(files, 2);
        assert!(!text.contains("<style") && !text.contains(" on") && !text.contains("style="));
        let document = server.fetch("/admin/openapi.json", None).await.ok().json();
        assert_eq!(document, router::openapi());
    })
    .await;
}
