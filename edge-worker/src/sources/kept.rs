//! A snapshot with everything that proves it, as one sequence of bytes: what the cache holds of a kind, what KV holds of the one before,
//! and what is bundled at the deployment.

use pennon_core::protocol::push::Push;
use pennon_core::snapshot::Kind;

use crate::host;

/// What a store holds of one kind; any of it may be missing.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    pub(crate) keysets: Vec<Vec<u8>>,
    pub(crate) head: Option<Vec<u8>>,
    pub(crate) body: Option<Vec<u8>>,
}

/// As a push has them, with all keysets in the place of one.
pub(crate) fn to_bytes(keysets: &[Vec<u8>], head: &[u8], body: &[u8]) -> Vec<u8> {
    Push { head, keyset: &pack(keysets), body }.to_bytes()
}

impl Stored {
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let push = Push::parse(bytes)?;
        Some(Self {
            keysets: unpack(push.keyset),
            head: Some(push.head.to_vec()),
            body: Some(push.body.to_vec()),
        })
    }
}

/// The snapshot of a kind that was deployed with this worker. The bundle has one for each kind, each behind its length.
pub(crate) fn bundled(kind: Kind) -> Option<Stored> {
    let bundle = host::bundled();
    let position = Kind::ALL.into_iter().position(|each| each == kind)?;
    Stored::from_bytes(unpack(&bundle).get(position)?)
}

/// Byte sequences in order, each behind its length in 4 bytes, big-endian.
pub(super) fn pack(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&u32::try_from(part.len()).unwrap_or(0).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

pub(super) fn unpack(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    let mut rest = bytes;
    while let Some((part, after)) = split_counted(rest) {
        parts.push(part.to_vec());
        rest = after;
    }
    parts
}

/// Splits off what stands behind its length in 4 bytes, big-endian.
fn split_counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}
