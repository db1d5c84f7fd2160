//! Merge patches, archives, references and findings: what a change may be and what it tells.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};

use crate::support::*;

on_both_databases!(
    a_merge_patch_changes_what_it_names,
    an_archived_flag_is_in_no_snapshot_and_comes_back_as_it_was,
    an_archived_segment_is_in_no_snapshot,
    what_is_used_stays,
    what_is_there_is_written_over_by_who_has_seen_it,
    writes_tell_what_static_analysis_finds,
    what_people_read_makes_no_revision,
);

const PROJECT: &str = "/admin/projects/default";
const FLAGS: &str = "/admin/projects/default/flags";

async fn a_merge_patch_changes_what_it_names(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    let flag = format!("{FLAGS}/a");
    let before = server.get(&flag).await.ok();
    let tag = before.headers["etag"].to_str().unwrap().to_owned();
    let patched =
        server.patch(&flag, json!({ "description": "Text", "tags": ["x"] })).await.ok().json();
    let mut expected = before.json()["definition"].clone();
    expected["description"] = json!("Text");
    expected["tags"] = json!(["x"]);
    assert_eq!(patched["definition"], expected);
    let again = server.patch(&flag, json!({ "description": null })).await.ok().json();
    assert_eq!(again["definition"].get("description"), None);
    // The checks are those of a PUT.
    for (patch, field) in [
        (json!({ "type": "string" }), "type"),
        (json!({ "variants": null }), "variants"),
        (json!({ "colour": "red" }), "colour"),
        (json!({ "tags": [1] }), "tags[0]"),
        (json!({ "variants": [{ "key": "off", "value": false }] }), ""),
    ] {
        let refused = server.patch(&flag, patch.clone()).await;
        assert_eq!(refused.problem().0, 422, "{patch}");
        assert!(refused.json()["field"].as_str().unwrap().starts_with(field), "{refused:?}");
    }
    let lost = Request::patch(&flag)
        .header("authorization", format!("Bearer {}", server.token))
        .header("content-type", "application/merge-patch+json")
        .header("if-match", tag);
    assert_eq!(server.send(lost.body(Body::from("{}")).unwrap()).await.problem().0, 412);
    // A patch is told apart from a whole by its content type.
    let plain = server.admin(Method::PATCH, &flag, Some(json!({}))).await;
    assert_eq!(plain.problem(), (415, "content-type".to_owned()));
    assert_eq!(server.patch(&flag, json!([])).await.problem().0, 422);
    assert_eq!(server.patch(&format!("{FLAGS}/nowhere"), json!({})).await.problem().0, 404);

    let here = format!("{DEVELOPMENT}/flags/a");
    let patched = server.patch(&here, json!({ "enabled": true })).await.ok().json();
    assert_eq!(
        patched["configuration"],
        json!({ "enabled": true, "offVariant": "off", "fallthrough": { "variant": "on" } })
    );
    let weights = json!([{ "variant": "on", "weight": 100_000 }]);
    let split = json!({ "fallthrough": { "variant": null, "split": { "weights": weights } } });
    let patched = server.patch(&here, split).await.ok().json();
    let by = &patched["configuration"]["fallthrough"]["split"]["by"];
    assert_eq!(by["salt"].as_str().unwrap().len(), 32);

    for (path, definition, patch, changed) in [
        (
            "segments/s",
            json!({ "included": ["u"] }),
            json!({ "excluded": ["v"] }),
            json!({ "included": ["u"], "excluded": ["v"] }),
        ),
        (
            "attributes/plan",
            json!({ "type": "string", "private": true }),
            json!({ "private": null }),
            json!({ "type": "string" }),
        ),
    ] {
        let path = format!("{PROJECT}/{path}");
        server.put(&path, definition).await.ok();
        let patched = server.patch(&path, patch).await.ok().json();
        assert_eq!(patched["definition"], changed);
    }
    let layer = format!("{PROJECT}/layers/l");
    let made = server.put(&layer, json!({})).await.ok().json();
    let patched = server.patch(&layer, json!({ "by": { "unit": "company" } })).await.ok().json();
    assert_eq!(patched["definition"]["by"]["salt"], made["definition"]["by"]["salt"]);
}

