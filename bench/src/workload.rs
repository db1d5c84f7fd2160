//! The files that core/examples/workload writes.

use std::error::Error;
use std::fs;
use std::path::Path;

pub(crate) struct Workload {
    /// One boolean flag without rules.
    pub(crate) simple: Vec<u8>,
    /// A thousand flags of three rules of two conditions, and a split.
    pub(crate) typical: Vec<u8>,
    /// One boolean flag with a segment of ten thousand keys.
    pub(crate) segment: Vec<u8>,
    pub(crate) contexts: Vec<Vec<u8>>,
    /// Positions of a typical flag and of a context.
    pub(crate) pairs: Vec<(usize, usize)>,
    pub(crate) floor: String,
}

impl Workload {
    pub(crate) fn read(folder: &Path) -> Result<Self, Box<dyn Error>> {
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
        };
        let mut rest = &read("contexts.bin")?[..];
        let mut contexts = Vec::new();
        while let Some((length, behind)) = rest.split_first_chunk::<4>() {
            let length = u32::from_le_bytes(*length) as usize;
            let (context, behind) = behind.split_at_checked(length).ok_or("contexts end early")?;
            contexts.push(context.to_vec());
            rest = behind;
        }
        let pairs = read("pairs.bin")?;
        let number = |bytes: &[u8]| {
            bytes.first_chunk::<4>().map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize)
        };
        Ok(Self {
            simple: read("simple.body")?,
            typical: read("typical.body")?,
            segment: read("segment.body")?,
            contexts,
            pairs: pairs.chunks_exact(8).map(|pair| (number(pair), number(&pair[4..]))).collect(),
            floor: String::from_utf8(read("floor.txt")?)?,
        })
    }
}
