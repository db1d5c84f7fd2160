//! Lists: search, filters, order and pages that neither skip nor repeat.

use serde_json::{Value, json};

use crate::support::*;

on_both_databases!(
    pages_neither_skip_nor_repeat,
    flags_are_found_by_what_they_are,
    documents_are_listed_alike,
    what_a_list_does_not_know_is_refused,
);

const FLAGS: &str = "/admin/projects/default/flags";

/// Every item of every page.
async fn walk(server: &Server, path: &str) -> Vec<Value> {
    let mark = if path.contains('?') { '&' } else { '?' };
    let (mut items, mut cursor, mut total) = (Vec::new(), String::new(), None);
    loop {
        let page = server.get(&format!("{path}{cursor}")).await.ok().json();
        let told = page["total"].as_u64().unwrap();
        assert_eq!(*total.get_or_insert(told), told, "{path}");
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("{mark}cursor={next}"),
            None => break,
        }
    }
    assert_eq!(total, Some(items.len() as u64), "{path}");
    items
}

fn keys(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["key"].as_str().unwrap()).collect()
}

async fn pages_neither_skip_nor_repeat(place: Place) {
    let server = start(&place).await;
    // Names and times that are equal, so that keys must decide.
    let all: Vec<String> = (0..23).map(|number| format!("flag-{number:02}")).collect();
    for (number, key) in all.iter().enumerate() {
        server.app.clock.advance(i64::from(number % 4 == 0));
        let name = format!("Name {}", 9 - number / 5);
        let definition = json!({ "type": "boolean", "name": name });
        server.post(FLAGS, json!({ "key": key, "definition": definition })).await.ok();
    }
    for sort in ["key", "-key", "name", "-name", "createdAt", "-createdAt", "updatedAt"] {
        let whole = walk(&server, &format!("{FLAGS}?sort={sort}&limit=200")).await;
        let pages = walk(&server, &format!("{FLAGS}?sort={sort}&limit=3")).await;
        assert_eq!(whole, pages, "{sort}");
        // A search counts and cuts in one go.
        let found = walk(&server, &format!("{FLAGS}?sort={sort}&limit=3&search=flag")).await;
        assert_eq!(whole, found, "{sort}");
        let mut seen = keys(&pages);
        let value = |item: &Value| match sort.trim_start_matches('-') {
            "key" => item["key"].clone(),
            "name" => item["definition"]["name"].clone(),
            field => item[field].clone(),
        };
        let ordered = |a: &Value, b: &Value| match (value(a), value(b)) {
            (Value::String(a), Value::String(b)) => a <= b,
            (a, b) => a.as_i64().unwrap() <= b.as_i64().unwrap(),
        };
        for pair in pages.windows(2) {
            let [a, b] = pair else { continue };
            assert!(if sort.starts_with('-') { ordered(b, a) } else { ordered(a, b) }, "{sort}");
        }
        seen.sort_unstable();
        assert_eq!(seen, all, "{sort}");
    }
    // What is added behind the cursor shows, what is added before it does not come twice.
    let first = server.get(&format!("{FLAGS}?limit=10")).await.ok().json();
    server.boolean_flag("flag-00-b").await;
    server.boolean_flag("flag-22-b").await;
    let next = first["next"].as_str().unwrap();
    let rest = server.get(&format!("{FLAGS}?limit=100&cursor={next}")).await.ok().json();
    assert_eq!(rest["items"].as_array().unwrap().len(), 14);
    // Behind the last one there is nothing, and there are as many as before.
    let first = server.get(&format!("{FLAGS}?search=22&limit=1")).await.ok().json();
    assert_eq!((&first["total"], first["items"].as_array().unwrap().len()), (&json!(2), 1));
    let next = first["next"].as_str().unwrap();
    server.post(&format!("{FLAGS}/flag-22-b/archive"), Value::Null).await.ok();
    let behind = server.get(&format!("{FLAGS}?search=22&limit=1&cursor={next}")).await.ok().json();
    assert_eq!((&behind["total"], &behind["items"]), (&json!(1), &json!([])));
}