async fn an_archived_flag_is_in_no_snapshot_and_comes_back_as_it_was(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    server.turn("a", "on").await.ok();
    server.publish().await;
    assert_eq!(server.published_value("a").await, Some(json!(true)));
    let flag = format!("{FLAGS}/a");
    let refused = server.delete(&flag).await;
    assert_eq!(refused.problem().0, 409);
    assert!(refused.json()["detail"].as_str().unwrap().contains("archive"), "{refused:?}");
    let act = async |what: &str| server.admin(Method::POST, &format!("{flag}/{what}"), None).await;
    let archived = act("archive").await.ok();
    assert_eq!(archived.json()["archivedAt"], json!(NOW));
    // Again changes nothing and is no error.
    assert_eq!(act("archive").await.ok().headers["etag"], archived.headers["etag"]);
    server.publish().await;
    assert_eq!(server.published_value("a").await, None);
    for refused in [
        server.put(&flag, archived.json()["definition"].clone()).await,
        server.patch(&flag, json!({ "name": "x" })).await,
        server.turn("a", "off").await,
        server.patch(&format!("{DEVELOPMENT}/flags/a"), json!({ "enabled": false })).await,
        server.post(FLAGS, json!({ "key": "a", "definition": { "type": "boolean" } })).await,
    ] {
        assert_eq!(refused.problem(), (409, "conflict".to_owned()));
    }
    act("restore").await.ok();
    server.publish().await;
    assert_eq!(server.published_value("a").await, Some(json!(true)));
    act("archive").await.ok();
    assert_eq!(server.delete(&flag).await.status, 204);
    assert_eq!(act("restore").await.problem().0, 404);
    let log = server.get(&format!("{PROJECT}/audit")).await.ok().json();
    let told: Vec<_> =
        log["items"].as_array().unwrap().iter().map(|entry| entry["action"].clone()).collect();
    assert_eq!(told[..4], ["flag.deleted", "flag.archived", "flag.restored", "flag.archived"]);
}

async fn an_archived_segment_is_in_no_snapshot(place: Place) {
    let server = start(&place).await;
    let segment = format!("{PROJECT}/segments/s");
    server.put(&segment, json!({ "included": ["u"] })).await.ok();
    server.admin(Method::POST, &format!("{segment}/archive"), None).await.ok();
    let config = server.get(&format!("{DEVELOPMENT}/config")).await.ok().json();
    assert_eq!(config.get("segments"), None);
    assert_eq!(server.patch(&segment, json!({ "included": [] })).await.problem().0, 409);
    server.boolean_flag("a").await;
    let rules = json!([{ "when": { "segment": "s" }, "serve": { "variant": "off" } }]);
    let here = format!("{DEVELOPMENT}/flags/a");
    let refused = server.patch(&here, json!({ "rules": rules.clone() })).await;
    assert_eq!(refused.problem().0, 422);
    server.admin(Method::POST, &format!("{segment}/restore"), None).await.ok();
    server.patch(&here, json!({ "rules": rules })).await.ok();
    let refused = server.admin(Method::POST, &format!("{segment}/archive"), None).await;
    assert_eq!(refused.problem().0, 409);
}

async fn what_is_used_stays(place: Place) {
    let server = start(&place).await;
    for key in ["needed", "a", "b"] {
        server.boolean_flag(key).await;
    }
    let put =
        async |path: &str, body: Value| server.put(&format!("{PROJECT}/{path}"), body).await.ok();
    put("attributes/plan", json!({ "type": "string" })).await;
    put("segments/inner", json!({ "when": { "exists": { "attribute": "plan" } } })).await;
    put("segments/outer", json!({ "when": { "segment": "inner" } })).await;
    let needs = json!([{ "flag": "needed", "variants": ["on"] }]);
    server.patch(&format!("{DEVELOPMENT}/flags/a"), json!({ "prerequisites": needs })).await.ok();
    let rules = json!([
        { "when": { "flag": { "flag": "needed", "variants": ["on"] } }, "serve": { "variant": "off" } },
        { "when": { "segment": "outer" }, "serve": { "variant": "off" } },
    ]);
    let production = format!("{PROJECT}/environments/production/flags/b");
    server.patch(&production, json!({ "rules": rules })).await.ok();
    for (method, path, users) in [
        (Method::DELETE, "attributes/plan", vec!["segment \"inner\""]),
        (Method::DELETE, "segments/inner", vec!["segment \"outer\""]),
        (Method::POST, "segments/inner/archive", vec!["segment \"outer\""]),
        (Method::DELETE, "segments/outer", vec!["flag \"b\" in \"production\""]),
        (
            Method::POST,
            "flags/needed/archive",
            vec!["flag \"a\" in \"development\"", "flag \"b\" in \"production\""],
        ),
    ] {
        let path = format!("{PROJECT}/{path}");
        let refused = server.admin_if(method, &path, None, Some("*")).await;
        assert_eq!(refused.problem(), (409, "conflict".to_owned()), "{path}");
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert_eq!(detail, format!("it is still used by {}", users.join(", ")), "{path}");
    }
    for key in ["a", "b", "needed"] {
        server.discard(key).await;
    }
    for path in ["segments/outer", "segments/inner", "attributes/plan"] {
        assert_eq!(server.delete(&format!("{PROJECT}/{path}")).await.status, 204, "{path}");
    }
}

