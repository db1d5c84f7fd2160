//! A virtual environment with OpenFeature's Python client, for the tests that hold our endpoints against it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use super::{debian, on_path};
use crate::process::run;
use crate::stamp::Stamp;
use crate::workspace;

/// Returns the environment's interpreter.
pub(crate) fn python() -> Result<PathBuf> {
    let requirements = workspace::root().join("end-to-end").join("requirements.txt");
    let folder = workspace::tools().join("python");
    let python = folder.join("bin").join("python");
    // It names the other one.
    let example = workspace::root().join("examples").join("python").join("requirements.txt");
    let stamp = Stamp::of("python", &[requirements.clone(), example], &[])?;
    if stamp.is_current(&[&python]) {
        return Ok(python);
    }
    println!("installing the Python packages of end-to-end/requirements.txt");
    let create = || run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
    if on_path("python3").is_none() || create().is_err() {
        debian::install("Python 3 with venv", &["python3", "python3-venv"])?;
        create()?;
    }
    run(Command::new(&python)
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
            "--requirement",
        ])
        .arg(&requirements))?;
    if !python.is_file() {
        bail!(
            "{} is missing after its installation: remove {} and run this again",
            python.display(),
            folder.display()
        );
    }
    stamp.set()?;
    Ok(python)
}
