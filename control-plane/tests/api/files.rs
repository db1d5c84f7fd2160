//! Whole projects as documents, and what lies between environments.

use axum::http::{Method, StatusCode};
use pennon_control_plane::app::MAX_IMPORTING;
use pennon_control_plane::store::projects;
use serde_json::{Value, json};

use crate::support::*;

on_both_databases!(
    a_project_goes_round_without_loss,
    a_dry_run_tells_and_does_nothing,
    others_change_the_project_while_an_import_is_planned,
    what_is_refused_stays_as_it_is,
    what_hardly_is_meant_is_told,
    other_products_come_by_the_same_door,
    what_is_no_document_is_refused,
    flags_are_copied_between_environments,
    environments_are_compared_and_cloned,
    few_imports_run_at_once,
    a_dry_run_waits_for_nobody,
);

const PROJECT: &str = "/admin/projects/default";
const PRODUCTION: &str = "/admin/projects/default/environments/production";

/// A project with something of everything.
async fn filled(server: &Server) {
    server.put(&format!("{PROJECT}/segments/beta"), json!({ "included": ["u1"] })).await.ok();
    server.put(&format!("{PROJECT}/attributes/plan"), json!({ "type": "string" })).await.ok();
    server.put(&format!("{PROJECT}/layers/l"), json!({ "by": {} })).await.ok();
    server.put(&format!("{PROJECT}/holdouts/h"), json!({ "by": {}, "weight": 5_000 })).await.ok();
    server.boolean_flag("a").await;
    server.boolean_flag("b").await;
    let rule = json!({ "when": { "segment": "beta" }, "serve": { "split": { "weights": [{ "variant": "on", "weight": 100_000 }] } } });
    let operations = json!([
        { "op": "turnOn" },
        { "op": "addRule", "rule": rule },
        { "op": "setWeights", "weights": { "on": 25_000, "off": 75_000 } },
        { "op": "setHoldout", "holdout": { "holdout": "h", "variant": "off" } },
    ]);
    let path = format!("{DEVELOPMENT}/flags/a/operations");
    server.post(&path, json!({ "operations": operations })).await.ok();
}

async fn a_project_goes_round_without_loss(place: Place) {
    let server = start(&place).await;
    filled(&server).await;
    let mut whole = server.get(&format!("{PROJECT}/export")).await.ok().json();
    assert_eq!(whole["flags"].as_object().unwrap().len(), 2);
    server.post("/admin/projects", json!({ "key": "other", "name": "Other" })).await.ok();
    let import = "/admin/projects/other/import";
    let report = server.post(import, whole.clone()).await.ok().json();
    assert_eq!(report["refused"], json!([]));
    // 4 documents, 2 flags, 2 environments with 2 configurations each.
    assert_eq!(report["created"].as_array().unwrap().len(), 4 + 2 + 2 + 4, "{report}");
    let mut again = server.get("/admin/projects/other/export").await.ok().json();
    for document in [&mut whole, &mut again] {
        document.as_object_mut().unwrap().remove("project");
    }
    assert_eq!(again, whole);
    // The same again changes nothing, and is no change.
    let audit = server.get("/admin/projects/other/audit").await.ok().json();
    let report = server.post(import, whole.clone()).await.ok().json();
    assert_eq!(report["unchanged"].as_array().unwrap().len(), 12, "{report}");
    assert_eq!(server.get("/admin/projects/other/audit").await.ok().json(), audit);
    assert_eq!(audit["items"].as_array().unwrap().len(), 2);
    // One change, and a version of each object.
    let change = server.get("/admin/projects/other/changes/2").await.ok().json();
    assert_eq!(change["objects"].as_array().unwrap().len(), 4 + 2 + 4);
    server.publish().await;
    for environment in ["development", "production"] {
        let snapshots = format!("/admin/projects/other/environments/{environment}/snapshots");
        let published = server.get(&snapshots).await.ok().json();
        assert_eq!(published["items"][0]["version"], json!(1), "{published}");
    }
}

