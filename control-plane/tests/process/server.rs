//! Starting and ending the real program.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// For a start, and for a change to be published after it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("pennon-kill-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The process, killed whatever happens to the test.
pub(crate) struct Pennon {
    pub(crate) child: Child,
    pub(crate) url: String,
}

impl Drop for Pennon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) async fn start(folder: &Path, environment: &[(&str, &str)]) -> Pennon {
    start_at(folder, "127.0.0.1:0", environment).await
}

/// The same on an address that is known before.
pub(crate) async fn start_at(folder: &Path, address: &str, environment: &[(&str, &str)]) -> Pennon {
    let ready = folder.join("ready.json");
    let _ = std::fs::remove_file(&ready);
    let log =
        std::fs::OpenOptions::new().create(true).append(true).open(folder.join("log")).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_pennon"))
        .args(["serve", "--listen", address, "--public-url", "http://127.0.0.1:8600"])
        .arg("--data-dir")
        .arg(folder.join("data"))
        .arg("--ready-file")
        .arg(&ready)
        .arg("--credentials-file")
        .arg(folder.join("credentials.json"))
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut pennon = Pennon { child, url: String::new() };
    let begun = Instant::now();
    while !ready.exists() {
        let ended = pennon.child.try_wait().unwrap();
        assert!(
            ended.is_none() && begun.elapsed() < PATIENCE,
            "no start ({ended:?}):\n{}",
            std::fs::read_to_string(folder.join("log")).unwrap()
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let ready: Value = serde_json::from_slice(&std::fs::read(&ready).unwrap()).unwrap();
    pennon.url = format!("http://{}", ready["listen"].as_str().unwrap());
    pennon
}
