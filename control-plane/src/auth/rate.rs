//! How many requests one caller may make: per address, and per secret credential. The generic cell rate algorithm: one number for each
//! caller, the time at which the requests so far would have been due at the allowed rate.

use std::hash::Hash;
use std::net::IpAddr;

use pennon_core::protocol::rate;

use super::slots::Slots;

/// Callers of each kind that are remembered at once: 16 bytes each. Whoever is being slowed down is forgotten last.
pub const MAX_REMEMBERED: usize = 65_536;
/// A caller that was quiet may make the requests of so many seconds at once.
pub const BURST_S: u32 = 4;
const SECOND_NS: i64 = 1_000_000_000;
const MINUTE_NS: i64 = 60 * SECOND_NS;

/// Requests a second, on average; 0 is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    pub per_address: u32,
    pub per_credential: u32,
}

impl Rates {
    /// No limits.
    pub const UNLIMITED: Self = Self { per_address: 0, per_credential: 0 };
}

/// Who has asked how much.
#[derive(Debug)]
pub struct Limiter {
    rates: Rates,
    addresses: Slots<i64>,
    credentials: Slots<i64>,
    /// Of environments that have a limit of their own.
    sdk_keys: Slots<i64>,
}

impl Limiter {
    /// Nobody has asked yet.
    pub fn new(rates: Rates) -> Self {
        let room = |rate: u32| Slots::with_room_for(if rate == 0 { 0 } else { MAX_REMEMBERED });
        Self {
            rates,
            addresses: room(rates.per_address),
            credentials: room(rates.per_credential),
            sdk_keys: Slots::with_room_for(MAX_REMEMBERED),
        }
    }

    /// Counts a request of an address. One network of version 6 is one caller: whoever has one has all of its addresses.
    ///
    /// # Errors
    /// Milliseconds to wait.
    pub fn address(&self, address: IpAddr, now_ms: i64) -> Result<(), i64> {
        take(&self.addresses, network(address), self.rates.per_address, now_ms)
    }

    /// Counts a use of an SDK key, at an address where the key is public.
    ///
    /// # Errors
    /// Milliseconds to wait.
    pub fn sdk_key(
        &self,
        sha256: &[u8; 32],
        address: Option<IpAddr>,
        per_minute: u32,
        now_ms: i64,
    ) -> Result<(), i64> {
        let caller = (sha256, address.map(network));
        let interval = MINUTE_NS / i64::from(per_minute.max(1));
        count(&self.sdk_keys, caller, (interval, interval * i64::from(per_minute)), now_ms)
    }

    /// Counts a request with a credential.
    ///
    /// # Errors
    /// Milliseconds to wait.
    pub fn credential(&self, credential: &[u8], now_ms: i64) -> Result<(), i64> {
        take(&self.credentials, credential, self.rates.per_credential, now_ms)
    }
}

fn take(slots: &Slots<i64>, caller: impl Hash, rate: u32, now_ms: i64) -> Result<(), i64> {
    if rate == 0 {
        return Ok(());
    }
    let interval = SECOND_NS / i64::from(rate);
    count(slots, caller, (interval, interval * i64::from(rate) * i64::from(BURST_S)), now_ms)
}

fn count(
    slots: &Slots<i64>,
    caller: impl Hash,
    (interval, room): (i64, i64),
    now_ms: i64,
) -> Result<(), i64> {
    let now = now_ms.saturating_mul(1_000_000);
    slots
        .update(caller, |due| *due, |due| rate::take(due, now, interval, room))
        .map_err(|wait| wait.div_euclid(1_000_000) + 1)
}

/// What counts as one caller.
fn network(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits() >> 64 << 64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    #[test]
    fn a_burst_and_then_the_rate() {
        let limiter = Limiter::new(Rates { per_address: 10, per_credential: 0 });
        let address: IpAddr = "203.0.113.7".parse().unwrap();
        for number in 0..10 * BURST_S {
            assert_eq!(limiter.address(address, NOW), Ok(()), "{number}");
        }
        let wait = limiter.address(address, NOW).unwrap_err();
        assert!((100..=101).contains(&wait), "{wait}");
        assert!(limiter.address(address, NOW + wait - 2).is_err());
        assert_eq!(limiter.address(address, NOW + wait), Ok(()));
        assert!(limiter.address(address, NOW + wait).is_err(), "one was due, and no more");
        let allowed = (0..1_000).filter(|_| limiter.address(address, NOW + 10_000).is_ok()).count();
        assert_eq!(allowed, 40, "it is quiet for long, and has one burst");
        assert_eq!(limiter.address("203.0.113.8".parse().unwrap(), NOW), Ok(()));
        for _ in 0..1_000 {
            assert_eq!(limiter.credential(b"key", NOW), Ok(()), "this has no limit");
        }
    }

    #[test]
    fn one_network_of_version_6_is_one_caller() {
        let limiter = Limiter::new(Rates { per_address: 1, per_credential: 0 });
        for number in 0..BURST_S {
            let address = format!("2001:db8::{number}").parse().unwrap();
            assert_eq!(limiter.address(address, NOW), Ok(()));
        }
        assert!(limiter.address("2001:db8::ffff".parse().unwrap(), NOW).is_err());
        assert_eq!(limiter.address("2001:db8:0:1::1".parse().unwrap(), NOW), Ok(()));
    }

    #[test]
    fn an_sdk_key_is_used_so_often_a_minute() {
        let limiter = Limiter::new(Rates::UNLIMITED);
        let take = |sha256, address: Option<&str>, at| {
            let address = address.map(|address| address.parse().unwrap());
            limiter.sdk_key(&[sha256; 32], address, 3, NOW + at)
        };
        assert_eq!([0, 1, 2].map(|at| take(7, None, at)), [Ok(()); 3]);
        let wait = take(7, None, 3).unwrap_err();
        assert!((19_990..=20_000).contains(&wait), "{wait}");
        assert_eq!(take(8, None, 3), Ok(()), "another key");
        assert_eq!([0, 1, 2].map(|at| take(7, Some("203.0.113.7"), at)), [Ok(()); 3]);
        assert!(take(7, Some("203.0.113.7"), 3).is_err());
        assert_eq!(take(7, Some("203.0.113.8"), 3), Ok(()), "another address");
        assert_eq!(take(7, None, 3 + wait), Ok(()));
    }
}
