//! `cargo xtask test`: every check and test, each step named and timed. Nothing is skipped and nothing is swallowed:
//! the first failure ends the run.

mod counted;
mod environment;
mod generated;
mod postgres;
mod redis;
mod soak;
mod steps;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::process;
use counted::Count;
pub(crate) use environment::Environment;
pub(crate) use soak::soak;
use steps::{STEPS, Step};

/// Names the steps.
pub(crate) fn list() -> Result<()> {
    for step in STEPS {
        println!("{:<16} {}", step.name, step.about);
    }
    Ok(())
}

/// Runs the named steps, or all when none is named.
pub(crate) fn test(names: &[&str]) -> Result<()> {
    let chosen = choose(names)?;
    let start = Instant::now();
    let mut environment = Environment::default();
    let mut times = Vec::new();
    for (index, step) in chosen.iter().enumerate() {
        println!("\n=== {} of {}: {} ({})", index + 1, chosen.len(), step.name, step.about);
        let began = Instant::now();
        let result = run(step, &mut environment);
        times.push((step.name, began.elapsed(), result.as_ref().ok().copied().unwrap_or_default()));
        if let Err(error) = result {
            table(&times, start.elapsed());
            return Err(error.context(format!(
                "step `{}` failed; alone: cargo xtask test {}",
                step.name, step.name
            )));
        }
    }
    table(&times, start.elapsed());
    println!("all {} steps passed", chosen.len());
    Ok(())
}

fn choose(names: &[&str]) -> Result<Vec<&'static Step>> {
    if names.is_empty() {
        return Ok(STEPS.iter().collect());
    }
    names
        .iter()
        .map(|name| {
            STEPS.iter().find(|step| step.name == *name).with_context(|| {
                format!("no step is called `{name}`; `cargo xtask test --list` names them")
            })
        })
        .collect()
}

fn run(step: &Step, environment: &mut Environment) -> Result<Count> {
    let result = (step.run)(environment);
    let left = process::end_strays();
    let count = result?;
    if !left.is_empty() {
        bail!("it left processes behind, ended now: {}", left.join(", "));
    }
    Ok(count)
}

fn table(times: &[(&str, Duration, Count)], total: Duration) {
    println!("\n{:<16} {:>8} {:>8} {:>8}", "step", "seconds", "passed", "skipped");
    let mut sum = Count::default();
    for (name, time, count) in times {
        sum.passed += count.passed;
        sum.skipped += count.skipped;
        line(name, *time, *count);
    }
    line("together", total, sum);
}

fn line(name: &str, time: Duration, count: Count) {
    println!("{name:<16} {:>8.1} {:>8} {:>8}", time.as_secs_f64(), count.passed, count.skipped);
}
