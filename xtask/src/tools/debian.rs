//! Servers and browsers that come from the system's package manager.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::on_path;
use crate::process::run;

/// Installs Debian packages when run as root on Debian or a derivative; says what to install otherwise.
pub(crate) fn install(what: &str, packages: &[&str]) -> Result<()> {
    let list = packages.join(" ");
    if on_path("apt-get").is_none() {
        bail!(
            "{what} is missing: install it (Debian calls it `{list}`), see that it is on the PATH, and run this again"
        );
    }
    if !rustix::process::geteuid().is_root() {
        bail!("{what} is missing: run `sudo apt-get install {list}`, then this again");
    }
    println!("{what} is missing: installing {list}");
    let lists = fs::read_dir("/var/lib/apt/lists").is_ok_and(|mut entries| {
        entries.any(|entry| entry.is_ok_and(|e| e.path().is_file() && e.file_name() != "lock"))
    });
    if !lists {
        run(&mut apt(&["update", "-qq"]))?;
    }
    let mut arguments = vec!["install", "-qq", "-y", "--no-install-recommends"];
    arguments.extend(packages);
    if run(&mut apt(&arguments)).is_ok() {
        return Ok(());
    }
    // Package lists that are older than the archive name files that are gone.
    run(&mut apt(&["update", "-qq"]))?;
    run(&mut apt(&arguments)).with_context(|| format!("installing {what}"))
}

fn apt(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command
        .args(["-o", "Dpkg::Use-Pty=0"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        // Keeps the packages from starting their services: the tests start servers of their own and end them.
        .env("RUNLEVEL", "1");
    command
}
