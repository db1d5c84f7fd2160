//! Members and API tokens: what they may, and what they may give.

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Method, Request};
use serde_json::{Value, json};
use std::net::SocketAddr;

use crate::callers::*;
use crate::support::*;

on_both_databases!(
    members_come_change_and_go,
    nobody_grants_more_than_they_have,
    tokens_have_what_their_makers_have,
    a_disabled_person_can_do_nothing,
    the_last_owner_stays,
    what_serves_in_protected_environments_takes_a_publisher,
    the_audit_log_says_who_and_from_where,
    who_is_narrowed_takes_no_protection_away,
);

async fn members_come_change_and_go(place: Place) {
    let server = start(&place).await;
    let ada = set_up(&server).await;
    let (bob, session) = somebody(&server, &ada, "bob@example.com", "viewer").await;
    let path = format!("{MEMBERS}/{bob}");
    let shown = server.get(&path).await.ok();
    assert_eq!(shown.json()["role"], "viewer");
    let list = server.get(&format!("{MEMBERS}?search=BOB")).await.ok().json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(server.get(&format!("{MEMBERS}?search=%25")).await.ok().json()["items"], json!([]));
    assert_eq!(server.get(&format!("{MEMBERS}?limit=0")).await.problem().0, 422);

    let narrowed = json!({ "role": "publisher", "environments": { "production": "viewer" } });
    let changed = server.put(&path, narrowed.clone()).await.ok().json();
    assert_eq!(changed["environments"], narrowed["environments"]);
    let stale = server
        .admin_if(
            Method::PUT,
            &path,
            Some(json!({ "role": "viewer" })),
            Some(shown.headers["etag"].to_str().unwrap()),
        )
        .await;
    assert_eq!(stale.problem(), (412, "changed-since".to_owned()));
    assert_eq!(stale.json()["current"]["role"], "publisher");
    server.boolean_flag("a").await;
    let on = async |environment: &str| {
        let path = format!("/admin/projects/default/environments/{environment}/flags/a/on");
        ask(&server, With::Cookie(&session), Method::POST, &path, None).await
    };
    on("development").await.ok();
    assert_eq!(on("production").await.problem(), (403, "role".to_owned()));
    let shown = me(&server, With::Cookie(&session)).await.ok().json();
    assert_eq!(
        shown["projects"][0],
        json!({ "project": "default", "role": "publisher", "environments": { "production": "viewer" } })
    );

    for (wrong, field) in [
        (json!({ "role": "king" }), "role"),
        (
            json!({ "role": "editor", "environments": { "nowhere": "viewer" } }),
            "environments.nowhere",
        ),
        (
            json!({ "role": "editor", "environments": { "production": "editor" } }),
            "environments.production",
        ),
        (json!({ "role": "editor", "colour": 1 }), "colour"),
    ] {
        let refused = server.put(&path, wrong).await;
        assert_eq!((refused.problem().0, refused.json()["field"].as_str()), (422, Some(field)));
    }
    assert_eq!(server.delete(&path).await.status, 204);
    assert_eq!(
        on("development").await.problem(),
        (404, "not-found".to_owned()),
        "to him the project is gone"
    );
    assert_eq!(server.get(&path).await.problem().0, 404);
    let nobody =
        server.post(MEMBERS, json!({ "email": "nobody@example.com", "role": "viewer" })).await;
    assert_eq!((nobody.problem().0, nobody.json()["field"].as_str()), (422, Some("email")));
}

async fn nobody_grants_more_than_they_have(place: Place) {
    let server = start(&place).await;
    let ada = set_up(&server).await;
    let (owner, _) = somebody(&server, &ada, "owner@example.com", "owner").await;
    let (_, admin) = somebody(&server, &ada, "admin@example.com", "admin").await;
    let (bob, _) = somebody(&server, &ada, "bob@example.com", "viewer").await;
    let put = async |cookie: &str, user: &str, body: Value| {
        ask(&server, With::Cookie(cookie), Method::PUT, &format!("{MEMBERS}/{user}"), Some(body))
            .await
    };
    put(&admin, &bob, json!({ "role": "admin" })).await.ok();
    assert_eq!(
        put(&admin, &bob, json!({ "role": "owner" })).await.problem(),
        (403, "role".to_owned())
    );
    assert_eq!(put(&admin, &owner, json!({ "role": "viewer" })).await.problem().0, 403);
    let remove =
        ask(&server, With::Cookie(&admin), Method::DELETE, &format!("{MEMBERS}/{owner}"), None)
            .await;
    assert_eq!(remove.problem().0, 403);
    // One who is narrowed cannot widen themselves, or others.
    let narrowed = json!({ "role": "admin", "environments": { "production": "viewer" } });
    let (carl, carl_cookie) = somebody(&server, &ada, "carl@example.com", "viewer").await;
    put(&ada, &carl, narrowed.clone()).await.ok();
    assert_eq!(put(&carl_cookie, &carl, json!({ "role": "admin" })).await.problem().0, 403);
    assert_eq!(put(&carl_cookie, &bob, json!({ "role": "editor" })).await.problem().0, 403);
    assert_eq!(put(&carl_cookie, &carl, json!({ "role": "editor" })).await.problem().0, 403);
    put(&carl_cookie, &carl, narrowed).await.ok();
}

