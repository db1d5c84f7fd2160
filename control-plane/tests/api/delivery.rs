//! Heads, bodies and keysets, and who may have them.

use axum::body::Body;
use axum::http::Request;
use pennon_core::protocol::connection::hex;
use pennon_core::snapshot::{Accepted, Kind};
use serde_json::json;

use crate::support::*;

on_both_databases!(
    every_kind_verifies_and_clients_get_less,
    what_is_hidden_is_in_no_body_of_clients,
    each_wrong_key_has_its_own_name,
    knowing_a_hash_is_no_right,
    a_revoked_key_is_refused_at_once,
    older_bodies_stay_retrievable,
    a_delta_leads_from_one_body_to_the_next,
    a_delta_is_for_those_who_may_have_both_bodies,
    bodies_travel_as_small_as_the_receiver_can_read,
    delivery_goes_on_without_the_database,
    ofrep_answers,
    every_ofrep_failure_has_key_and_code,
    browsers_of_any_origin_may_ask,
);

async fn every_kind_verifies_and_clients_get_less(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("shown").await;
    let hidden = json!({ "key": "hidden", "definition": { "type": "boolean" } });
    server.post("/admin/projects/default/flags", hidden).await.ok();
    server.publish().await;
    for (kind, flags) in [(Kind::Client, 1), (Kind::Server, 2), (Kind::Edge, 2)] {
        let accepted = server.accepted(kind).await;
        assert_eq!((accepted.head.version, accepted.head.epoch), (3, 1));
        assert_eq!(accepted.head.created, NOW);
        assert_eq!(accepted.head.refresh_by - accepted.head.created, 24 * 3_600_000);
        assert_eq!(accepted.head.not_after - accepted.head.created, 30 * 24 * 3_600_000);
        assert_eq!(accepted.snapshot.flag_count(), flags, "{kind:?}");
    }
    let edge = server.accepted(Kind::Edge).await.snapshot;
    for kind in Kind::ALL {
        let sha256 = pennon_core::protocol::access::key_sha256(&server.key(0, kind));
        assert_eq!(edge.gate().admits(&sha256), Some(kind));
        let other = pennon_core::protocol::access::key_sha256(&server.key(1, kind));
        assert_eq!(edge.gate().admits(&other), None);
    }
}

/// Texts planted by the admin API, looked for in the bytes that are fetched (core's canaries.rs has one in every place of a configuration).
async fn what_is_hidden_is_in_no_body_of_clients(place: Place) {
    let server = start(&place).await;
    let segments = "/admin/projects/default/segments";
    for name in ["canary-asked", "canary-spare"] {
        let segment =
            json!({ "description": format!("{name}.words"), "included": [format!("{name}.key")] });
        server.put(&format!("{segments}/{name}"), segment).await.ok();
    }
    let attribute =
        json!({ "type": "string", "private": true, "description": "canary-attribute.words" });
    server.put("/admin/projects/default/attributes/canary-attribute", attribute).await.ok();
    for (key, visible) in [("canary-shown", true), ("canary-hidden", false)] {
        let of = |part: &str| format!("{key}.{part}");
        let variant =
            |part: &str| json!({ "key": of(part), "value": of(&format!("{part}.value")) });
        let definition = json!({
            "type": "string", "clientVisible": visible, "name": of("name"), "description": of("words"), "owner": of("owner"),
            "tags": [of("tag")], "variants": [variant("served"), variant("off"), variant("spare")],
        });
        let flag = json!({ "key": key, "definition": definition });
        server.post("/admin/projects/default/flags", flag).await.ok();
        let rule = |id: &str, when| json!({ "id": of(id), "name": of(&format!("{id}.name")), "when": when, "serve": { "variant": of("served") } });
        let asked = match visible {
            true => json!({ "segment": "canary-asked" }),
            false => {
                json!({ "any": [{ "segment": "canary-spare" }, { "equals": { "attribute": "canary-attribute", "value": of("operand") } }] })
            }
        };
        let configuration = json!({
            "enabled": true, "offVariant": of("off"), "fallthrough": { "variant": of("served") }, "rules": [rule("rule", asked)],
        });
        server.put(&format!("{DEVELOPMENT}/flags/{key}"), configuration).await.ok();
    }
    server.publish().await;
    let found =
        |body: &[u8], text: &str| body.windows(text.len()).any(|part| part == text.as_bytes());
    let [servers, clients] =
        [server.accepted(Kind::Server).await, server.accepted(Kind::Client).await]
            .map(|accepted| accepted.snapshot.bytes().to_vec());
    for text in [
        "canary-hidden",
        "canary-hidden.served.value",
        "canary-hidden.rule",
        "canary-hidden.operand",
        "canary-spare.key",
        "canary-attribute",
        "canary-shown.spare",
    ] {
        assert_eq!((found(&servers, text), found(&clients, text)), (true, false), "{text}");
    }
    for text in
        ["canary-shown", "canary-shown.served.value", "canary-shown.rule", "canary-asked.key"]
    {
        assert_eq!((found(&servers, text), found(&clients, text)), (true, true), "{text}");
    }
    for text in ["words", "owner", ".name", "tag"] {
        assert_eq!((found(&servers, text), found(&clients, text)), (false, false), "{text}");
    }
}

