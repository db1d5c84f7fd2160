//! Set-up, sign-in, sessions, forged requests, access tokens, invitations.

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Method, Request};
use pennon_control_plane::auth::session;
use pennon_control_plane::routes::auth::programs::FAMILY_MS;
use serde_json::{Value, json};
use std::net::SocketAddr;

use crate::callers::*;
use crate::support::*;

on_both_databases!(
    set_up_once_with_the_printed_token,
    a_session_from_sign_in_to_sign_out,
    sessions_end_idle_and_old,
    a_new_password_ends_everything_else,
    cookies_change_nothing_for_other_sites,
    guesses_are_slowed_down,
    access_tokens_are_refreshed_once,
    invitations_are_good_once,
    secrets_are_kept_as_hashes,
);

async fn set_up_once_with_the_printed_token(place: Place) {
    let server = start(&place).await;
    let state = async || {
        let answer = ask(&server, With::Nothing, Method::GET, "/auth/setup", None).await.ok();
        answer.json()["needed"].as_bool().unwrap()
    };
    assert!(state().await);
    let owner = |token: &str, email: &str, password: &str| json!({ "token": token, "email": email, "password": password });
    let post = async |body: Value| {
        ask(&server, With::Nothing, Method::POST, "/auth/setup", Some(body)).await
    };
    let wrong = format!("pna_{}", "A".repeat(43));
    let client = server.key(0, pennon_core::snapshot::Kind::Client);
    for token in ["", "x", &wrong, &client] {
        let refused = post(owner(token, "ada@example.com", PASSWORD)).await;
        assert_eq!(refused.problem(), (401, "token".to_owned()), "{token}");
    }
    let short = post(owner(&server.token, "ada@example.com", "short")).await;
    assert_eq!((short.problem().0, short.json()["field"].as_str()), (422, Some("password")));
    let odd = post(owner(&server.token, "ada", PASSWORD)).await;
    assert_eq!((odd.problem().0, odd.json()["field"].as_str()), (422, Some("email")));
    assert!(state().await, "nothing of that has made anybody");

    let ada = cookie(&post(owner(&server.token, "Ada@Example.com", PASSWORD)).await.ok());
    assert!(!state().await);
    let shown = me(&server, With::Cookie(&ada)).await.ok().json();
    assert_eq!(
        (&shown["user"]["email"], &shown["instanceOwner"]),
        (&json!("ada@example.com"), &json!(true))
    );
    assert_eq!(shown["user"]["name"], "ada");
    assert_eq!(
        shown["projects"][0],
        json!({ "project": "default", "role": "owner", "environments": {} })
    );
    let again = post(owner(&server.token, "eve@example.com", PASSWORD)).await;
    assert_eq!(again.problem(), (409, "conflict".to_owned()));
    // The printed token stays an owner's.
    let shown = me(&server, With::Bearer(&server.token)).await.ok().json();
    assert_eq!((&shown["token"], &shown["instanceOwner"]), (&json!("admin"), &json!(true)));
}

async fn a_session_from_sign_in_to_sign_out(place: Place) {
    let server = start(&place).await;
    let first = set_up(&server).await;
    let answer = sign_in(&server, "ADA@example.com", PASSWORD).await.ok();
    assert_eq!(answer.headers["cache-control"], "no-store");
    let second = cookie(&answer);
    assert_ne!(first, second);
    assert!(second.starts_with("pennon=pns_"), "{second}");
    for wrong in ["Correct horse battery", "", &"x".repeat(5_000)] {
        assert_eq!(
            sign_in(&server, "ada@example.com", wrong).await.problem(),
            (401, "sign-in".to_owned())
        );
    }
    let nobody = sign_in(&server, "nobody@example.com", PASSWORD).await;
    let wrong = sign_in(&server, "ada@example.com", "not the password").await;
    assert_eq!(nobody.json(), wrong.json(), "they are told the same");

    let sessions =
        ask(&server, With::Cookie(&second), Method::GET, "/auth/sessions", None).await.ok().json();
    let sessions = sessions["items"].as_array().unwrap().clone();
    assert_eq!(sessions.len(), 2);
    let other = sessions.iter().find(|session| session["current"] == json!(false)).unwrap();
    let path = format!("/auth/sessions/{}", other["id"].as_str().unwrap());
    let ended = ask(&server, With::Cookie(&second), Method::DELETE, &path, None).await;
    assert_eq!(ended.status, 204);
    assert_eq!(me(&server, With::Cookie(&first)).await.problem().0, 401);
    assert_eq!(
        ask(&server, With::Cookie(&second), Method::DELETE, &path, None).await.problem().0,
        404
    );

    let out = ask(&server, With::Cookie(&second), Method::POST, "/auth/sign-out", None).await;
    assert_eq!(out.status, 204);
    assert!(out.headers["set-cookie"].to_str().unwrap().starts_with("pennon=; Path=/; Max-Age=0"));
    assert_eq!(me(&server, With::Cookie(&second)).await.problem(), (401, "token".to_owned()));
    // A token has no session, no password.
    let sessions =
        ask(&server, With::Bearer(&server.token), Method::GET, "/auth/sessions", None).await;
    assert_eq!(sessions.problem(), (403, "role".to_owned()));
}

