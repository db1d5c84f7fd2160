//! Asks the database every second whether it is there. While it is not, whoever needs it is told at once instead of waiting for a
//! connection, and one log line says so; one more says when it is back.

use std::time::Duration;

use crate::app::App;
use crate::store::Dialect;

/// How often.
const EVERY: Duration = Duration::from_secs(1);

/// Watches until the server stops.
pub async fn database(app: App) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = app.stopped() => return,
        }
        if look(&app).await {
            // What could not be published while it was away.
            app.changed.notify_one();
        }
    }
}

/// Keeps SQLite's log short until the server stops, beside the commits that would otherwise have to.
pub async fn log(app: App) {
    if app.store.dialect() != Dialect::Sqlite {
        return;
    }
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = app.stopped() => return,
        }
        if let Err(error) = app.store.checkpoint().await {
            tracing::debug!(%error, "the log is copied later");
        }
    }
}

/// Asks once, over a connection that serves nothing else, so that a crowd of requests is not taken for an outage. Says whether the
/// database is back after it was away.
pub async fn look(app: &App) -> bool {
    let asked = app.store.ping().await;
    let changed = match &asked {
        Ok(()) => app.set_database_up(true, &""),
        Err(error) => app.set_database_up(false, error),
    };
    changed && asked.is_ok()
}
