//! The online signing keys, and the newest keyset, which says what each may sign.

use std::sync::{Arc, PoisonError, RwLock};

use pennon_core::protocol::connection;
use pennon_core::snapshot::sign::{SigningKey, sign_head};
use pennon_core::snapshot::{Head, Keyset};

use crate::auth::seal::Vault;
use crate::store::{Store, StoreError, signing};

/// What a sealed seed was sealed for.
pub const SEAL_PURPOSE: &str = "pennon signing key";

/// Signs heads.
#[derive(Debug)]
pub struct Signer(RwLock<Arc<Keys>>);

#[derive(Debug)]
struct Keys {
    keyset: Keyset,
    /// Newest first.
    keys: Vec<SigningKey>,
}

impl Signer {
    /// Opens the signing keys.
    ///
    /// # Errors
    /// When the secret is the wrong one, or the database holds no key.
    pub async fn load(store: &Store, secret: &[u8; 32]) -> Result<Self, StoreError> {
        Ok(Self(RwLock::new(Arc::new(Keys::load(store, &Vault::new(*secret)).await?))))
    }

    /// Takes the keys and the keyset that the database holds now.
    ///
    /// # Errors
    /// As [`Signer::load`]; then they stay as they were.
    pub async fn reload(&self, store: &Store, vault: &Vault) -> Result<(), StoreError> {
        let keys = Arc::new(Keys::load(store, vault).await?);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The number of the keyset that receivers need.
    pub fn keyset(&self) -> u32 {
        self.keys().keyset.number
    }

    /// The head under the newest keyset, and its bytes with the signature of the newest key that this lets sign it.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when it lets none of them.
    pub fn sign(&self, head: Head) -> Result<(Head, Vec<u8>), StoreError> {
        let keys = self.keys();
        let head = Head { keyset: keys.keyset.number, ..head };
        let allowed = |key: &&SigningKey| {
            let public = key.public_key();
            keys.keyset
                .keys
                .iter()
                .any(|key| key.public_key == public && key.may_sign(head.kind, head.environment))
        };
        let key = keys.keys.iter().find(allowed).ok_or_else(|| {
            StoreError::Unusable(format!(
                "keyset {} lets no key of this server sign {} snapshots of environment {}: see `pennon keys list`",
                head.keyset,
                head.kind.as_str(),
                connection::hex(&head.environment)
            ))
        })?;
        let bytes = sign_head(&head, &[key]);
        Ok((head, bytes))
    }
}

impl Keys {
    async fn load(store: &Store, vault: &Vault) -> Result<Self, StoreError> {
        let unusable = |sentence: String| StoreError::Unusable(sentence);
        let mut tx = store.begin_read().await?;
        let mut keys = Vec::new();
        for (id, public, sealed) in signing::signing_keys(&mut tx).await? {
            let seed = vault
                .open(SEAL_PURPOSE, &sealed)
                .map_err(|error| unusable(format!("signing key {id}: {error}")))?;
            let seed = <[u8; 32]>::try_from(seed).map_err(|_| {
                unusable(format!("signing key {id} has not 32 bytes: restore a backup"))
            })?;
            let key = SigningKey::from_seed(seed);
            // What another key signed, nobody would take: the keyset names this one by its public key.
            if key.public_key().as_slice() != public {
                return Err(unusable(format!(
                    "what is sealed as signing key {id} is another key than its public key says: restore a backup, or retire it with `pennon keys`"
                )));
            }
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(unusable(
                "the database holds no signing key: it is not one that pennon started before"
                    .to_owned(),
            ));
        }
        let keysets = signing::keysets(&mut tx).await?;
        let (_, newest) = keysets
            .last()
            .ok_or_else(|| unusable("the database holds no keyset: restore a backup".to_owned()))?;
        let keyset = Keyset::parse(newest).map_err(|refusal| {
            unusable(format!("the newest keyset is damaged ({refusal}): restore a backup"))
        })?;
        let named = |key: &SigningKey| {
            let public = key.public_key();
            keyset.keys.iter().any(|known| known.public_key == public)
        };
        if !keys.iter().any(named) {
            // Somebody may mend it with `pennon keys` while what is published goes on being served.
            tracing::error!(
                keyset = keyset.number,
                "the newest keyset names none of the signing keys of this installation: nothing can be published until `pennon keys` makes one that does"
            );
        }
        Ok(Self { keyset, keys })
    }
}