async fn sessions_end_idle_and_old(place: Place) {
    let server = start(&place).await;
    let idle = set_up(&server).await;
    let used = cookie(&sign_in(&server, "ada@example.com", PASSWORD).await.ok());
    let mut passed = 0;
    while passed + session::IDLE_MS - 1 < session::ABSOLUTE_MS {
        server.app.clock.advance(session::IDLE_MS - 1);
        passed += session::IDLE_MS - 1;
        me(&server, With::Cookie(&used)).await.ok();
    }
    assert_eq!(me(&server, With::Cookie(&idle)).await.problem().0, 401);
    server.app.clock.advance(session::ABSOLUTE_MS - passed);
    assert_eq!(me(&server, With::Cookie(&used)).await.problem().0, 401);
}

async fn a_new_password_ends_everything_else(place: Place) {
    let server = start(&place).await;
    let first = set_up(&server).await;
    let second = cookie(&sign_in(&server, "ada@example.com", PASSWORD).await.ok());
    let credentials = json!({ "email": "ada@example.com", "password": PASSWORD });
    let tokens = ask(&server, With::Nothing, Method::POST, "/auth/token", Some(credentials))
        .await
        .ok()
        .json();
    let access = tokens["accessToken"].as_str().unwrap();
    me(&server, With::Bearer(access)).await.ok();
    let change = async |current: &str, new: &str| {
        let body = json!({ "current": current, "new": new });
        ask(&server, With::Cookie(&first), Method::POST, "/auth/password", Some(body)).await
    };
    assert_eq!(
        change("wrong wrong wrong", "another long one").await.problem(),
        (403, "password".to_owned())
    );
    let short = change(PASSWORD, "short").await;
    assert_eq!((short.problem().0, short.json()["field"].as_str()), (422, Some("new")));
    assert_eq!(change(PASSWORD, "another long one").await.status, 204);
    me(&server, With::Cookie(&first)).await.ok();
    assert_eq!(me(&server, With::Cookie(&second)).await.problem().0, 401);
    assert_eq!(me(&server, With::Bearer(access)).await.problem().0, 401);
    assert_eq!(sign_in(&server, "ada@example.com", PASSWORD).await.problem().0, 401);
    sign_in(&server, "ada@example.com", "another long one").await.ok();
}

async fn cookies_change_nothing_for_other_sites(place: Place) {
    let server = start(&place).await;
    let ada = set_up(&server).await;
    let project = || Some(json!({ "key": "other" }));
    let foreign: &[&[(&str, &str)]] = &[
        &[],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example.com")],
        &[("origin", "null")],
        &[("origin", "https://evil.example.com"), ("host", "127.0.0.1:8600")],
    ];
    for headers in foreign {
        let refused = ask_from(
            &server,
            With::Cookie(&ada),
            Method::POST,
            "/admin/projects",
            project(),
            headers,
        )
        .await;
        assert_eq!(refused.problem(), (403, "cross-site".to_owned()), "{headers:?}");
        // A way in, too: or a page signs its visitor in as somebody else. Programs, which say nothing, may.
        let credentials = json!({ "email": "ada@example.com", "password": PASSWORD });
        let status = if headers.is_empty() { 200 } else { 403 };
        let answer = ask_from(
            &server,
            With::Nothing,
            Method::POST,
            "/auth/sign-in",
            Some(credentials),
            headers,
        )
        .await;
        assert_eq!(answer.status, status, "{headers:?}");
    }
    // Reading is not refused, and no other site can read the answer: there is no CORS here.
    let read =
        ask_from(&server, With::Cookie(&ada), Method::GET, "/admin/projects", None, foreign[1])
            .await
            .ok();
    assert!(!read.headers.contains_key("access-control-allow-origin"));
    assert_eq!(read.json()["items"].as_array().unwrap().len(), 1, "nothing was written");
    // A token is brought by a program, whatever the headers say.
    let own = [("origin", "http://127.0.0.1:8600")];
    ask_from(&server, With::Cookie(&ada), Method::POST, "/admin/projects", project(), &own)
        .await
        .ok();
    let third = Some(json!({ "key": "third" }));
    ask_from(&server, With::Bearer(&server.token), Method::POST, "/admin/projects", third, &[])
        .await
        .ok();
}

