//! What a call allocates. Right for one thread alone.

use std::sync::atomic::{AtomicUsize, Ordering};

use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;
/// The peak of the measurement that goes on, as far as measurements within it have seen it.
static SEEN: AtomicUsize = AtomicUsize::new(0);

/// Runs `call` and answers the most bytes that it held beyond what was held before. Measurements nest.
pub(crate) fn peak_of<T>(call: impl FnOnce() -> T) -> (T, usize) {
    let before = MEMORY.current_usage();
    let outer = SEEN.swap(0, Ordering::Relaxed).max(MEMORY.peak_usage());
    MEMORY.reset_peak_usage();
    let result = call();
    let peak = MEMORY.peak_usage().max(SEEN.load(Ordering::Relaxed));
    SEEN.store(outer.max(peak), Ordering::Relaxed);
    (result, peak.saturating_sub(before))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_seen_and_not_forgotten_by_a_call_around() {
        let ((), none) = peak_of(|| ());
        assert_eq!(none, 0);
        let (kept, outer) = peak_of(|| {
            drop(vec![0u8; 3_000_000]);
            let (inner, peak) = peak_of(|| vec![0u8; 1_000_000]);
            assert_eq!((inner.len(), peak), (1_000_000, 1_000_000));
            inner
        });
        assert_eq!(kept.len(), 1_000_000);
        assert!((3_000_000..3_100_000).contains(&outer), "{outer}");
    }
}