async fn flags_are_found_by_what_they_are(place: Place) {
    let server = start(&place).await;
    for (key, definition) in [
        (
            "checkout",
            json!({ "type": "boolean", "name": "New Checkout", "tags": ["web", "pay"], "owner": "ada" }),
        ),
        (
            "banner",
            json!({ "type": "string", "description": "100 % KÄSE_x", "tags": ["web"], "owner": "grace", "variants": [{ "key": "a", "value": "x" }] }),
        ),
        (
            "limit",
            json!({ "type": "number", "temporary": true, "expectedEnd": NOW - 1, "variants": [{ "key": "a", "value": 1 }] }),
        ),
        ("trial", json!({ "type": "boolean", "temporary": true, "expectedEnd": NOW + 1 })),
    ] {
        server.post(FLAGS, json!({ "key": key, "definition": definition })).await.ok();
    }
    server.turn("checkout", "on").await.ok();
    server.boolean_flag("old").await;
    server.post(&format!("{FLAGS}/old/archive"), Value::Null).await;
    for (query, expected) in [
        ("", vec!["banner", "checkout", "limit", "trial"]),
        ("search=CHECK", vec!["checkout"]),
        ("search=k%C3%A4se", vec!["banner"]),
        ("search=100%20%25", vec!["banner"]),
        ("search=%25k", vec![]),
        ("search=e_x", vec!["banner"]),
        ("search=s_x", vec![]),
        ("search=grace", vec!["banner"]),
        ("search=pay", vec!["checkout"]),
        ("search=%5C", vec![]),
        ("search='", vec![]),
        ("tag=web", vec!["banner", "checkout"]),
        ("tag=we", vec![]),
        ("tag=web&owner=ada", vec!["checkout"]),
        ("owner=nobody", vec![]),
        ("type=boolean", vec!["checkout", "trial"]),
        ("type=string&search=x", vec!["banner"]),
        ("expired=true", vec!["limit"]),
        ("expired=false", vec!["banner", "checkout", "limit", "trial"]),
        ("archived=true", vec!["old"]),
        ("enabledIn=development", vec!["checkout"]),
        ("enabledIn=production", vec![]),
        ("disabledIn=development", vec!["banner", "limit", "trial"]),
        ("disabledIn=development&type=number", vec!["limit"]),
    ] {
        let found = walk(&server, &format!("{FLAGS}?{query}")).await;
        assert_eq!(keys(&found), expected, "{query}");
    }
    let list = walk(&server, FLAGS).await;
    let checkout = &list[1];
    assert_eq!(
        checkout["environments"]["development"],
        json!({ "enabled": true, "version": 6, "updatedAt": NOW })
    );
    assert_eq!(checkout["environments"]["production"]["enabled"], json!(false));
    let shown = server.get(&format!("{FLAGS}/checkout")).await.ok().json();
    assert_eq!(checkout["definition"], shown["definition"]);
    // What is changed is found by what it is now.
    let tags = json!({ "tags": ["mobile"], "owner": null, "name": "Till" });
    server.patch(&format!("{FLAGS}/checkout"), tags).await.ok();
    for (query, expected) in
        [("tag=pay", 0), ("tag=mobile", 1), ("search=till", 1), ("search=ada", 0)]
    {
        assert_eq!(walk(&server, &format!("{FLAGS}?{query}")).await.len(), expected, "{query}");
    }
    let here = format!("{DEVELOPMENT}/flags");
    for (query, expected) in
        [("", 4), ("search=till", 1), ("enabled=true", 1), ("enabled=false", 3)]
    {
        assert_eq!(
            walk(&server, &format!("{here}?{query}&limit=2")).await.len(),
            expected,
            "{query}"
        );
    }
}

async fn documents_are_listed_alike(place: Place) {
    let server = start(&place).await;
    for (kind, definition) in [
        ("segments", json!({ "included": ["u"] })),
        ("attributes", json!({ "type": "string" })),
        ("layers", json!({})),
        ("holdouts", json!({ "weight": 1 })),
    ] {
        let path = format!("/admin/projects/default/{kind}");
        for number in 0..7 {
            server.put(&format!("{path}/d-{number}"), definition.clone()).await.ok();
        }
        assert_eq!(
            walk(&server, &format!("{path}?limit=2&sort=-updatedAt")).await.len(),
            7,
            "{kind}"
        );
        let found = walk(&server, &format!("{path}?search=D-3")).await;
        assert_eq!(keys(&found), ["d-3"], "{kind}");
        assert!(walk(&server, &format!("{path}?archived=true")).await.is_empty());
    }
    // A page of large items ends earlier than its limit, and never without one.
    for number in 0..8 {
        let keys: Vec<String> = (0..10_000).map(|key| format!("{number}{key:0100}")).collect();
        let path = format!("/admin/projects/default/segments/large-{number}");
        server.put(&path, json!({ "included": keys })).await.ok();
    }
    let path = "/admin/projects/default/segments?search=large&limit=8";
    let page = server.get(path).await.ok();
    assert!(page.bytes.len() < 6_000_000, "{}", page.bytes.len());
    assert!((1..8).contains(&page.json()["items"].as_array().unwrap().len()));
    assert_eq!(walk(&server, path).await.len(), 8);
}

async fn what_a_list_does_not_know_is_refused(place: Place) {
    let server = start(&place).await;
    for kind in
        ["flags", "segments", "attributes", "layers", "holdouts", "environments/development/flags"]
    {
        for (query, field) in [
            ("colour=red", "colour"),
            ("limit=0", "limit"),
            ("limit=1001", "limit"),
            ("limit=x", "limit"),
            ("sort=colour", "sort"),
            ("cursor=x", "cursor"),
            ("search=%00", "search"),
        ] {
            let refused = server.get(&format!("/admin/projects/default/{kind}?{query}")).await;
            assert_eq!(refused.problem().0, 422, "{kind} {query}");
            assert_eq!(refused.json()["field"], field, "{kind} {query}");
        }
    }
    for (query, status) in [
        ("enabledIn=nowhere", 404),
        ("type=text", 422),
        ("enabledIn=production&disabledIn=production", 422),
        ("archived=1", 422),
    ] {
        assert_eq!(server.get(&format!("{FLAGS}?{query}")).await.problem().0, status, "{query}");
    }
}