async fn a_dry_run_tells_and_does_nothing(place: Place) {
    let server = start(&place).await;
    filled(&server).await;
    let before = server.get(&format!("{PROJECT}/export")).await.ok().json();
    let audit = server.get(&format!("{PROJECT}/audit")).await.ok().json();
    let mut other = before.clone();
    other["environments"][0]["flags"]["a"]["enabled"] = json!(false);
    other["flags"]["c"] =
        json!({ "type": "boolean", "variants": [{ "key": "on", "value": true }] });
    other["environments"].as_array_mut().unwrap().push(json!({ "key": "staging" }));
    let told =
        server.post(&format!("{PROJECT}/import?dryRun=true"), other.clone()).await.ok().json();
    assert_eq!(told["dryRun"], json!(true));
    assert_eq!(told["updated"][0]["changes"], json!(["turned off"]));
    assert_eq!(told["created"].as_array().unwrap().len(), 2, "{told}");
    assert_eq!(server.get(&format!("{PROJECT}/export")).await.ok().json(), before);
    assert_eq!(server.get(&format!("{PROJECT}/audit")).await.ok().json(), audit);
    let mut done = server.post(&format!("{PROJECT}/import"), other).await.ok().json();
    done["dryRun"] = json!(true);
    assert_eq!(done, told);
    let staging = server.get(&format!("{PROJECT}/environments/staging/flags/a")).await.ok().json();
    assert_eq!(staging["enabled"], json!(false));
    let versions = server.get(&format!("{DEVELOPMENT}/flags/a/versions?limit=1")).await.ok().json();
    assert_eq!(versions["items"][0]["action"], json!("project.imported"));
    assert_eq!(versions["items"][0]["changes"], json!(["turned off"]));
}

/// A plan that was made before the environment was there would leave the flags out of it.
async fn others_change_the_project_while_an_import_is_planned(place: Place) {
    let server = start(&place).await;
    for round in 0..3 {
        let flag = json!({
            "type": "boolean", "enabled": true, "fallthrough": { "variant": "on" }, "offVariant": "off",
            "variants": [{ "key": "on", "value": true }, { "key": "off", "value": false }],
        });
        let flags: serde_json::Map<String, Value> =
            (0..150).map(|number| (format!("r{round}-{number}"), flag.clone())).collect();
        let import = format!("{PROJECT}/import?from=config&environment=development");
        let document = json!({ "format": 1, "flags": flags });
        let new = json!({ "key": format!("e{round}"), "name": "New" });
        let environments = format!("{PROJECT}/environments");
        let (imported, made) =
            tokio::join!(server.post(&import, document), server.post(&environments, new));
        let report = imported.ok().json();
        assert_eq!((&report["refused"], made.status), (&json!([]), StatusCode::CREATED));
        let config = format!("{PROJECT}/environments/e{round}/config");
        let config = server.get(&config).await.ok().json();
        assert_eq!(config["flags"].as_object().unwrap().len(), 150 * (round + 1));
    }
}

async fn what_is_refused_stays_as_it_is(place: Place) {
    let server = start(&place).await;
    filled(&server).await;
    let mut other = server.get(&format!("{PROJECT}/export")).await.ok().json();
    other["environments"][0]["flags"]["a"]["offVariant"] = json!("gone");
    other["environments"][0]["flags"]["b"]["enabled"] = json!(true);
    let told = server.post(&format!("{PROJECT}/import"), other).await.ok().json();
    assert_eq!(told["refused"][0]["key"], json!("a"));
    assert!(told["refused"][0]["reason"].as_str().unwrap().contains("gone"), "{told}");
    let a = server.get(&format!("{DEVELOPMENT}/flags/a")).await.ok().json();
    assert_eq!(a["configuration"]["offVariant"], json!("off"));
    let b = server.get(&format!("{DEVELOPMENT}/flags/b")).await.ok().json();
    assert_eq!(b["enabled"], json!(true));
}

async fn what_hardly_is_meant_is_told(place: Place) {
    let server = start(&place).await;
    filled(&server).await;
    let mut other = server.get(&format!("{PROJECT}/export")).await.ok().json();
    other["segments"]["beta"] = json!({ "included": ["u1", "u1"] });
    let targets = json!([{ "variant": "on", "keys": ["u"], "expires": NOW - 1 }]);
    other["environments"][0]["flags"]["b"]["targets"] = targets;
    let import = format!("{PROJECT}/import");
    let told = server.post(&format!("{import}?dryRun=true"), other.clone()).await.ok().json();
    let findings: Vec<_> = told["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            let text = |name: &str| finding[name].as_str().unwrap_or_default().to_owned();
            (text("code"), text("environment"), text("place"))
        })
        .collect();
    let expected = [
        ("key-listed-twice", "", "/segments/beta/included"),
        ("target-expired", "development", "/flags/b/targets/0"),
    ];
    assert_eq!(findings.len(), expected.len(), "{told}");
    for ((code, environment, place), expected) in findings.iter().zip(expected) {
        assert_eq!((code.as_str(), environment.as_str()), (expected.0, expected.1));
        assert!(place.starts_with(expected.2), "{place}");
    }
    let done = server.post(&import, other.clone()).await.ok().json();
    assert_eq!(done["findings"], told["findings"]);
    // What does not change is not judged again.
    let again = server.post(&import, other).await.ok().json();
    assert_eq!(again["findings"], json!([]));
}

