//! The browser that the tests drive.

use std::path::PathBuf;

use anyhow::{Result, bail};

use super::{debian, on_path};

/// Names it goes by, and where macOS keeps it.
const NAMES: &[&str] = &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const BUNDLES: &[&str] = &[
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/// Finds it (`PENNON_CHROMIUM` first), and installs it where it is missing.
pub(crate) fn chromium() -> Result<PathBuf> {
    if let Some(program) = std::env::var_os("PENNON_CHROMIUM").map(PathBuf::from) {
        if !program.is_file() {
            bail!(
                "PENNON_CHROMIUM names {}, which is no file: correct it or unset it",
                program.display()
            );
        }
        return Ok(program);
    }
    if let Some(program) = find() {
        return Ok(program);
    }
    debian::install("Chromium", &["chromium"])?;
    match find() {
        Some(program) => Ok(program),
        None => {
            bail!("Chromium was installed and is still not found: set PENNON_CHROMIUM to its path")
        }
    }
}

fn find() -> Option<PathBuf> {
    let bundle = || BUNDLES.iter().map(PathBuf::from).find(|path| path.is_file());
    NAMES.iter().find_map(|name| on_path(name)).or_else(bundle)
}