async fn what_is_there_is_written_over_by_who_has_seen_it(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    let project = |path: &str| format!("{PROJECT}/{path}");
    let merge = "application/merge-patch+json";
    let send = async |method: &str, path: &str, body: &Value, tag: Option<&str>| {
        let kind = if method == "PATCH" { merge } else { "application/json" };
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", server.token))
            .header("content-type", kind);
        if let Some(tag) = tag {
            request = request.header("if-match", tag);
        }
        server.send(request.body(Body::from(body.to_string())).unwrap()).await
    };
    for (path, body) in [
        ("segments/s", json!({})),
        ("attributes/s", json!({ "type": "string" })),
        ("layers/s", json!({ "by": {} })),
        ("holdouts/s", json!({ "by": {}, "weight": 1 })),
    ] {
        // What is new has no version to name.
        assert_eq!(send("PUT", &project(path), &body, None).await.status, 201, "{path}");
        let refused = send("PUT", &project(path), &body, None).await;
        assert_eq!(refused.problem(), (428, "version-needed".to_owned()), "{path}");
        assert_eq!(send("PUT", &project(path), &body, Some("*")).await.status, 200, "{path}");
    }
    let definition = server.get(&project("flags/a")).await.ok().json()["definition"].clone();
    let here = format!("{DEVELOPMENT}/flags/a");
    let configuration = server.get(&here).await.ok().json()["configuration"].clone();
    let environment = json!({ "name": "D" });
    let before = server.get(&project("audit")).await.ok().json();
    for (method, path, body) in [
        ("PUT", project("flags/a"), &definition),
        ("PATCH", project("flags/a"), &json!({})),
        ("PUT", here.clone(), &configuration),
        ("PATCH", here.clone(), &json!({})),
        ("POST", format!("{here}/versions/2/rollback"), &Value::Null),
        ("POST", project("flags/a/versions/2/rollback"), &Value::Null),
        ("PUT", DEVELOPMENT.to_owned(), &environment),
        ("PATCH", DEVELOPMENT.to_owned(), &environment),
        ("PATCH", project("segments/s"), &json!({})),
        ("DELETE", project("segments/s"), &Value::Null),
        ("DELETE", project("attributes/s"), &Value::Null),
        ("DELETE", project("layers/s"), &Value::Null),
        ("DELETE", project("holdouts/s"), &Value::Null),
        ("DELETE", project("flags/a"), &Value::Null),
    ] {
        let refused = send(method, &path, body, None).await;
        assert_eq!(refused.problem(), (428, "version-needed".to_owned()), "{method} {path}");
        assert_eq!(refused.json()["field"], "If-Match");
        let lost = send(method, &path, body, Some("\"0\"")).await;
        assert_eq!(lost.problem(), (412, "changed-since".to_owned()), "{method} {path}");
        assert!(lost.json()["current"]["version"].is_i64(), "{lost:?}");
    }
    assert_eq!(server.get(&project("audit")).await.ok().json(), before);
    // What says by itself what it changes needs none.
    server.turn("a", "on").await.ok();
    let operations = json!({ "operations": [{ "op": "turnOff" }] });
    server.post(&format!("{here}/operations"), operations).await.ok();
}

async fn writes_tell_what_static_analysis_finds(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    let targets = json!([{ "variant": "on", "keys": ["u"], "expires": NOW - 1 }]);
    let here = format!("{DEVELOPMENT}/flags/a");
    let answer = server.patch(&here, json!({ "targets": targets })).await.ok().json();
    let codes = |answer: &Value| -> Vec<String> {
        let findings = answer["findings"].as_array().unwrap();
        findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(codes(&answer), ["target-expired"]);
    let over = &answer["findings"][0];
    assert!(over["place"].as_str().unwrap().starts_with("/flags/a/targets/0"), "{over}");
    assert_eq!(
        (&over["severity"], &over["environment"]),
        (&json!("warning"), &json!("development"))
    );
    // The definition's answer tells it too: it concerns the same flag.
    let named = server.patch(&format!("{FLAGS}/a"), json!({ "name": "A" })).await.ok().json();
    assert_eq!(codes(&named), ["target-expired"]);
    let segment = server
        .put(&format!("{PROJECT}/segments/s"), json!({ "included": ["u", "u"] }))
        .await
        .ok()
        .json();
    assert_eq!(codes(&segment), ["key-listed-twice"]);
    let clean = server
        .put(&format!("{PROJECT}/segments/s"), json!({ "included": ["u"] }))
        .await
        .ok()
        .json();
    assert_eq!(clean["findings"], json!([]));
    assert_eq!(
        server.get(&format!("{PROJECT}/segments/s")).await.ok().json().get("findings"),
        None
    );
}

async fn what_people_read_makes_no_revision(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    let revision = async || server.get(DEVELOPMENT).await.ok().json()["revision"].clone();
    let before = revision().await;
    server
        .patch(
            &format!("{FLAGS}/a"),
            json!({ "name": "A", "tags": ["t"], "owner": "o", "temporary": true }),
        )
        .await
        .ok();
    assert_eq!(revision().await, before);
    let config = server.get(&format!("{DEVELOPMENT}/config")).await.ok().json();
    for name in ["name", "tags", "owner", "temporary"] {
        assert_eq!(config["flags"]["a"].get(name), None, "{name}");
    }
    server.patch(&format!("{FLAGS}/a"), json!({ "clientVisible": false })).await.ok();
    assert_ne!(revision().await, before);
}
