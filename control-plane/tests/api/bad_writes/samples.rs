//! A good request for each operation that writes: what is broken in many ways has to be sound before.

use axum::http::Method;
use pennon_control_plane::store::publications;
use serde_json::{Value, json};

use crate::callers::*;
use crate::support::*;

/// A good request.
pub(super) struct Sample {
    pub(super) path: String,
    pub(super) body: Option<Value>,
    /// By a session and not by the token: it is for people.
    pub(super) cookie: Option<String>,
}

const PROJECT: &str = "/admin/projects/default";
const SALT: &str = "000102030405060708090a0b0c0d0e0f";

/// Something of each kind that the samples refer to.
pub(super) async fn furnish(server: &Server) {
    for (path, body) in [
        ("segments/beta", json!({ "included": ["ada"] })),
        ("layers/stack", json!({ "by": { "unit": "targetingKey" } })),
        ("holdouts/held", json!({ "by": { "unit": "targetingKey" }, "weight": 1_000 })),
    ] {
        server.put(&format!("{PROJECT}/{path}"), body).await.ok();
    }
    flag(server, "needed").await;
    server.publish().await;
}

async fn flag(server: &Server, key: &str) {
    let flag = json!({ "key": key, "definition": definition() });
    server.post(&format!("{PROJECT}/flags"), flag).await.ok();
}

fn definition() -> Value {
    json!({
        "name": "A flag", "type": "string", "description": "What it is for", "clientVisible": false,
        "variants": [{ "key": "a", "value": "A" }, { "key": "b", "value": "B" }],
        "tags": ["web"], "owner": "The team", "temporary": true, "expectedEnd": NOW + 1,
    })
}

fn configuration() -> Value {
    let by = json!({ "unit": "targetingKey", "salt": SALT });
    json!({
        "enabled": true,
        "offVariant": "b",
        "prerequisites": [{ "flag": "needed", "variants": ["a"] }],
        "targets": [{ "variant": "a", "unit": "company", "keys": ["acme"], "expires": NOW + 1_000 }],
        "holdout": { "holdout": "held", "variant": "b" },
        "rules": [rule()],
        "fallthrough": { "ramp": {
            "by": by, "variants": ["a", "b"],
            "steps": [{ "at": NOW, "weights": [100_000, 0] }, { "at": NOW + 1_000, "weights": [0, 100_000] }],
        } },
        "metadata": { "team": "web", "number": 1, "truth": true },
    })
}

fn rule() -> Value {
    let device = json!({ "unit": "device", "salt": SALT });
    json!({
        "id": "first", "name": "The first", "from": NOW, "to": NOW + 1_000,
        "layer": { "layer": "stack", "from": 0, "to": 50_000 },
        "when": { "all": [
            { "equals": { "attribute": "country", "value": "US", "ignoreCase": true } },
            { "in": { "attribute": "plan", "values": ["pro", "team"] } },
            { "not": { "segment": "beta" } },
            { "any": [
                { "number": { "attribute": "age", "is": ">=", "value": 18 } },
                { "matches": { "attribute": "email", "pattern": "@example[.]com$" } },
                { "starts_with": { "attribute": "path", "values": ["/shop"] } },
                { "semver": { "attribute": "version", "is": ">", "value": "1.2.3" } },
                { "datetime": { "attribute": "joined", "is": "<", "value": "2026-01-01T00:00:00Z" } },
                { "ip_in_cidr": { "attribute": "ip", "values": ["10.0.0.0/8"] } },
            ] },
            { "some": { "attribute": "orders", "when": { "exists": { "attribute": "sku" } } } },
            { "bucket": { "by": device, "below": 50_000 } },
        ] },
        "serve": { "split": {
            "by": { "unit": "company", "salt": SALT, "fallbackUnits": ["device"] },
            "weights": [{ "variant": "a", "weight": 40_000 }, { "variant": "b", "weight": 60_000 }],
        } },
    })
}

fn document(kind: &str) -> Value {
    let by = json!({ "unit": "targetingKey", "salt": SALT });
    match kind {
        "attributes" => json!({ "type": "string", "private": false, "description": "What it is" }),
        "segments" => json!({
            "description": "Who they are", "unit": "company", "included": ["acme"], "excluded": ["other"],
            "when": { "equals": { "attribute": "country", "value": "US" } },
        }),
        "layers" => json!({ "by": by }),
        "holdouts" => json!({ "by": by, "weight": 1_000 }),
        _ => panic!("{kind}"),
    }
}