async fn guesses_are_slowed_down(place: Place) {
    let server = start(&place).await;
    set_up(&server).await;
    let guess = async |email: &str, password: &str, address: &str| {
        let body = json!({ "email": email, "password": password }).to_string();
        let mut request = Request::post("/auth/sign-in").header("content-type", "application/json");
        let peer = ConnectInfo(format!("{address}:1").parse::<SocketAddr>().unwrap());
        request.extensions_mut().unwrap().insert(peer);
        server.send(request.body(Body::from(body)).unwrap()).await
    };
    for number in 0..5 {
        assert_eq!(
            guess("ada@example.com", "a wrong password", &format!("10.0.0.{number}")).await.status,
            401
        );
    }
    // Even the right one has to wait now, and is told how long.
    let refused = guess("ada@example.com", PASSWORD, "10.0.0.9").await;
    assert_eq!(refused.problem(), (429, "rate-limit".to_owned()));
    let wait: i64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=2).contains(&wait), "{wait}");
    server.app.clock.advance(wait * 1_000);
    guess("ada@example.com", PASSWORD, "10.0.0.9").await.ok();
    // Somebody who does not exist is slowed down in the same way.
    for _ in 0..5 {
        assert_eq!(guess("nobody@example.com", "a wrong password", "10.0.1.1").await.status, 401);
    }
    assert_eq!(guess("nobody@example.com", "a wrong password", "10.0.1.2").await.status, 429);
}

async fn access_tokens_are_refreshed_once(place: Place) {
    let server = start(&place).await;
    set_up(&server).await;
    let post = async |path: &str, body: Value| {
        ask_from(&server, With::Nothing, Method::POST, path, Some(body), &[]).await
    };
    let credentials = json!({ "email": "ada@example.com", "password": PASSWORD });
    let wrong = json!({ "email": "ada@example.com", "password": "not the password" });
    assert_eq!(post("/auth/token", wrong).await.problem().0, 401);
    let first = post("/auth/token", credentials.clone()).await.ok().json();
    assert_eq!((&first["tokenType"], &first["expiresIn"]), (&json!("Bearer"), &json!(900)));
    let access = first["accessToken"].as_str().unwrap();
    me(&server, With::Bearer(access)).await.ok();
    server.app.clock.advance(900_000);
    assert_eq!(me(&server, With::Bearer(access)).await.problem(), (401, "token".to_owned()));

    let refresh = |tokens: &Value| json!({ "refreshToken": tokens["refreshToken"] });
    let second = post("/auth/token/refresh", refresh(&first)).await.ok().json();
    assert_ne!(first["refreshToken"], second["refreshToken"]);
    let access = second["accessToken"].as_str().unwrap();
    me(&server, With::Bearer(access)).await.ok();
    // The old one again: somebody has stolen one of the two, so all of the sign-in ends.
    assert_eq!(
        post("/auth/token/refresh", refresh(&first)).await.problem(),
        (401, "refresh-token".to_owned())
    );
    assert_eq!(post("/auth/token/refresh", refresh(&second)).await.problem().0, 401);
    assert_eq!(me(&server, With::Bearer(access)).await.problem().0, 401);

    let third = post("/auth/token", credentials.clone()).await.ok().json();
    assert_eq!(post("/auth/token/revoke", refresh(&third)).await.status, 204);
    assert_eq!(
        me(&server, With::Bearer(third["accessToken"].as_str().unwrap())).await.problem().0,
        401
    );
    assert_eq!(post("/auth/token/refresh", refresh(&third)).await.problem().0, 401);

    let mut newest = post("/auth/token", credentials).await.ok().json();
    let day = 86_400_000;
    for _ in 0..(FAMILY_MS / day - 1) {
        server.app.clock.advance(day);
        newest = post("/auth/token/refresh", refresh(&newest)).await.ok().json();
    }
    server.app.clock.advance(day);
    assert_eq!(
        post("/auth/token/refresh", refresh(&newest)).await.problem().0,
        401,
        "it has an end"
    );
    for odd in [
        "",
        "pnr_",
        "pnr_x",
        &format!("pnr_{}", "ä".repeat(40)),
        &format!("pnr_{}", "0".repeat(75)),
    ] {
        let refused = post("/auth/token/refresh", json!({ "refreshToken": odd })).await;
        assert_eq!(refused.problem().0, 401, "{odd}");
    }
}

