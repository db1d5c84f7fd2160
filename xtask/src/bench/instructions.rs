//! Instructions of one evaluation, one opening, one context: counted by valgrind's callgrind, so that a busy machine changes nothing.
//! The figures are of x86-64 Linux with the toolchain that rust-toolchain.toml names.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::workload;
use crate::process::{cargo, run};
use crate::{tools, workspace};

/// What pennon-bench counts, and what one of it is.
const WORKLOADS: &[(&str, &str)] = &[
    ("simple", "one boolean without rules"),
    ("typical", "one typical flag of 1,000"),
    ("segment", "a segment of 10,000 keys"),
    ("all", "all 1,000 flags, for each"),
    ("open", "opening 1,000 flags, a copy of their bytes included"),
    ("context", "a context of ten attributes"),
];
/// The figures that `compare` holds against what it counts.
const COMMITTED: &str = "bench/instructions.txt";
/// How far a count may lie from the committed one: another C library copies bytes with other instructions.
const TOLERANCE: f64 = 0.02;
/// How much more an evaluation that nobody observes may take than one of a program without the observer: two compilations of the same
/// code differ by a few instructions in how they use registers.
const OBSERVER_TOLERANCE: f64 = 0.005;
/// The workloads that evaluate.
const EVALUATIONS: usize = 4;
const WITHOUT_OBSERVER: &str = "--cfg pennon_without_observer -Awarnings";

/// Fails when a count has moved, or when the observer costs something while nobody observes.
pub(crate) fn compare() -> Result<()> {
    let counts = count()?;
    let committed = committed()?;
    let mut moved = Vec::new();
    println!("\n{:<52} {:>10} {:>10} {:>8}", "instructions", "now", "committed", "change");
    for ((name, about), now) in WORKLOADS.iter().zip(&counts.with_observer) {
        let before = committed
            .iter()
            .find_map(|(known, figure)| (known == name).then_some(*figure))
            .with_context(|| format!("{COMMITTED} has no figure for `{name}`"))?;
        let change = now / before - 1.0;
        println!("{about:<52} {now:>10.1} {before:>10.1} {:>7.1}%", change * 100.0);
        if change.abs() > TOLERANCE {
            moved.push(*name);
        }
    }
    let costly = observer(&counts);
    if !moved.is_empty() {
        bail!(
            "the instructions of {} moved by more than {} %: if that is meant, `cargo xtask bench instructions --accept` writes the new figures",
            moved.join(", "),
            TOLERANCE * 100.0
        );
    }
    costly
}

/// Counts, and writes the figures down.
pub(crate) fn accept() -> Result<()> {
    let counts = count()?;
    observer(&counts)?;
    let mut text = String::from(
        "# Instructions of one evaluation, opening or context, counted by `cargo xtask bench instructions`; --accept writes this file.\n",
    );
    for ((name, about), figure) in WORKLOADS.iter().zip(&counts.with_observer) {
        writeln!(text, "{name} {figure:.1} {about}")?;
        println!("{about:<52} {figure:>10.1}");
    }
    fs::write(workspace::root().join(COMMITTED), text).context("writing the figures")
}

struct Counts {
    with_observer: Vec<f64>,
    /// Of the evaluations alone.
    without_observer: Vec<f64>,
}

/// Prints what the observer costs while nobody observes; fails when it costs anything.
fn observer(counts: &Counts) -> Result<()> {
    println!("\n{:<52} {:>10} {:>10} {:>8}", "nobody observes", "compiled", "left out", "change");
    let mut costly = Vec::new();
    let pairs = counts.with_observer.iter().zip(&counts.without_observer);
    for ((name, about), (with, without)) in WORKLOADS.iter().zip(pairs) {
        let change = with / without - 1.0;
        println!("{about:<52} {with:>10.1} {without:>10.1} {:>7.2}%", change * 100.0);
        if change > OBSERVER_TOLERANCE {
            costly.push(*name);
        }
    }
    if !costly.is_empty() {
        bail!("an observer costs something in {} although nobody observes", costly.join(", "));
    }
    Ok(())
}

fn count() -> Result<Counts> {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        bail!("instructions are counted on x86-64 Linux alone");
    }
    let valgrind = tools::valgrind()?;
    let folder = workload()?;
    let target = workspace::target();
    let with = build(&target, "")?;
    let without = build(&target.join("without-observer"), WITHOUT_OBSERVER)?;
    let counts = |program: &Path, workloads: &[(&str, &str)]| -> Result<Vec<f64>> {
        workloads.iter().map(|(name, _)| one(&valgrind, program, &folder, name)).collect()
    };
    Ok(Counts {
        with_observer: counts(&with, WORKLOADS)?,
        without_observer: counts(&without, &WORKLOADS[..EVALUATIONS])?,
    })
}

fn build(target: &Path, flags: &str) -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["build", "--quiet", "--release", "--package", "pennon-bench", "--target-dir"]);
    run(command.arg(target).env("RUSTFLAGS", flags))?;
    Ok(target.join("release").join("pennon-bench"))
}

/// Instructions of one evaluation, opening or context of a workload.
fn one(valgrind: &Path, program: &Path, folder: &Path, name: &str) -> Result<f64> {
    let output = Command::new(valgrind)
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no"])
        .arg("--toggle-collect=*counted*")
        .arg(program)
        .arg("count")
        .args([folder.as_os_str(), name.as_ref()])
        .output()
        .context("starting valgrind")?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("counting `{name}` failed ({}):\n{said}", output.status);
    }
    let rounds: f64 = String::from_utf8_lossy(&output.stdout).trim().parse()?;
    let counted = said
        .lines()
        .find_map(|line| line.split_once("Collected : "))
        .and_then(|(_, number)| number.trim().parse::<f64>().ok())
        .filter(|counted| *counted > 0.0)
        .with_context(|| format!("callgrind counted nothing of `{name}`:\n{said}"))?;
    Ok(counted / rounds)
}

fn committed() -> Result<Vec<(String, f64)>> {
    let text = fs::read_to_string(workspace::root().join(COMMITTED)).with_context(|| {
        format!("{COMMITTED} is missing: `cargo xtask bench instructions --accept` writes it")
    })?;
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let mut words = line.split(' ');
            let name = words.next().unwrap_or_default().to_owned();
            let figure = words.next().and_then(|figure| figure.parse().ok());
            Ok((name, figure.with_context(|| format!("{COMMITTED}: what is `{line}`?"))?))
        })
        .collect()
}
