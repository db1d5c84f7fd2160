//! What libFuzzer drives: `PENNON_FUZZ=target`, and libFuzzer's own arguments. `cargo xtask fuzz` builds and starts it.

#![no_main]

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use libfuzzer_sys::fuzz_target;
use pennon_fuzz::Target;

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("PENNON_FUZZ").unwrap_or_default();
    Target::named(&name).unwrap_or_else(|| {
        eprintln!("PENNON_FUZZ=`{name}` names no target");
        std::process::exit(2)
    })
});

/// What one call held at most so far; told whenever it has grown by a tenth.
static PEAK: AtomicUsize = AtomicUsize::new(0);

fuzz_target!(|bytes: &[u8]| {
    let peak = TARGET.run(bytes);
    let before = PEAK.load(Ordering::Relaxed);
    if peak > before + before / 10 {
        PEAK.store(peak, Ordering::Relaxed);
        eprintln!("one call held {peak} bytes, given {}", bytes.len());
    }
});
