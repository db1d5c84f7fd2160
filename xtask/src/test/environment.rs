//! What tests find in their environment: servers of this run, started when first needed, ended with the run.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::postgres::{self, Postgres};
use super::redis::{self, Redis};
use crate::temporary::Folder;
use crate::{build, tools, workspace};

/// The servers that run now.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    postgres: Option<Postgres>,
    redis: Option<Redis>,
    scratch: Option<Folder>,
    own_postgres: Option<postgres::Prepared>,
}

impl Environment {
    /// `PENNON_TEST_POSTGRES`: the URL of a cluster in which a test may create databases.
    pub(crate) fn postgres(&mut self, command: &mut Command) -> Result<()> {
        if self.postgres.is_none() {
            self.postgres = Some(Postgres::start()?);
        }
        if let Some(postgres) = &self.postgres {
            command.env("PENNON_TEST_POSTGRES", postgres.url());
        }
        Ok(())
    }

    /// `PENNON_TEST_REDIS`: the URL of an empty server.
    pub(crate) fn redis(&mut self, command: &mut Command) -> Result<()> {
        if self.redis.is_none() {
            self.redis = Some(Redis::start()?);
        }
        if let Some(redis) = &self.redis {
            command.env("PENNON_TEST_REDIS", redis.url());
        }
        Ok(())
    }

    /// `PENNON_TEST_OWN_POSTGRES` and `PENNON_TEST_OWN_REDIS`: how a test starts a server that it may end, as JSON with `url` and
    /// `command`.
    pub(crate) fn own(&mut self, command: &mut Command) -> Result<()> {
        if self.own_postgres.is_none() {
            self.own_postgres = Some(postgres::Prepared::new()?);
        }
        if let Some(prepared) = &self.own_postgres {
            command.env("PENNON_TEST_OWN_POSTGRES", own(prepared.url(), prepared.command()));
        }
        self.own_redis(command)
    }

    /// `PENNON_TEST_OWN_REDIS` alone.
    pub(crate) fn own_redis(&mut self, command: &mut Command) -> Result<()> {
        self.scratch(command)?;
        if let Some(folder) = &self.scratch {
            let port = free_port()?;
            let redis = redis::command(port, folder.path())?;
            command.env("PENNON_TEST_OWN_REDIS", own(redis::url(port), &redis));
        }
        Ok(())
    }

    /// `TMPDIR`: what tests leave behind, killed ones above all, goes with the run.
    pub(crate) fn scratch(&mut self, command: &mut Command) -> Result<()> {
        if self.scratch.is_none() {
            self.scratch = Some(Folder::create("tests")?);
        }
        if let Some(folder) = &self.scratch {
            command.env("TMPDIR", folder.path());
        }
        Ok(())
    }

    /// Everything that is built (`PENNON_BIN`), the servers, and the browsers (`PENNON_CHROMIUM`, `PENNON_FIREFOX`, `PENNON_WEBKIT`).
    pub(crate) fn parts(&mut self, command: &mut Command) -> Result<()> {
        build::everything()?;
        self.postgres(command)?;
        self.redis(command)?;
        self.scratch(command)?;
        command
            .env("PENNON_BIN", workspace::pennon())
            .env("PENNON_CHROMIUM", tools::chromium()?)
            .env("PENNON_FIREFOX", tools::firefox()?);
        if let Some(webkit) = tools::webkit()? {
            command.env("PENNON_WEBKIT", webkit);
        }
        Ok(())
    }
}

/// A server that a test starts by itself.
fn own(url: String, command: &[String]) -> String {
    serde_json::json!({ "url": url, "command": command }).to_string()
}

/// A port that nobody listens on now. The system hands out another one each time, so that the moment until it is bound
/// again is no danger in practice.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("asking for a free port")?;
    Ok(listener.local_addr().context("asking for a free port")?.port())
}
