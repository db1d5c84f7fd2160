//! Secrets at rest: XChaCha20-Poly1305 under the configured secret.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

use crate::ambient::{NoRandomness, Random};

/// The random part in front of every sealed text.
const NONCE_BYTES: usize = 24;

/// Why a secret could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The secret is another one, or the sealed text was changed.
    #[error(
        "PENNON_SECRET (or secret.key in the data folder) is not the one that this database was sealed with: configure that one"
    )]
    WrongSecret,
}

/// The configured secret, for whoever seals and opens while the server runs.
#[derive(Clone)]
pub struct Vault([u8; 32]);

impl std::fmt::Debug for Vault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Vault")
    }
}

impl Vault {
    /// A vault under this secret.
    pub fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// See [`seal`].
    ///
    /// # Errors
    /// [`SealError::NoRandomness`].
    pub fn seal(&self, purpose: &str, plain: &[u8], random: &Random) -> Result<Vec<u8>, SealError> {
        seal(&self.0, purpose, plain, random)
    }

    /// See [`open`].
    ///
    /// # Errors
    /// [`SealError::WrongSecret`].
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        open(&self.0, purpose, sealed)
    }
}

/// Encrypts `plain`; `purpose` has to be the same when it is opened, so that a sealed text cannot be moved elsewhere.
///
/// # Errors
/// [`SealError::NoRandomness`].
pub fn seal(
    secret: &[u8; 32],
    purpose: &str,
    plain: &[u8],
    random: &Random,
) -> Result<Vec<u8>, SealError> {
    let nonce = random.bytes::<NONCE_BYTES>()?;
    let payload = Payload { msg: plain, aad: purpose.as_bytes() };
    let cipher = XChaCha20Poly1305::new(secret.into());
    let sealed =
        cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| SealError::WrongSecret)?;
    Ok([nonce.as_slice(), &sealed].concat())
}

/// Decrypts what [`seal`] made.
///
/// # Errors
/// [`SealError::WrongSecret`].
pub fn open(secret: &[u8; 32], purpose: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    let (nonce, text) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(SealError::WrongSecret)?;
    let payload = Payload { msg: text, aad: purpose.as_bytes() };
    XChaCha20Poly1305::new(secret.into())
        .decrypt(&XNonce::from(*nonce), payload)
        .map_err(|_| SealError::WrongSecret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_with_the_same_secret_and_purpose() {
        let random = Random::seeded(1);
        let sealed = seal(&[1; 32], "signing-key", b"seed", &random).unwrap();
        assert_eq!(open(&[1; 32], "signing-key", &sealed).unwrap(), b"seed");
        assert!(open(&[2; 32], "signing-key", &sealed).is_err());
        assert!(open(&[1; 32], "webhook", &sealed).is_err());
        let mut bent = sealed.clone();
        *bent.last_mut().unwrap() ^= 1;
        assert!(open(&[1; 32], "signing-key", &bent).is_err());
        assert!(open(&[1; 32], "signing-key", &sealed[..10]).is_err());
        assert!(!sealed.windows(4).any(|window| window == b"seed"));
    }
}