async fn other_products_come_by_the_same_door(place: Place) {
    let server = start(&place).await;
    let flagd = json!({ "flags": {
        "myFlag": { "state": "ENABLED", "variants": { "on": true, "off": false }, "defaultVariant": "on" },
        "broken": { "state": "ENABLED", "variants": { "on": true }, "defaultVariant": "nowhere" },
    } });
    let import = format!("{PROJECT}/import?from=flagd&environment=production");
    let told = server.post(&format!("{import}&dryRun=true"), flagd.clone()).await.ok().json();
    assert_eq!(server.get(&format!("{PRODUCTION}/flags/myFlag")).await.problem().0, 404);
    let done = server.post(&import, flagd).await.ok().json();
    assert_eq!(done["created"], told["created"]);
    assert_eq!(done["refused"][0]["key"], json!("broken"), "{done}");
    // It keeps its name, does in production what it did, and is off elsewhere.
    let flag = server.get(&format!("{PRODUCTION}/flags/myFlag")).await.ok().json();
    assert_eq!(flag["enabled"], json!(true));
    let flag = server.get(&format!("{DEVELOPMENT}/flags/myFlag")).await.ok().json();
    assert_eq!(flag["enabled"], json!(false));
    server.admin(Method::POST, &format!("{DEVELOPMENT}/flags/myFlag/on"), None).await.ok();
    // CONFIG.json as well.
    let config = server.get(&format!("{PRODUCTION}/config")).await.ok().json();
    let told = server
        .post(&format!("{PROJECT}/import?from=config&environment=production"), config)
        .await
        .ok()
        .json();
    assert_eq!(told["created"], json!([]));
    assert_eq!(told["updated"], json!([]));
}

async fn what_is_no_document_is_refused(place: Place) {
    let server = start(&place).await;
    let before = server.get(&format!("{PROJECT}/audit")).await.ok().json();
    for (query, body, field) in [
        ("", json!({}), "projectFormat"),
        ("", json!({ "projectFormat": 2 }), "projectFormat"),
        ("", json!({ "projectFormat": 1, "colour": 1 }), "colour"),
        ("?environment=production", json!({ "projectFormat": 1 }), "environment"),
        (
            "",
            json!({ "projectFormat": 1, "environments": [{ "key": "a", "name": "\u{0}" }] }),
            "environments[0].name",
        ),
        ("?from=flagd", json!({ "flags": {} }), "environment"),
        ("?from=config&environment=production", json!({ "format": 1, "flags": [] }), "flags"),
        ("?from=config&environment=NEW", json!({ "format": 1 }), "environments[0].key"),
        ("?from=unleash&environment=production", json!([]), ""),
    ] {
        let refused = server.post(&format!("{PROJECT}/import{query}"), body.clone()).await;
        assert_eq!(refused.problem(), (422, "invalid".to_owned()), "{query} {body}");
        assert_eq!(refused.json()["field"], json!(field), "{query} {body}");
    }
    for query in ["?from=other&environment=production", "?dryRun=maybe", "?colour=1"] {
        let refused = server.post(&format!("{PROJECT}/import{query}"), json!({})).await;
        assert!(refused.status.is_client_error(), "{query}");
    }
    assert_eq!(server.get(&format!("{PROJECT}/audit")).await.ok().json(), before);
}

