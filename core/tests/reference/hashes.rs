//! The hashes of other products, each written from its own definition.

/// MurmurHash3_x86_32 (Appleby, public domain), as its reference implementation has it: body, tail, finalisation.
pub(crate) fn murmur3_32(message: &[u8], seed: u32) -> u32 {
    let mix =
        |block: u32| block.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    let mut hash = seed;
    let blocks = message.chunks_exact(4);
    let tail = blocks.remainder();
    for block in blocks {
        let block = u32::from_le_bytes(block.try_into().expect("four bytes"));
        hash = (hash ^ mix(block)).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    if !tail.is_empty() {
        let mut block = [0; 4];
        block[..tail.len()].copy_from_slice(tail);
        hash ^= mix(u32::from_le_bytes(block));
    }
    hash ^= message.len() as u32;
    for (shift, factor) in [(16, 0x85eb_ca6b), (13, 0xc2b2_ae35), (16, 1)] {
        hash = (hash ^ (hash >> shift)).wrapping_mul(factor);
    }
    hash
}

/// FNV-1a, 32 bits (Fowler, Noll, Vo), each UTF-16 code unit taken as one octet would be.
pub(crate) fn fnv1a_32(text: &str) -> u32 {
    let mut hash: u64 = 2_166_136_261;
    for unit in text.encode_utf16() {
        hash = ((hash ^ u64::from(unit)) * 16_777_619) % (1 << 32);
    }
    hash as u32
}

/// SHA-1 (FIPS 180-4, section 6.1).
pub(crate) fn sha1(message: &[u8]) -> [u8; 20] {
    let mut padded = message.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend((message.len() as u64 * 8).to_be_bytes());
    let mut hash: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in padded.chunks(64) {
        let mut schedule: Vec<u32> = block
            .chunks(4)
            .map(|word| u32::from_be_bytes(word.try_into().expect("four bytes")))
            .collect();
        for t in 16..80 {
            let mixed = schedule[t - 3] ^ schedule[t - 8] ^ schedule[t - 14] ^ schedule[t - 16];
            schedule.push(mixed.rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = hash;
        for (t, word) in schedule.into_iter().enumerate() {
            let (f, k) = match t {
                0..20 => ((b & c) ^ (!b & d), 0x5a82_7999),
                20..40 => (b ^ c ^ d, 0x6ed9_eba1),
                40..60 => ((b & c) ^ (b & d) ^ (c & d), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6),
            };
            let next: u32 =
                [a.rotate_left(5), f, e, k, word].into_iter().fold(0, u32::wrapping_add);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
        }
        for (sum, word) in hash.iter_mut().zip([a, b, c, d, e]) {
            *sum = sum.wrapping_add(word);
        }
    }
    let mut digest = [0; 20];
    for (bytes, word) in digest.chunks_mut(4).zip(hash) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    digest
}

#[test]
fn hashes_are_the_published_ones() {
    assert_eq!(murmur3_32(b"", 1), 0x514e_28b7);
    assert_eq!(murmur3_32(b"Hello, world!", 0x9747_b28c), 0x2488_4cba);
    assert_eq!(fnv1a_32("foobar"), 0xbf9c_f968);
    let digest = sha1(b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq");
    assert_eq!(digest[..8], [0x84, 0x98, 0x3e, 0x44, 0x1c, 0x3b, 0xd2, 0x6e]);
}
