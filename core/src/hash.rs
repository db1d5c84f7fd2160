//! The name hash: finds flags, segments, keys and attributes by name. Not for buckets and not for
//! secrets. Specified in core/spec/snapshot.md section 5; a change of it changes the format.

const MULTIPLY: u64 = 0x9E37_79B9_7F4A_7C15;
const MIX: u64 = 0xD6E8_FEB8_6659_FD93;

/// Set in every byte that is not ASCII.
const NOT_ASCII: u64 = 0x8080_8080_8080_8080;

/// Hashes `bytes` eight at a time; every length reads its last bytes once or overlapping, never a
/// byte outside.
#[inline]
pub(crate) fn name_hash(bytes: &[u8]) -> u32 {
    name_hash_and_ascii(bytes).0
}

/// The same, and whether all of them are ASCII: it has every byte in hand anyway.
#[inline]
pub(crate) fn name_hash_and_ascii(bytes: &[u8]) -> (u32, bool) {
    let length = bytes.len();
    let mut state = (length as u64).wrapping_mul(MULTIPLY);
    let mut seen = 0;
    if length >= 8 {
        let mut rest = bytes;
        while let Some((word, after)) = rest.split_first_chunk::<8>() {
            let word = u64::from_le_bytes(*word);
            seen |= word;
            state = step(state, word);
            rest = after;
        }
        if !rest.is_empty()
            && let Some(word) = bytes.last_chunk::<8>()
        {
            let word = u64::from_le_bytes(*word);
            seen |= word;
            state = step(state, word);
        }
    } else if length >= 4 {
        if let (Some(low), Some(high)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
            let word =
                u64::from(u32::from_le_bytes(*low)) | (u64::from(u32::from_le_bytes(*high)) << 32);
            seen = word;
            state = step(state, word);
        }
    } else if let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) {
        let middle = bytes.get(length / 2).copied().unwrap_or(0);
        let word = u64::from(first) | (u64::from(middle) << 8) | (u64::from(last) << 16);
        seen = word;
        state = step(state, word);
    }
    state ^= state >> 32;
    state = state.wrapping_mul(MIX);
    ((state >> 32) as u32, seen & NOT_ASCII == 0)
}

#[inline(always)]
fn step(state: u64, word: u64) -> u64 {
    let mixed = (state ^ word).wrapping_mul(MULTIPLY);
    mixed ^ (mixed >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use alloc::format;

    /// The values that core/spec/snapshot.md section 5 prints.
    #[test]
    fn agrees_with_the_specification() {
        let table = [
            ("", 0x00000000),
            ("a", 0x82cd9d0d),
            ("ab", 0x0b6f5c7d),
            ("plan", 0x27516ceb),
            ("country", 0x78c19dbc),
            ("targetingKey", 0xe990be65),
            ("a-name-of-sixteen", 0xc846329b),
            ("user-12345678", 0xe05af22f),
        ];
        for (name, expected) in table {
            assert_eq!(name_hash(name.as_bytes()), expected, "{name}");
        }
    }

    #[test]
    fn sees_every_byte_that_is_not_ascii() {
        for length in 0..=40 {
            let name = [b'~'; 40];
            assert!(name_hash_and_ascii(&name[..length]).1, "{length}");
            for at in 0..length {
                let mut other = name;
                other[at] = 0x80;
                assert!(!name_hash_and_ascii(&other[..length]).1, "{at} of {length}");
            }
        }
    }

    #[test]
    fn spreads_similar_names() {
        let hashes: BTreeSet<u32> =
            (0..10_000).map(|n| name_hash(format!("user-{n}").as_bytes())).collect();
        assert!(hashes.len() >= 9_985, "{} distinct of 10,000", hashes.len());
        let low_bits: BTreeSet<u32> =
            (0..1_024).map(|n| name_hash(format!("flag-{n}").as_bytes()) & 1_023).collect();
        assert!((580..=720).contains(&low_bits.len()), "{} of 1,024 cells", low_bits.len());
    }
}
