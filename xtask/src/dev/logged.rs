//! A part of the system that runs in the background and writes a log.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process::Service;

/// How much of a log is shown when its part has ended.
const TAIL_LINES: usize = 25;

/// Stopped when dropped.
#[derive(Debug)]
pub(crate) struct Logged {
    service: Service,
    log: PathBuf,
}

impl Logged {
    pub(crate) fn start(name: &str, log: &Path, command: &mut Command) -> Result<Self> {
        let file = File::create(log).with_context(|| format!("creating {}", log.display()))?;
        let both = file.try_clone().with_context(|| format!("sharing {}", log.display()))?;
        let service = Service::start(name, command.stdout(file).stderr(both))?;
        Ok(Self { service, log: log.to_path_buf() })
    }

    pub(crate) fn name(&self) -> &str {
        self.service.name()
    }

    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Fails, with the end of the log, when the part has ended.
    pub(crate) fn must_run(&mut self) -> Result<()> {
        self.service.must_run().with_context(|| {
            let text = fs::read_to_string(&self.log).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            let tail = lines.get(lines.len().saturating_sub(TAIL_LINES)..).unwrap_or_default();
            format!("the end of {}:\n{}\n", self.log.display(), tail.join("\n"))
        })
    }
}
