//! The programs that are measured, as processes of their own.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Fault;

const START_LIMIT: Duration = Duration::from_secs(30);
/// Of `/proc/PID/stat`: Linux fixes it for programs, whatever the kernel counts with.
const TICKS_A_SECOND: f64 = 100.0;

/// A running program, killed with the value.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    /// Where its metrics are.
    metrics: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing is left to do where it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// The bare handler, which is this program called with `floor`.
    pub(crate) fn floor() -> Result<Self, Fault> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.arg("floor").stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().ok_or("the floor has no output")?;
        let mut url = String::new();
        BufReader::new(output).read_line(&mut url)?;
        Ok(Self { child, url: url.trim().to_owned(), metrics: String::new() })
    }

    /// The control plane, once it answers; how long that took; what its first start wrote.
    pub(crate) fn pennon(
        program: &Path,
        folder: &Path,
        database: Option<&str>,
    ) -> Result<(Self, Duration), Fault> {
        let ready = folder.join("ready.json");
        if ready.exists() {
            std::fs::remove_file(&ready)?;
        }
        let mut command = Command::new(program);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"])
            // One caller, who asks as fast as he can.
            .args(["--rate-per-address", "0", "--rate-per-credential", "0"])
            .args(["--public-url", "http://127.0.0.1:8600", "--data-dir"])
            .arg(folder.join("data"))
            .arg("--ready-file")
            .arg(&ready)
            .arg("--credentials-file")
            .arg(folder.join("credentials.json"))
            .env("PENNON_SECRET", "ef".repeat(32))
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.join("log"))?);
        if let Some(database) = database {
            command.env("PENNON_DATABASE", database);
        }
        let begun = Instant::now();
        let mut server =
            Self { child: command.spawn()?, url: String::new(), metrics: String::new() };
        while !ready.exists() {
            if server.child.try_wait()?.is_some() || begun.elapsed() > START_LIMIT {
                return Err(std::fs::read_to_string(folder.join("log"))?.into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let took = begun.elapsed();
        let ready: Value = serde_json::from_slice(&std::fs::read(&ready)?)?;
        let listen = ready["listen"].as_str().ok_or("the ready file names no address")?;
        server.url = format!("http://{listen}");
        let metrics = ready["metricsListen"].as_str().ok_or("the ready file names no metrics")?;
        server.metrics = format!("http://{metrics}/metrics");
        Ok((server, took))
    }

    /// CPU time so far, of all its threads.
    pub(crate) fn cpu(&self) -> Result<Duration, Fault> {
        let stat = std::fs::read_to_string(self.proc("stat"))?;
        // The program's name, in parentheses, may hold anything; the fields behind it are numbers.
        let (_, fields) = stat.rsplit_once(')').ok_or("an unknown form of /proc/PID/stat")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u32>().ok());
        let (user, system) = ticks(11).zip(ticks(12)).ok_or("an unknown form of /proc/PID/stat")?;
        Ok(Duration::from_secs_f64(f64::from(user + system) / TICKS_A_SECOND))
    }

    /// Seconds that compiling and testing environments took so far, and how often that was.
    pub(crate) async fn compiled(&self) -> Result<(f64, f64), Fault> {
        let text = reqwest::get(&self.metrics).await?.error_for_status()?.text().await?;
        let of = |name: &str| -> Result<f64, Fault> {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            Ok(line.ok_or_else(|| format!("no {name} among the metrics"))?.trim().parse()?)
        };
        Ok((
            of("pennon_compile_duration_seconds_sum ")?,
            of("pennon_compile_duration_seconds_count ")?,
        ))
    }

    /// Resident memory in MB.
    pub(crate) fn resident_mb(&self) -> Result<f64, Fault> {
        let status = std::fs::read_to_string(self.proc("status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        Ok(kib.ok_or("an unknown form of /proc/PID/status")? * 1024.0 / 1e6)
    }

    fn proc(&self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.child.id()))
    }
}