async fn tokens_have_what_their_makers_have(place: Place) {
    let server = start(&place).await;
    let ada = set_up(&server).await;
    let (bob, session) = somebody(&server, &ada, "bob@example.com", "editor").await;
    let make = async |with: With<'_>, body: Value| {
        ask(&server, with, Method::POST, TOKENS, Some(body)).await
    };
    let bobs = With::Cookie(&session);
    for more in ["publisher", "admin", "owner"] {
        let refused = make(bobs, json!({ "name": "ci", "role": more })).await;
        assert_eq!(refused.problem(), (403, "role".to_owned()), "{more}");
    }
    let past = make(bobs, json!({ "name": "ci", "role": "viewer", "expiresAt": NOW })).await;
    assert_eq!((past.problem().0, past.json()["field"].as_str()), (422, Some("expiresAt")));
    let made = make(bobs, json!({ "name": "ci", "role": "editor", "expiresAt": NOW + 1_000 }))
        .await
        .ok()
        .json();
    let ci = made["token"].as_str().unwrap();
    assert_eq!(make(bobs, json!({ "name": "ci", "role": "viewer" })).await.json()["field"], "name");
    assert_eq!(
        make(bobs, json!({ "name": "admin", "role": "viewer" })).await.problem().0,
        409,
        "that is the first token's"
    );
    let more = make(With::Bearer(ci), json!({ "name": "more", "role": "viewer" })).await;
    assert_eq!(more.problem(), (403, "role".to_owned()), "tokens make none");

    server.boolean_flag("a").await;
    let flag = async |token: &str| {
        let path = format!("{DEVELOPMENT}/flags/a/on");
        ask(&server, With::Bearer(token), Method::POST, &path, None).await
    };
    flag(ci).await.ok();
    let shown = server.get(TOKENS).await.ok().json();
    assert_eq!(
        (&shown["items"][0]["name"], &shown["items"][0]["lastUsedAt"]),
        (&json!("ci"), &json!(NOW))
    );
    assert!(shown["items"][0]["prefix"].as_str().is_some_and(|prefix| ci.starts_with(prefix)));
    assert!(!shown.to_string().contains(ci));
    server.app.clock.advance(1_000);
    assert_eq!(flag(ci).await.problem(), (401, "token".to_owned()), "expired");

    let made = make(bobs, json!({ "name": "bot", "role": "editor" })).await.ok().json();
    let (bot, id) = (made["token"].as_str().unwrap(), made["id"].as_str().unwrap());
    flag(bot).await.ok();
    // Its maker becomes a viewer, and goes: it follows.
    server.put(&format!("{MEMBERS}/{bob}"), json!({ "role": "viewer" })).await.ok();
    assert_eq!(flag(bot).await.problem(), (403, "role".to_owned()));
    server.delete(&format!("{MEMBERS}/{bob}")).await;
    assert_eq!(flag(bot).await.problem(), (404, "not-found".to_owned()));
    server.post(MEMBERS, json!({ "email": "bob@example.com", "role": "owner" })).await.ok();
    flag(bot).await.ok();
    // Others do not see it, nor revoke it.
    let (_, carl) = somebody(&server, &ada, "carl@example.com", "editor").await;
    let path = format!("{TOKENS}/{id}");
    let list = ask(&server, With::Cookie(&carl), Method::GET, TOKENS, None).await.ok().json();
    assert_eq!(list["items"], json!([]));
    assert_eq!(
        ask(&server, With::Cookie(&carl), Method::DELETE, &path, None).await.problem().0,
        404
    );
    assert_eq!(ask(&server, bobs, Method::DELETE, &path, None).await.status, 204);
    assert_eq!(ask(&server, bobs, Method::DELETE, &path, None).await.status, 204, "again");
    assert_eq!(flag(bot).await.problem(), (401, "token".to_owned()), "revoked");
}