async fn each_wrong_key_has_its_own_name(place: Place) {
    let server = start(&place).await;
    let (own, other) = (server.environment_id(0), server.environment_id(1));
    let [client, secret] = [Kind::Client, Kind::Server].map(|kind| server.key(0, kind));
    let unknown = format!("pnc_{}", "A".repeat(43));
    let client_head = format!("/v1/head/{own}/client");
    let server_head = format!("/v1/head/{own}/server");
    for (path, key, status, code) in [
        (client_head.clone(), None, 401, "key-missing"),
        (client_head.clone(), Some("rubbish"), 401, "key-unknown"),
        (client_head.clone(), Some(unknown.as_str()), 401, "key-unknown"),
        (server_head.clone(), Some(client.as_str()), 403, "key-kind"),
        (format!("/v1/head/{own}/edge"), Some(secret.as_str()), 403, "key-kind"),
        (format!("/v1/head/{other}/client"), Some(client.as_str()), 403, "key-environment"),
        (
            format!("/v1/head/{}/client", "0".repeat(32)),
            Some(client.as_str()),
            403,
            "key-environment",
        ),
        ("/v1/head/nonsense/client".to_owned(), Some(client.as_str()), 403, "key-environment"),
        (format!("/v1/head/{own}/nonsense"), Some(client.as_str()), 404, "not-found"),
        (format!("{server_head}?key={secret}"), None, 400, "key-in-query"),
        // A valid key in a header excuses nothing.
        (format!("{server_head}?key={secret}"), Some(secret.as_str()), 400, "key-in-query"),
        (format!("{client_head}?key={secret}"), Some(client.as_str()), 400, "key-in-query"),
        (format!("/v1/stream/{own}/server"), Some(client.as_str()), 403, "key-kind"),
        (format!("/v1/stream/{other}/client"), Some(client.as_str()), 403, "key-environment"),
    ] {
        let answer = server.fetch(&path, key).await;
        assert_eq!(answer.problem(), (status, code.to_owned()), "{path} {key:?}");
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
    let public = server.fetch(&format!("{client_head}?key={client}"), None).await.ok();
    assert!(public.headers["cache-control"].to_str().unwrap().starts_with("public, max-age=5"));
    let private = server.fetch(&server_head, Some(&secret)).await.ok();
    assert!(private.headers["cache-control"].to_str().unwrap().starts_with("private"));
    // A server may read what its clients get.
    server.fetch(&client_head, Some(&secret)).await.ok();
    for number in ["0", "2", "-1", "x", "99999999999"] {
        assert_eq!(server.fetch(&format!("/v1/keyset/{number}"), None).await.problem().0, 404);
    }
}

async fn knowing_a_hash_is_no_right(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    server.turn("a", "on").await.ok();
    server.publish().await;
    let head = server.accepted(Kind::Server).await.head;
    let body = format!("/v1/body/{}", hex(&head.body_sha256));
    let client = server.key(0, Kind::Client);
    assert_eq!(server.fetch(&body, Some(&client)).await.problem(), (403, "key-kind".to_owned()));
    assert_eq!(server.fetch(&format!("{body}?key={client}"), None).await.problem().1, "key-kind");
    let elsewhere = server.key(1, Kind::Server);
    assert_eq!(server.fetch(&body, Some(&elsewhere)).await.problem().1, "key-environment");
    assert_eq!(server.fetch(&body, None).await.problem().1, "key-missing");
    let nowhere = format!("/v1/body/{}", "0".repeat(64));
    assert_eq!(server.fetch(&nowhere, Some(&client)).await.problem().1, "not-found");
    assert_eq!(server.fetch("/v1/body/x", Some(&client)).await.problem().1, "not-found");
}

async fn a_revoked_key_is_refused_at_once(place: Place) {
    let server = start(&place).await;
    let keys = format!("{DEVELOPMENT}/sdk-keys");
    let made = server.post(&keys, json!({ "kind": "client", "name": "shop page" })).await;
    assert_eq!(made.status, 201);
    let made = made.json();
    let key = made["key"].as_str().unwrap();
    let connection = made["connectionString"].as_str().unwrap();
    assert_eq!(
        pennon_core::protocol::connection::ConnectionString::parse(connection).unwrap().sdk_key,
        key
    );
    let head = format!("/v1/head/{}/client?key={key}", server.environment_id(0));
    server.fetch(&head, None).await.ok();
    server.publish().await;
    let sha256 = pennon_core::protocol::access::key_sha256(key);
    assert_eq!(
        server.accepted(Kind::Edge).await.snapshot.gate().admits(&sha256),
        Some(Kind::Client)
    );

    let list = server.get(&keys).await.ok();
    assert!(!String::from_utf8_lossy(&list.bytes).contains(key), "the key is shown once");
    let path = format!("{keys}/{}", made["id"].as_str().unwrap());
    assert_eq!(server.delete(&path).await.status, 204);
    assert_eq!(server.delete(&path).await.status, 204);
    assert_eq!(server.fetch(&head, None).await.problem(), (401, "key-unknown".to_owned()));
    server.publish().await;
    assert_eq!(server.accepted(Kind::Edge).await.snapshot.gate().admits(&sha256), None);
    let log = server.get("/admin/projects/default/audit").await.ok();
    assert!(!String::from_utf8_lossy(&log.bytes).contains(key));
}

async fn older_bodies_stay_retrievable(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    server.publish().await;
    let first = server.accepted(Kind::Client).await.head;
    for way in ["on", "off", "on", "off", "on"] {
        server.turn("a", way).await.ok();
        server.publish().await;
    }
    assert_ne!(server.accepted(Kind::Client).await.head.body_sha256, first.body_sha256);
    let path = format!("/v1/body/{}?key={}", hex(&first.body_sha256), server.key(0, Kind::Client));
    let answer = server.fetch(&path, None).await.ok();
    assert_eq!(answer.bytes.len(), first.body_length as usize);
    assert!(answer.headers["cache-control"].to_str().unwrap().contains("immutable"));
}

/// The hash of the published client body before and after one flag of twenty is turned on.
async fn changed_by_one_flag(server: &Server) -> [Accepted; 2] {
    for number in 0..20 {
        server.boolean_flag(&format!("flag-{number}")).await;
    }
    server.publish().await;
    let before = server.accepted(Kind::Client).await;
    server.turn("flag-7", "on").await.ok();
    server.publish().await;
    [before, server.accepted(Kind::Client).await]
}

fn delta_path(from: &Accepted, to: &Accepted) -> String {
    format!("/v1/delta/{}/{}", hex(&from.head.body_sha256), hex(&to.head.body_sha256))
}

async fn a_delta_leads_from_one_body_to_the_next(place: Place) {
    let server = start(&place).await;
    let [before, after] = changed_by_one_flag(&server).await;
    let key = server.key(0, Kind::Client);
    for (from, to) in [(&before, &after), (&after, &before)] {
        let path = format!("{}?key={key}", delta_path(from, to));
        let answer = server.fetch(&path, None).await.ok();
        assert!(answer.headers["cache-control"].to_str().unwrap().starts_with("public, max-age="));
        assert!(answer.bytes.len() < to.snapshot.bytes().len() / 10, "{}", answer.bytes.len());
        let rebuilt = pennon_core::snapshot::delta::apply(&from.snapshot, &answer.bytes).unwrap();
        assert!(rebuilt == to.snapshot.bytes());
    }
    // From a body that is not in memory any more.
    for way in ["off", "on", "off", "on"] {
        server.turn("flag-3", way).await.ok();
        server.publish().await;
    }
    let newest = server.accepted(Kind::Client).await;
    let answer = server.fetch(&format!("{}?key={key}", delta_path(&before, &newest)), None).await;
    let rebuilt = pennon_core::snapshot::delta::apply(&before.snapshot, &answer.ok().bytes);
    assert!(rebuilt.unwrap() == newest.snapshot.bytes());
}

async fn a_delta_is_for_those_who_may_have_both_bodies(place: Place) {
    let server = start(&place).await;
    let [before, after] = changed_by_one_flag(&server).await;
    let [client, secret] = [Kind::Client, Kind::Server].map(|kind| server.key(0, kind));
    let path = delta_path(&before, &after);
    let answer = server.fetch(&path, Some(&secret)).await.ok();
    assert_eq!(answer.headers["cache-control"], "private, no-store");
    let secrets = server.accepted(Kind::Server).await;
    let nobody = format!("/v1/delta/{}/{}", "0".repeat(64), hex(&after.head.body_sha256));
    for (path, key, status, code) in [
        (path.clone(), None, 401, "key-missing"),
        (path.clone(), Some(server.key(1, Kind::Client)), 403, "key-environment"),
        (delta_path(&secrets, &after), Some(client.clone()), 403, "key-kind"),
        (delta_path(&after, &secrets), Some(client.clone()), 403, "key-kind"),
        // It may have both, and they are of two kinds.
        (delta_path(&after, &secrets), Some(secret.clone()), 404, "not-found"),
        (nobody, Some(client.clone()), 404, "not-found"),
        ("/v1/delta/x/y".to_owned(), Some(client.clone()), 404, "not-found"),
    ] {
        let answer = server.fetch(&path, key.as_deref()).await;
        assert_eq!(answer.problem(), (status, code.to_owned()), "{path} {key:?}");
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
    // A revoked key is refused, however immutable the answer is.
    let keys = format!("{DEVELOPMENT}/sdk-keys");
    let list = server.get(&keys).await.ok().json();
    let own = list["items"].as_array().unwrap().iter().find(|key| key["kind"] == "server").unwrap();
    server.delete(&format!("{keys}/{}", own["id"].as_str().unwrap())).await.ok();
    assert_eq!(server.fetch(&path, Some(&secret)).await.problem().1, "key-unknown");
}

async fn bodies_travel_as_small_as_the_receiver_can_read(place: Place) {
    let server = start(&place).await;
    let [_, after] = changed_by_one_flag(&server).await;
    let path =
        format!("/v1/body/{}?key={}", hex(&after.head.body_sha256), server.key(0, Kind::Client));
    let plain = after.snapshot.bytes();
    for (accepts, coding) in [
        ("gzip, deflate, br, zstd", Some("br")),
        ("gzip, zstd", Some("zstd")),
        ("gzip", Some("gzip")),
        ("identity", None),
    ] {
        let request = Request::get(&path).header("accept-encoding", accepts);
        let answer = server.send(request.body(Body::empty()).unwrap()).await.ok();
        let given = answer.headers.get("content-encoding").map(|name| name.to_str().unwrap());
        assert_eq!(given, coding, "{accepts}");
        let vary: Vec<_> = answer.headers.get_all("vary").iter().collect();
        assert!(vary.iter().any(|name| *name == "Accept-Encoding"), "{vary:?}");
        match coding {
            Some(_) => assert!(answer.bytes.len() < plain.len() / 2, "{}", answer.bytes.len()),
            None => assert!(answer.bytes == plain),
        }
    }
}

async fn delivery_goes_on_without_the_database(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    server.publish().await;
    server.app.store.close().await;
    let accepted = server.accepted(Kind::Client).await;
    assert_eq!(accepted.snapshot.flag_count(), 1);
    let away = server.get("/admin/projects").await;
    assert_eq!(away.problem(), (503, "database-away".to_owned()));
    assert!(away.headers.contains_key("retry-after"));
    let ready = server.fetch("/readyz", None).await;
    assert_eq!((ready.status.as_u16(), &ready.json()["database"]), (503, &json!("away")));
    server.fetch("/healthz", None).await.ok();
}

async fn ofrep_answers(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    let hidden = json!({ "key": "hidden", "definition": { "type": "boolean" } });
    server.post("/admin/projects/default/flags", hidden).await.ok();
    server.turn("a", "on").await.ok();
    server.publish().await;
    let ask = async |path: &str, key: &str, tag: Option<&str>| {
        let mut request = Request::post(format!("/ofrep/v1/evaluate/flags{path}"))
            .header("x-api-key", key)
            .header("content-type", "application/json");
        if let Some(tag) = tag {
            request = request.header("if-none-match", tag);
        }
        server.send(request.body(Body::from(r#"{"context":{"targetingKey":"u1"}}"#)).unwrap()).await
    };
    let client = server.key(0, Kind::Client);
    let single = ask("/a", &client, None).await.ok();
    assert_eq!(single.headers["content-type"], "application/json");
    assert_eq!(
        (&single.json()["value"], &single.json()["reason"]),
        (&json!(true), &json!("STATIC"))
    );
    let not_found = ask("/hidden", &client, None).await;
    assert_eq!(
        (not_found.status.as_u16(), &not_found.json()["errorCode"]),
        (404, &json!("FLAG_NOT_FOUND"))
    );
    ask("/hidden", &server.key(0, Kind::Server), None).await.ok();
    let bulk = ask("", &client, None).await.ok();
    assert_eq!(bulk.json()["flags"].as_array().unwrap().len(), 1);
    let tag = bulk.headers["etag"].to_str().unwrap();
    assert_eq!(ask("", &client, Some(tag)).await.status, 304);
    let denied = ask("/a", "pnc_x", None).await;
    assert_eq!((denied.status.as_u16(), &denied.json()["key"]), (401, &json!("a")));
}

async fn every_ofrep_failure_has_key_and_code(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    server.publish().await;
    let [client, secret] = [Kind::Client, Kind::Server].map(|kind| server.key(0, kind));
    let long = "x".repeat(200_000);
    for (method, path, body, status, key, code) in [
        ("POST", "/a".to_owned(), long.as_str(), 413, "a", "PARSE_ERROR"),
        ("POST", String::new(), long.as_str(), 413, "", "PARSE_ERROR"),
        ("POST", "/%ff".to_owned(), "{}", 404, "%ff", "FLAG_NOT_FOUND"),
        ("POST", "/gone".to_owned(), "{}", 404, "gone", "FLAG_NOT_FOUND"),
        ("POST", "/a".to_owned(), "{", 400, "a", "PARSE_ERROR"),
        ("GET", "/a".to_owned(), "", 405, "a", "GENERAL"),
        ("DELETE", String::new(), "", 405, "", "GENERAL"),
        ("POST", format!("/a?key={secret}"), "{}", 400, "a", "GENERAL"),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(format!("/ofrep/v1/evaluate/flags{path}"))
            .header("x-api-key", &client)
            .header("content-type", "application/json");
        let answer = server.send(request.body(Body::from(body.to_owned())).unwrap()).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path}: {answer:?}");
        assert_eq!(answer.headers["content-type"], "application/json");
        assert_eq!(
            (&answer.json()["key"], &answer.json()["errorCode"]),
            (&json!(key), &json!(code))
        );
        assert_eq!(answer.headers.get("allow").is_some(), status == 405);
    }
}

async fn browsers_of_any_origin_may_ask(place: Place) {
    let server = start(&place).await;
    let request = Request::options(format!("/v1/head/{}/client", server.environment_id(0)))
        .header("origin", "https://shop.example")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization");
    let answer = server.send(request.body(Body::empty()).unwrap()).await.ok();
    assert_eq!(answer.headers["access-control-allow-origin"], "*");
    let allowed = answer.headers["access-control-allow-headers"].to_str().unwrap().to_lowercase();
    for name in ["authorization", "content-type", "x-api-key", "if-none-match"] {
        assert!(allowed.contains(name), "{allowed}");
    }
    // A refusal has to be readable as well.
    let request = Request::get("/v1/head/x/client").header("origin", "https://shop.example");
    let answer = server.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.headers["access-control-allow-origin"], "*");
    // The admin API is not for other origins.
    let request = Request::get("/admin/projects").header("origin", "https://shop.example");
    assert!(
        !server
            .send(request.body(Body::empty()).unwrap())
            .await
            .headers
            .contains_key("access-control-allow-origin")
    );
}
