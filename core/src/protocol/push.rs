//! The body of a push: head, keysets and body in one request (core/spec/protocol.md section 5).

use alloc::vec::Vec;

use crate::limits::{MAX_BODY_BYTES, MAX_HEAD_BYTES, MAX_KEYSET_BYTES};

/// The largest request body that an edge reads.
pub const MAX_PUSH_BYTES: usize = 8 + MAX_HEAD_BYTES + MAX_KEYSET_BYTES + MAX_BODY_BYTES;

/// What a push carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Push<'a> {
    pub head: &'a [u8],
    pub keyset: &'a [u8],
    pub body: &'a [u8],
}

impl<'a> Push<'a> {
    /// `u32` length of the head, head, `u32` length of the keyset, keyset, body; lengths big-endian. None when it ends early.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (head, rest) = sized(bytes)?;
        let (keyset, body) = sized(rest)?;
        Some(Self { head, keyset, body })
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes =
            Vec::with_capacity(8 + self.head.len() + self.keyset.len() + self.body.len());
        for part in [self.head, self.keyset] {
            bytes.extend_from_slice(&(part.len() as u32).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes.extend_from_slice(self.body);
        bytes
    }
}

fn sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_back_and_every_cut_short_of_the_body_is_refused() {
        let push = Push { head: b"head", keyset: b"keyset", body: b"body" };
        let bytes = push.to_bytes();
        assert_eq!(Push::parse(&bytes), Some(push));
        for length in 0..bytes.len() - 4 {
            assert_eq!(Push::parse(&bytes[..length]), None, "{length}");
        }
    }
}
