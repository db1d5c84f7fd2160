//! Acceptance with the cryptography in Rust: RFC 8032 Ed25519 (strict: no small-order points, no second encoding) and FIPS 180-4
//! SHA-256.

use alloc::vec::Vec;

use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};

use super::{Acceptance, Accepted, Head, Refusal, SignatureCheck};

/// SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

impl SignatureCheck {
    /// Whether the signature holds.
    pub fn passes(&self) -> bool {
        VerifyingKey::from_bytes(&self.public_key).is_ok_and(|key| {
            key.verify_strict(&self.message, &Signature::from_bytes(&self.signature)).is_ok()
        })
    }
}

fn results(checks: &[SignatureCheck]) -> Vec<bool> {
    checks.iter().map(SignatureCheck::passes).collect()
}

impl Acceptance {
    /// Verifies and takes a keyset; answers its number.
    ///
    /// # Errors
    /// As [`Acceptance::offer_keyset`] and [`Acceptance::admit_keyset`].
    pub fn accept_keyset(&mut self, bytes: &[u8]) -> Result<u32, Refusal> {
        let offer = self.offer_keyset(bytes)?;
        let root = sha256(&offer.root_message);
        let passed = results(&offer.checks);
        self.admit_keyset(offer, root, &passed)
    }

    /// Verifies a head that arrives; its body is still to come.
    ///
    /// # Errors
    /// As [`Acceptance::offer_head`] and [`Acceptance::admit_head`].
    pub fn check_head(&self, head: &[u8], now: i64) -> Result<Head, Refusal> {
        let offer = self.offer_head(head, now, false)?;
        self.admit_head(&offer, &results(&offer.checks))
    }

    /// Verifies a head and its body and opens it; `now` in Unix milliseconds.
    ///
    /// # Errors
    /// Every [`Refusal`] but those of keysets.
    pub fn accept(&mut self, head: &[u8], body: Vec<u8>, now: i64) -> Result<Accepted, Refusal> {
        let head = self.check_head(head, now)?;
        self.take(head, body)
    }

    /// As [`Acceptance::accept`] for what lies in the host's own store: `not_after` no longer refuses it.
    ///
    /// # Errors
    /// As [`Acceptance::accept`].
    pub fn accept_held(
        &mut self,
        head: &[u8],
        body: Vec<u8>,
        now: i64,
    ) -> Result<Accepted, Refusal> {
        let offer = self.offer_head(head, now, true)?;
        let head = self.admit_head(&offer, &results(&offer.checks))?;
        self.take(head, body)
    }

    fn take(&mut self, head: Head, body: Vec<u8>) -> Result<Accepted, Refusal> {
        // The length first: hashing is what an endless body would cost.
        if body.len() != head.body_length as usize {
            return Err(Refusal::BodyLength);
        }
        let digest = sha256(&body);
        self.admit_body(head, body, digest)
    }
}
