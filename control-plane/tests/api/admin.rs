//! Flags and everything around them, through the admin API.

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::*;

on_both_databases!(
    a_flag_from_beginning_to_end,
    a_lost_race_is_told_and_nothing_is_overwritten,
    an_etag_never_fits_what_was_made_anew,
    unsound_changes_are_refused_and_change_nothing,
    what_is_needed_cannot_be_deleted,
    layers_and_holdouts_reach_what_is_published,
    salts_are_drawn_once_and_kept,
    every_change_is_in_the_audit_log_once,
    projects_and_environments,
    concurrent_writers_leave_no_gap,
);

const FLAGS: &str = "/admin/projects/default/flags";

async fn a_flag_from_beginning_to_end(place: Place) {
    let server = start(&place).await;
    let definition = json!({ "type": "boolean", "description": "A flag", "clientVisible": true });
    let made =
        server.post(FLAGS, json!({ "key": "checkout", "definition": definition })).await.ok();
    assert_eq!((made.status.as_u16(), &made.headers["etag"]), (201, &"\"2\"".parse().unwrap()));
    assert_eq!(made.json()["definition"]["variants"][0], json!({ "key": "on", "value": true }));

    let off = server.get(&format!("{DEVELOPMENT}/flags/checkout")).await.ok().json();
    assert_eq!(
        off["configuration"],
        json!({ "enabled": false, "offVariant": "off", "fallthrough": { "variant": "on" } })
    );
    server.publish().await;
    assert_eq!(server.published_value("checkout").await, Some(json!(false)));

    let on = server.turn("checkout", "on").await.ok();
    assert_eq!(on.headers["etag"], "\"3\"");
    assert_eq!(on.json()["enabled"], json!(true));
    assert_eq!(on.json()["revision"], json!(3));
    server.publish().await;
    assert_eq!(server.published_value("checkout").await, Some(json!(true)));
    // Again changes nothing and is no error.
    assert_eq!(server.turn("checkout", "on").await.ok().headers["etag"], "\"3\"");
    let production = "/admin/projects/default/environments/production/flags/checkout";
    assert_eq!(server.get(production).await.ok().json()["enabled"], json!(false));

    let mut changed = made.json()["definition"].clone();
    changed["description"] = json!("Another text");
    let put = server.put(&format!("{FLAGS}/checkout"), changed.clone()).await.ok();
    assert_eq!(put.json()["definition"], changed);
    assert_eq!(server.get(FLAGS).await.ok().json()["items"].as_array().unwrap().len(), 1);

    server.discard("checkout").await;
    assert_eq!(
        server.get(&format!("{FLAGS}/checkout")).await.problem(),
        (404, "not-found".to_owned())
    );
    server.publish().await;
    assert_eq!(server.published_value("checkout").await, None);
}

async fn a_lost_race_is_told_and_nothing_is_overwritten(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    let path = format!("{DEVELOPMENT}/flags/a");
    let seen = server.get(&path).await.ok();
    let tag = seen.headers["etag"].to_str().unwrap().to_owned();
    let mut mine = seen.json()["configuration"].clone();
    server.turn("a", "on").await.ok();
    mine["offVariant"] = json!("on");
    let lost = server.admin_if(Method::PUT, &path, Some(mine.clone()), Some(&tag)).await;
    assert_eq!(lost.problem(), (412, "changed-since".to_owned()));
    assert_eq!(lost.json()["current"]["version"], json!(3));
    assert_eq!(server.get(&path).await.ok().json()["configuration"]["offVariant"], json!("off"));
    let won = server.admin_if(Method::PUT, &path, Some(mine), Some("\"3\"")).await.ok();
    assert_eq!(won.json()["version"], json!(4));
    let gone = server.admin_if(Method::DELETE, &format!("{FLAGS}/a"), None, Some("\"7\"")).await;
    assert_eq!(gone.problem().0, 412);
}

