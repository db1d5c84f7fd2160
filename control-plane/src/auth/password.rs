//! Passwords: Argon2id with OWASP's parameters, on threads of its own, few at once.

use std::fmt;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::Semaphore;

use crate::ambient::Random;
use crate::routes::problem::Problem;

/// KiB of memory, passes and lanes of one hash: the second of the equal choices in OWASP's Password Storage Cheat Sheet.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Hashes that are computed at once: 19 MiB and a core each.
pub const MAX_AT_ONCE: usize = 2;
/// Requests that may wait for their turn; the next one is told to come back.
pub const MAX_WAITING: usize = 32;
const BUSY_RETRY_S: u32 = 2;

/// What is verified when there is no such user, so that the answer takes as long. Nobody knows a password for it: it is no hash of one.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$cGVubm9uLW5vLXVzZXIhIQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A text from a request that no log, error or debug output shows.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// A hash to keep, with a new salt.
///
/// # Errors
/// When there is no randomness, or the password is longer than Argon2 takes.
pub fn hash(password: &str, random: &Random) -> Result<String, String> {
    let salt = random.bytes::<16>().map_err(|error| error.to_string())?;
    let hashed = argon2().hash_password_with_salt(password.as_bytes(), &salt);
    hashed.map(|hash| hash.to_string()).map_err(|error| error.to_string())
}

/// Whether it is the password; `None` is nobody's, and takes as long.
pub fn verify(password: &str, kept: Option<&str>) -> bool {
    let parsed = PasswordHash::new(kept.unwrap_or(DECOY));
    let fits =
        parsed.is_ok_and(|hash| argon2().verify_password(password.as_bytes(), &hash).is_ok());
    fits && kept.is_some()
}

/// Where requests wait for their turn to hash.
#[derive(Debug)]
pub struct Passwords {
    turns: Semaphore,
    places: Semaphore,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            turns: Semaphore::new(MAX_AT_ONCE),
            places: Semaphore::new(MAX_AT_ONCE + MAX_WAITING),
        }
    }
}

impl Passwords {
    /// See [`hash`].
    ///
    /// # Errors
    /// 503 when too many wait.
    pub async fn hash(&self, password: &Secret, random: &Random) -> Result<String, Problem> {
        let (password, random) = (password.clone(), random.clone());
        let hashed = self.in_turn(move || hash(password.reveal(), &random)).await?;
        hashed.map_err(|error| Problem::internal(&error))
    }

    /// See [`verify`].
    ///
    /// # Errors
    /// 503 when too many wait.
    pub async fn verify(&self, password: &Secret, kept: Option<&str>) -> Result<bool, Problem> {
        let (password, kept) = (password.clone(), kept.map(str::to_owned));
        self.in_turn(move || verify(password.reveal(), kept.as_deref())).await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let _place = self.places.try_acquire().map_err(|_| {
            let detail = "too many passwords are being checked: try again in a moment";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).retry_after(BUSY_RETRY_S)
        })?;
        let _turn = self.turns.acquire().await.map_err(|error| Problem::internal(&error))?;
        tokio::task::spawn_blocking(work).await.map_err(|error| Problem::internal(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_fits_its_password_alone() {
        let random = Random::seeded(1);
        let kept = hash("correct horse battery", &random).unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(verify("correct horse battery", Some(&kept)));
        assert!(!verify("Correct horse battery", Some(&kept)));
        assert!(!verify("correct horse battery", Some("no hash")));
        assert!(!verify("", None));
        assert_ne!(kept, hash("correct horse battery", &random).unwrap(), "the salt is new");
    }

    #[test]
    fn the_decoy_costs_as_much() {
        let decoy = PasswordHash::new(DECOY).unwrap();
        let real = hash("correct horse battery", &Random::seeded(1)).unwrap();
        let real = PasswordHash::new(&real).unwrap();
        assert_eq!(decoy.params.as_str(), real.params.as_str());
        assert_eq!((decoy.algorithm, decoy.version), (real.algorithm, real.version));
        assert_eq!(decoy.hash.map(|hash| hash.len()), real.hash.map(|hash| hash.len()));
        assert_eq!(decoy.salt.map(|salt| salt.len()), real.salt.map(|salt| salt.len()));
    }

    #[tokio::test]
    async fn the_line_has_an_end() {
        let passwords = Passwords::default();
        let _all = passwords.places.try_acquire_many((MAX_AT_ONCE + MAX_WAITING) as u32).unwrap();
        let refused = passwords.verify(&Secret::from("x".to_owned()), None).await.unwrap_err();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
