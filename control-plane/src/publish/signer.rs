//! The online signing key and the keyset that vouches for it.

use pennon_core::snapshot::Head;
use pennon_core::snapshot::sign::{SigningKey, sign_head};

use crate::auth::seal;
use crate::store::{Store, StoreError, signing};

/// What a sealed seed was sealed for.
pub const SEAL_PURPOSE: &str = "pennon signing key";

/// Signs heads.
#[derive(Debug)]
pub struct Signer {
    key: SigningKey,
    keyset: u32,
}

impl Signer {
    /// Opens the newest signing key.
    ///
    /// # Errors
    /// When the secret is the wrong one, or the database holds no key.
    pub async fn load(store: &Store, secret: &[u8; 32]) -> Result<Self, StoreError> {
        let unusable = |sentence: String| StoreError::Unusable(sentence);
        let mut tx = store.begin_read().await?;
        let (id, sealed) = signing::current_signing_key(&mut tx).await?.ok_or_else(|| {
            unusable(
                "the database holds no signing key: it is not one that pennon started before"
                    .to_owned(),
            )
        })?;
        let keysets = signing::keysets(&mut tx).await?;
        let seed = seal::open(secret, SEAL_PURPOSE, &sealed)
            .map_err(|error| unusable(error.to_string()))?;
        let seed = <[u8; 32]>::try_from(seed).map_err(|_| {
            unusable(format!("signing key {id} has not 32 bytes: restore a backup"))
        })?;
        let keyset = keysets
            .last()
            .and_then(|(number, _)| u32::try_from(*number).ok())
            .ok_or_else(|| unusable("the database holds no keyset: restore a backup".to_owned()))?;
        Ok(Self { key: SigningKey::from_seed(seed), keyset })
    }

    /// The number of the keyset that receivers need.
    pub fn keyset(&self) -> u32 {
        self.keyset
    }

    /// The head's bytes with its signature.
    pub fn sign(&self, head: &Head) -> Vec<u8> {
        sign_head(head, &[&self.key])
    }
}
