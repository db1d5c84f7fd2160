//! Keysets: which online keys may sign which heads. Numbered, and signed by root keys alone (core/spec/snapshot.md section 3).

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::head::{ED25519, Kind, signatures};
use super::{Refusal, SignatureCheck};
use crate::limits::{MAX_KEYSET_BYTES, MAX_KEYSET_KEYS};

pub(crate) const MAGIC: [u8; 4] = *b"PNK1";
pub(crate) const FORMAT: u16 = 1;
pub(crate) const DOMAIN: &[u8] = b"pennon/keyset/v1\0";
/// Hashed in front of the root keys: the fingerprint is SHA-256 of [`Keyset::root_message`].
const ROOT_DOMAIN: &[u8] = b"pennon/root/v1\0";

/// A key that signs heads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnlineKey {
    pub public_key: [u8; 32],
    /// The environment it may sign for; zero means every environment.
    pub environment: [u8; 16],
    /// Bits of the kinds it may sign.
    pub(crate) kinds: u8,
}

impl OnlineKey {
    /// A key for every kind of snapshot of one environment, or with zero of every environment.
    pub fn for_environment(public_key: [u8; 32], environment: [u8; 16]) -> Self {
        let kinds = Kind::ALL.into_iter().fold(0, |bits, kind| bits | kind.bit());
        Self { public_key, environment, kinds }
    }

    /// A key for these kinds of snapshot, of one environment or with zero of every environment.
    pub fn scoped(public_key: [u8; 32], kinds: &[Kind], environment: [u8; 16]) -> Self {
        let kinds = kinds.iter().fold(0, |bits, kind| bits | kind.bit());
        Self { public_key, environment, kinds }
    }

    /// Another key that may sign the same.
    pub fn replaced_by(self, public_key: [u8; 32]) -> Self {
        Self { public_key, ..self }
    }

    /// The kinds that it may sign.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> {
        let bits = self.kinds;
        Kind::ALL.into_iter().filter(move |kind| bits & kind.bit() != 0)
    }

    /// The start of the public key, by which signatures name it.
    pub fn id(&self) -> [u8; 8] {
        let mut id = [0; 8];
        id.copy_from_slice(&self.public_key[..8]);
        id
    }

    /// Whether this key may sign all that `other` may.
    pub fn covers(&self, other: &Self) -> bool {
        other.kinds & !self.kinds == 0
            && (self.environment == [0; 16] || self.environment == other.environment)
    }

    /// Whether the keyset lets this key sign such a head.
    pub fn may_sign(&self, kind: Kind, environment: [u8; 16]) -> bool {
        self.kinds & kind.bit() != 0
            && (self.environment == [0; 16] || self.environment == environment)
    }
}

/// A keyset as read; [`super::Acceptance`] decides whether it is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyset {
    pub number: u32,
    pub created: i64,
    /// How many different root keys must sign a successor.
    pub threshold: u8,
    pub roots: Vec<[u8; 32]>,
    pub keys: Vec<OnlineKey>,
}

impl Keyset {
    /// Reads the fields; checks no signature.
    ///
    /// # Errors
    /// [`Refusal::BadKeyset`] when it is damaged, of another format, or over a limit.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        Ok(Self::parse_signed(bytes).ok_or(Refusal::BadKeyset)?.0)
    }

    /// The keyset, and how many of its bytes are signed.
    fn parse_signed(bytes: &[u8]) -> Option<(Self, usize)> {
        if bytes.len() > MAX_KEYSET_BYTES {
            return None;
        }
        let (fixed, mut rest) = bytes.split_first_chunk::<24>()?;
        let [
            m0,
            m1,
            m2,
            m3,
            f0,
            f1,
            threshold,
            _signatures,
            n0,
            n1,
            n2,
            n3,
            created @ ..,
            r,
            _,
            k0,
            k1,
        ] = *fixed;
        if [m0, m1, m2, m3] != MAGIC || u16::from_be_bytes([f0, f1]) != FORMAT {
            return None;
        }
        let key_count = usize::from(u16::from_be_bytes([k0, k1]));
        let root_count = usize::from(r);
        if key_count > MAX_KEYSET_KEYS || threshold == 0 || usize::from(threshold) > root_count {
            return None;
        }
        let mut roots = Vec::with_capacity(root_count);
        for _ in 0..root_count {
            let (root, after) = rest.split_first_chunk::<32>()?;
            // One signature is then tried with one root of each keyset.
            if roots.iter().any(|known: &[u8; 32]| known[..8] == root[..8]) {
                return None;
            }
            roots.push(*root);
            rest = after;
        }
        let mut keys = Vec::with_capacity(key_count);
        for _ in 0..key_count {
            let (algorithm, after) = rest.split_first_chunk::<2>()?;
            let (public_key, after) = after.split_first_chunk::<32>()?;
            let (environment, after) = after.split_first_chunk::<16>()?;
            if algorithm[0] == ED25519 {
                let kinds = algorithm[1];
                keys.push(OnlineKey { public_key: *public_key, environment: *environment, kinds });
            }
            rest = after;
        }
        let created = i64::from_be_bytes(created);
        let number = u32::from_be_bytes([n0, n1, n2, n3]);
        let signed = bytes.len() - rest.len();
        Some((Self { number, created, threshold, roots, keys }, signed))
    }

    /// What the root fingerprint of a connection string is the SHA-256 of.
    pub fn root_message(&self) -> Vec<u8> {
        let mut message = ROOT_DOMAIN.to_vec();
        message.push(self.threshold);
        for root in &self.roots {
            message.extend_from_slice(root);
        }
        message
    }

    /// Every signature by one of `roots`, as checks for the host.
    pub(crate) fn checks(bytes: &[u8], roots: &[[u8; 32]]) -> Result<Vec<SignatureCheck>, Refusal> {
        let (_, signed) = Self::parse_signed(bytes).ok_or(Refusal::BadKeyset)?;
        let count = bytes.get(7).copied().unwrap_or(0);
        let (signed, behind) = bytes.split_at_checked(signed).ok_or(Refusal::BadKeyset)?;
        let list = signatures(behind, count).ok_or(Refusal::BadKeyset)?;
        let mut message = DOMAIN.to_vec();
        message.extend_from_slice(signed);
        let message: Arc<[u8]> = message.into();
        let checks = roots.iter().flat_map(|root| {
            list.iter().filter_map(|signature| SignatureCheck::new(*root, signature, &message))
        });
        Ok(checks.collect())
    }

    /// The bytes that the root keys sign.
    #[cfg(feature = "sign")]
    pub(crate) fn to_bytes(&self, signatures: u8) -> Option<Vec<u8>> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&FORMAT.to_be_bytes());
        bytes.extend_from_slice(&[self.threshold, signatures]);
        bytes.extend_from_slice(&self.number.to_be_bytes());
        bytes.extend_from_slice(&self.created.to_be_bytes());
        bytes.extend_from_slice(&[u8::try_from(self.roots.len()).ok()?, 0]);
        bytes.extend_from_slice(&u16::try_from(self.keys.len()).ok()?.to_be_bytes());
        for root in &self.roots {
            bytes.extend_from_slice(root);
        }
        for key in &self.keys {
            bytes.extend_from_slice(&[ED25519, key.kinds]);
            bytes.extend_from_slice(&key.public_key);
            bytes.extend_from_slice(&key.environment);
        }
        Some(bytes)
    }
}
