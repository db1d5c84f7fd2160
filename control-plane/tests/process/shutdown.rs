//! SIGTERM: streams are told goodbye, the program ends with success, nothing is lost.

use std::process::Command;
use std::time::Instant;

use serde_json::Value;

use crate::server::{PATIENCE, folder, start};

#[tokio::test]
async fn streams_are_told_goodbye_and_a_second_start_finds_everything() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = folder("shutdown");
    let mut pennon = start(&folder, &[]).await;
    let credentials: Value =
        serde_json::from_slice(&std::fs::read(folder.join("credentials.json")).unwrap()).unwrap();
    let development = &credentials["environments"][0];
    let stream = format!(
        "{}/v1/stream/{}/client?key={}",
        pennon.url,
        development["id"].as_str().unwrap(),
        development["sdkKeys"]["client"].as_str().unwrap()
    );
    let mut stream = reqwest::get(stream).await.unwrap();
    let mut text = String::new();
    while !text.contains("event: head") {
        text.push_str(std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap());
    }
    let pid = pennon.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    while let Some(part) = stream.chunk().await.unwrap() {
        text.push_str(std::str::from_utf8(&part).unwrap());
    }
    assert!(text.contains("event: goodbye"), "{text}");
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = pennon.child.try_wait().unwrap() {
            break status;
        }
        assert!(begun.elapsed() < PATIENCE, "it does not end");
        tokio::task::yield_now().await;
    };
    assert!(status.success(), "{status}");

    let first: Value = read(&folder.join("ready.json"));
    let again = start(&folder, &[]).await;
    let second: Value = read(&folder.join("ready.json"));
    assert_eq!((&first["firstStart"], &second["firstStart"]), (&true.into(), &false.into()));
    assert_eq!(first["environments"], second["environments"]);
    assert_eq!(first["rootFingerprint"], credentials["rootFingerprint"]);
    drop(again);
    let log = std::fs::read_to_string(folder.join("log")).unwrap();
    for secret in ["client", "server", "edge"] {
        assert!(
            !log.contains(development["sdkKeys"][secret].as_str().unwrap()),
            "the {secret} key was logged"
        );
    }
    std::fs::remove_dir_all(folder).unwrap();
}

fn read(path: &std::path::Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}
