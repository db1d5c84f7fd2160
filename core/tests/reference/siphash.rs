//! SipHash-2-4, written from the paper (Aumasson and Bernstein, *SipHash: a fast short-input PRF*, 2012, section 2).

/// The 64-bit result for a message under a key of 16 bytes.
pub(crate) fn siphash_2_4(key: &[u8; 16], message: &[u8]) -> u64 {
    let key_word = |at: usize| little_endian(&key[at..at + 8]);
    let (k0, k1) = (key_word(0), key_word(8));
    // "somepseudorandomlygeneratedbytes"
    let mut v = [
        k0 ^ 0x736f_6d65_7073_6575,
        k1 ^ 0x646f_7261_6e64_6f6d,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    ];
    // The message, zeros up to a multiple of eight less one, and its length modulo 256.
    let mut padded = message.to_vec();
    while padded.len() % 8 != 7 {
        padded.push(0);
    }
    padded.push((message.len() % 256) as u8);
    for block in padded.chunks(8) {
        let m = little_endian(block);
        v[3] ^= m;
        round(&mut v);
        round(&mut v);
        v[0] ^= m;
    }
    v[2] ^= 0xff;
    for _ in 0..4 {
        round(&mut v);
    }
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

fn round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[2] = v[2].wrapping_add(v[3]);
    v[1] = v[1].rotate_left(13);
    v[3] = v[3].rotate_left(16);
    v[1] ^= v[0];
    v[3] ^= v[2];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[1]);
    v[0] = v[0].wrapping_add(v[3]);
    v[1] = v[1].rotate_left(17);
    v[3] = v[3].rotate_left(21);
    v[1] ^= v[2];
    v[3] ^= v[0];
    v[2] = v[2].rotate_left(32);
}

/// Appendix A of the paper.
#[test]
fn siphash_is_the_papers() {
    let key: [u8; 16] = std::array::from_fn(|n| n as u8);
    let message: Vec<u8> = (0..15).collect();
    assert_eq!(siphash_2_4(&key, &message), 0xa129_ca61_49be_45e5);
}
