//! Requests that Schemathesis generates from the OpenAPI document, asked of the real program on SQLite: none may be a 500, or be
//! answered otherwise than the document says. What is asked and what must hold stands in control-plane/tests/schemathesis.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::counted::Count;
use crate::process::{Service, wait_until};
use crate::temporary::Folder;
use crate::{build, tools, workspace};

const START_LIMIT: Duration = Duration::from_secs(30);

/// Counts operations of the document.
pub(crate) fn generated() -> Result<Count> {
    let program = build::pennon()?;
    let schemathesis = tools::schemathesis()?;
    let own = workspace::root().join("control-plane").join("tests").join("schemathesis");
    let folder = Folder::create("generated")?;
    let (ready, token) = (folder.path().join("ready.json"), folder.path().join("token"));
    let mut command = Command::new(program);
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--log-level", "error"])
        // One address asks as fast as it can.
        .args(["--rate-per-address", "0", "--rate-per-credential", "0"])
        .arg("--data-dir")
        .arg(folder.path().join("data"))
        .arg("--bootstrap")
        .arg(own.join("config.json"))
        .arg("--ready-file")
        .arg(&ready)
        .arg("--admin-token-file")
        .arg(&token)
        .stdout(Stdio::null());
    let mut pennon = Service::start("the control plane", &mut command)?;
    wait_until(START_LIMIT, || {
        pennon.must_run()?;
        Ok(ready.is_file())
    })
    .context("waiting for the control plane")?;
    let told: Value = serde_json::from_slice(&std::fs::read(&ready)?)?;
    let url = told["url"].as_str().context("the ready file has no url")?;
    let token = std::fs::read_to_string(&token).context("reading the admin token")?;

    let mut command = Command::new(schemathesis);
    command
        .current_dir(folder.path())
        .env("PENNON_TOKEN", token.trim())
        .env("PYTHONUNBUFFERED", "1")
        .args(["--no-color", "--config-file"])
        .arg(own.join("schemathesis.toml"))
        .args(["run", "--warnings", "off"])
        .arg(format!("{url}/admin/openapi.json"));
    let count = asked(&mut command)?;
    pennon.must_run()?;
    Ok(count)
}

/// Runs it with its output shown.
fn asked(command: &mut Command) -> Result<Count> {
    use std::io::{BufRead as _, BufReader};
    let mut service = Service::start("schemathesis", command.stdout(Stdio::piped()))?;
    let mut operations = Operations::default();
    if let Some(output) = service.take_output() {
        for line in BufReader::new(output).lines() {
            let line = line.context("reading what Schemathesis says")?;
            println!("{line}");
            operations.read(&line);
        }
    }
    let status = service.wait()?;
    if !status.success() {
        bail!("something was answered otherwise than the OpenAPI document says ({status})");
    }
    match operations {
        Operations { selected: Some(selected), tested: Some(tested) }
            if tested > 0 && selected == (tested, tested) =>
        {
            Ok(Count { passed: tested, skipped: 0 })
        }
        other => bail!("not every operation was asked: {other:?}"),
    }
}

/// What its summary says: `Selected: 113/113`, `Tested: 113`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Operations {
    selected: Option<(usize, usize)>,
    tested: Option<usize>,
}

impl Operations {
    fn read(&mut self, line: &str) {
        let line = line.trim();
        if let Some((some, all)) = line.strip_prefix("Selected: ").and_then(|of| of.split_once('/'))
        {
            self.selected = some.parse().ok().zip(all.parse().ok());
        }
        if let Some(tested) = line.strip_prefix("Tested: ") {
            self.tested = tested.parse().ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::CHILDREN;

    fn asked_by(script: &str) -> Result<Count> {
        let _others = CHILDREN.lock().unwrap();
        asked(Command::new("sh").args(["-c", script]))
    }

    #[test]
    fn what_is_not_asked_does_not_pass() {
        let count = asked_by("echo '  Selected: 3/3'; echo '  Tested: 3'").unwrap();
        assert_eq!(count, Count { passed: 3, skipped: 0 });
        for script in [
            "echo '  Selected: 3/3'; echo '  Tested: 3'; exit 1",
            "echo '  Selected: 3/3'; echo '  Tested: 2'",
            "echo '  Selected: 2/3'; echo '  Tested: 2'",
            "echo '  Selected: 0/0'; echo '  Tested: 0'",
            "echo '  Tested: 3'",
            "true",
        ] {
            assert!(asked_by(script).is_err(), "{script}");
        }
    }
}
