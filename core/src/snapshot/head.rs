//! The signed head: 160 bytes of fixed layout and the signatures behind it (core/spec/snapshot.md section 2).

use alloc::vec::Vec;

use super::Refusal;
use crate::limits::{MAX_HEAD_BYTES, MAX_SIGNATURES};

/// The length of the signed part, in bytes.
pub const HEAD_BYTES: usize = 160;
pub(crate) const MAGIC: [u8; 4] = *b"PNH1";
pub(crate) const FORMAT: u16 = 1;
/// The evaluator of this crate: a head that asks for a newer one is refused.
pub(crate) const EVALUATOR: u16 = 1;
/// Signed in front of the 160 bytes, so that no other signed message can pass for a head.
pub(crate) const DOMAIN: &[u8] = b"pennon/head/v1\0";
/// The only signature algorithm so far.
pub(crate) const ED25519: u8 = 1;
/// The body is carried as it is.
pub(crate) const CODEC_PLAIN: u8 = 0;

/// Whom a snapshot is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// Everything, for trusted servers.
    Server = 1,
    /// Only flags marked for clients, pruned.
    Client = 2,
    /// The server body and what an edge needs to admit callers.
    Edge = 3,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Server, Self::Client, Self::Edge];

    /// The word used in paths.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::Edge => "edge",
        }
    }

    /// Reads the word used in paths.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == byte)
    }

    /// This kind's bit in an online key's scope.
    pub(crate) fn bit(self) -> u8 {
        1 << (self as u8)
    }
}

/// The fields of a head, in their order. Times are Unix milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub kind: Kind,
    pub project: [u8; 16],
    pub environment: [u8; 16],
    /// Rises only when an operator starts afresh, for instance after a restored backup.
    pub epoch: u32,
    /// The newest revision in the body; rises within an epoch.
    pub version: u64,
    pub created: i64,
    /// Past it an evaluation says STALE.
    pub refresh_by: i64,
    /// Past it a head that arrives anew is refused.
    pub not_after: i64,
    pub body_length: u32,
    pub body_sha256: [u8; 32],
    /// SHA-256 of the head before this one, zero for the first.
    pub previous_head_sha256: [u8; 32],
    /// The number of the keyset that the signature is to be checked with.
    pub keyset: u32,
    pub minimum_evaluator: u16,
    /// No bit has a meaning yet; unknown ones are ignored.
    pub flags: u16,
}

impl Head {
    /// Reads the fields; checks no signature.
    ///
    /// # Errors
    /// [`Refusal::MalformedHead`], [`Refusal::UnknownFormat`] or [`Refusal::OverLimits`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > MAX_HEAD_BYTES {
            return Err(Refusal::OverLimits);
        }
        let fixed = bytes.first_chunk::<HEAD_BYTES>().ok_or(Refusal::MalformedHead)?;
        if fixed[..4] != MAGIC {
            return Err(Refusal::MalformedHead);
        }
        if be_u16(fixed, 4) != FORMAT || fixed[80] != CODEC_PLAIN {
            return Err(Refusal::UnknownFormat);
        }
        Ok(Self {
            kind: Kind::from_byte(fixed[6]).ok_or(Refusal::UnknownFormat)?,
            project: array(fixed, 8),
            environment: array(fixed, 24),
            epoch: be_u32(fixed, 40),
            version: be_u64(fixed, 44),
            created: time(fixed, 52)?,
            refresh_by: time(fixed, 60)?,
            not_after: time(fixed, 68)?,
            body_length: be_u32(fixed, 76),
            body_sha256: array(fixed, 84),
            previous_head_sha256: array(fixed, 116),
            keyset: be_u32(fixed, 148),
            minimum_evaluator: be_u16(fixed, 152),
            flags: be_u16(fixed, 154),
        })
    }

    /// The ids of the keys that a head says it is signed by; checks no signature. None when its list of signatures cannot be read.
    pub fn signers(bytes: &[u8]) -> Option<Vec<[u8; 8]>> {
        let (fixed, rest) = bytes.split_first_chunk::<HEAD_BYTES>()?;
        let list = signatures(rest, fixed[7])?;
        Some(list.iter().map(|signature| signature.key_id).collect())
    }

    /// The 160 bytes that are signed.
    #[cfg(feature = "sign")]
    pub(crate) fn to_bytes(self, signatures: u8) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
        put(0, &MAGIC);
        put(4, &FORMAT.to_be_bytes());
        put(6, &[self.kind as u8, signatures]);
        put(8, &self.project);
        put(24, &self.environment);
        put(40, &self.epoch.to_be_bytes());
        put(44, &self.version.to_be_bytes());
        put(52, &self.created.to_be_bytes());
        put(60, &self.refresh_by.to_be_bytes());
        put(68, &self.not_after.to_be_bytes());
        put(76, &self.body_length.to_be_bytes());
        put(80, &[CODEC_PLAIN]);
        put(84, &self.body_sha256);
        put(116, &self.previous_head_sha256);
        put(148, &self.keyset.to_be_bytes());
        put(152, &self.minimum_evaluator.to_be_bytes());
        put(154, &self.flags.to_be_bytes());
        bytes
    }
}

/// One signature of a head or of a keyset. It is tried with the keys that have its id, and counts only if it then verifies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signature<'a> {
    pub(crate) algorithm: u8,
    pub(crate) key_id: [u8; 8],
    pub(crate) bytes: &'a [u8],
}

/// Reads `count` signatures that fill `bytes` to the end.
pub(crate) fn signatures(bytes: &[u8], count: u8) -> Option<Vec<Signature<'_>>> {
    if usize::from(count) > MAX_SIGNATURES {
        return None;
    }
    let mut rest = bytes;
    let mut list = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        let (fixed, after) = rest.split_first_chunk::<11>()?;
        let length = usize::from(u16::from_be_bytes([fixed[9], fixed[10]]));
        let (signature, after) = after.split_at_checked(length)?;
        let [algorithm, key_id @ .., _, _] = *fixed;
        list.push(Signature { algorithm, key_id, bytes: signature });
        rest = after;
    }
    rest.is_empty().then_some(list)
}

pub(crate) fn array<const N: usize>(bytes: &[u8; HEAD_BYTES], at: usize) -> [u8; N] {
    let mut field = [0; N];
    field.copy_from_slice(&bytes[at..at + N]);
    field
}

fn be_u16(bytes: &[u8; HEAD_BYTES], at: usize) -> u16 {
    u16::from_be_bytes(array(bytes, at))
}

fn be_u32(bytes: &[u8; HEAD_BYTES], at: usize) -> u32 {
    u32::from_be_bytes(array(bytes, at))
}

fn be_u64(bytes: &[u8; HEAD_BYTES], at: usize) -> u64 {
    u64::from_be_bytes(array(bytes, at))
}

/// A time is never negative and fits JavaScript's exact integers.
fn time(bytes: &[u8; HEAD_BYTES], at: usize) -> Result<i64, Refusal> {
    let time = i64::from_be_bytes(array(bytes, at));
    if (0..1 << 53).contains(&time) { Ok(time) } else { Err(Refusal::MalformedHead) }
}
