//! Times of static analysis on large environments, each at two sizes: what costs more for each flag of the larger one grows faster than the
//! environment does.
//!
//! `cargo run --release -p pennon-core --example analysis --all-features [-- TEXT]`: all of them, or those whose description has the text.

#![expect(clippy::disallowed_methods, reason = "measures time")]

mod environments;
#[path = "../workload/model.rs"]
mod model;

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use pennon_core::config::analysis::{Options, findings, findings_of_flag};
use pennon_core::config::{Code, Configuration, Finding};

fn main() -> Result<(), Box<dyn Error>> {
    println!(
        "{:<62} {:>6} {:>9} {:>9} {:>9} {:>8} {:>9}",
        "static analysis", "flags", "ms", "us/flag", "one, us", "findings", "undecided"
    );
    let wanted = std::env::args().nth(1).unwrap_or_default();
    for (about, sizes, build) in
        environments::ALL.iter().filter(|(about, ..)| about.contains(&wanted))
    {
        for size in *sizes {
            measure(about, &build(*size)?);
        }
    }
    Ok(())
}

fn measure(about: &str, configuration: &Configuration) {
    let start = Instant::now();
    let found = findings(configuration, &Options::default());
    let took = start.elapsed();
    let flags = configuration.flags.len();
    // What a write costs: one flag, with what it depends on.
    let start = Instant::now();
    let last = configuration.flags.keys().next_back();
    last.map(|key| black_box(findings_of_flag(configuration, key, &Options::default())));
    let one = start.elapsed();
    let undecided = |finding: &&Finding| finding.code == Code::NotDecided;
    println!(
        "{about:<62} {flags:>6} {:>9.1} {:>9.1} {:>9.1} {:>8} {:>9}",
        took.as_secs_f64() * 1e3,
        took.as_secs_f64() * 1e6 / flags as f64,
        one.as_secs_f64() * 1e6,
        found.len(),
        found.iter().filter(undecided).count()
    );
}
