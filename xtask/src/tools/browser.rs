//! The browsers in which tests run.

use std::path::PathBuf;

use anyhow::{Result, bail};

use super::{debian, on_path};

struct Browser {
    name: &'static str,
    /// Names its path, wherever that is.
    variable: &'static str,
    programs: &'static [&'static str],
    /// Where it is when it is on no path: on macOS, and WebKit's on Debian.
    places: &'static [&'static str],
    packages: &'static [&'static str],
}

const CHROMIUM: Browser = Browser {
    name: "Chromium",
    variable: "PENNON_CHROMIUM",
    programs: &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
    places: &[
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    ],
    packages: &["chromium"],
};

const FIREFOX: Browser = Browser {
    name: "Firefox",
    variable: "PENNON_FIREFOX",
    programs: &["firefox-esr", "firefox"],
    places: &["/Applications/Firefox.app/Contents/MacOS/firefox"],
    packages: &["firefox-esr"],
};

const WEBKIT: Browser = Browser {
    name: "WebKit",
    variable: "PENNON_WEBKIT",
    programs: &[],
    places: &[
        "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser",
        "/usr/lib/aarch64-linux-gnu/webkit2gtk-4.1/MiniBrowser",
    ],
    // And a screen, which it will not do without.
    packages: &["libwebkit2gtk-4.1-0", "xvfb", "xauth"],
};

/// Finds Chromium, which tests drive, and installs it where it is missing.
pub(crate) fn chromium() -> Result<PathBuf> {
    CHROMIUM.path()
}

/// Finds Firefox, which opens a page that reports by itself, and installs it where it is missing.
pub(crate) fn firefox() -> Result<PathBuf> {
    FIREFOX.path()
}

/// The same with WebKit, on Linux; elsewhere there is none that could be had so.
pub(crate) fn webkit() -> Result<Option<PathBuf>> {
    if cfg!(target_os = "linux") { WEBKIT.path().map(Some) } else { Ok(None) }
}

impl Browser {
    fn path(&self) -> Result<PathBuf> {
        let Self { name, variable, .. } = self;
        if let Some(program) = std::env::var_os(variable).map(PathBuf::from) {
            if !program.is_file() {
                bail!(
                    "{variable} names {}, which is no file: correct it or unset it",
                    program.display()
                );
            }
            return Ok(program);
        }
        if let Some(program) = self.find() {
            return Ok(program);
        }
        debian::install(name, self.packages)?;
        match self.find() {
            Some(program) => Ok(program),
            None => {
                bail!("{name} was installed and is still not found: set {variable} to its path")
            }
        }
    }

    fn find(&self) -> Option<PathBuf> {
        let place = || self.places.iter().map(PathBuf::from).find(|path| path.is_file());
        self.programs.iter().find_map(|name| on_path(name)).or_else(place)
    }
}
