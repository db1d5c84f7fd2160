//! `cargo xtask fuzz`: libFuzzer over the targets of `fuzz/`, led by coverage. The stable compiler emits what libFuzzer reads, by flags of
//! LLVM's; nothing else is needed than a C++ compiler for libFuzzer itself.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::process::{capture, cargo, run};
use crate::tools::{debian, on_path};
use crate::workspace;

/// Counts edges, tells comparisons: what `cargo fuzz` gives too, without the address sanitizer, for there is no unsafe code.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";
/// One input may take so long, in seconds: it is fed from outside, and somebody waits.
const HANG: &str = "-timeout=10";
/// The process may hold so much, in MiB; what one call may hold is in `fuzz/src/targets.rs`.
const MEMORY: &str = "-rss_limit_mb=1024";
/// What no target reads beyond.
const LONGEST: &str = "-max_len=32768";
const SECONDS: u32 = 60;
/// Inputs of each target that are kept beside the seeds.
const MOST_KEPT: usize = 60;
/// Of what a run said, when it failed.
const LAST_LINES: usize = 60;

/// Names the targets.
pub(crate) fn list() -> Result<()> {
    targets()?.iter().for_each(|target| println!("{target}"));
    Ok(())
}

/// `[TARGET] [SECONDS]`: one target or each in turn, for so many seconds each.
pub(crate) fn fuzz(arguments: &[&str]) -> Result<()> {
    let targets = targets()?;
    let (named, rest) = match arguments.split_first() {
        Some((first, rest)) if first.parse::<u32>().is_err() => (Some(*first), rest),
        _ => (None, arguments),
    };
    let seconds = match rest {
        [] => SECONDS,
        [seconds] => seconds.parse().with_context(|| format!("{seconds} is no number"))?,
        _ => bail!("usage: cargo xtask fuzz [TARGET] [SECONDS]"),
    };
    let chosen = match named {
        None => targets,
        Some(name) if targets.iter().any(|target| target == name) => vec![name.to_owned()],
        Some(name) => bail!("no target is called `{name}`; `cargo xtask fuzz --list` names them"),
    };
    let program = build()?;
    for target in chosen {
        let seed = format!("-seed={}", std::process::id());
        one(&program, &target, seconds, &seed)?;
    }
    Ok(())
}

/// A few seconds of each, always from the same seed: what every run of the tests does. Answers how many targets there are.
pub(crate) fn short(seconds: u32) -> Result<usize> {
    let program = build()?;
    let targets = targets()?;
    for target in &targets {
        one(&program, target, seconds, "-seed=1")?;
    }
    Ok(targets.len())
}

/// Keeps of everything that was found short inputs that together reach much, beside the seeds.
pub(crate) fn minimise() -> Result<()> {
    let program = build()?;
    for target in targets()? {
        let kept = corpus().join(&target);
        let smallest = found("smallest")?.join(&target);
        if smallest.exists() {
            fs::remove_dir_all(&smallest)?;
        }
        fs::create_dir_all(&smallest)?;
        run(Command::new(&program)
            .env("PENNON_FUZZ", &target)
            .args(["-set_cover_merge=1", "-use_counters=0", "-max_len=1024", HANG, MEMORY])
            .args([&smallest, &kept, &found("corpus")?.join(&target)]))?;
        for entry in fs::read_dir(&kept)? {
            let path = entry?.path();
            let seed =
                path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("seed-"));
            if !seed {
                fs::remove_file(path)?;
            }
        }
        // The longest reach most.
        let mut found: Vec<_> = fs::read_dir(&smallest)?
            .map(|entry| entry.and_then(|entry| Ok((entry.metadata()?.len(), entry.file_name()))))
            .collect::<Result<_, _>>()?;
        found.sort();
        for (_, name) in found.iter().rev().take(MOST_KEPT) {
            fs::copy(smallest.join(name), kept.join(name))?;
        }
    }
    Ok(())
}

/// Every target has inputs that are kept: `fuzz/tests/corpus.rs` sees to it.
fn targets() -> Result<Vec<String>> {
    let mut targets = Vec::new();
    for entry in fs::read_dir(corpus()).context("reading fuzz/corpus")? {
        targets.push(entry?.file_name().to_string_lossy().into_owned());
    }
    targets.sort();
    if targets.is_empty() {
        bail!("fuzz/corpus is empty: `cargo run -p pennon-fuzz --example seeds`");
    }
    Ok(targets)
}

