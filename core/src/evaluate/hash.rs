//! The hashes of other products, for buckets alone (core/spec/evaluation.md section 4.5).

use sha1::{Digest, Sha1};

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

/// The first 60 bits of SHA-1 (FIPS 180-4).
pub(crate) fn sha1_60(prefix: &[u8], unit: &[u8]) -> u64 {
    let digest = Sha1::new_with_prefix(prefix).chain_update(unit).finalize();
    digest.iter().take(8).fold(0, |value, byte| value << 8 | u64::from(*byte)) >> 4
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
    }
}