/// Makes what the operation is about, for it alone, and answers a request that would succeed.
pub(super) async fn sample(server: &Server, ada: &str, id: &str, template: &str) -> Sample {
    let own = id.to_lowercase();
    let email = format!("{own}@example.com");
    let mut path = template.replace("{project}", "default").replace("{environment}", "development");
    if id == "deleteEnvironment" {
        server.post(&format!("{PROJECT}/environments"), json!({ "key": own })).await.ok();
        path = template.replace("{project}", "default").replace("{environment}", &own);
    }
    let mut cookie = None;
    let mut body = body(&own, id);
    if path.contains("{flag}") {
        flag(server, &own).await;
        path = path.replace("{flag}", &own);
        let whole = format!("{PROJECT}/flags/{own}");
        if ["deleteFlag", "restoreFlag"].contains(&id) {
            server.admin(Method::POST, &format!("{whole}/archive"), None).await.ok();
        }
        if id == "rollBackFlag" {
            server.patch(&whole, json!({ "owner": "Somebody else" })).await.ok();
        }
        if id == "patchConfiguration" {
            // What a patch is merged into has the same alternatives.
            let path = format!("{DEVELOPMENT}/flags/{own}");
            server.put(&path, configuration()).await.ok();
        }
        if id == "rollBackConfiguration" || id == "turnOff" {
            server.turn(&own, "on").await.ok();
        }
    }
    for (parameter, kind) in [
        ("{segment}", "segments"),
        ("{attribute}", "attributes"),
        ("{layer}", "layers"),
        ("{holdout}", "holdouts"),
    ] {
        if path.contains(parameter) {
            let whole = format!("{PROJECT}/{kind}/{own}");
            let mut written = match id {
                // What a patch is merged into has the same alternatives.
                "patchSegment" => body.clone().unwrap(),
                _ => document(kind),
            };
            server.put(&whole, written.clone()).await.ok();
            path = path.replace(parameter, &own);
            if path.contains("{version}") {
                match kind {
                    "layers" | "holdouts" => written["by"]["unit"] = json!("company"),
                    _ => written["description"] = json!("Something else"),
                }
                server.put(&whole, written).await.ok();
            }
            if id == "restoreSegment" {
                server.admin(Method::POST, &format!("{whole}/archive"), None).await.ok();
            }
        }
    }
    if path.contains("{version}") {
        let versions = server.get(path.split("/{version}").next().unwrap()).await.ok().json();
        let oldest = versions["items"].as_array().unwrap().last().unwrap();
        path = path.replace("{version}", &oldest["version"].to_string());
    }
    if path.contains("{user}") {
        let made = server.post("/admin/users", json!({ "email": email })).await.ok().json();
        path = path.replace("{user}", made["user"]["id"].as_str().unwrap());
        if path.contains("/members/") {
            let member = json!({ "email": email, "role": "editor" });
            server.post(MEMBERS, member).await.ok();
        }
    }
    if path.contains("{id}") {
        let made = of_id(server, &path, &own).await;
        path = path.replace("{id}", &made);
    }
    if path.contains("{delivery}") {
        server.boolean_flag("told").await;
        let hook = path.split("/deliveries").next().unwrap();
        let told = server.get(&format!("{hook}/deliveries")).await.ok().json();
        path = path.replace("{delivery}", told["items"][0]["id"].as_str().unwrap());
    }
    match id {
        "confirmPublication" => {
            let environment = server.get(DEVELOPMENT).await.ok().json();
            let revision = environment["revision"].as_i64().unwrap();
            let held = ["it loses many flags".to_owned()];
            let mut tx = server.app.store.begin().await.unwrap();
            let id = environment["id"].as_str().unwrap();
            publications::failed(&mut tx, id, (revision, NOW), "held", Some(&held)).await.unwrap();
            tx.commit().await.unwrap();
            body = Some(json!({ "revision": revision, "comment": "Meant so" }));
        }
        "operateOnFlag" => {
            let seen = server.get(&format!("{DEVELOPMENT}/flags/{own}")).await.ok().json();
            body.as_mut().unwrap()["basedOn"] = seen["version"].clone();
        }
        "addMember" | "signIn" | "issueToken" | "acceptInvitation" | "refreshToken"
        | "revokeSignIn" | "changePassword" | "signOut" | "endSession" => {
            let (session, sign_in) = person(server, ada, id, &email, &mut body).await;
            if let Some(sign_in) = sign_in {
                path = path.replace("SESSION", &sign_in);
            }
            cookie = session;
        }
        _ => {}
    }
    Sample { path, body, cookie }
}

