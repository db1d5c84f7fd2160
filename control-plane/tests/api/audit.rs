//! The audit log: what it tells, how it is exported, and that it cannot be changed unseen.

use axum::body::Body;
use axum::http::Request;
use pennon_control_plane::store::audit::{self, Verified};
use pennon_core::protocol::connection::hex;
use serde_json::{Value, json};

use crate::support::*;

on_both_databases!(
    filters_and_pages,
    exports_everything_in_order,
    what_is_changed_behind_its_back_is_found,
    a_comment_is_kept_with_the_change,
);

const AUDIT: &str = "/admin/projects/default/audit";

fn sequences(page: &Value) -> Vec<i64> {
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["sequence"].as_i64().unwrap())
        .collect()
}

/// Seven entries: the project, three flags, and changes of two of them.
async fn busy(place: &Place) -> Server {
    let server = start(place).await;
    for flag in ["first", "second", "third"] {
        server.app.clock.advance(1_000);
        server.boolean_flag(flag).await;
    }
    server.app.clock.advance(1_000);
    server.turn("first", "on").await.ok();
    server.turn("second", "on").await.ok();
    server.turn("first", "off").await.ok();
    server
}

async fn filters_and_pages(place: Place) {
    let server = busy(&place).await;
    let cases = [
        (String::new(), vec![7, 6, 5, 4, 3, 2, 1]),
        ("?target=first".to_owned(), vec![7, 5, 2]),
        ("?target=first&action=flag.created".to_owned(), vec![2]),
        ("?author=first%20start".to_owned(), vec![1]),
        ("?author=token:admin&search=SECOND".to_owned(), vec![6, 3]),
        ("?environment=development".to_owned(), vec![7, 6, 5]),
        ("?environment=production".to_owned(), vec![]),
        (format!("?from={}&to={}", NOW + 2_000, NOW + 4_000), vec![4, 3]),
        ("?search=%25".to_owned(), vec![]),
        ("?search=_".to_owned(), vec![]),
        ("?search=enabled%22%3Atrue".to_owned(), vec![7, 6, 5]),
        ("?limit=2&cursor=4".to_owned(), vec![3, 2]),
    ];
    for (query, expected) in cases {
        let page = server.get(&format!("{AUDIT}{query}")).await.ok().json();
        assert_eq!(sequences(&page), expected, "{query}");
    }
    let mut query = "?limit=2&search=first".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = server.get(&format!("{AUDIT}{query}")).await.ok().json();
        seen.extend(sequences(&page));
        let Some(next) = page["next"].as_str() else { break };
        query = format!("?limit=2&search=first&cursor={next}");
    }
    assert_eq!(seen, [7, 5, 2, 1], "the first start's author has the text as well");
    for (query, field) in [
        ("cursor=x", "cursor"),
        ("limit=201", "limit"),
        ("search=%00", "search"),
        (&format!("author={}", "a".repeat(201)), "author"),
    ] {
        let refused = server.get(&format!("{AUDIT}?{query}")).await;
        assert_eq!((refused.problem().0, &refused.json()["field"]), (422, &json!(field)));
    }
    assert_eq!(server.get(&format!("{AUDIT}?colour=red")).await.problem().0, 422);
    assert_eq!(server.get(&format!("{AUDIT}?environment=nowhere")).await.problem().0, 404);
}

async fn exports_everything_in_order(place: Place) {
    let server = busy(&place).await;
    // More than a page holds, and a text that a spreadsheet would run.
    for round in 0..100 {
        server.turn("third", if round % 2 == 0 { "on" } else { "off" }).await.ok();
        server.turn("second", if round % 2 == 0 { "off" } else { "on" }).await.ok();
    }
    let path = format!("{DEVELOPMENT}/flags/third/on");
    let request = Request::post(path)
        .header("authorization", format!("Bearer {}", server.token))
        .header("x-pennon-comment", "=1+1, \"quoted\"%0Aand more");
    server.send(request.body(Body::empty()).unwrap()).await.ok();

    let lines = server.get(&format!("{AUDIT}/export?format=jsonl")).await.ok();
    assert_eq!(lines.headers["content-type"], "application/jsonl");
    let text = String::from_utf8(lines.bytes.to_vec()).unwrap();
    let entries: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<i64> = entries.iter().map(|entry| entry["sequence"].as_i64().unwrap()).collect();
    assert_eq!(told, (1..=208).collect::<Vec<_>>());
    let newest = &server.get(&format!("{AUDIT}?limit=1")).await.ok().json()["items"][0];
    assert_eq!(entries.last().unwrap(), newest);

    let sheet = server.get(&format!("{AUDIT}/export?format=csv&target=third")).await.ok();
    assert_eq!(sheet.headers["content-disposition"], "attachment; filename=\"audit-default.csv\"");
    let mut reader = csv::Reader::from_reader(sheet.bytes.as_ref());
    let headers: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 102);
    let comment = headers.iter().position(|header| header == "comment").unwrap();
    assert_eq!(&rows[101][comment], "'=1+1, \"quoted\"\nand more");
    let value = headers.iter().position(|header| header == "newValue").unwrap();
    let kept: Value = serde_json::from_str(&rows[101][value]).unwrap();
    assert_eq!(kept, newest["newValue"]);
    assert_eq!(server.get(&format!("{AUDIT}/export?format=xml")).await.problem().0, 422);
    assert_eq!(server.get(&format!("{AUDIT}/export")).await.problem().0, 422);
}

