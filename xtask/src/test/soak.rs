//! `cargo xtask soak`: the tests that draw their cases, for as long as one likes. Their short forms are in every run.

use std::process::Command;

use anyhow::{Context as _, Result};

use super::counted::{self, Count};
use super::environment::Environment;
use crate::build::NATIVE;
use crate::process::{cargo, run};

/// About ten minutes on two cores.
const ROUNDS: u32 = 100;
/// 2,000 worlds each: 100,000.
const AGREEMENT_ROUNDS: u32 = 50;

/// Kills the control plane in the middle of writes, and compares the evaluator with the reference, `rounds` times over.
pub(crate) fn soak(rounds: Option<&str>) -> Result<()> {
    let rounds: u32 = match rounds {
        None => ROUNDS,
        Some(text) => text.parse().with_context(|| format!("{text} is no number of rounds"))?,
    };
    let mut environment = Environment::default();
    run(&mut optimised("agreement", rounds))?;
    let mut command = cargo();
    environment.postgres(&mut command)?;
    environment.scratch(&mut command)?;
    command.env("PENNON_ROUNDS", rounds.to_string());
    command.arg("test").args(NATIVE).args(["--test", "process", "--", "--nocapture", "kill"]);
    run(&mut command)
}

/// The evaluator against the reference interpreter, over 100,000 worlds.
pub(crate) fn agreement() -> Result<Count> {
    counted::run(&mut optimised("agreement", AGREEMENT_ROUNDS))
}

/// One test binary of the evaluator: ten times as fast optimised.
fn optimised(test: &str, rounds: u32) -> Command {
    let mut command = cargo();
    command.env("PENNON_ROUNDS", rounds.to_string());
    command.args(["test", "--release", "--package", "pennon-core", "--all-features"]);
    command.args(["--test", test, "--", "--nocapture"]);
    command
}