async fn a_disabled_person_can_do_nothing(place: Place) {
    let server = start(&place).await;
    let ada = set_up(&server).await;
    let (bob, session) = somebody(&server, &ada, "bob@example.com", "admin").await;
    let credentials = json!({ "email": "bob@example.com", "password": PASSWORD });
    let tokens =
        ask(&server, With::Nothing, Method::POST, "/auth/token", Some(credentials.clone()))
            .await
            .ok()
            .json();
    let bot = json!({ "name": "bot", "role": "viewer" });
    let bot =
        ask(&server, With::Cookie(&session), Method::POST, TOKENS, Some(bot)).await.ok().json();
    let path = format!("/admin/users/{bob}");
    let patch = async |body: Value| {
        ask(&server, With::Cookie(&ada), Method::PATCH, &path, Some(body)).await
    };
    patch(json!({ "disabled": true })).await.ok();
    let access = tokens["accessToken"].as_str().unwrap();
    for with in
        [With::Cookie(&session), With::Bearer(access), With::Bearer(bot["token"].as_str().unwrap())]
    {
        assert_eq!(me(&server, with).await.problem().0, 401);
    }
    let refresh = json!({ "refreshToken": tokens["refreshToken"] });
    assert_eq!(
        ask(&server, With::Nothing, Method::POST, "/auth/token/refresh", Some(refresh))
            .await
            .status,
        401
    );
    assert_eq!(sign_in(&server, "bob@example.com", PASSWORD).await.problem().0, 401);
    let token = ask(&server, With::Nothing, Method::POST, "/auth/token", Some(credentials)).await;
    assert_eq!(token.problem().0, 401);
    let invitation =
        ask(&server, With::Cookie(&ada), Method::POST, &format!("{path}/invitation"), None).await;
    assert_eq!(invitation.problem().0, 409);
    patch(json!({ "disabled": false })).await.ok();
    sign_in(&server, "bob@example.com", PASSWORD).await.ok();
    assert_eq!(
        me(&server, With::Cookie(&session)).await.problem().0,
        401,
        "what was ended stays ended"
    );
}

async fn the_last_owner_stays(place: Place) {
    let server = start(&place).await;
    let ada = set_up(&server).await;
    let people = server.get("/admin/users").await.ok().json();
    let own = people["items"][0]["id"].as_str().unwrap().to_owned();
    let patch = async |user: &str, body: Value| {
        server.admin(Method::PATCH, &format!("/admin/users/{user}"), Some(body)).await
    };
    for body in [json!({ "disabled": true }), json!({ "instanceOwner": false })] {
        assert_eq!(patch(&own, body).await.problem(), (409, "conflict".to_owned()));
    }
    let (bob, _) = somebody(&server, &ada, "bob@example.com", "owner").await;
    let path = format!("{MEMBERS}/{bob}");
    assert_eq!(server.delete(&path).await.problem(), (409, "conflict".to_owned()));
    assert_eq!(server.put(&path, json!({ "role": "admin" })).await.problem().0, 409);
    server.put(&path, json!({ "role": "owner" })).await.ok();
    let (_, _) = somebody(&server, &ada, "eve@example.com", "owner").await;
    server.put(&path, json!({ "role": "admin" })).await.ok();
    patch(&bob, json!({ "instanceOwner": true })).await.ok();
    patch(&own, json!({ "instanceOwner": false })).await.ok();
}

async fn what_serves_in_protected_environments_takes_a_publisher(place: Place) {
    let server = start(&place).await;
    let ada = set_up(&server).await;
    let (_, editor) = somebody(&server, &ada, "editor@example.com", "editor").await;
    let (_, publisher) = somebody(&server, &ada, "publisher@example.com", "publisher").await;
    let flags = "/admin/projects/default/flags";
    let definition = json!({ "type": "boolean" });
    let new = |key: &str| json!({ "key": key, "definition": definition });
    let ask_as = async |cookie: &str, method: Method, path: &str, body: Value| {
        ask(&server, With::Cookie(cookie), method, path, Some(body)).await
    };
    // New and off: nothing is served differently.
    let made = ask_as(&editor, Method::POST, flags, new("a")).await.ok().json();
    let mut on = new("b");
    on["configuration"] =
        json!({ "enabled": true, "offVariant": "off", "fallthrough": { "variant": "on" } });
    let refused = ask_as(&editor, Method::POST, flags, on.clone()).await;
    assert_eq!(refused.problem(), (403, "role".to_owned()));
    assert!(refused.json()["detail"].as_str().unwrap().contains("production"));
    assert_eq!(server.get(&format!("{flags}/b")).await.problem().0, 404, "nothing is left of it");
    ask_as(&publisher, Method::POST, flags, on).await.ok();
    // A segment that production may use.
    let segment = |key: &str| json!({ "included": [key] });
    let path = "/admin/projects/default/segments/s";
    let first = ask_as(&editor, Method::PUT, path, segment("pro")).await;
    assert!(first.status.is_success(), "{first:?}");
    assert_eq!(ask_as(&editor, Method::PUT, path, segment("free")).await.problem().0, 403);
    ask_as(&publisher, Method::PUT, path, segment("free")).await.ok();
    // A definition: while the flag is off in production an editor may change all but what off means there.
    let put = format!("{flags}/a");
    let mut described = made["definition"].clone();
    described["description"] = json!("A flag");
    ask_as(&editor, Method::PUT, &put, described.clone()).await.ok();
    ask_as(
        &publisher,
        Method::POST,
        "/admin/projects/default/environments/production/flags/a/on",
        json!({}),
    )
    .await
    .ok();
    described["description"] = json!("Another text");
    assert_eq!(ask_as(&editor, Method::PUT, &put, described.clone()).await.problem().0, 403);
    ask_as(&publisher, Method::PUT, &put, described).await.ok();
}