/// The id of a new thing of the kind that the path names.
async fn of_id(server: &Server, path: &str, own: &str) -> String {
    let list = path.split("/{id}").next().unwrap();
    let new = match list.rsplit('/').next().unwrap() {
        "sdk-keys" => json!({ "kind": "client", "name": own }),
        "tokens" => json!({ "name": own, "role": "viewer" }),
        "webhooks" => json!({ "name": own, "url": "https://example.com/", "events": ["*"] }),
        _ => return "SESSION".to_owned(),
    };
    server.post(list, new).await.ok().json()["id"].as_str().unwrap().to_owned()
}

/// Somebody for an operation about people: a cookie, and the id of a session, where it takes them.
async fn person(
    server: &Server,
    ada: &str,
    id: &str,
    email: &str,
    body: &mut Option<Value>,
) -> (Option<String>, Option<String>) {
    if id == "acceptInvitation" {
        let made = server.post("/admin/users", json!({ "email": email })).await.ok().json();
        body.as_mut().unwrap()["invitation"] = made["invitation"].clone();
        return (None, None);
    }
    if id == "addMember" {
        server.post("/admin/users", json!({ "email": email })).await.ok();
        return (None, None);
    }
    let (_, session) = somebody(server, ada, email, "viewer").await;
    if ["refreshToken", "revokeSignIn"].contains(&id) {
        let credentials = json!({ "email": email, "password": PASSWORD });
        let tokens = ask(server, With::Nothing, Method::POST, "/auth/token", Some(credentials));
        let tokens = tokens.await.ok().json();
        body.as_mut().unwrap()["refreshToken"] = tokens["refreshToken"].clone();
    }
    if ["signIn", "issueToken", "refreshToken", "revokeSignIn"].contains(&id) {
        return (None, None);
    }
    let sessions = ask(server, With::Cookie(&session), Method::GET, "/auth/sessions", None).await;
    let sign_in = sessions.ok().json()["items"][0]["id"].as_str().unwrap().to_owned();
    (Some(session), Some(sign_in))
}

/// The body of the operation, if it takes one. One that is not here is not known.
fn body(own: &str, id: &str) -> Option<Value> {
    let email = format!("{own}@example.com");
    Some(match id {
        "deleteAttribute"
        | "rollBackAttribute"
        | "turnOff"
        | "turnOn"
        | "rollBackConfiguration"
        | "revokeSdkKey"
        | "deleteFlag"
        | "archiveFlag"
        | "restoreFlag"
        | "rollBackFlag"
        | "deleteHoldout"
        | "rollBackHoldout"
        | "deleteLayer"
        | "rollBackLayer"
        | "removeMember"
        | "deleteSegment"
        | "archiveSegment"
        | "restoreSegment"
        | "rollBackSegment"
        | "revokeToken"
        | "deleteWebhook"
        | "redeliver"
        | "rotateWebhookSecret"
        | "inviteUser"
        | "endSession"
        | "signOut"
        | "deleteEnvironment" => return None,
        "createProject" => json!({ "key": own, "name": "A project" }),
        "createEnvironment" | "cloneEnvironment" => {
            json!({ "key": own, "name": "Staging", "protected": true, "colour": "#1a7f37" })
        }
        "putEnvironment" | "patchEnvironment" => {
            json!({ "name": id, "protected": false, "colour": "#1a7f37", "position": 0 })
        }
        "putAttribute" | "patchAttribute" => {
            json!({ "type": "number", "private": true, "description": "Something else" })
        }
        "putSegment" | "patchSegment" => {
            let mut segment = document("segments");
            segment["when"] = rule()["when"].clone();
            segment
        }
        "putLayer" | "patchLayer" => {
            json!({ "by": { "unit": "company", "salt": SALT } })
        }
        "putHoldout" | "patchHoldout" => json!({
            "weight": 2_000,
            "by": { "unit": "company", "salt": SALT, "fallbackUnits": ["device"] },
        }),
        "copyFlags" => json!({ "from": "production", "flags": ["needed"], "comment": "As there" }),
        "confirmPublication" => json!({ "revision": 0 }),
        "compileDraft" => {
            json!({ "flags": { "needed": { "definition": definition(), "configuration": configuration_of_its_own() } } })
        }
        "evaluateAt" => json!({
            "flag": "needed", "context": { "targetingKey": "ada", "plan": "pro" }, "kind": "server",
            "at": "1", "now": NOW,
        }),
        "putConfiguration" | "patchConfiguration" => configuration(),
        "createFlag" => {
            json!({ "key": own, "definition": definition(), "configuration": configuration() })
        }
        "putFlag" | "patchFlag" => {
            let mut definition = definition();
            definition["description"] = json!("Something else");
            definition
        }
        "operateOnFlag" => operations(),
        "operateOnSegment" => json!({ "comment": "Growing", "operations": [
            { "op": "addKeys", "list": "included", "keys": ["new"] },
            { "op": "removeKeys", "list": "excluded", "keys": ["other"] },
            { "op": "setCondition", "when": { "exists": { "attribute": "plan" } } },
            { "op": "setDescription", "description": "Others" },
        ] }),
        "createSdkKey" => json!({ "kind": "server", "name": "The backend" }),
        "patchSdkKey" => json!({ "name": "Another name" }),
        "importProject" => json!({
            "projectFormat": 1, "project": { "key": "elsewhere", "name": "Elsewhere" },
            "attributes": { "imported": document("attributes") },
            "flags": { "imported": definition() },
            "environments": [{
                "key": "development", "name": "Development", "protected": false, "colour": "#000000",
                "flags": { "imported": { "enabled": false, "fallthrough": { "variant": "a" } } },
            }],
        }),
        "addMember" => {
            json!({ "email": email, "role": "editor", "environments": { "production": "viewer" } })
        }
        "putMember" => json!({ "role": "publisher", "environments": { "production": "viewer" } }),
        "createToken" => json!({
            "name": own, "role": "editor", "environments": { "production": "viewer" },
            "expiresAt": NOW + 86_400_000,
        }),
        "createWebhook" | "putWebhook" => json!({
            "name": id, "url": "https://example.com/hook", "events": ["flag.*"],
            "environments": ["production"], "enabled": true,
        }),
        "createUser" => json!({ "email": email, "name": "Somebody", "instanceOwner": false }),
        "patchUser" => json!({ "name": "Another name", "instanceOwner": true, "disabled": true }),
        "acceptInvitation" => json!({ "invitation": "", "password": PASSWORD }),
        "changePassword" => json!({ "current": PASSWORD, "new": "another long password" }),
        "setUp" => {
            json!({ "token": "", "email": email, "name": "Ada", "password": PASSWORD })
        }
        "signIn" | "issueToken" => json!({ "email": email, "password": PASSWORD }),
        "refreshToken" | "revokeSignIn" => json!({ "refreshToken": "" }),
        _ => panic!("tests/api/bad_writes/samples.rs has no good request for {id}"),
    })
}

