//! Files to and from a running server, by the command line.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::server::{folder, start};

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/sample/config.json");

/// Runs `pennon` against the server; answers its status, its output and its complaints.
fn pennon(folder: &Path, url: &str, token: &str, arguments: &[&str]) -> (bool, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pennon"));
    command.args(arguments).args(["--server", url]).current_dir(folder);
    let output = command.env("PENNON_TOKEN", token).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn import_and_export() {
    let folder = folder("files");
    let server = start(&folder, &[]).await;
    let credentials = std::fs::read(folder.join("credentials.json")).unwrap();
    let credentials: Value = serde_json::from_slice(&credentials).unwrap();
    let token = credentials["adminToken"].as_str().unwrap();
    let run = |arguments: &[&str]| pennon(&folder, &server.url, token, arguments);
    let report = |arguments: &[&str]| -> Value {
        let (good, out, complaints) = run(arguments);
        assert!(good, "{complaints}");
        serde_json::from_str(&out).unwrap()
    };

    let import = ["import", "--from", "pennon", SAMPLE, "--environment", "production"];
    let told = report(&[&import[..], &["--dry-run"]].concat());
    assert_eq!(told["dryRun"], json!(true));
    let done = report(&import);
    assert_eq!((&done["created"], &done["refused"]), (&told["created"], &json!([])));
    assert!(done["created"].as_array().unwrap().len() > 8, "{done}");

    assert!(run(&["export", "--out", "project.json"]).0);
    let kept = std::fs::read(folder.join("project.json")).unwrap();
    let kept: Value = serde_json::from_slice(&kept).unwrap();
    assert_eq!(kept["environments"][1]["flags"].as_object().unwrap().len(), 4);
    let again = report(&["import", "--from", "project", "project.json"]);
    assert_eq!((&again["created"], &again["updated"]), (&json!([]), &json!([])));

    let (good, _, complaints) = run(&["import", "--from", "flagd", "project.json"]);
    assert!(!good && complaints.contains("environment"), "{complaints}");
    let (good, _, complaints) = run(&["export", "--project", "other", "--out", "other.json"]);
    assert!(!good && complaints.contains("404"), "{complaints}");
    let (good, _, complaints) = pennon(&folder, &server.url, "pna_no", &import);
    assert!(!good && complaints.contains("401") && !complaints.contains("pna_no"), "{complaints}");
    drop(server);
    std::fs::remove_dir_all(folder).unwrap();
}
