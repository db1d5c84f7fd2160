//! Sections 4.4 to 4.6: buckets, and where shares of them end.

use pennon_core::config::{Bucketing, VendorHash};

use super::hashes::{fnv1a_32, murmur3_32, sha1};
use super::siphash::siphash_2_4;

/// 60 bits, all set: what LaunchDarkly divides by.
const SHA1_LAST: u128 = (1 << 60) - 1;

/// Which of its buckets a unit has.
pub(crate) fn bucket(by: &Bucketing, unit: &str) -> u128 {
    let Some(hash) = &by.hash else {
        let salt = by.salt.as_deref().expect("a checked salt");
        let salt = u128::from_str_radix(salt, 16).expect("a checked salt").to_be_bytes();
        return u128::from(siphash_2_4(&salt, unit.as_bytes()) >> 32);
    };
    match hash {
        VendorHash::Murmur3Modulo(murmur) => {
            let hash = murmur3_32(format!("{}{unit}", murmur.prefix).as_bytes(), murmur.seed);
            u128::from(hash % murmur.size)
        }
        VendorHash::Murmur3Scaled(murmur) => {
            let hash = murmur3_32(format!("{}{unit}", murmur.prefix).as_bytes(), murmur.seed);
            u128::from(hash) * u128::from(murmur.size) / (1 << 32)
        }
        VendorHash::Fnv1a(fnv) => u128::from(fnv1a_32(&format!("{unit}{}", fnv.suffix)) % 1_000),
        VendorHash::Fnv1aTwice(fnv) => {
            let once = fnv1a_32(&format!("{}{unit}", fnv.prefix));
            u128::from(fnv1a_32(&once.to_string()) % 10_000)
        }
        VendorHash::Sha1(prefix) => {
            // Fifteen hexadecimal digits.
            let digest = sha1(format!("{}{unit}", prefix.prefix).as_bytes());
            let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            u128::from_str_radix(&digits[..15], 16).expect("hexadecimal digits")
        }
    }
}

/// What the weights of all parts sum to.
pub(crate) fn whole(by: &Bucketing) -> u64 {
    match &by.hash {
        None | Some(VendorHash::Sha1(_)) => 100_000,
        Some(VendorHash::Murmur3Modulo(murmur) | VendorHash::Murmur3Scaled(murmur)) => {
            u64::from(murmur.size)
        }
        Some(VendorHash::Fnv1a(_)) => 1_000,
        Some(VendorHash::Fnv1aTwice(_)) => 10_000,
    }
}

/// How many buckets lie in the first `weight` of the whole.
pub(crate) fn cut_point(by: &Bucketing, weight: u64) -> u128 {
    let (weight, whole) = (u128::from(weight), u128::from(whole(by)));
    match &by.hash {
        None => (weight << 32) / whole,
        // A bucket is inside if bucket / SHA1_LAST < weight / whole, and the last one, which stands for 1, is inside of the whole.
        Some(VendorHash::Sha1(_)) if weight == whole => SHA1_LAST + 1,
        Some(VendorHash::Sha1(_)) => {
            let estimate = weight * SHA1_LAST / whole;
            let outside = |bucket: u128| bucket * whole >= weight * SHA1_LAST;
            (estimate..).find(|bucket| outside(*bucket)).expect("the next one at the latest")
        }
        Some(_) => weight,
    }
}

/// A cut point that moves in a straight line, rounded towards where it started.
pub(crate) struct Motion {
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) from: u128,
    pub(crate) to: u128,
}

impl Motion {
    pub(crate) fn at(&self, now: i64) -> u128 {
        let (from, to) = (self.from as i128, self.to as i128);
        let passed = i128::from(now) - i128::from(self.start);
        let whole = i128::from(self.end) - i128::from(self.start);
        // Division truncates, and so rounds towards `from` on the way up and on the way down.
        (from + (to - from) * passed / whole) as u128
    }

    /// The first instant after `now` at which the cut point has passed the bucket, up to the end; by bisection, for it moves one way.
    pub(crate) fn passes(&self, bucket: u128, now: i64) -> Option<i64> {
        let side = |instant: i64| bucket < self.at(instant);
        let (mut before, mut after) = (now, self.end);
        if side(before) == side(after) {
            return None;
        }
        while after - before > 1 {
            let middle = before + (after - before) / 2;
            if side(middle) == side(now) { before = middle } else { after = middle }
        }
        Some(after)
    }
}
