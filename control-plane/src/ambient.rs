//! The one clock and the one source of randomness. Everything else is handed these; clippy.toml refuses the others.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use pennon_core::protocol::connection;
use sha2::{Digest, Sha256};

/// What time it is, in Unix milliseconds.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The computer's clock.
    System,
    /// A clock that a test moves by hand.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `now_ms` until [`Clock::advance`].
    pub fn manual(now_ms: i64) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(now_ms)))
    }

    /// Unix milliseconds.
    pub fn now_ms(&self) -> i64 {
        match self {
            Self::System => system_now_ms(),
            Self::Manual(now) => now.load(Ordering::SeqCst),
        }
    }

    /// Moves a manual clock; the computer's clock does not listen.
    pub fn advance(&self, milliseconds: i64) {
        if let Self::Manual(now) = self {
            now.fetch_add(milliseconds, Ordering::SeqCst);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the injected clock")]
fn system_now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    // A clock before 1970 reads as 1970: heads are then refused as too old, which is what an operator has to see.
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Where secret and unique bytes come from.
#[derive(Clone, Debug)]
pub enum Random {
    /// The operating system.
    System,
    /// SHA-256 of a seed and a counter: the same bytes in every run of a test.
    Seeded(Arc<Mutex<(u64, u64)>>),
}

/// The operating system gave no random bytes; nothing secret can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random bytes: {0}")]
pub struct NoRandomness(String);

impl Random {
    /// A source for tests.
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(Arc::new(Mutex::new((seed, 0))))
    }

    /// `N` fresh bytes.
    ///
    /// # Errors
    /// [`NoRandomness`] when the operating system has none to give.
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N], NoRandomness> {
        let mut bytes = [0; N];
        match self {
            Self::System => system_fill(&mut bytes)?,
            Self::Seeded(state) => {
                let mut state = state.lock().map_err(|error| NoRandomness(error.to_string()))?;
                for part in bytes.chunks_mut(32) {
                    state.1 += 1;
                    let mut hash = Sha256::new();
                    hash.update(state.0.to_be_bytes());
                    hash.update(state.1.to_be_bytes());
                    part.copy_from_slice(&hash.finalize()[..part.len()]);
                }
            }
        }
        Ok(bytes)
    }

    /// A number below `bound`, good enough to spread retries (slightly uneven for large bounds).
    ///
    /// # Errors
    /// [`NoRandomness`] when the operating system has none to give.
    pub fn below(&self, bound: u64) -> Result<u64, NoRandomness> {
        Ok(u64::from_be_bytes(self.bytes()?) % bound.max(1))
    }

    /// A new identifier: 16 random bytes as 32 hex digits.
    ///
    /// # Errors
    /// [`NoRandomness`] when the operating system has none to give.
    pub fn id(&self) -> Result<String, NoRandomness> {
        Ok(connection::hex(&self.bytes::<16>()?))
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the injected randomness")]
fn system_fill(bytes: &mut [u8]) -> Result<(), NoRandomness> {
    getrandom::fill(bytes).map_err(|error| NoRandomness(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeded_randomness_repeats_and_moves_on() {
        let (a, b) = (Random::seeded(7), Random::seeded(7));
        let first: [u8; 40] = a.bytes().unwrap();
        assert_eq!(first, b.bytes::<40>().unwrap());
        assert_ne!(first, a.bytes::<40>().unwrap());
    }

    #[test]
    fn a_manual_clock_stands_still() {
        let clock = Clock::manual(5);
        assert_eq!(clock.now_ms(), 5);
        clock.advance(10);
        assert_eq!(clock.now_ms(), 15);
    }
}