async fn an_etag_never_fits_what_was_made_anew(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    let (flag, configured) = (format!("{FLAGS}/a"), format!("{DEVELOPMENT}/flags/a"));
    let segment = "/admin/projects/default/segments/s".to_owned();
    let attribute = "/admin/projects/default/attributes/s".to_owned();
    // Nothing is there yet, so no condition holds.
    for (path, body) in
        [(&segment, json!({ "included": ["u"] })), (&attribute, json!({ "type": "string" }))]
    {
        for tag in ["*", "\"0\""] {
            let refused = server.admin_if(Method::PUT, path, Some(body.clone()), Some(tag)).await;
            assert_eq!(refused.problem(), (412, "changed-since".to_owned()), "{path} {tag}");
        }
        server.put(path, body).await.ok();
    }
    let mut old = Vec::new();
    for (path, field) in [
        (&flag, "definition"),
        (&configured, "configuration"),
        (&segment, "definition"),
        (&attribute, "definition"),
    ] {
        let answer = server.get(path).await.ok();
        let tag = answer.headers["etag"].to_str().unwrap().to_owned();
        old.push((path, tag, answer.json()[field].clone()));
    }
    for (path, _, body) in &old {
        if *path != &configured {
            if *path == &flag {
                server.discard("a").await;
            } else {
                server.delete(path).await.ok();
            }
        }
        if *path != &flag && *path != &configured {
            server.put(path, body.clone()).await.ok();
        }
    }
    server.boolean_flag("a").await;
    for (path, tag, body) in old {
        let lost = server.admin_if(Method::PUT, path, Some(body), Some(&tag)).await;
        assert_eq!(lost.problem(), (412, "changed-since".to_owned()), "{path} {tag}");
    }
}

async fn unsound_changes_are_refused_and_change_nothing(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    let path = format!("{DEVELOPMENT}/flags/a");
    let before = server.get("/admin/projects/default/audit").await.ok().json();
    let split = json!({ "split": { "weights": [{ "variant": "on", "weight": 1 }] } });
    let rule =
        json!([{ "id": "r", "when": { "segment": "nobody" }, "serve": { "variant": "on" } }]);
    for (body, field) in [
        (json!({ "enabled": true, "fallthrough": { "variant": "gone" } }), "fallthrough"),
        (json!({ "enabled": true, "fallthrough": split }), "fallthrough"),
        (
            json!({ "enabled": true, "fallthrough": { "variant": "on" }, "rules": rule }),
            "rules[0].when",
        ),
        (json!({ "enabled": "yes", "fallthrough": { "variant": "on" } }), "enabled"),
        (json!({ "enabled": true, "fallthrough": { "variant": "on" }, "colour": 1 }), "colour"),
        (json!({ "enabled": true, "fallthrough": { "variant": "on" }, "type": "string" }), "type"),
        (json!({ "enabled": true }), ""),
    ] {
        let refused = server.put(&path, body.clone()).await;
        assert_eq!(refused.problem(), (422, "invalid".to_owned()), "{body}");
        let named = refused.json()["field"].as_str().unwrap().to_owned();
        assert!(named.starts_with(field), "{named} for {body}");
    }
    // A variant that an environment serves cannot go.
    let definition = json!({ "type": "boolean", "variants": [{ "key": "off", "value": false }] });
    let refused = server.put(&format!("{FLAGS}/a"), definition).await;
    assert_eq!(refused.problem().0, 422);
    let other_type = json!({ "type": "string", "variants": [{ "key": "on", "value": "x" }] });
    assert_eq!(server.put(&format!("{FLAGS}/a"), other_type).await.json()["field"], json!("type"));
    let after = server.get("/admin/projects/default/audit").await.ok().json();
    assert_eq!(after, before);
}

