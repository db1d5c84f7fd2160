//! What the control plane tells once it answers.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::State;
use super::logged::Logged;
use crate::process;

/// The environment of the first project that everything here is connected to.
pub(crate) const ENVIRONMENT: &str = "development";

/// From the file that the control plane writes at its first start.
#[derive(Debug)]
pub(crate) struct Credentials {
    pub(crate) project: String,
    pub(crate) admin_token: String,
    pub(crate) edge_connection: String,
    pub(crate) client_connection: String,
}

/// Waits until the control plane has said that it answers.
pub(crate) fn control_plane(
    part: &mut Logged,
    state: &State,
    limit: Duration,
) -> Result<Credentials> {
    process::wait_until(limit, || {
        part.must_run()?;
        Ok(state.ready().exists())
    })
    .with_context(|| {
        format!("waiting for the control plane; its log is {}", part.log().display())
    })?;
    read(&state.credentials())
        .context("the keys of the first start are gone: remove .pennon to begin anew, with new keys and without your flags")
}

fn read(path: &Path) -> Result<Credentials> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let all: Value =
        serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
    let environments = all["environments"].as_array().map(Vec::as_slice).unwrap_or_default();
    let environment = environments
        .iter()
        .find(|environment| environment["key"] == ENVIRONMENT)
        .with_context(|| format!("{} names no environment {ENVIRONMENT}", path.display()))?;
    let string = |value: &Value, what: &str| {
        value
            .as_str()
            .map(str::to_owned)
            .with_context(|| format!("{} has no {what}", path.display()))
    };
    Ok(Credentials {
        project: string(&all["project"]["key"], "project")?,
        admin_token: string(&all["adminToken"], "admin token")?,
        edge_connection: string(
            &environment["connectionStrings"]["edge"],
            "connection string for edges",
        )?,
        client_connection: string(
            &environment["connectionStrings"]["client"],
            "connection string for clients",
        )?,
    })
}
