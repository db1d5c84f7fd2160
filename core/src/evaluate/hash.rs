//! The hashes of other products, for buckets alone (core/spec/evaluation.md section 4.5).

pub(crate) const FNV_OFFSET: u32 = 0x811C_9DC5;

/// MurmurHash3 x86 32-bit (Appleby, public domain) over the parts one after the other.
pub(crate) fn murmur3(seed: u32, parts: &[&[u8]]) -> u32 {
    let mut hash = seed;
    let mut length = 0u32;
    let mut block = 0u32;
    for byte in parts.iter().copied().flatten() {
        block |= u32::from(*byte) << (8 * (length % 4));
        length = length.wrapping_add(1);
        if length.is_multiple_of(4) {
            hash ^= scramble(block);
            hash = hash.rotate_left(13).wrapping_mul(5).wrapping_add(0xE654_6B64);
            block = 0;
        }
    }
    hash ^= scramble(block);
    hash ^= length;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85EB_CA6B);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xC2B2_AE35);
    hash ^ (hash >> 16)
}

fn scramble(block: u32) -> u32 {
    block.wrapping_mul(0xCC9E_2D51).rotate_left(15).wrapping_mul(0x1B87_3593)
}

/// FNV-1a 32-bit (Fowler, Noll, Vo) going on from `hash`, over the UTF-16 code units of a text, as JavaScript's `charCodeAt` gives them.
/// None when it is not UTF-8.
pub(crate) fn fnv1a(hash: u32, text: &[u8]) -> Option<u32> {
    let text = core::str::from_utf8(text).ok()?;
    Some(
        text.encode_utf16()
            .fold(hash, |hash, unit| (hash ^ u32::from(unit)).wrapping_mul(0x0100_0193)),
    )
}

/// The first 60 bits of SHA-1 (FIPS 180-4) over both parts. It finds buckets and protects nothing; a library's would be a thirtieth of the
/// browser's module.
pub(crate) fn sha1_60(prefix: &[u8], unit: &[u8]) -> u64 {
    let length = prefix.len() + unit.len();
    // Section 5.1.1: a one bit, zeros up to a whole number of blocks, the length in bits.
    let zeros = (119 - length % 64) % 64;
    let bits = (length as u64 * 8).to_be_bytes();
    let padding = core::iter::once(0x80).chain(core::iter::repeat_n(0, zeros));
    let message = prefix.iter().chain(unit).copied().chain(padding).chain(bits);
    let mut state = [0x6745_2301u32, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0];
    let mut words = [0u32; 80];
    let mut filled = 0;
    for byte in message {
        if let Some(word) = words.get_mut(filled / 4) {
            *word = *word << 8 | u32::from(byte);
        }
        filled += 1;
        if filled == 64 {
            sha1_block(&mut state, &mut words);
            filled = 0;
        }
    }
    (u64::from(state[0]) << 32 | u64::from(state[1])) >> 4
}

/// Section 6.1.2: the first sixteen words are the block's.
fn sha1_block(state: &mut [u32; 5], words: &mut [u32; 80]) {
    for at in 16..80 {
        words[at] =
            (words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16]).rotate_left(1);
    }
    let [mut a, mut b, mut c, mut d, mut e] = *state;
    for (at, word) in words.iter_mut().enumerate() {
        let (f, k) = match at / 20 {
            0 => ((b & c) | (!b & d), 0x5A82_7999u32),
            1 => (b ^ c ^ d, 0x6ED9_EBA1),
            2 => ((b & c) | (b & d) | (c & d), 0x8F1B_BCDC),
            _ => (b ^ c ^ d, 0xCA62_C1D6),
        };
        let next = a.rotate_left(5).wrapping_add(f).wrapping_add(e).wrapping_add(k);
        (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next.wrapping_add(*word));
        *word = 0;
    }
    for (value, added) in state.iter_mut().zip([a, b, c, d, e]) {
        *value = value.wrapping_add(added);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_published_values() {
        // SMHasher's verification values for short keys.
        assert_eq!(murmur3(0, &[b""]), 0);
        assert_eq!(murmur3(1, &[b""]), 0x514E_28B7);
        assert_eq!(murmur3(0, &[b"te", b"st"]), 0xBA6B_D213);
        assert_eq!(murmur3(0x9747_B28C, &[b"Hello, world!"]), 0x2488_4CBA);
        // The test vectors of draft-eastlake-fnv.
        assert_eq!(fnv1a(FNV_OFFSET, b"a"), Some(0xE40C_292C));
        assert_eq!(fnv1a(FNV_OFFSET, b"foobar"), Some(0xBF9C_F968));
        // FIPS 180-4: SHA-1("abc") = a9993e364706816a...
        assert_eq!(sha1_60(b"a", b"bc"), 0xA99_93E3_6470_6816);
        // Section 5.1.1 at its turns: each length's padding takes another form. Computed by Python's hashlib.
        for (length, expected) in [
            (0, 0xDA39A3EE5E6B4B0),
            (55, 0xCEF734BA81A0244),
            (56, 0x901305367C25995),
            (63, 0x0DDC4E0CCCD9A12),
            (64, 0xBB2FA3EE7AFB9F5),
            (119, 0x4300320394F7EE2),
            (120, 0xCEB2821639C4B6D),
            (1000, 0xC3EFA690FA3FDD2),
        ] {
            assert_eq!(sha1_60(&b"x".repeat(length), b""), expected, "{length}");
            assert_eq!(sha1_60(b"", &b"x".repeat(length)), expected, "{length}");
        }
    }
}
