//! Units, buckets and splits (core/spec/evaluation.md sections 4.2 to 4.4).

use siphasher::sip::SipHasher24;

use crate::bytes::Reader;
use crate::context::Attribute;

/// Algorithm 1: SipHash-2-4 (Aumasson and Bernstein, 2012), keyed with the salt.
pub(crate) const SIPHASH: u8 = 1;
/// Weights are thousandths of a percent.
#[cfg(feature = "compile")]
pub(crate) const ONE_HUNDRED_PERCENT: u32 = 100_000;
/// The cut point of 100 %.
#[cfg(feature = "compile")]
pub(crate) const CUT_END: u64 = 1 << 32;

/// Integers beyond this are not exact in JavaScript, and so are no units.
const MAX_INTEGER: f64 = 9_007_199_254_740_992.0;

/// The upper half of the 64-bit hash.
#[inline]
pub(crate) fn bucket(salt: &[u8; 16], unit: &[u8]) -> u32 {
    (SipHasher24::new_with_key(salt).hash(unit) >> 32) as u32
}

/// Calls `read` with the bytes of a unit: a string that is not empty as it is, an integer in decimal. Anything else is no unit.
#[inline]
pub(crate) fn with_unit<R>(
    attribute: Option<Attribute<'_>>,
    read: impl FnOnce(&[u8]) -> R,
) -> Option<R> {
    match attribute? {
        Attribute::String(text) => (!text.is_empty()).then(|| read(text)),
        Attribute::Number(number) => {
            // The cast saturates, so a fraction or a number too large differs from what it was.
            let integer = number as i64;
            if integer as f64 != number || !(-MAX_INTEGER..=MAX_INTEGER).contains(&number) {
                return None;
            }
            let mut digits = [0; 20];
            Some(read(decimal(integer, &mut digits)))
        }
        _ => None,
    }
}

/// Writes an integer in decimal at the end of `digits`.
fn decimal(integer: i64, digits: &mut [u8; 20]) -> &[u8] {
    let mut rest = integer.unsigned_abs();
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        // 2^53 has 16 digits: with the sign there is always room.
        if rest == 0 || start == 1 {
            break;
        }
    }
    if integer < 0 {
        start -= 1;
        digits[start] = b'-';
    }
    &digits[start..]
}

/// Section 4.4: the variant whose range holds the unit's bucket; `Some(None)` when there is no unit.
pub(crate) fn split(unit: Option<Attribute<'_>>, reader: &mut Reader<'_>) -> Option<Option<u8>> {
    if reader.u8()? != SIPHASH {
        return None;
    }
    let salt = reader.array::<16>()?;
    let Some(bucket) = with_unit(unit, |unit| bucket(salt, unit)) else {
        return Some(None);
    };
    for _ in 0..reader.u16()? {
        let cut = reader.u64()?;
        let variant = reader.u8()?;
        if u64::from(bucket) < cut {
            return Some(Some(variant));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    /// Appendix A of the SipHash paper: key 00..0f, message 00..0e, tag a129ca6149be45e5.
    #[test]
    fn is_the_papers_siphash() {
        let key: [u8; 16] = core::array::from_fn(|n| n as u8);
        let message: [u8; 15] = core::array::from_fn(|n| n as u8);
        assert_eq!(bucket(&key, &message), 0xA129_CA61);
    }

    #[test]
    fn integers_are_units_in_decimal_and_fractions_are_none() {
        for (number, expected) in [
            (0.0, Some("0")),
            (-0.0, Some("0")),
            (42.0, Some("42")),
            (-7.0, Some("-7")),
            (9_007_199_254_740_992.0, Some("9007199254740992")),
            (-9_007_199_254_740_992.0, Some("-9007199254740992")),
            (9_007_199_254_740_994.0, None),
            (1.5, None),
            (f64::NAN, None),
            (1e300, None),
        ] {
            let unit = with_unit(Some(Attribute::Number(number)), |unit| {
                String::from_utf8(unit.to_vec()).unwrap()
            });
            assert_eq!(unit.as_deref(), expected, "{number}");
        }
        assert_eq!(with_unit(Some(Attribute::String(b"")), |_| ()), None);
        assert_eq!(with_unit(Some(Attribute::Boolean(true)), |_| ()), None);
    }
}
