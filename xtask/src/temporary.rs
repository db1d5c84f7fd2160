//! Temporary folders that go with the run, also when Ctrl-C ends it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};

static CREATED: AtomicU32 = AtomicU32::new(0);
static FOLDERS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A folder outside the repository, removed when dropped.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn create(name: &str) -> Result<Self> {
        // Several of one name may be in use at once: one run starts more than one cluster.
        let number = CREATED.fetch_add(1, Ordering::Relaxed);
        let name = format!("pennon-{name}-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        // A process of this id that was killed may have left one.
        if path.exists() {
            fs::remove_dir_all(&path).with_context(|| format!("removing {}", path.display()))?;
        }
        fs::create_dir(&path).with_context(|| format!("creating {}", path.display()))?;
        FOLDERS.lock().unwrap_or_else(PoisonError::into_inner).push(path.clone());
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("xtask: {} could not be removed: {error}", self.0.display());
        }
        FOLDERS.lock().unwrap_or_else(PoisonError::into_inner).retain(|path| *path != self.0);
    }
}

/// For the end of the program without unwinding.
pub(crate) fn remove_all() {
    for path in FOLDERS.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
        if let Err(error) = fs::remove_dir_all(&path) {
            eprintln!("xtask: {} could not be removed: {error}", path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_of_one_name_are_two_folders() {
        let (first, second) = (Folder::create("same").unwrap(), Folder::create("same").unwrap());
        assert_ne!(first.path(), second.path());
        drop(second);
        assert!(first.path().exists());
    }
}
