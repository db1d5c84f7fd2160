//! Named operations through the API, alone and by many at once.

use axum::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::*;

on_both_databases!(
    operations_are_one_change,
    different_rules_do_not_collide,
    a_rule_that_changed_since_is_named,
    refused_operations_change_nothing,
    keys_of_a_segment,
    many_writers_lose_nothing,
);

const PROJECT: &str = "/admin/projects/default";

fn path(flag: &str) -> String {
    format!("{DEVELOPMENT}/flags/{flag}")
}

async fn operate(server: &Server, flag: &str, operations: Value) -> Answer {
    let body = json!({ "operations": operations });
    server.post(&format!("{}/operations", path(flag)), body).await
}

fn rule(id: &str, variant: &str) -> Value {
    let when = json!({ "equals": { "attribute": "plan", "value": id } });
    json!({ "op": "addRule", "rule": { "id": id, "when": when, "serve": { "variant": variant } } })
}

fn rule_ids(answer: &Answer) -> Vec<String> {
    let answer = answer.json();
    let rules = answer["configuration"]["rules"].as_array().unwrap();
    rules.iter().map(|rule| rule["id"].as_str().unwrap().to_owned()).collect()
}

async fn operations_are_one_change(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    let list = json!([{ "op": "turnOn" }, rule("x", "off"), rule("y", "off"), { "op": "moveRule", "id": "y", "position": 0 }]);
    let body = json!({ "operations": list, "comment": " three at once " });
    let done = server.post(&format!("{}/operations", path("a")), body).await.ok();
    assert_eq!(done.headers["etag"], "\"3\"");
    assert_eq!(rule_ids(&done), ["y", "x"]);
    assert_eq!(done.json()["revision"], json!(3));
    let versions = server.get(&format!("{}/versions", path("a"))).await.ok().json();
    let newest = &versions["items"][0];
    assert_eq!(newest["version"], json!(3));
    assert_eq!(newest["comment"], json!("three at once"));
    assert_eq!(newest["author"], json!("token:admin"));
    assert_eq!(
        newest["changes"],
        json!([
            "turned on",
            "added rule \"y\" at 1: if plan is y, serve off",
            "added rule \"x\" at 2: if plan is x, serve off"
        ])
    );
    // What changes nothing is no change.
    let same = operate(&server, "a", json!([{ "op": "turnOn" }])).await.ok();
    assert_eq!(same.headers["etag"], "\"3\"");
    server.publish().await;
    assert_eq!(server.published_value("a").await, Some(json!(true)));
}

async fn different_rules_do_not_collide(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    operate(&server, "a", json!([rule("x", "on"), rule("y", "on")])).await.ok();
    // Both saw version 3.
    let change = |rule: &str| json!({ "basedOn": 3, "operations": [{ "op": "setRuleServe", "id": rule, "serve": { "variant": "off" } }] });
    let operations = format!("{}/operations", path("a"));
    server.post(&operations, change("x")).await.ok();
    let both = server.post(&operations, change("y")).await.ok().json();
    for rule in both["configuration"]["rules"].as_array().unwrap() {
        assert_eq!(rule["serve"], json!({ "variant": "off" }));
    }
}

async fn a_rule_that_changed_since_is_named(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    operate(&server, "a", json!([rule("x", "on")])).await.ok();
    let operations = format!("{}/operations", path("a"));
    let mine = json!({ "basedOn": 3, "operations": [{ "op": "turnOn" }, { "op": "removeRule", "id": "x" }] });
    operate(
        &server,
        "a",
        json!([{ "op": "setRuleServe", "id": "x", "serve": { "variant": "off" } }]),
    )
    .await
    .ok();
    let lost = server.post(&operations, mine.clone()).await;
    assert_eq!(lost.problem(), (412, "changed-since".to_owned()));
    assert_eq!(lost.json()["field"], json!("operations[1]"));
    assert!(lost.json()["detail"].as_str().unwrap().contains("rule \"x\""), "{lost:?}");
    assert_eq!(lost.json()["current"]["version"], json!(4));
    assert_eq!(server.get(&path("a")).await.ok().json()["enabled"], json!(false));
    // If-Match is about the whole.
    let tag = Some("\"3\"");
    let lost = server
        .admin_if(
            Method::POST,
            &operations,
            Some(json!({ "operations": [{ "op": "turnOn" }] })),
            tag,
        )
        .await;
    assert_eq!(lost.problem().0, 412);
    let mut now = mine.clone();
    now["basedOn"] = json!(4);
    server.post(&operations, now).await.ok();
    // The rule is gone now, for whoever comes without a version.
    let gone = server
        .post(&operations, json!({ "operations": [{ "op": "removeRule", "id": "x" }] }))
        .await;
    assert_eq!(gone.problem(), (409, "conflict".to_owned()));
    assert_eq!(gone.json()["field"], json!("operations[0].id"));
    let never = json!({ "basedOn": 1, "operations": [{ "op": "turnOff" }] });
    assert_eq!(server.post(&operations, never).await.json()["field"], json!("basedOn"));
}

