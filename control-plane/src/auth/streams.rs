//! How many streams may be open, and how fast they may be opened: a crowd that comes back at once is told when to come again, before it
//! costs more than that.

use std::sync::{Arc, Mutex, PoisonError};

use pennon_core::protocol::stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What a full server says, in seconds.
const FULL_RETRY_S: u32 = 5;
/// As many as one second brings may come at once.
const BURST_MS: i64 = 1_000;

/// See [`Streams`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamLimits {
    /// Open at once.
    pub open: usize,
    /// Opened each second; 0 is no limit.
    pub a_second: u32,
}

/// Why a stream is not opened, and after how many seconds to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    Full { retry_after_s: u32 },
    TooFast { retry_after_s: u32 },
}

/// The streams of this server.
#[derive(Debug)]
pub struct Streams {
    limits: StreamLimits,
    room: Arc<Semaphore>,
    /// When the streams opened so far would have been due at the allowed rate, in Unix microseconds.
    due: Mutex<i64>,
}

impl Streams {
    /// None is open yet.
    pub fn new(limits: StreamLimits) -> Self {
        let open = limits.open.min(Semaphore::MAX_PERMITS);
        Self { limits, room: Arc::new(Semaphore::new(open)), due: Mutex::new(i64::MIN) }
    }

    /// How many are open.
    pub fn open(&self) -> usize {
        self.limits.open.saturating_sub(self.room.available_permits())
    }

    /// Over how long clients spread that lose their streams now, in milliseconds.
    pub fn window_ms(&self) -> u64 {
        let a_second = if self.limits.a_second == 0 { u32::MAX } else { self.limits.a_second };
        stream::window_ms(self.open(), a_second)
    }

    /// The right to one stream, held as long as it lasts.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn admit(&self, now_ms: i64) -> Result<OwnedSemaphorePermit, Refused> {
        let full = Refused::Full { retry_after_s: FULL_RETRY_S };
        let permit = Arc::clone(&self.room).try_acquire_owned().map_err(|_| full)?;
        if self.limits.a_second == 0 {
            return Ok(permit);
        }
        let now = now_ms.saturating_mul(1_000);
        let interval = 1_000_000 / i64::from(self.limits.a_second);
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let next = now.max(*due).saturating_add(interval);
        if next - now > BURST_MS * 1_000 {
            // Whoever is refused now comes back with the others that are.
            let window = u32::try_from(self.window_ms().div_ceil(1_000)).unwrap_or(u32::MAX);
            return Err(Refused::TooFast { retry_after_s: window.div_ceil(2) });
        }
        *due = next;
        Ok(permit)
    }

    /// Resolves when no stream is open any more.
    pub async fn ended(&self) {
        let all = u32::try_from(self.limits.open).unwrap_or(u32::MAX);
        // Fails when the semaphore is closed alone, and nobody closes it.
        let _ = self.room.acquire_many(all).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    #[test]
    fn so_many_at_once_and_no_more() {
        let streams = Streams::new(StreamLimits { open: 2, a_second: 0 });
        let first = streams.admit(NOW).unwrap();
        let _second = streams.admit(NOW).unwrap();
        let refused = streams.admit(NOW).unwrap_err();
        assert_eq!((refused, streams.open()), (Refused::Full { retry_after_s: 5 }, 2));
        drop(first);
        assert_eq!(streams.open(), 1);
        drop(streams.admit(NOW).unwrap());
    }

    #[test]
    fn no_faster_than_the_rate() {
        let streams = Streams::new(StreamLimits { open: 10_000, a_second: 100 });
        let mut open = Vec::new();
        let mut come = |now: i64| {
            let mut admitted = 0;
            for _ in 0..1_000 {
                match streams.admit(now) {
                    Ok(permit) => {
                        open.push(permit);
                        admitted += 1;
                    }
                    Err(Refused::TooFast { retry_after_s }) => assert!(retry_after_s >= 1),
                    Err(full) => panic!("{full:?}"),
                }
            }
            admitted
        };
        assert_eq!(come(NOW), 100, "a burst of one second");
        assert_eq!(come(NOW), 0);
        assert_eq!(come(NOW + 500), 50);
        assert_eq!(come(NOW + 60_000), 100, "quiet times add up to one burst");
        assert_eq!(streams.open(), 250, "what was refused holds nothing");
    }
}
