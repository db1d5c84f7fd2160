//! `cargo xtask soak`: the tests that draw their cases, for as long as one likes. Their short forms are in every run.

use anyhow::{Context as _, Result};

use super::environment::Environment;
use crate::build::NATIVE;
use crate::process::{cargo, run};

/// About ten minutes on two cores.
const ROUNDS: u32 = 100;

/// Kills the control plane in the middle of writes, and compares the evaluator with the reference, `rounds` times over.
pub(crate) fn soak(rounds: Option<&str>) -> Result<()> {
    let rounds: u32 = match rounds {
        None => ROUNDS,
        Some(text) => text.parse().with_context(|| format!("{text} is no number of rounds"))?,
    };
    let mut environment = Environment::default();
    for (test, filter) in [("agreement", ""), ("process", "kill")] {
        let mut command = cargo();
        environment.postgres(&mut command)?;
        environment.scratch(&mut command)?;
        command.env("PENNON_ROUNDS", rounds.to_string());
        run(command.arg("test").args(NATIVE).args(["--test", test, "--", "--nocapture", filter]))?;
    }
    Ok(())
}