async fn flags_are_copied_between_environments(place: Place) {
    let server = start(&place).await;
    filled(&server).await;
    let copy = format!("{PRODUCTION}/copy");
    let preview = server
        .post(&format!("{copy}?dryRun=true"), json!({ "from": "development" }))
        .await
        .ok()
        .json();
    assert_eq!(preview["changes"][0]["flag"], json!("a"));
    assert_eq!(preview["changes"].as_array().unwrap().len(), 1);
    let sentences: Vec<&str> = preview["changes"][0]["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["sentence"].as_str().unwrap())
        .collect();
    assert!(sentences.contains(&"turned on"), "{sentences:?}");
    let off = server.get(&format!("{PRODUCTION}/flags/a")).await.ok().json();
    assert_eq!(off["enabled"], json!(false));

    // Somebody changes the source between preview and copy.
    server.turn("a", "off").await.ok();
    let expected = json!({ "from": "development", "expected": preview["preview"] });
    let lost = server.post(&copy, expected.clone()).await;
    assert_eq!(lost.problem(), (412, "changed-since".to_owned()));
    server.turn("a", "on").await.ok();
    let done = server.post(&copy, expected).await.ok().json();
    assert_eq!(done["changes"], preview["changes"]);
    let (from, to) = (
        server.get(&format!("{DEVELOPMENT}/flags/a")).await.ok().json(),
        server.get(&format!("{PRODUCTION}/flags/a")).await.ok().json(),
    );
    // Salts as well.
    assert_eq!(from["configuration"], to["configuration"]);
    let again = server.post(&copy, json!({ "from": "development" })).await.ok().json();
    assert_eq!(again["changes"], json!([]));
    for (body, field) in [
        (json!({ "from": "production" }), "from"),
        (json!({ "from": "development", "flags": ["a", "nobody"] }), "flags[1]"),
    ] {
        let refused = server.post(&copy, body).await;
        assert_eq!((refused.problem().0, &refused.json()["field"]), (422, &json!(field)));
    }
    assert_eq!(server.post(&copy, json!({ "from": "nowhere" })).await.problem().0, 404);
}

async fn environments_are_compared_and_cloned(place: Place) {
    let server = start(&place).await;
    filled(&server).await;
    let compare = format!("{PRODUCTION}/compare?with=development");
    let page = server.get(&compare).await.ok().json();
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    assert_eq!((&page["items"][0]["flag"], &page["next"]), (&json!("a"), &Value::Null));
    server.turn("b", "on").await.ok();
    let page = server.get(&format!("{compare}&limit=1")).await.ok().json();
    assert_eq!(page["next"], json!("a"));
    let page = server.get(&format!("{compare}&limit=1&cursor=a")).await.ok().json();
    assert_eq!(page["items"][0]["differences"][0]["sentence"], json!("turned on"));
    assert_eq!(page["next"], Value::Null);

    let new = json!({ "key": "staging", "name": "Staging" });
    let made = server.post(&format!("{DEVELOPMENT}/clone"), new.clone()).await;
    assert_eq!(made.status, 201);
    assert_ne!(made.json()["id"], json!(server.environment_id(0)));
    let same = server.get(&format!("{DEVELOPMENT}/compare?with=staging")).await.ok().json();
    assert_eq!(same["items"], json!([]));
    let config = |environment: &str| format!("{PROJECT}/environments/{environment}/config");
    assert_eq!(
        server.get(&config("staging")).await.ok().json(),
        server.get(&config("development")).await.ok().json()
    );
    // Its flags have a history that begins here.
    let versions = format!("{PROJECT}/environments/staging/flags/a/versions");
    let versions = server.get(&versions).await.ok().json();
    assert_eq!(versions["items"][0]["action"], json!("environment.cloned"));
    assert_eq!(server.post(&format!("{DEVELOPMENT}/clone"), new).await.problem().0, 409);
    server.publish().await;
    let snapshots = format!("{PROJECT}/environments/staging/snapshots");
    assert_eq!(server.get(&snapshots).await.ok().json()["items"][0]["version"], json!(1));
}

async fn few_imports_run_at_once(place: Place) {
    let server = start(&place).await;
    let document = json!({ "projectFormat": 1 });
    let import = async || server.post(&format!("{PROJECT}/import"), document.clone()).await;
    let turns = u32::try_from(MAX_IMPORTING).unwrap();
    let all = server.app.importing.try_acquire_many(turns).unwrap();
    let busy = import().await;
    assert_eq!(busy.problem(), (503, "busy".to_owned()));
    assert!(busy.headers.contains_key("retry-after"));
    drop(all);
    // Also what is refused gives its turn back.
    for _ in 0..=MAX_IMPORTING {
        assert_eq!(server.post(&format!("{PROJECT}/import"), json!({})).await.problem().0, 422);
    }
    import().await.ok();
    assert_eq!(server.app.importing.available_permits(), MAX_IMPORTING);
}

/// What would become of a document is told while somebody else changes something, and keeps nobody from changing anything.
async fn a_dry_run_waits_for_nobody(place: Place) {
    let server = start(&place).await;
    // The token's first use is written down.
    server.get(PROJECT).await.ok();
    let mut writing = server.app.store.begin().await.unwrap();
    let taken = projects::lock_for_change(&mut writing, "default").await.unwrap();
    assert!(taken.is_some());
    let path = format!("{PROJECT}/import?dryRun=true");
    let told = server.post(&path, json!({ "projectFormat": 1 })).await.ok().json();
    assert_eq!(told["dryRun"], json!(true));
}
