//! Signing heads and keysets: the control plane's side of core/spec/snapshot.md sections 2 and 3.

use alloc::vec::Vec;

use ed25519_dalek::{Signer, SigningKey as Ed25519Key};

use super::head::{DOMAIN, ED25519, EVALUATOR, Head};
use super::{Keyset, keyset, sha256};

/// An Ed25519 key pair.
pub struct SigningKey(Ed25519Key);

impl core::fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("SigningKey").field("key_id", &self.key_id()).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// From 32 secret, uniformly random bytes.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(Ed25519Key::from_bytes(&seed))
    }

    pub fn public_key(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// The first bytes of the public key.
    pub fn key_id(&self) -> [u8; 8] {
        let mut id = [0; 8];
        id.copy_from_slice(&self.public_key()[..8]);
        id
    }

    /// `{algorithm, key id, length, signature}` over `domain` and `bytes`.
    fn signature(&self, domain: &[u8], bytes: &[u8]) -> Vec<u8> {
        let mut message = domain.to_vec();
        message.extend_from_slice(bytes);
        let signature = self.0.sign(&message).to_bytes();
        let mut record = alloc::vec![ED25519];
        record.extend_from_slice(&self.key_id());
        record.extend_from_slice(&(signature.len() as u16).to_be_bytes());
        record.extend_from_slice(&signature);
        record
    }
}

/// The evaluator that a body made by this program needs.
pub const MINIMUM_EVALUATOR: u16 = EVALUATOR;

/// The head's bytes with one signature by each of `keys` (at most `MAX_SIGNATURES`).
pub fn sign_head(head: &Head, keys: &[&SigningKey]) -> Vec<u8> {
    let signed = head.to_bytes(count(keys));
    append(signed.to_vec(), DOMAIN, keys)
}

/// The keyset's bytes with one signature by each of `roots`; none when it has more keys than the format can count.
pub fn sign_keyset(keyset: &Keyset, roots: &[&SigningKey]) -> Option<Vec<u8>> {
    let signed = keyset.to_bytes(count(roots))?;
    Some(append(signed, keyset::DOMAIN, roots))
}

/// What a connection string pins: SHA-256 over the threshold and the root keys of keyset 1.
pub fn root_fingerprint(keyset: &Keyset) -> [u8; 32] {
    sha256(&keyset.root_message())
}

fn count(keys: &[&SigningKey]) -> u8 {
    u8::try_from(keys.len()).unwrap_or(u8::MAX)
}

fn append(signed: Vec<u8>, domain: &[u8], keys: &[&SigningKey]) -> Vec<u8> {
    let mut bytes = signed.clone();
    for key in keys.iter().take(usize::from(u8::MAX)) {
        bytes.extend_from_slice(&key.signature(domain, &signed));
    }
    bytes
}
