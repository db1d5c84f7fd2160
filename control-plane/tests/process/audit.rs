//! `pennon audit verify` on the database of a server that runs.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::server::{folder, start};

fn verify(data: &Path, more: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pennon"));
    command.args(["audit", "verify", "--data-dir"]).arg(data).args(more);
    let Output { status, stdout, stderr } = command.output().unwrap();
    let told = String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap();
    (status.success(), told)
}

#[tokio::test]
async fn verify_names_the_broken_entry_and_what_is_missing() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = folder("audit");
    let pennon = start(&folder, &[]).await;
    let credentials: Value =
        serde_json::from_slice(&std::fs::read(folder.join("credentials.json")).unwrap()).unwrap();
    let client = reqwest::Client::new();
    for key in ["a", "b", "c"] {
        let flag = format!(r#"{{"key":"{key}","definition":{{"type":"boolean"}}}}"#);
        let made = client
            .post(format!("{}/admin/projects/default/flags", pennon.url))
            .bearer_auth(credentials["adminToken"].as_str().unwrap())
            .header("content-type", "application/json")
            .body(flag);
        assert_eq!(made.send().await.unwrap().status(), 201);
    }
    let data = folder.join("data");
    let (sound, told) = verify(&data, &[]);
    assert!(
        sound && told.starts_with("default: 4 entries, unbroken; the newest hash is "),
        "{told}"
    );
    let newest = told.trim().rsplit_once(' ').unwrap().1.to_owned();
    let (sound, told) = verify(&data, &["--project", "default", "--expect", &newest]);
    assert!(sound && told.contains("as number 4"), "{told}");
    assert!(!verify(&data, &["--project", "shop"]).0);
    assert!(!verify(&data, &["--expect", "zz"]).0);

    sqlx::any::install_default_drivers();
    let url = format!("sqlite://{}", data.join("pennon.sqlite").display());
    let mut database = <sqlx::AnyConnection as sqlx::Connection>::connect(&url).await.unwrap();
    let mut change = async |statement: &'static str| {
        sqlx::raw_sql(statement).execute(&mut database).await.unwrap();
    };
    change("PRAGMA foreign_keys = OFF").await;
    change("UPDATE audit_log SET author = 'nobody' WHERE sequence = 3").await;
    let (sound, told) = verify(&data, &[]);
    assert!(!sound && told.contains("default: BROKEN at entry 3"), "{told}");
    // Cut off with its count: unbroken, and only the kept hash tells.
    change("DELETE FROM audit_log WHERE sequence > 2").await;
    assert!(verify(&data, &[]).1.contains("BROKEN at entry 3: the project counts 4 changes"));
    change("UPDATE projects SET changes = 2").await;
    assert!(verify(&data, &[]).0);
    let (sound, told) = verify(&data, &["--expect", &newest]);
    assert!(!sound && told.contains("MISSING"), "{told}");
    drop(pennon);
    std::fs::remove_dir_all(folder).unwrap();
}