/// The rich configuration, of the flag that others need.
fn configuration_of_its_own() -> Value {
    let mut configuration = configuration();
    configuration.as_object_mut().unwrap().remove("prerequisites");
    configuration
}

fn operations() -> Value {
    let split = json!({ "split": {
        "by": { "unit": "targetingKey", "salt": SALT },
        "weights": [{ "variant": "a", "weight": 50_000 }, { "variant": "b", "weight": 50_000 }],
    } });
    let step =
        |at: i64, share: u32| json!({ "at": at, "weights": { "a": share, "b": 100_000 - share } });
    let second =
        json!({ "id": "second", "when": { "segment": "beta" }, "serve": { "variant": "a" } });
    json!({ "comment": "Step by step", "operations": [
        { "op": "turnOn" },
        { "op": "setOffVariant", "variant": "a" },
        { "op": "setFallthrough", "serve": split },
        { "op": "addRule", "rule": rule(), "position": 0 },
        { "op": "addRule", "rule": second, "before": "first" },
        { "op": "moveRule", "id": "second", "position": 1 },
        { "op": "replaceRule", "id": "second", "rule": second },
        { "op": "setRuleServe", "id": "second", "serve": { "variant": "a" } },
        { "op": "removeRule", "id": "second" },
        { "op": "setWeights", "weights": { "a": 60_000, "b": 40_000 } },
        { "op": "startRamp", "steps": [step(NOW + 1_000, 70_000), step(NOW + 2_000, 80_000)] },
        { "op": "adjustRamp", "steps": [step(NOW + 3_000, 90_000)] },
        { "op": "stopRamp" },
        { "op": "addTargets", "variant": "a", "keys": ["ada"], "unit": "targetingKey", "expires": NOW + 1_000 },
        { "op": "removeTargets", "keys": ["ada"], "unit": "targetingKey" },
        { "op": "setPrerequisite", "flag": "needed", "variants": ["a"] },
        { "op": "removePrerequisite", "flag": "needed" },
        { "op": "setHoldout", "holdout": { "holdout": "held", "variant": "b" } },
        { "op": "setMetadata", "name": "team", "value": "web" },
    ] })
}
