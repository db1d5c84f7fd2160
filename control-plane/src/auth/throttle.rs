//! Guesses of passwords get slower: per account, so that nobody guesses one, and per address, so that nobody tries one password on all. Kept
//! in memory, by each replica for itself: a restart forgets.

use super::slots::Slots;

/// Accounts, and addresses, that are remembered at once.
pub const MAX_REMEMBERED: usize = 16_384;
/// Attempts without a pause: on one account, from one address.
const FREE_ON_ACCOUNT: u32 = 5;
const FREE_FROM_ADDRESS: u32 = 20;
/// The longest pauses. An account's is short, since anybody can cause it.
const LONGEST_ON_ACCOUNT_MS: i64 = 60_000;
const LONGEST_FROM_ADDRESS_MS: i64 = 15 * 60_000;
/// The first pause; each further attempt doubles it.
const FIRST_MS: i64 = 1_000;
/// After so long without an attempt the count starts again.
const FORGET_MS: i64 = 60 * 60_000;

#[derive(Clone, Copy, Debug, Default)]
struct Attempts {
    count: u32,
    /// Unix milliseconds.
    last: i64,
    /// No attempt before this, in Unix milliseconds.
    until: i64,
}

impl Attempts {
    fn begin(&mut self, now: i64, free: u32, longest: i64) -> Result<(), i64> {
        if now < self.until {
            return Err(self.until - now);
        }
        if now - self.last >= FORGET_MS {
            self.count = 0;
        }
        self.count = self.count.saturating_add(1);
        self.last = now;
        if self.count >= free {
            let doubled = FIRST_MS << (self.count - free).min(20);
            self.until = now + doubled.min(longest);
        }
        Ok(())
    }
}

/// The attempts of all.
#[derive(Debug)]
pub struct Throttle {
    accounts: Slots<Attempts>,
    addresses: Slots<Attempts>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            accounts: Slots::with_room_for(MAX_REMEMBERED),
            addresses: Slots::with_room_for(MAX_REMEMBERED),
        }
    }
}

fn worth(attempts: &Attempts) -> i64 {
    attempts.until.max(attempts.last)
}

impl Throttle {
    /// Counts an attempt before it is made, so that many at once are many.
    ///
    /// # Errors
    /// Milliseconds to wait; then it must not be made.
    pub fn begin(&self, account: &str, address: &str, now: i64) -> Result<(), i64> {
        self.addresses.update(address, worth, |attempts| {
            attempts.begin(now, FREE_FROM_ADDRESS, LONGEST_FROM_ADDRESS_MS)
        })?;
        self.accounts.update(account, worth, |attempts| {
            attempts.begin(now, FREE_ON_ACCOUNT, LONGEST_ON_ACCOUNT_MS)
        })
    }

    /// Forgets an attempt that was right. The address keeps its other ones: whoever has an account does not get more guesses at others.
    pub fn succeeded(&self, account: &str, address: &str) {
        self.accounts.update(account, worth, |attempts| *attempts = Attempts::default());
        self.addresses.update(address, worth, |attempts| {
            attempts.count = attempts.count.saturating_sub(1);
            attempts.until = 0;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    #[test]
    fn pauses_grow_to_their_longest() {
        let throttle = Throttle::default();
        let mut now = NOW;
        let mut pauses = Vec::new();
        // From ever new addresses: the account alone slows it down.
        for number in 0..15 {
            let address = format!("10.0.0.{number}");
            if let Err(wait) = throttle.begin("ada", &address, now) {
                pauses.push(wait);
                now += wait;
                assert_eq!(throttle.begin("ada", &format!("10.0.1.{number}"), now), Ok(()));
            }
        }
        let expected = [1, 2, 4, 8, 16, 32, 60, 60, 60, 60].map(|seconds| seconds * 1_000);
        assert_eq!(pauses, expected);
        assert!(throttle.begin("bob", "10.0.2.1", now).is_ok(), "others are not slowed down");
    }

    #[test]
    fn one_address_is_slowed_down_over_all_accounts() {
        let throttle = Throttle::default();
        for number in 0..FREE_FROM_ADDRESS {
            assert_eq!(throttle.begin(&format!("user {number}"), "10.0.0.1", NOW), Ok(()));
        }
        assert_eq!(throttle.begin("another", "10.0.0.1", NOW), Err(FIRST_MS));
        assert_eq!(throttle.begin("another", "10.0.0.2", NOW), Ok(()));
    }

    #[test]
    fn success_and_time_forgive() {
        let throttle = Throttle::default();
        for _ in 0..FREE_ON_ACCOUNT {
            throttle.begin("ada", "10.0.0.1", NOW).unwrap();
        }
        assert!(throttle.begin("ada", "10.0.0.1", NOW).is_err());
        throttle.succeeded("ada", "10.0.0.1");
        for _ in 0..FREE_ON_ACCOUNT {
            throttle.begin("ada", "10.0.0.1", NOW).unwrap();
        }
        assert!(throttle.begin("ada", "10.0.0.1", NOW).is_err());
        for _ in 0..FREE_ON_ACCOUNT {
            throttle.begin("ada", "10.0.0.1", NOW + FORGET_MS).unwrap();
        }
    }
}
