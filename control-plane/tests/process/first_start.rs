//! The first start as somebody types it, without a file for the token.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::server::{PATIENCE, folder};

fn serve(folder: &Path, listen: &str, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pennon"));
    command
        .args(["serve", "--listen", listen, "--data-dir"])
        .arg(folder.join("data"))
        .arg("--ready-file")
        .arg(folder.join("ready.json"))
        .args(more)
        .env_remove("PENNON_SECRET")
        .stdin(Stdio::null());
    command
}

/// What a start wrote to standard output and standard error.
fn files(folder: &Path) -> (File, File) {
    let open = |name| OpenOptions::new().create(true).append(true).open(folder.join(name)).unwrap();
    (open("out"), open("log"))
}

fn ready(folder: &Path, child: &mut Child) -> String {
    let begun = Instant::now();
    loop {
        if let Ok(text) = std::fs::read_to_string(folder.join("ready.json")) {
            let ready: serde_json::Value = serde_json::from_str(&text).unwrap();
            return ready["listen"].as_str().unwrap().to_owned();
        }
        assert!(child.try_wait().unwrap().is_none() && begun.elapsed() < PATIENCE, "no start");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

fn end(mut child: Child) {
    let _ = child.kill();
    let _ = child.wait();
}

fn tokens(folder: &Path) -> Vec<String> {
    let out = std::fs::read_to_string(folder.join("out")).unwrap();
    out.lines()
        .filter_map(|line| line.rsplit_once("): "))
        .map(|(_, token)| token.to_owned())
        .collect()
}

async fn projects(address: &str, token: &str) -> u16 {
    let answer = reqwest::Client::new().get(format!("http://{address}/admin/projects"));
    answer.bearer_auth(token).send().await.unwrap().status().as_u16()
}

/// Whatever fails at the first start, the admin token is not lost: it is shown before anything is kept.
#[tokio::test]
async fn the_admin_token_survives_failed_first_starts() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = folder("token");
    let bad_redis = serve(&folder, "127.0.0.1:0", &["--redis", "redis://host:notaport"]);
    let failed = { bad_redis }.output().unwrap();
    assert!(!failed.status.success());
    assert!(String::from_utf8_lossy(&failed.stderr).contains("--redis"), "{failed:?}");
    // Nowhere to show it.
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let failed = serve(&folder, "127.0.0.1:0", &[]).stdout(full).output().unwrap();
    assert!(!failed.status.success());
    let told = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert!(told.contains("--admin-token-file"), "{told}");

    let (out, log) = files(&folder);
    let mut child = serve(&folder, "127.0.0.1:0", &[]).stdout(out).stderr(log).spawn().unwrap();
    let address = ready(&folder, &mut child);
    let [token] = &tokens(&folder)[..] else { panic!("{:?}", tokens(&folder)) };
    assert_eq!(projects(&address, token).await, 200);

    // A second server on the same address leaves the running one's ready file alone.
    let second = serve(&folder, &address, &[]).output().unwrap();
    assert!(!second.status.success());
    assert!(folder.join("ready.json").exists());
    // Nor does one on another address take the same database.
    let second = serve(&folder, "127.0.0.1:0", &[]).output().unwrap();
    assert!(!second.status.success());
    assert!(String::from_utf8_lossy(&second.stderr).contains("another pennon serves"));
    assert!(folder.join("ready.json").exists());

    // Whoever loses the token all the same makes another one; the running server knows it at once.
    let data = folder.join("data");
    let made = Command::new(env!("CARGO_BIN_EXE_pennon"))
        .args(["token", "--name", "found again", "--data-dir"])
        .arg(&data)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let made = String::from_utf8(made.stdout).unwrap();
    assert_ne!(made.trim(), token);
    assert_eq!(projects(&address, made.trim()).await, 200);
    let nowhere = Command::new(env!("CARGO_BIN_EXE_pennon"))
        .args(["token", "--data-dir"])
        .arg(folder.join("nowhere"))
        .output()
        .unwrap();
    assert!(!nowhere.status.success());
    end(child);
    std::fs::remove_dir_all(folder).unwrap();
}