async fn refused_operations_change_nothing(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    let before = server.get(&format!("{PROJECT}/audit")).await.ok().json();
    let operations = format!("{}/operations", path("a"));
    let many: Vec<Value> = (0..101).map(|_| json!({ "op": "turnOn" })).collect();
    for (body, status, field) in [
        (json!({ "operations": [] }), 422, "operations"),
        (json!({ "operations": many }), 422, "operations"),
        (json!({ "operations": [{ "op": "turnOn" }, { "op": "explode" }] }), 422, "operations[1]"),
        (json!({ "operations": [{ "op": "turnOn", "now": true }] }), 422, "operations[0]"),
        (
            json!({ "operations": [{ "op": "turnOn" }], "comment": "x".repeat(1_001) }),
            422,
            "comment",
        ),
        (json!({ "operations": [{ "op": "turnOn" }], "comment": "a\u{0}b" }), 422, "comment"),
        (
            json!({ "operations": [{ "op": "turnOn" }, { "op": "setOffVariant", "variant": "gone" }] }),
            422,
            "offVariant",
        ),
        (
            json!({ "operations": [{ "op": "setFallthrough", "serve": { "variant": 1 } }] }),
            422,
            "operations[0].serve",
        ),
        (json!({ "operations": [{ "op": "removeRule", "id": "x" }] }), 409, "operations[0].id"),
    ] {
        let refused = server.post(&operations, body.clone()).await;
        assert_eq!(refused.problem().0, status, "{body}");
        let named = refused.json()["field"].as_str().unwrap().to_owned();
        assert!(named.starts_with(field), "{named} for {body}");
    }
    assert_eq!(operate(&server, "nobody", json!([{ "op": "turnOn" }])).await.problem().0, 404);
    assert_eq!(server.get(&format!("{PROJECT}/audit")).await.ok().json(), before);
}

async fn keys_of_a_segment(place: Place) {
    let server = start(&place).await;
    let segment = format!("{PROJECT}/segments/beta");
    let keys: Vec<String> = (0..100_000).map(|key| format!("user-{key}")).collect();
    server.put(&segment, json!({ "included": keys })).await.ok();
    let operations = format!("{segment}/operations");
    let list = json!([
        { "op": "removeKeys", "list": "included", "keys": ["user-0", "user-1"] },
        { "op": "addKeys", "list": "included", "keys": ["ada"] },
        { "op": "addKeys", "list": "excluded", "keys": ["mallory"] },
    ]);
    let done = server.post(&operations, json!({ "operations": list })).await.ok().json();
    let included = done["definition"]["included"].as_array().unwrap();
    assert_eq!((included.len(), included.last()), (99_999, Some(&json!("ada"))));
    let changes = server.get(&format!("{segment}/versions?limit=1")).await.ok().json();
    let told = ["excluded mallory", "no longer included: user-0, user-1", "included ada"];
    assert_eq!(changes["items"][0]["changes"], json!(told));
    let over: Vec<String> = (0..2).map(|key| format!("more-{key}")).collect();
    let over = json!([{ "op": "addKeys", "list": "included", "keys": over }]);
    assert_eq!(server.post(&operations, json!({ "operations": over })).await.problem().0, 422);
}

async fn many_writers_lose_nothing(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    let setup: Vec<Value> = (0..20).map(|number| rule(&format!("r{number}"), "on")).collect();
    operate(&server, "a", json!(setup)).await.ok();
    // Each writer adds a rule of their own, then says what it serves, then targets somebody; a fifth of them also fight over one rule.
    const WRITERS: usize = 200;
    let writer = async |number: usize| {
        let own = format!("own-{number}");
        let mut made = Vec::new();
        for operations in [
            json!([rule(&own, "on")]),
            json!([{ "op": "setRuleServe", "id": own, "serve": { "variant": "off" } }]),
            json!([{ "op": "addTargets", "variant": "on", "keys": [format!("user-{number}")] }, { "op": "setMetadata", "name": format!("m{}", number % 50), "value": number }]),
        ] {
            let answer = loop {
                let answer = operate(&server, "a", operations.clone()).await;
                // A database that is busy says so; nothing was written then.
                if answer.status != 503 {
                    break answer;
                }
                tokio::task::yield_now().await;
            };
            made.push(answer.ok().json()["version"].as_i64().unwrap());
        }
        if number.is_multiple_of(5) {
            let removed = operate(
                &server,
                "a",
                json!([{ "op": "removeRule", "id": format!("r{}", number / 10) }]),
            )
            .await;
            match removed.status.as_u16() {
                200 => made.push(removed.json()["version"].as_i64().unwrap()),
                409 | 503 => {}
                _ => panic!("{removed:?}"),
            }
        }
        made
    };
    let mut acknowledged: Vec<i64> = join_all((0..WRITERS).map(writer)).await.concat();
    acknowledged.sort_unstable();
    let distinct = acknowledged.len();
    acknowledged.dedup();
    assert_eq!(acknowledged.len(), distinct, "two changes with one number");
    assert!(distinct >= 3 * WRITERS);

    // Every answer is in the history once, and nothing else.
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page =
            server.get(&format!("{}/versions?limit=200{cursor}", path("a"))).await.ok().json();
        seen.extend(
            page["items"].as_array().unwrap().iter().map(|item| item["version"].as_i64().unwrap()),
        );
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    seen.reverse();
    // The flag's creation and the set-up come first.
    assert_eq!(seen.split_off(2), acknowledged);

    // What each of them did is there.
    let end = server.get(&path("a")).await.ok();
    let configuration = end.json()["configuration"].clone();
    let rules = configuration["rules"].as_array().unwrap();
    for number in 0..WRITERS {
        let own = json!(format!("own-{number}"));
        let rule = rules.iter().find(|rule| rule["id"] == own).unwrap();
        assert_eq!(rule["serve"], json!({ "variant": "off" }));
    }
    assert_eq!(configuration["targets"][0]["keys"].as_array().unwrap().len(), WRITERS);

    // Revisions without a gap: one for each change.
    let environment = server.get(DEVELOPMENT).await.ok().json();
    assert_eq!(environment["revision"].as_i64().unwrap(), *acknowledged.last().unwrap());
    server.publish().await;
    let published = server.get(&format!("{DEVELOPMENT}/snapshots")).await.ok().json();
    assert_eq!(published["items"][0]["version"], environment["revision"]);
}
