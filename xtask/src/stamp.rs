//! Steps whose inputs did not change are not repeated: a stamp remembers a hash over their bytes.

use std::collections::BTreeSet;
use std::fs;
use std::hash::{DefaultHasher, Hasher as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::workspace;

/// Folders that hold outputs or other people's code.
const NOT_INPUTS: &[&str] = &["node_modules", "target", "dist", ".git"];

/// What a step was made from, against what it was made from the last time.
#[derive(Debug)]
pub(crate) struct Stamp {
    path: PathBuf,
    hash: String,
}

impl Stamp {
    /// Hashes `inputs` (files, or folders with all in them) and `settings` (versions, flags).
    pub(crate) fn of(name: &str, inputs: &[PathBuf], settings: &[&str]) -> Result<Self> {
        let mut files = BTreeSet::new();
        for input in inputs {
            collect(input, &mut files)?;
        }
        // Its keys are fixed; the algorithm may change with a Rust release, which costs one rebuild.
        let mut hasher = DefaultHasher::new();
        for setting in settings {
            hasher.write(setting.as_bytes());
            hasher.write_u8(0);
        }
        for file in &files {
            let bytes = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
            hasher.write(file.as_os_str().as_encoded_bytes());
            hasher.write_usize(bytes.len());
            hasher.write(&bytes);
        }
        let path = workspace::target().join("stamps").join(name);
        Ok(Self { path, hash: format!("{:016x}", hasher.finish()) })
    }

    /// True when the same inputs were stamped before and every output is there.
    pub(crate) fn is_current(&self, outputs: &[&Path]) -> bool {
        outputs.iter().all(|output| output.exists())
            && fs::read_to_string(&self.path).is_ok_and(|stored| stored == self.hash)
    }

    /// Remembers the inputs. To be called when the step has succeeded.
    pub(crate) fn set(&self) -> Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        }
        fs::write(&self.path, &self.hash)
            .with_context(|| format!("writing {}", self.path.display()))
    }
}

fn collect(path: &Path, files: &mut BTreeSet<PathBuf>) -> Result<()> {
    let metadata = fs::metadata(path).with_context(|| format!("{} is missing", path.display()))?;
    if !metadata.is_dir() {
        files.insert(path.to_path_buf());
        return Ok(());
    }
    for entry in fs::read_dir(path).with_context(|| format!("listing {}", path.display()))? {
        let entry = entry?;
        if !NOT_INPUTS.iter().any(|name| entry.file_name() == *name) {
            collect(&entry.path(), files)?;
        }
    }
    Ok(())
}