async fn invitations_are_good_once(place: Place) {
    let server = start(&place).await;
    let ada = set_up(&server).await;
    let invite = async |email: &str| {
        let new = json!({ "email": email });
        ask(&server, With::Cookie(&ada), Method::POST, "/admin/users", Some(new)).await.ok().json()
    };
    let accept = async |made: &Value, password: &str| {
        let body = json!({ "invitation": made["invitation"], "password": password });
        ask(&server, With::Nothing, Method::POST, "/auth/invitation", Some(body)).await
    };
    let bob = invite("bob@example.com").await;
    assert_eq!(
        sign_in(&server, "bob@example.com", "").await.problem().0,
        401,
        "he has no password yet"
    );
    assert_eq!(accept(&bob, "short").await.problem().0, 422);
    let session = cookie(&accept(&bob, PASSWORD).await.ok());
    assert_eq!(me(&server, With::Cookie(&session)).await.ok().json()["projects"], json!([]));
    assert_eq!(accept(&bob, "another long one").await.problem(), (401, "invitation".to_owned()));
    let again = json!({ "email": "BOB@example.com" });
    let again = ask(&server, With::Cookie(&ada), Method::POST, "/admin/users", Some(again)).await;
    assert_eq!((again.problem().0, again.json()["field"].as_str()), (409, Some("email")));

    let path = format!("/admin/users/{}/invitation", bob["user"]["id"].as_str().unwrap());
    let older = ask(&server, With::Cookie(&ada), Method::POST, &path, None).await.ok().json();
    let newer = ask(&server, With::Cookie(&ada), Method::POST, &path, None).await.ok().json();
    assert_eq!(
        accept(&older, "another long one").await.problem().0,
        401,
        "a newer one takes its place"
    );
    sign_in(&server, "bob@example.com", PASSWORD).await.ok();
    accept(&newer, "another long one").await.ok();
    assert_eq!(me(&server, With::Cookie(&session)).await.problem().0, 401);
    assert_eq!(sign_in(&server, "bob@example.com", PASSWORD).await.problem().0, 401);

    let eve = invite("eve@example.com").await;
    server.app.clock.advance(eve["expiresAt"].as_i64().unwrap() - server.app.clock.now_ms());
    assert_eq!(accept(&eve, PASSWORD).await.problem().0, 401);
}

async fn secrets_are_kept_as_hashes(place: Place) {
    let server = start(&place).await;
    let ada = set_up(&server).await;
    let new = json!({ "email": "bob@example.com" });
    let invited =
        ask(&server, With::Cookie(&ada), Method::POST, "/admin/users", Some(new)).await.ok().json();
    let ci = json!({ "name": "ci", "role": "editor" });
    let ci = ask(&server, With::Cookie(&ada), Method::POST, TOKENS, Some(ci)).await.ok().json();
    let credentials = json!({ "email": "ada@example.com", "password": PASSWORD });
    let tokens = ask(&server, With::Nothing, Method::POST, "/auth/token", Some(credentials))
        .await
        .ok()
        .json();
    let secrets = [
        ada.split_once('=').unwrap().1.to_owned(),
        PASSWORD.to_owned(),
        invited["invitation"].as_str().unwrap().to_owned(),
        ci["token"].as_str().unwrap().to_owned(),
        tokens["refreshToken"].as_str().unwrap().to_owned(),
        tokens["accessToken"].as_str().unwrap().to_owned(),
    ];
    let mut tx = server.app.store.begin_read().await.unwrap();
    let mut kept = Vec::new();
    for query in [
        "SELECT CAST(id AS TEXT) || email || COALESCE(password, '') FROM users",
        "SELECT id || user_id || COALESCE(address, '') FROM sessions",
        "SELECT id || user_id FROM token_families",
        "SELECT id || name || prefix FROM api_tokens",
        "SELECT COALESCE(old_value, '') || COALESCE(new_value, '') FROM audit_log",
    ] {
        let rows: Vec<(String,)> = sqlx::query_as(query).fetch_all(&mut *tx).await.unwrap();
        assert!(!rows.is_empty(), "{query}");
        kept.extend(rows.into_iter().map(|(text,)| text));
    }
    for query in [
        "SELECT sha256 FROM sessions",
        "SELECT sha256 FROM token_families",
        "SELECT sha256 FROM api_tokens",
        "SELECT sha256 FROM invitations",
    ] {
        let rows: Vec<(Vec<u8>,)> = sqlx::query_as(query).fetch_all(&mut *tx).await.unwrap();
        assert!(!rows.is_empty(), "{query}");
        for (hash,) in rows {
            assert_eq!(hash.len(), 32, "{query}");
        }
    }
    let key: (Vec<u8>,) = sqlx::query_as("SELECT value FROM instance WHERE name = 'jwt-key'")
        .fetch_one(&mut *tx)
        .await
        .unwrap();
    assert_eq!(key.0.len(), 24 + 32 + 16, "nonce, sealed key, tag");
    for secret in &secrets {
        assert!(!kept.iter().any(|text| text.contains(secret.as_str())), "{secret}");
    }
}