async fn what_is_needed_cannot_be_deleted(place: Place) {
    let server = start(&place).await;
    let segment = "/admin/projects/default/segments/beta";
    let made = server.put(segment, json!({ "included": ["u1"] })).await;
    assert_eq!(made.status, 201);
    server.boolean_flag("a").await;
    let rules = json!([{ "when": { "segment": "beta" }, "serve": { "variant": "off" } }]);
    let body = json!({ "enabled": true, "fallthrough": { "variant": "on" }, "rules": rules });
    server.put(&format!("{DEVELOPMENT}/flags/a"), body).await.ok();
    let refused = server.delete(segment).await;
    assert_eq!(refused.problem(), (409, "conflict".to_owned()));
    assert!(
        refused.json()["detail"].as_str().unwrap().contains("flag \"a\" in \"development\""),
        "{refused:?}"
    );
    server.get(segment).await.ok();

    // A private attribute must not reach a client through the segment either.
    let attribute = "/admin/projects/default/attributes/plan";
    server.put(attribute, json!({ "type": "string", "private": true })).await.ok();
    let when = json!({ "equals": { "attribute": "plan", "value": "pro" } });
    assert_eq!(server.put(segment, json!({ "when": when })).await.problem().0, 422);

    server.discard("a").await;
    assert_eq!(server.delete(segment).await.status, 204);
    assert_eq!(server.delete(segment).await.problem().0, 404);
}

async fn layers_and_holdouts_reach_what_is_published(place: Place) {
    let server = start(&place).await;
    let project = "/admin/projects/default";
    let (layer, holdout) =
        (format!("{project}/layers/homepage"), format!("{project}/holdouts/2027"));
    assert_eq!(server.put(&layer, json!({})).await.ok().status, 201);
    let everyone = json!({ "weight": 100_000 });
    let made = server.put(&holdout, everyone).await.ok().json();
    assert_eq!(made["definition"]["by"]["salt"].as_str().unwrap().len(), 32);
    let again = server.put(&layer, json!({ "by": { "unit": "company" } })).await.ok();
    assert_eq!(
        (again.status.as_u16(), &again.json()["definition"]["by"]["unit"]),
        (200, &json!("company"))
    );
    let too_much = server.put(&holdout, json!({ "weight": 100_001 })).await;
    assert_eq!(too_much.problem().0, 422);

    server.boolean_flag("a").await;
    let slot = json!({ "layer": "homepage", "from": 0, "to": 50_000 });
    let rules = json!([{ "layer": slot, "when": { "all": [] }, "serve": { "variant": "on" } }]);
    let held = json!({ "holdout": "2027", "variant": "off" });
    let body = json!({ "enabled": true, "fallthrough": { "variant": "on" }, "rules": rules, "holdout": held });
    server.put(&format!("{DEVELOPMENT}/flags/a"), body).await.ok();
    let slots = server.get(&format!("{layer}/uses")).await.ok().json();
    let rule = slots["items"][0]["rule"].clone();
    let slot = json!({ "environment": "development", "flag": "a", "enabled": true, "rule": rule, "name": "", "from": 0, "to": 50_000 });
    assert_eq!(slots, json!({ "items": [slot], "next": null, "total": 1 }));
    let holding = server.get(&format!("{holdout}/uses")).await.ok().json();
    let used =
        json!({ "environment": "development", "flag": "a", "enabled": true, "variant": "off" });
    assert_eq!(holding, json!({ "items": [used], "next": null, "total": 1 }));
    assert_eq!(server.get(&format!("{project}/layers/nobodys/uses")).await.problem().0, 404);
    let config = server.get(&format!("{DEVELOPMENT}/config")).await.ok().json();
    assert_eq!(config["layers"]["homepage"], again.json()["definition"]);
    assert_eq!(config["holdouts"]["2027"], made["definition"]);
    server.publish().await;
    let accepted = server.accepted(pennon_core::snapshot::Kind::Server).await;
    let context =
        pennon_core::context::Context::from_json(&json!({ "targetingKey": "u" })).unwrap();
    let value = accepted.snapshot.evaluate("a", &context, NOW);
    assert_eq!(
        value.value().map(pennon_core::outcome::Value::to_json),
        Some(json!(false)),
        "held out"
    );
    for needed in [&layer, &holdout] {
        assert_eq!(server.delete(needed).await.problem(), (409, "conflict".to_owned()));
    }
    let off = json!({ "enabled": false, "fallthrough": { "variant": "on" } });
    server.put(&format!("{DEVELOPMENT}/flags/a"), off).await.ok();
    for needed in [&layer, &holdout] {
        assert_eq!(server.delete(needed).await.status, 204);
    }
}

