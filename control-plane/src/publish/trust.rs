//! What a receiver trusts that has followed the keysets, and following them here: `pennon keys` writes a newer one into the database,
//! and every server takes it, signs with what it allows, and signs again what is out.

use std::time::Duration;

use pennon_core::snapshot::{Acceptance, Refusal};

use super::memory::Place;
use crate::app::App;
use crate::store::{StoreError, signing};

/// How often the database is asked for a newer keyset.
const REFRESH: Duration = Duration::from_secs(2);

/// A receiver of this environment and kind that has followed the keysets from the first up to `number`. `keyset` has them by number.
///
/// # Errors
/// [`Refusal::KeysetNeeded`] where one is missing, or why one is not trusted.
pub fn receiver<K: AsRef<[u8]>>(
    root_fingerprint: [u8; 32],
    (environment, kind): Place,
    number: u32,
    keyset: impl Fn(u32) -> Option<K>,
) -> Result<Acceptance, Refusal> {
    let mut acceptance = Acceptance::new(root_fingerprint, environment, kind, None);
    for next in 1..=number {
        let bytes = keyset(next).ok_or(Refusal::KeysetNeeded)?;
        acceptance.accept_keyset(bytes.as_ref())?;
    }
    Ok(acceptance)
}

/// Takes a newer keyset and the keys that sign under it, when the database has one. Answers whether it had.
///
/// # Errors
/// What the database says, or that it holds something unreadable; then what is held stays.
pub async fn look(app: &App) -> Result<bool, StoreError> {
    let mut tx = app.store.begin_read().await?;
    let newest = signing::newest_keyset(&mut tx).await?;
    if newest <= i64::from(app.signer.keyset()) {
        return Ok(false);
    }
    // Before anything is signed under it: whoever reads such a head asks for the keyset.
    for (number, bytes) in signing::keysets(&mut tx).await? {
        if let Ok(number) = u32::try_from(number) {
            app.published.install_keyset(number, bytes);
        }
    }
    drop(tx);
    app.signer.reload(&app.store, &app.settings.vault).await?;
    tracing::info!(
        keyset = app.signer.keyset(),
        "a newer keyset: everything is signed again under it"
    );
    Ok(true)
}

/// Follows the keysets until the server stops.
pub async fn follow(app: App) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(REFRESH) => {}
            () = app.stopped() => return,
        }
        match look(&app).await {
            // The publisher signs again what is under an older one.
            Ok(true) => app.changed.notify_one(),
            // Told once by the watch.
            Ok(false) | Err(StoreError::Away(_)) => {}
            Err(error) => tracing::error!(%error, "the newest keyset is not used"),
        }
    }
}
