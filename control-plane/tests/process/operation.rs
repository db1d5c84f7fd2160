//! Backup, restore, migrate and doctor as somebody types them, beside a server that runs.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::server::{folder, start};

fn pennon(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pennon"));
    command.args(arguments).current_dir(folder).env_remove("PENNON_SECRET");
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.success(), String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap())
}

#[tokio::test]
async fn backup_restore_migrate_and_doctor() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = folder("operation");
    let running = start(&folder, &[]).await;
    let credentials: Value =
        serde_json::from_slice(&std::fs::read(folder.join("credentials.json")).unwrap()).unwrap();
    let client = reqwest::Client::new();
    let made = client
        .post(format!("{}/admin/projects/default/flags", running.url))
        .bearer_auth(credentials["adminToken"].as_str().unwrap())
        .header("content-type", "application/json")
        .body(r#"{"key":"kept","definition":{"type":"boolean"}}"#);
    assert_eq!(made.send().await.unwrap().status(), 201);

    let place = ["--data-dir", "data"];
    let run = |command: &[&str]| pennon(&folder, &[command, &place].concat());
    assert_eq!(run(&["migrate", "--check"]), (true, "nothing is missing\n".to_owned()));
    let (well, told) = run(&["doctor"]);
    assert!(well, "{told}");
    for what in [
        "configuration",
        "database",
        "migrations",
        "secret",
        "keys",
        "clock",
        "audit log of default",
    ] {
        assert!(
            told.lines().any(|line| line.starts_with(&format!("ok    {what}: "))),
            "{what}: {told}"
        );
    }
    let (well, told) = run(&["backup", "--out", "pennon.backup"]);
    assert!(well && told.contains("rows of"), "{told}");
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(folder.join("pennon.backup")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    let (well, told) = run(&["backup", "--out", "pennon.backup"]);
    assert!(!well && told.contains("pennon.backup"), "an old backup is not written over: {told}");
    // Into the database of the running server: refused by its lock.
    let (well, told) = run(&["restore", "--in", "pennon.backup"]);
    assert!(!well && told.contains("another pennon serves"), "{told}");
    drop(running);

    let restore = ["restore", "--in", "pennon.backup", "--data-dir", "restored/data"];
    let (well, told) = pennon(&folder, &restore);
    assert!(well && told.contains("give pennon serve the secret"), "{told}");
    let doctor = ["doctor", "--data-dir", "restored/data"];
    let (well, told) = pennon(&folder, &doctor);
    assert!(!well && told.contains("FAIL  secret: none is configured"), "{told}");
    let secret = std::fs::read_to_string(folder.join("data/secret.key")).unwrap();
    std::fs::write(folder.join("restored/data/secret.key"), "ab".repeat(32)).unwrap();
    let (well, told) = pennon(&folder, &doctor);
    assert!(!well && told.contains("FAIL  secret: signing key"), "{told}");
    assert!(
        told.contains("PENNON_SECRET (or secret.key in the data folder) is not the one"),
        "{told}"
    );
    std::fs::write(folder.join("restored/data/secret.key"), secret).unwrap();
    let again = start(&folder.join("restored"), &[]).await;
    let kept = client
        .get(format!("{}/admin/projects/default/flags/kept", again.url))
        .bearer_auth(credentials["adminToken"].as_str().unwrap());
    assert_eq!(kept.send().await.unwrap().status(), 200);
    let (well, told) = pennon(&folder, &doctor);
    assert!(well, "{told}");

    // Everything that can be wrong, at once.
    let edge = format!("http://127.0.0.1:1={}", "k".repeat(16));
    let ill = ["--redis", "redis://127.0.0.1:1", "--edge", &edge, "--log-level", "x=y"];
    let (well, told) = pennon(&folder, &[&doctor, &ill[..4]].concat());
    assert!(
        !well && told.contains("FAIL  redis") && told.contains("FAIL  edge http://127.0.0.1:1"),
        "{told}"
    );
    assert!(!told.contains(&"k".repeat(16)), "{told}");
    let (well, told) = pennon(&folder, &[&doctor, &ill[..]].concat());
    assert!(!well && told.contains("FAIL  configuration: --log-level"), "{told}");
    let (well, told) = pennon(&folder, &["doctor", "--data-dir", "nowhere"]);
    assert!(!well && told.contains("FAIL  database: there is no file"), "{told}");
    drop(again);
    std::fs::remove_dir_all(folder).unwrap();
}