async fn salts_are_drawn_once_and_kept(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    let path = format!("{DEVELOPMENT}/flags/a");
    let weights =
        json!([{ "variant": "on", "weight": 30_000 }, { "variant": "off", "weight": 70_000 }]);
    let body = json!({ "enabled": true, "fallthrough": { "split": { "weights": weights } } });
    let kept = server.put(&path, body).await.ok().json()["configuration"].clone();
    assert_eq!(kept["fallthrough"]["split"]["by"]["salt"].as_str().unwrap().len(), 32);
    let again = server.put(&path, kept.clone()).await.ok().json()["configuration"].clone();
    assert_eq!(again, kept);
    // Whoever writes it anew and leaves the buckets out moves nobody: in the fallthrough, and in the rule of the same id.
    let split = json!({ "split": { "weights": weights } });
    let rule =
        |id: &str| json!({ "id": id, "when": { "exists": { "attribute": "a" } }, "serve": split });
    let whole = |rules: Value| json!({ "enabled": true, "rules": rules, "fallthrough": split });
    let first = server.put(&path, whole(json!([rule("x"), rule("y")]))).await.ok().json();
    let first = &first["configuration"];
    assert_eq!(first["fallthrough"], kept["fallthrough"]);
    let second =
        server.put(&path, whole(json!([rule("y"), rule("z"), rule("x")]))).await.ok().json();
    let second = &second["configuration"];
    assert_eq!(second["fallthrough"], kept["fallthrough"]);
    assert_eq!(
        [&second["rules"][2], &second["rules"][0]],
        [&first["rules"][0], &first["rules"][1]]
    );
    let salt = |rule: &Value| rule["serve"]["split"]["by"]["salt"].as_str().unwrap().to_owned();
    let salts: BTreeSet<String> = second["rules"].as_array().unwrap().iter().map(salt).collect();
    assert_eq!(salts.len(), 3, "another rule's buckets are its own");
    let patch = json!({ "fallthrough": { "split": { "by": null, "weights": weights } } });
    let patched = server.patch(&path, patch).await.ok().json()["configuration"].clone();
    assert_eq!(patched["fallthrough"], kept["fallthrough"]);
    // Another unit is another rollout, and a salt that is given is taken.
    for by in [json!({ "unit": "company" }), json!({ "salt": "0".repeat(32) })] {
        let split = json!({ "split": { "by": by, "weights": weights } });
        let body = json!({ "enabled": true, "fallthrough": split });
        let moved = server.put(&path, body).await.ok().json()["configuration"].clone();
        assert_ne!(moved["fallthrough"]["split"]["by"], kept["fallthrough"]["split"]["by"], "{by}");
    }
}

