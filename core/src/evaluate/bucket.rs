//! Units and their buckets (core/spec/evaluation.md sections 4.2 to 4.5).

use siphasher::sip::SipHasher24;

use super::{Evaluation, Observer, hash};
use crate::bytes::Reader;
use crate::context::{Attribute, TARGETING_KEY};
use crate::limits::MAX_UNITS;
use crate::snapshot::Name;

/// How a unit gets its bucket, as numbered in core/spec/evaluation.md section 4.5.
pub(crate) mod algorithm {
    /// SipHash-2-4 (Aumasson and Bernstein, 2012) keyed with the salt: 2^32 buckets.
    pub(crate) const SIPHASH: u8 = 1;
    pub(crate) const MURMUR3_MODULO: u8 = 2;
    pub(crate) const MURMUR3_SCALED: u8 = 3;
    pub(crate) const FNV1A: u8 = 4;
    pub(crate) const FNV1A_TWICE: u8 = 5;
    pub(crate) const SHA1: u8 = 6;
}

/// Integers beyond this are not exact in JavaScript, and so are no units.
const MAX_INTEGER: f64 = 9_007_199_254_740_992.0;

/// None of the attributes holds a unit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoUnit {
    /// Whether the first of them is the targeting key.
    pub(crate) targeting_key: bool,
}

impl<'s, O: Observer> Evaluation<'s, '_, O> {
    /// Reads the units and the algorithm, and computes the bucket of the first unit that is there.
    #[inline]
    pub(crate) fn bucket(&mut self, reader: &mut Reader<'s>) -> Option<Result<u64, NoUnit>> {
        let [units, algorithm] = *reader.array::<2>()?;
        if units == 0 || units > MAX_UNITS {
            return None;
        }
        let first = Name::read(reader)?;
        let mut holder = self.attribute(&first);
        for _ in 1..units {
            let next = Name::read(reader)?;
            if unit(holder, &mut Digits::default()).is_none() {
                holder = self.attribute(&next);
            }
        }
        let mut digits = Digits::default();
        match unit(holder, &mut digits) {
            Some(unit) if algorithm == algorithm::SIPHASH => {
                Some(Ok(siphash(reader.array()?, unit)))
            }
            Some(unit) => Some(Ok(Algorithm::read(algorithm, reader)?.bucket(unit)?)),
            None => {
                Algorithm::read(algorithm, reader)?;
                let targeting_key = first.names == 1 && first.text == TARGETING_KEY.as_bytes();
                Some(Err(NoUnit { targeting_key }))
            }
        }
    }
}

/// An algorithm and its parameters.
enum Algorithm<'s> {
    SipHash(&'s [u8; 16]),
    Murmur3Modulo(Murmur3<'s>),
    Murmur3Scaled(Murmur3<'s>),
    Fnv1a { suffix: &'s [u8] },
    Fnv1aTwice { prefix: &'s [u8] },
    Sha1 { prefix: &'s [u8] },
}

struct Murmur3<'s> {
    seed: u32,
    size: u32,
    prefix: &'s [u8],
}

impl<'s> Murmur3<'s> {
    fn read(reader: &mut Reader<'s>) -> Option<Self> {
        let (seed, size) = (reader.u32()?, reader.u32()?);
        Some(Self { seed, size, prefix: reader.short()? })
    }

    fn hash(&self, unit: &[u8]) -> u32 {
        hash::murmur3(self.seed, &[self.prefix, unit])
    }
}

impl<'s> Algorithm<'s> {
    #[inline]
    fn read(algorithm: u8, reader: &mut Reader<'s>) -> Option<Self> {
        Some(match algorithm {
            algorithm::SIPHASH => Self::SipHash(reader.array::<16>()?),
            algorithm::MURMUR3_MODULO => Self::Murmur3Modulo(Murmur3::read(reader)?),
            algorithm::MURMUR3_SCALED => Self::Murmur3Scaled(Murmur3::read(reader)?),
            algorithm::FNV1A => Self::Fnv1a { suffix: reader.short()? },
            algorithm::FNV1A_TWICE => Self::Fnv1aTwice { prefix: reader.short()? },
            algorithm::SHA1 => Self::Sha1 { prefix: reader.short()? },
            _ => return None,
        })
    }

    #[inline]
    fn bucket(&self, unit: &[u8]) -> Option<u64> {
        Some(match self {
            Self::SipHash(salt) => siphash(salt, unit),
            Self::Murmur3Modulo(murmur) => u64::from(murmur.hash(unit).checked_rem(murmur.size)?),
            Self::Murmur3Scaled(murmur) => {
                (u64::from(murmur.hash(unit)) * u64::from(murmur.size)) >> 32
            }
            Self::Fnv1a { suffix } => {
                let first = hash::fnv1a(hash::FNV_OFFSET, unit)?;
                u64::from(hash::fnv1a(first, suffix)? % 1_000)
            }
            Self::Fnv1aTwice { prefix } => {
                let first = hash::fnv1a(hash::FNV_OFFSET, prefix)?;
                let once = hash::fnv1a(first, unit)?;
                let mut digits = [0; 20];
                let text = decimal(i64::from(once), &mut digits);
                u64::from(hash::fnv1a(hash::FNV_OFFSET, text)? % 10_000)
            }
            Self::Sha1 { prefix } => hash::sha1_60(prefix, unit),
        })
    }
}

#[inline]
fn siphash(salt: &[u8; 16], unit: &[u8]) -> u64 {
    SipHasher24::new_with_key(salt).hash(unit) >> 32
}

/// Room for an integer in decimal.
pub(crate) type Digits = [u8; 20];

/// The bytes of a unit: a string that is not empty as it is, an integer in decimal. Anything else is no unit.
#[inline]
pub(crate) fn unit<'a>(
    attribute: Option<Attribute<'a>>,
    digits: &'a mut Digits,
) -> Option<&'a [u8]> {
    match attribute? {
        Attribute::String(text) => (!text.is_empty()).then_some(text),
        Attribute::Number(number) => integer(number, digits),
        _ => None,
    }
}

#[cold]
fn integer(number: f64, digits: &mut Digits) -> Option<&[u8]> {
    // The cast saturates, so a fraction or a number too large differs from what it was.
    let integer = number as i64;
    if integer as f64 != number || !(-MAX_INTEGER..=MAX_INTEGER).contains(&number) {
        return None;
    }
    Some(decimal(integer, digits))
}

/// Writes an integer in decimal at the end of `digits`.
fn decimal(integer: i64, digits: &mut Digits) -> &[u8] {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Appendix A of the SipHash paper: key 00..0f, message 00..0e, tag a129ca6149be45e5.
    #[test]
    fn is_the_papers_siphash() {
        let key: [u8; 16] = core::array::from_fn(|n| n as u8);
        let message: [u8; 15] = core::array::from_fn(|n| n as u8);
        assert_eq!(Algorithm::SipHash(&key).bucket(&message), Some(0xA129_CA61));
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
            let mut digits = Digits::default();
            let unit = unit(Some(Attribute::Number(number)), &mut digits);
            assert_eq!(unit, expected.map(str::as_bytes), "{number}");
        }
        assert_eq!(unit(Some(Attribute::String(b"")), &mut Digits::default()), None);
        assert_eq!(unit(Some(Attribute::Boolean(true)), &mut Digits::default()), None);
    }
}
