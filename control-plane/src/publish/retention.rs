//! Old snapshots: kept for a configured time after they were replaced, then forgotten but for their heads.

use std::time::Duration;

use crate::app::App;
use crate::store::{StoreError, snapshots};

/// How often it is looked for what is too old.
const EVERY: Duration = Duration::from_secs(3_600);
const DAY_MS: i64 = 24 * 3_600_000;

/// Forgets the bodies that no head has named for so many days; what is current stays, however old. Answers how many.
///
/// # Errors
/// What the database says.
pub async fn expire(app: &App, days: u32) -> Result<u64, StoreError> {
    let before = app.clock.now_ms() - i64::from(days) * DAY_MS;
    let mut tx = app.store.begin().await?;
    let count = snapshots::expire_bodies(&mut tx, before).await?;
    tx.commit().await?;
    Ok(count)
}

/// Does so until the server stops; 0 days keep everything.
pub async fn run(app: App, days: u32) {
    if days == 0 {
        return;
    }
    loop {
        match expire(&app, days).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, days, "old snapshots are not kept any more"),
            // Told once by the watch.
            Err(StoreError::Away(_)) => {}
            Err(error) => tracing::error!(%error, "old snapshots could not be removed"),
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = app.stopped() => return,
        }
    }
}