async fn every_change_is_in_the_audit_log_once(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    server.turn("a", "on").await.ok();
    server.turn("a", "off").await.ok();
    let log = server.get("/admin/projects/default/audit").await.ok().json();
    let told: Vec<_> =
        log["items"].as_array().unwrap().iter().map(|entry| entry["action"].clone()).collect();
    assert_eq!(
        told,
        [
            "flag-configuration.turned-off",
            "flag-configuration.turned-on",
            "flag.created",
            "project.created"
        ]
    );
    let newest = &log["items"][0];
    assert_eq!((&newest["author"], &newest["at"]), (&json!("token:admin"), &json!(NOW)));
    assert_eq!(
        (&newest["oldValue"]["enabled"], &newest["newValue"]["enabled"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(newest["environmentId"], json!(server.environment_id(0)));
    let page = server.get("/admin/projects/default/audit?limit=2&cursor=3").await.ok().json();
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
    assert_eq!((&page["items"][0]["sequence"], &page["next"]), (&json!(2), &Value::Null));
}

async fn projects_and_environments(place: Place) {
    let server = start(&place).await;
    let made = server.post("/admin/projects", json!({ "key": "shop", "name": "The shop" })).await;
    assert_eq!(made.status, 201);
    assert_eq!(server.post("/admin/projects", json!({ "key": "shop" })).await.problem().0, 409);
    let projects = server.get("/admin/projects").await.ok().json();
    let keys: Vec<_> = projects["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|project| project["key"].clone())
        .collect();
    assert_eq!(keys, ["default", "shop"]);

    server.boolean_flag("a").await;
    let environments = "/admin/projects/default/environments";
    let staging = server.post(environments, json!({ "key": "staging" })).await.ok().json();
    assert_eq!(staging["revision"], json!(1));
    let shown = server.get(&format!("{environments}/staging")).await.ok().json();
    assert_eq!(staging, shown);
    assert_eq!(server.post(environments, json!({ "key": "staging" })).await.problem().0, 409);
    let flag = server.get(&format!("{environments}/staging/flags/a")).await.ok().json();
    assert_eq!(flag["enabled"], json!(false));
    server.publish().await;
    // The new environment is delivered to a key of its own.
    let keys = format!("{environments}/staging/sdk-keys");
    let key = server.post(&keys, json!({ "kind": "server" })).await.ok().json();
    let head = format!("/v1/head/{}/server", staging["id"].as_str().unwrap());
    server.fetch(&head, key["key"].as_str()).await.ok();
    let list = server.get(environments).await.ok().json();
    let keys: Vec<_> =
        list["items"].as_array().unwrap().iter().map(|entry| entry["key"].clone()).collect();
    assert_eq!(keys, ["development", "production", "staging"]);
    // What one project has does not exist in another.
    assert_eq!(server.get("/admin/projects/shop/flags/a").await.problem().0, 404);
    assert_eq!(server.get("/admin/projects/shop/environments/staging").await.problem().0, 404);
}

async fn concurrent_writers_leave_no_gap(place: Place) {
    const WRITERS: usize = 8;
    const ROUNDS: usize = 6;
    let server = std::sync::Arc::new(start(&place).await);
    for writer in 0..WRITERS {
        server.boolean_flag(&format!("flag-{writer}")).await;
    }
    let before = server.get(DEVELOPMENT).await.ok().json()["revision"].as_i64().unwrap();
    let writers = (0..WRITERS).map(|writer| {
        let server = std::sync::Arc::clone(&server);
        tokio::spawn(async move {
            let mut revisions = Vec::new();
            for round in 0..ROUNDS {
                let way = if round % 2 == 0 { "on" } else { "off" };
                let answer = server.turn(&format!("flag-{writer}"), way).await.ok().json();
                revisions.push(answer["revision"].as_i64().unwrap());
            }
            revisions
        })
    });
    let mut revisions = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        revisions.extend(writer.await.unwrap());
    }
    revisions.sort_unstable();
    let last = before + (WRITERS * ROUNDS) as i64;
    assert_eq!(revisions, (before + 1..=last).collect::<Vec<_>>());
    let log = server.get("/admin/projects/default/audit?limit=200").await.ok().json();
    let sequences: Vec<i64> = log["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["sequence"].as_i64().unwrap())
        .collect();
    assert_eq!(sequences, (1..=sequences.len() as i64).rev().collect::<Vec<_>>());
    assert_eq!(sequences.len(), 1 + WRITERS + WRITERS * ROUNDS);
}
