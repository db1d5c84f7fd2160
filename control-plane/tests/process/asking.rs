//! Commands that ask a server that runs.

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::server::{folder, start};

#[tokio::test]
async fn what_a_context_got_and_which_edge_runs_what() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = folder("asking");
    // Nobody listens there.
    let pennon = start(&folder, &[("PENNON_EDGES", "http://127.0.0.1:9=0123456789abcdef")]).await;
    let credentials: Value =
        serde_json::from_slice(&std::fs::read(folder.join("credentials.json")).unwrap()).unwrap();
    let token = credentials["adminToken"].as_str().unwrap();
    let client = reqwest::Client::new();
    let made = client
        .post(format!("{}/admin/projects/default/flags", pennon.url))
        .bearer_auth(token)
        .header("content-type", "application/json")
        .body(r#"{"key":"a","definition":{"type":"boolean"}}"#);
    assert_eq!(made.send().await.unwrap().status(), 201);
    let ask = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pennon"));
        command.args(arguments).args(["--server", &pennon.url]).env("PENNON_TOKEN", token);
        let Output { status, stdout, stderr } = command.output().unwrap();
        let [out, told] = [stdout, stderr].map(|text| String::from_utf8(text).unwrap());
        if status.success() { Ok(out) } else { Err(told) }
    };
    let eval = ["eval", "--environment", "development", "--flag", "a"];
    let at = |at: &'static str| [&eval[..], &["--at", at]].concat();
    let begun = std::time::Instant::now();
    let newest = loop {
        let newest: Value = serde_json::from_str(&ask(&eval).unwrap()).unwrap();
        if newest["version"] == 2 {
            break newest;
        }
        assert!(begun.elapsed() < crate::server::PATIENCE, "{newest}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert_eq!(
        (&newest["outcome"]["value"], &newest["outcome"]["reason"]),
        (&json!(false), &json!("DISABLED"))
    );
    let first: Value = serde_json::from_str(&ask(&at("1")).unwrap()).unwrap();
    assert_eq!(
        (&first["version"], &first["outcome"]["errorCode"]),
        (&json!(1), &json!("FLAG_NOT_FOUND"))
    );
    assert!(ask(&at("yesterday")).unwrap_err().contains("at: give a version, or a time"));
    assert!(ask(&at("2000-01-01T00:00:00Z")).unwrap_err().contains("404"));
    assert!(ask(&["eval", "--flag", "a"]).unwrap_err().contains("--environment"));

    let begun = std::time::Instant::now();
    let told = loop {
        let told = ask(&["edges"]).unwrap();
        // Three kinds of two environments, and a line above them.
        if told.lines().count() == 7 && told.contains("Connection refused") {
            break told;
        }
        assert!(begun.elapsed() < crate::server::PATIENCE, "{told}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert!(told.starts_with("EDGE "), "{told}");
    assert!(!told.contains("0123456789abcdef"), "{told}");
    let whole: Value = serde_json::from_str(&ask(&["edges", "--json"]).unwrap()).unwrap();
    assert_eq!(whole["items"].as_array().unwrap().len(), 6);
    drop(pennon);
    std::fs::remove_dir_all(folder).unwrap();
}