async fn verified(server: &Server) -> Verified {
    let project = server.get("/admin/projects/default").await.ok().json();
    let mut tx = server.app.store.begin_read().await.unwrap();
    audit::verify(&mut tx, project["id"].as_str().unwrap()).await.unwrap()
}

async fn what_is_changed_behind_its_back_is_found(place: Place) {
    let server = busy(&place).await;
    let newest = server.get(&format!("{AUDIT}?limit=1")).await.ok().json();
    let Verified::Whole { entries: 7, newest: hash } = verified(&server).await else {
        panic!("{:?}", verified(&server).await)
    };
    assert_eq!(newest["items"][0]["hash"], json!(hex(&hash)));
    // Each of these is done to a fresh copy of the log.
    let cases: [(&str, &[&str], i64); 10] = [
        ("a value", &["UPDATE audit_log SET new_value = '{}' WHERE sequence = 4"], 4),
        ("an author", &["UPDATE audit_log SET author = 'nobody' WHERE sequence = 1"], 1),
        ("a time", &["UPDATE audit_log SET at = at - 1 WHERE sequence = 7"], 7),
        ("a comment", &["UPDATE audit_log SET comment = 'so' WHERE sequence = 3"], 3),
        ("an origin", &["UPDATE audit_log SET origin = '10.0.0.1' WHERE sequence = 3"], 3),
        (
            "a hash",
            &["UPDATE audit_log SET hash = previous.hash FROM audit_log AS previous \
            WHERE audit_log.sequence = 5 AND previous.sequence = 4"],
            5,
        ),
        ("one is gone", &["DELETE FROM audit_log WHERE sequence = 3"], 3),
        (
            "one is gone and those behind it moved up",
            &[
                "DELETE FROM audit_log WHERE sequence = 3",
                "UPDATE audit_log SET sequence = 3 WHERE sequence = 4",
                "UPDATE audit_log SET sequence = 4 WHERE sequence = 5",
                "UPDATE audit_log SET sequence = 5 WHERE sequence = 6",
                "UPDATE audit_log SET sequence = 6 WHERE sequence = 7",
            ],
            3,
        ),
        (
            "two are exchanged",
            &[
                "UPDATE audit_log SET sequence = 99 WHERE sequence = 2",
                "UPDATE audit_log SET sequence = 2 WHERE sequence = 3",
                "UPDATE audit_log SET sequence = 3 WHERE sequence = 99",
            ],
            2,
        ),
        ("the tail is gone", &["DELETE FROM audit_log WHERE sequence > 5"], 6),
    ];
    let mut tx = server.app.store.begin().await.unwrap();
    for statement in ["DELETE FROM revisions", "CREATE TABLE copied AS SELECT * FROM audit_log"] {
        sqlx::query(statement).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    for (what, statements, expected) in cases {
        let mut tx = server.app.store.begin().await.unwrap();
        for statement in statements {
            sqlx::query(*statement).execute(&mut *tx).await.unwrap();
        }
        tx.commit().await.unwrap();
        match verified(&server).await {
            Verified::Broken { sequence, .. } => assert_eq!(sequence, expected, "{what}"),
            whole @ Verified::Whole { .. } => panic!("{what}: {whole:?}"),
        }
        let mut tx = server.app.store.begin().await.unwrap();
        for statement in ["DELETE FROM audit_log", "INSERT INTO audit_log SELECT * FROM copied"] {
            sqlx::query(statement).execute(&mut *tx).await.unwrap();
        }
        tx.commit().await.unwrap();
        assert!(matches!(verified(&server).await, Verified::Whole { .. }), "{what}");
    }
    // Whoever also winds the project's count back leaves nothing behind in the database: only a hash kept elsewhere tells.
    let mut tx = server.app.store.begin().await.unwrap();
    for statement in ["DELETE FROM audit_log WHERE sequence > 5", "UPDATE projects SET changes = 5"]
    {
        sqlx::query(statement).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    let Verified::Whole { entries: 5, newest } = verified(&server).await else { panic!() };
    assert_ne!(newest, hash);
}

async fn a_comment_is_kept_with_the_change(place: Place) {
    let server = start(&place).await;
    server.boolean_flag("a").await;
    let send = async |comment: &str| {
        let request = Request::post(format!("{DEVELOPMENT}/flags/a/on"))
            .header("authorization", format!("Bearer {}", server.token))
            .header("x-pennon-comment", comment);
        server.send(request.body(Body::empty()).unwrap()).await
    };
    let refused = send(&"x".repeat(1_001)).await;
    assert_eq!((refused.problem().0, &refused.json()["field"]), (422, &json!("x-pennon-comment")));
    send("f%C3%BCr%20alle").await.ok();
    let log = server.get(AUDIT).await.ok().json();
    assert_eq!(log["items"][0]["comment"], json!("für alle"));
    assert_eq!(log["items"][1].get("comment"), None);
}
