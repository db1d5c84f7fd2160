//! Suites that others wrote, through our importers and our evaluator.
//!
//! They lie beside the repository (`../shared/suites`, or `PENNON_SUITES`) and are never part of it. Each case passes, or is a refusal declared
//! in core/spec/known-gaps by name and reason; anything else fails, a declared refusal that passes too.

mod flagd;
mod frame;
mod gherkin;
mod growthbook;
mod launchdarkly;
mod tables;
mod unleash;

use std::error::Error;

use libtest_mimic::Arguments;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::from_args();
    let Some(folder) = frame::folder() else {
        if std::env::var_os("CI").is_some_and(|ci| ci == "true") {
            return Err(format!("no suites in {}", frame::place().display()).into());
        }
        eprintln!("NOT RUN: no suites in {}; set PENNON_SUITES", frame::place().display());
        return Ok(());
    };
    let mut trials = Vec::new();
    trials.extend(unleash::suite(&folder)?.trials()?);
    trials.extend(growthbook::suite(&folder)?.trials()?);
    trials.extend(flagd::suite(&folder)?.trials()?);
    trials.extend(launchdarkly::suite()?.trials()?);
    trials.extend(tables::suite(&folder)?.trials()?);
    libtest_mimic::run(&arguments, trials).exit()
}