fn corpus() -> PathBuf {
    workspace::root().join("fuzz").join("corpus")
}

/// A folder for what comes out, kept between runs.
fn found(name: &str) -> Result<PathBuf> {
    let folder = workspace::target().join("fuzz").join(name);
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    Ok(folder)
}

/// With `--target`, build scripts and procedural macros are left without counters, which they could not be linked with.
fn build() -> Result<PathBuf> {
    if on_path("c++").is_none() && on_path("g++").is_none() {
        debian::install("a C++ compiler", &["g++"])?;
    }
    let version = capture(Command::new("rustc").current_dir(workspace::root()).arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc names no host")?;
    let folder = workspace::target().join("fuzz");
    run(cargo()
        .env("RUSTFLAGS", COVERAGE)
        .args([
            "build",
            "--profile",
            "fuzz",
            "--package",
            "pennon-fuzz",
            "--features",
            "libfuzzer",
            "--bin",
            "fuzz",
            "--target",
            host,
            "--target-dir",
        ])
        .arg(&folder))?;
    Ok(folder.join(host).join("fuzz").join("fuzz"))
}

fn one(program: &Path, target: &str, seconds: u32, seed: &str) -> Result<()> {
    let new = found("corpus")?.join(target);
    fs::create_dir_all(&new).with_context(|| format!("creating {}", new.display()))?;
    let found = found("found")?;
    let log = found.join(format!("{target}.log"));
    let file = File::create(&log).with_context(|| format!("creating {}", log.display()))?;
    let done = run(Command::new(program)
        .env("PENNON_FUZZ", target)
        .arg(format!("-max_total_time={seconds}"))
        .args([HANG, MEMORY, LONGEST, seed, "-print_final_stats=1"])
        .arg(format!("-artifact_prefix={}", found.join(format!("{target}-")).display()))
        .args([&new, &corpus().join(target)])
        .stderr(file));
    let said = fs::read(&log).with_context(|| format!("reading {}", log.display()))?;
    let said = String::from_utf8_lossy(&said);
    if let Err(error) = done {
        let lines: Vec<&str> = said.lines().filter(|line| !line.starts_with('#')).collect();
        let last = lines.split_at(lines.len().saturating_sub(LAST_LINES)).1;
        eprintln!("{}", last.join("\n"));
        let place = found.display();
        return Err(
            error.context(format!("{target}: what led there lies in {place}, see {target}.log"))
        );
    }
    println!("{}", Figures::of(&said).line(target));
    Ok(())
}

/// What a run came to, out of what libFuzzer and our own program say.
#[derive(Debug, PartialEq, Eq)]
struct Figures {
    executions: String,
    edges: String,
    call: String,
    process: String,
}

impl Figures {
    fn of(said: &str) -> Self {
        let after = |text: &str| {
            let rest = said.rsplit_once(text).map(|(_, rest)| rest.trim_start());
            let word = rest.and_then(|rest| rest.split_whitespace().next());
            word.unwrap_or("unknown").to_owned()
        };
        Self {
            executions: after("stat::number_of_executed_units:"),
            edges: after(" cov: "),
            call: after("one call held "),
            process: after("stat::peak_rss_mb:"),
        }
    }

    fn line(&self, target: &str) -> String {
        let Self { executions, edges, call, process } = self;
        format!(
            "{target:<10} {executions:>12} executions, {edges:>6} edges, {call:>9} bytes held by one call, {process:>5} MiB by the process"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_from_what_libfuzzer_says() {
        let said = "one call held 500 bytes, given 0\n#2\tINITED cov: 100 ft: 101 corp: 1/1b\none call held 700 bytes, given 9\n\
            #9\tDONE   cov: 321 ft: 400 corp: 7/9b\nstat::number_of_executed_units: 416598\nstat::peak_rss_mb:              38\n";
        let [executions, edges, call, process] = ["416598", "321", "700", "38"].map(str::to_owned);
        assert_eq!(Figures::of(said), Figures { executions, edges, call, process });
    }
}
