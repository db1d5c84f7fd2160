//! How often a caller may ask, counted in this isolate and in memory of a fixed size.

use std::cell::RefCell;
use std::hash::Hasher;
use std::net::IpAddr;

use pennon_core::protocol::rate::{Set, WAYS, take};
use siphasher::sip::SipHasher24;

const MINUTE_US: i64 = 60_000_000;
/// Callers that are remembered at once, 24 bytes each. Whoever is being slowed down is forgotten last.
const MAX_CALLERS: usize = 16_384;

thread_local! {
    /// Empty until there is a limit.
    static SETS: RefCell<Vec<Set<i64>>> = const { RefCell::new(Vec::new()) };
}

/// Counts a request with the key that has this hash, at the address where the key is public. `secret` keeps strangers from choosing whose
/// place they take.
///
/// # Errors
/// After how many seconds the caller may ask again.
pub(crate) fn count(
    secret: &[u8; 16],
    key_sha256: &[u8; 32],
    address: Option<&str>,
    per_minute: u32,
    now_ms: i64,
) -> Result<(), u32> {
    let mut hasher = SipHasher24::new_with_key(secret);
    hasher.write(key_sha256);
    if let Some(address) = address {
        network(address, &mut hasher);
    }
    let hash = hasher.finish();
    let interval = MINUTE_US / i64::from(per_minute.max(1));
    let now = now_ms.saturating_mul(1_000);
    SETS.with_borrow_mut(|sets| {
        if sets.is_empty() {
            sets.resize_with(MAX_CALLERS / WAYS, Set::default);
        }
        let position = usize::try_from(hash % (MAX_CALLERS / WAYS) as u64).unwrap_or(0);
        let Some(set) = sets.get_mut(position) else { return Ok(()) };
        let due = set.entry(hash, |due| *due);
        take(due, now, interval, interval * i64::from(per_minute))
    })
    .map_err(|wait_us| u32::try_from(wait_us / 1_000_000 + 1).unwrap_or(u32::MAX))
}

/// One network of version 6 is one caller: whoever has one has all of its addresses.
fn network(address: &str, hasher: &mut SipHasher24) {
    match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => hasher.write(&address.octets()),
        Ok(IpAddr::V6(address)) => hasher.write(&address.octets()[..8]),
        Err(_) => hasher.write(address.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000;
    const SECRET: [u8; 16] = [7; 16];

    fn ask(key: u8, address: Option<&str>, now: i64) -> Result<(), u32> {
        count(&SECRET, &[key; 32], address, 3, now)
    }

    #[test]
    fn so_often_a_minute_and_each_for_itself() {
        assert_eq!([0, 1, 2].map(|at| ask(1, None, NOW + at)), [Ok(()); 3]);
        assert_eq!(ask(1, None, NOW + 3), Err(20));
        assert_eq!(ask(2, None, NOW + 3), Ok(()), "another key");
        assert_eq!(ask(1, None, NOW + 20_003), Ok(()), "one is due");
        assert_eq!([0, 1, 2].map(|at| ask(1, Some("192.0.2.1"), NOW + at)), [Ok(()); 3]);
        assert!(ask(1, Some("192.0.2.1"), NOW + 3).is_err());
        assert_eq!(ask(1, Some("192.0.2.2"), NOW + 3), Ok(()), "another address");
    }

    #[test]
    fn one_network_of_version_6_is_one_caller() {
        for host in 1..=3 {
            assert_eq!(ask(3, Some(&format!("2001:db8::{host}")), NOW), Ok(()));
        }
        assert!(ask(3, Some("2001:db8::ffff"), NOW).is_err());
        assert_eq!(ask(3, Some("2001:db8:0:1::1"), NOW), Ok(()));
    }

    #[test]
    fn a_flood_of_addresses_frees_nobody_who_is_slowed_down() {
        for _ in 0..3 {
            ask(4, Some("192.0.2.9"), NOW).unwrap();
        }
        for number in 0..4 * MAX_CALLERS {
            drop(ask(4, Some(&format!("10.{}.{}.1", number >> 8, number & 0xFF)), NOW));
        }
        assert!(ask(4, Some("192.0.2.9"), NOW).is_err(), "it was forgotten");
        assert_eq!(SETS.with_borrow(Vec::len) * WAYS, MAX_CALLERS, "it has not grown");
    }
}
