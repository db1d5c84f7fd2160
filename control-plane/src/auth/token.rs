//! Tokens of the admin API: `pna_` and 43 characters, 32 random bytes; only the SHA-256 is kept.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::ambient::{NoRandomness, Random};

/// What every admin token starts with.
pub const ADMIN_PREFIX: &str = "pna_";
/// How much of a token or key is kept in the clear, to recognise it by: the prefix and four characters.
pub const SHOWN_CHARACTERS: usize = 8;

/// A new secret text with this prefix.
///
/// # Errors
/// When the operating system has no randomness to give.
pub fn generate(prefix: &str, random: &Random) -> Result<String, NoRandomness> {
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random.bytes::<32>()?)))
}

/// What is kept of it.
pub fn sha256(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// The beginning of it, to recognise it by.
pub fn shown(token: &str) -> String {
    token.chars().take(SHOWN_CHARACTERS).collect()
}

/// The token of `Bearer TOKEN`; the scheme in any case.
pub fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
