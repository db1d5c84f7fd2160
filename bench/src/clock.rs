//! CPU time of this thread: the machine may be shared, and the time of others is nothing to us.

use rustix::time::{ClockId, clock_gettime};

/// How long one figure is measured, at least.
const LEAST_NANOSECONDS: u64 = 20_000_000;

/// Something that can be done over and over.
pub(crate) struct Measure<'a> {
    pub(crate) pass: Box<dyn Fn() + 'a>,
    /// How many of what is measured one pass does.
    pub(crate) count: usize,
}

impl Measure<'_> {
    /// Nanoseconds for one of them.
    pub(crate) fn time(&self) -> f64 {
        let start = nanoseconds();
        let mut passes = 0;
        loop {
            (self.pass)();
            passes += 1;
            let passed = nanoseconds() - start;
            if passed >= LEAST_NANOSECONDS {
                return passed as f64 / (passes * self.count) as f64;
            }
        }
    }
}

fn nanoseconds() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
