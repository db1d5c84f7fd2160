//! `cargo xtask tidy`: what no compiler checks.

mod documents;

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::process::capture;
use crate::workspace;

/// A file that is longer is hard to hold in one's head: split it by what its parts do.
const MOST_LINES: usize = 700;
const CODE: &[&str] =
    &["rs", "mjs", "js", "cjs", "ts", "tsx", "jsx", "py", "sh", "sql", "css", "html"];
/// Documents that name paths.
const DOCUMENTS: &[&str] = &["ARCHITECTURE.md", "README.md"];
/// Parts of a path that only generated files have.
const GENERATED: &[&str] = &["dist", "pkg", "generated", "node_modules", "target", "__pycache__"];
const GENERATED_ENDINGS: &[&str] = &["wasm", "map", "sqlite", "log", "tgz", "pyc"];

/// Runs every check and reports all that is wrong at once.
pub(crate) fn tidy() -> Result<()> {
    let files = files()?;
    let mut wrong = Vec::new();
    long_files(&files, &mut wrong)?;
    generated_files(&mut wrong)?;
    bindgen_version(&files, &mut wrong)?;
    let paths = documents::Paths::of(&files);
    for document in DOCUMENTS {
        let path = workspace::root().join(document);
        let text = fs::read_to_string(&path)
            .with_context(|| format!("{document} is missing: write it"))?;
        documents::check(document, &text, &paths, &mut wrong);
    }
    if !wrong.is_empty() {
        bail!("not tidy:\n  {}", wrong.join("\n  "));
    }
    println!("{} files are tidy", files.len());
    Ok(())
}

fn git(arguments: &[&str]) -> Result<Vec<String>> {
    let text = capture(Command::new("git").current_dir(workspace::root()).args(arguments))?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// What is in the repository or about to be added.
fn files() -> Result<Vec<String>> {
    let mut files = git(&["ls-files", "--cached", "--others", "--exclude-standard"])?;
    // Deleted and not yet committed as such.
    files.retain(|file| workspace::root().join(file).is_file());
    Ok(files)
}

fn long_files(files: &[String], wrong: &mut Vec<String>) -> Result<()> {
    for file in files {
        let is_code = Path::new(file)
            .extension()
            .is_some_and(|ending| CODE.iter().any(|code| ending == *code));
        if !is_code {
            continue;
        }
        let text = fs::read_to_string(workspace::root().join(file))
            .with_context(|| format!("reading {file}"))?;
        let lines = text.lines().count();
        if lines > MOST_LINES {
            wrong.push(format!("{file} has {lines} lines; {MOST_LINES} at most: split it"));
        }
    }
    Ok(())
}

fn generated_files(wrong: &mut Vec<String>) -> Result<()> {
    for file in git(&["ls-files", "--cached", "--ignored", "--exclude-standard"])? {
        wrong.push(format!("{file} is tracked although .gitignore names it: git rm --cached it"));
    }
    for file in git(&["ls-files"])? {
        let path = Path::new(&file);
        let folder =
            path.components().any(|part| GENERATED.iter().any(|name| part.as_os_str() == *name));
        let ending = path
            .extension()
            .is_some_and(|ending| GENERATED_ENDINGS.iter().any(|name| ending == *name));
        if folder || ending {
            wrong.push(format!(
                "{file} looks generated: git rm --cached it and let .gitignore name it"
            ));
        }
    }
    Ok(())
}

/// One version of wasm-bindgen, written once: a second one is forgotten at the next upgrade.
fn bindgen_version(files: &[String], wrong: &mut Vec<String>) -> Result<()> {
    let manifest =
        fs::read_to_string(workspace::root().join("Cargo.toml")).context("reading Cargo.toml")?;
    let pinned = manifest
        .lines()
        .find_map(|line| line.strip_prefix("wasm-bindgen = { version = \"=")?.split_once('"'))
        .map(|(version, _)| version);
    let Some(pinned) = pinned else {
        wrong.push(
            "Cargo.toml pins no version of wasm-bindgen by a line `wasm-bindgen = { version = \"=x.y.z\", ..`"
                .to_owned(),
        );
        return Ok(());
    };
    let mut places = Vec::new();
    for file in files.iter().filter(|file| *file != "Cargo.lock") {
        let bytes =
            fs::read(workspace::root().join(file)).with_context(|| format!("reading {file}"))?;
        let text = String::from_utf8_lossy(&bytes);
        for (number, line) in text.lines().enumerate() {
            if line.contains(pinned) && line.contains("bindgen") {
                places.push(format!("{file}:{}", number + 1));
            }
        }
    }
    if places.len() != 1 {
        wrong.push(format!(
            "wasm-bindgen's version {pinned} is written in {}: only in Cargo.toml",
            places.join(", ")
        ));
    }
    Ok(())
}
