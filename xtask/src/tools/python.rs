//! Virtual environments with the Python packages that tests hold our endpoints against.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use super::{debian, on_path};
use crate::process::run;
use crate::stamp::Stamp;
use crate::workspace;

/// Returns an interpreter with OpenFeature's client.
pub(crate) fn python() -> Result<PathBuf> {
    // The first names the second.
    let requirements = ["end-to-end/requirements.txt", "examples/python/requirements.txt"];
    program("python", &requirements, "python")
}

/// Returns Schemathesis, which asks what an OpenAPI document says can be asked.
pub(crate) fn schemathesis() -> Result<PathBuf> {
    let requirements = ["control-plane/tests/schemathesis/requirements.txt"];
    program("schemathesis", &requirements, "schemathesis")
}

/// A program of the environment `name`, which has what the first file of requirements lists; it is made anew when one of them changes.
fn program(name: &str, requirements: &[&str], program: &str) -> Result<PathBuf> {
    let folder = workspace::tools().join(name);
    let wanted: Vec<PathBuf> =
        requirements.iter().map(|file| workspace::root().join(file)).collect();
    let Some(first) = wanted.first() else { bail!("{name} has no requirements") };
    let program = folder.join("bin").join(program);
    let stamp = Stamp::of(name, &wanted, &[])?;
    if stamp.is_current(&[&program]) {
        return Ok(program);
    }
    println!("installing the Python packages of {}", first.display());
    install(&folder, first)?;
    if !program.is_file() {
        bail!(
            "{} is missing after its installation: remove {} and run this again",
            program.display(),
            folder.display()
        );
    }
    stamp.set()?;
    Ok(program)
}

fn install(folder: &Path, requirements: &Path) -> Result<()> {
    let create = || run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder));
    if on_path("python3").is_none() || create().is_err() {
        debian::install("Python 3 with venv", &["python3", "python3-venv"])?;
        create()?;
    }
    let quiet = ["--quiet", "--disable-pip-version-check", "--no-input", "--requirement"];
    run(Command::new(folder.join("bin").join("python"))
        .args(["-m", "pip", "install"])
        .args(quiet)
        .arg(requirements))
}