async fn the_audit_log_says_who_and_from_where(place: Place) {
    let server = start(&place).await;
    let ada = set_up(&server).await;
    let (_, bob) = somebody(&server, &ada, "bob@example.com", "editor").await;
    let made = json!({ "name": "ci", "role": "editor" });
    let ci = ask(&server, With::Cookie(&ada), Method::POST, TOKENS, Some(made)).await.ok().json();
    let turn = async |with: (&str, String), way: &str| {
        let mut request = Request::post(format!("{DEVELOPMENT}/flags/a/{way}"))
            .header(with.0, with.1)
            .header("sec-fetch-site", "same-origin")
            // Nobody has configured this proxy: it is not believed.
            .header("x-forwarded-for", "203.0.113.99");
        let peer = ConnectInfo("198.51.100.7:4711".parse::<SocketAddr>().unwrap());
        request.extensions_mut().unwrap().insert(peer);
        server.send(request.body(Body::empty()).unwrap()).await.ok();
        let log = server.get("/admin/projects/default/audit?limit=1").await.ok().json();
        let entry = log["items"].as_array().or(log["entries"].as_array()).unwrap()[0].clone();
        (entry["author"].clone(), entry["origin"].clone())
    };
    server.boolean_flag("a").await;
    let from = json!("198.51.100.7");
    assert_eq!(turn(("cookie", bob), "on").await, (json!("user:bob@example.com"), from.clone()));
    let bearer = format!("Bearer {}", ci["token"].as_str().unwrap());
    assert_eq!(turn(("authorization", bearer), "off").await, (json!("token:ci"), from));
}

/// An admin who is an editor in production could make themselves more there: production without its protection takes an editor.
async fn who_is_narrowed_takes_no_protection_away(place: Place) {
    let server = start(&place).await;
    let ada = set_up(&server).await;
    let (eve, session) = somebody(&server, &ada, "eve@example.com", "viewer").await;
    let narrowed = json!({ "role": "admin", "environments": { "production": "editor" } });
    server.put(&format!("{MEMBERS}/{eve}"), narrowed).await.ok();
    server.boolean_flag("a").await;
    let production = "/admin/projects/default/environments/production";
    let ask = async |method: Method, path: &str, body: Option<Value>, kind: &str| {
        let seen = server.seen(production).await.unwrap();
        let body = body.map_or_else(Body::empty, |body| body.to_string().into());
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("cookie", &session)
            .header("sec-fetch-site", "same-origin")
            .header("content-type", kind)
            .header("if-match", seen);
        server.send(request.body(body).unwrap()).await
    };
    let json = "application/json";
    let open = json!({ "name": "Production", "protected": false });
    let patch = ("application/merge-patch+json", json!({ "protected": false }));
    let whole = server.get("/admin/projects/default/export").await.ok().json();
    let mut bare = whole.clone();
    let at =
        bare["environments"].as_array().unwrap().iter().position(|one| one["key"] == "production");
    bare["environments"][at.unwrap()]["protected"] = json!(false);
    bare["environments"][at.unwrap()]["flags"]["a"]["enabled"] = json!(true);
    let import = "/admin/projects/default/import";
    for answer in [
        ask(Method::PUT, production, Some(open), json).await,
        ask(Method::PATCH, production, Some(patch.1), patch.0).await,
        ask(Method::DELETE, &format!("{production}?confirm=production"), None, json).await,
        ask(Method::POST, import, Some(bare), json).await,
        ask(Method::POST, &format!("{production}/flags/a/on"), None, json).await,
    ] {
        assert_eq!(answer.problem(), (403, "role".to_owned()), "{answer:?}");
    }
    let kept = server.get(production).await.ok().json();
    assert_eq!(kept["protected"], json!(true));
    // Where they are an admin they manage, and what says nothing new may stand in a document.
    let development = json!({ "name": "Development", "protected": true });
    let seen = server.seen(DEVELOPMENT).await.unwrap();
    let headers = [("sec-fetch-site", "same-origin"), ("if-match", seen.as_str())];
    ask_from(
        &server,
        With::Cookie(&session),
        Method::PUT,
        DEVELOPMENT,
        Some(development),
        &headers,
    )
    .await
    .ok();
    let whole = server.get("/admin/projects/default/export").await.ok().json();
    ask(Method::POST, import, Some(whole), json).await.ok();
}
