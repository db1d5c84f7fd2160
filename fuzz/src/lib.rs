//! Everything of Pennon that takes bytes from outside, as functions of bytes: none may panic, hang, or allocate more than its limit,
//! whatever the bytes are. `cargo xtask fuzz` drives them with libFuzzer; `tests/corpus.rs` without.

#![expect(clippy::expect_used, clippy::panic, reason = "a broken promise is found by a panic")]

mod ground;
mod memory;
pub mod seeds;
mod targets;

/// Something that takes bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    pub name: &'static str,
    pub about: &'static str,
    /// The longest input that is tried, in bytes: what is longer is cut here. (The product's own limits are shown by other tests.)
    pub longest: usize,
    /// What it may hold at a time, in bytes, and how much more for each byte of the input.
    pub budget: (usize, usize),
    run: fn(&[u8]),
}

pub use targets::TARGETS;

impl Target {
    pub fn named(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }

    /// Runs it once. Answers how many bytes it held at its peak.
    ///
    /// # Panics
    /// If it breaks a promise: that is what it is for.
    pub fn run(&self, bytes: &[u8]) -> usize {
        let bytes = bytes.get(..self.longest).unwrap_or(bytes);
        ground::prepare();
        let ((), peak) = memory::peak_of(|| (self.run)(bytes));
        let (base, each) = self.budget;
        let most = base + each * bytes.len();
        assert!(peak <= most, "{} held {peak} bytes, and {most} are its limit", self.name);
        peak
    }
}
