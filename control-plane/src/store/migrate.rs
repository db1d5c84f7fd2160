//! Brings the database to the shape this program knows; migrations/README.md has the rules.

use sha2::{Digest, Sha256};
use sqlx::AnyConnection;

use super::dialect::run_script;
use super::{Store, StoreError};

/// One file.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    pub number: i64,
    pub name: &'static str,
    text: &'static str,
}

impl Migration {
    /// What is kept of its text.
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(self.text.as_bytes()).into()
    }
}

const fn migration(number: i64, name: &'static str, text: &'static str) -> Migration {
    Migration { number, name, text }
}

/// Every migration, oldest first.
pub(super) const MIGRATIONS: &[Migration] = &[
    migration(1, "walking_skeleton", include_str!("../../migrations/0001_walking_skeleton.sql")),
    migration(3, "history", include_str!("../../migrations/0003_history.sql")),
    migration(4, "people", include_str!("../../migrations/0004_people.sql")),
    migration(5, "webhooks", include_str!("../../migrations/0005_webhooks.sql")),
    migration(6, "publications", include_str!("../../migrations/0006_publications.sql")),
    migration(7, "terms", include_str!("../../migrations/0007_terms.sql")),
];

const TABLE: &str = "CREATE TABLE IF NOT EXISTS migrations (number BIGINT PRIMARY KEY, name TEXT NOT NULL, \
    sha256 BYTEA NOT NULL, applied_at BIGINT NOT NULL)";

/// Applies what is missing, in one transaction, while no other replica does the same. Answers what was applied.
///
/// # Errors
/// When the database was written by a newer program, or an applied file was edited since.
pub async fn migrate(store: &Store, now_ms: i64) -> Result<Vec<Migration>, StoreError> {
    migrate_to(store, now_ms, |_| true).await
}

/// The same for the migrations that `wanted` takes.
pub(super) async fn migrate_to(
    store: &Store,
    now_ms: i64,
    wanted: impl Fn(&Migration) -> bool,
) -> Result<Vec<Migration>, StoreError> {
    let mut tx = store.begin_alone().await?;
    sqlx::query(TABLE).execute(&mut *tx).await?;
    let mut missing = missing(&mut tx).await?;
    missing.retain(wanted);
    for migration in &missing {
        run_script(&mut tx, migration.text).await?;
        sqlx::query(
            "INSERT INTO migrations (number, name, sha256, applied_at) VALUES ($1, $2, $3, $4)",
        )
        .bind(migration.number)
        .bind(migration.name)
        .bind(migration.sha256().to_vec())
        .bind(now_ms)
        .execute(&mut *tx)
        .await?;
    }
    store.dialect().index_searches(&mut tx).await?;
    tx.commit().await?;
    for Migration { number, name, .. } in &missing {
        tracing::info!(number, name, "migration applied");
    }
    Ok(missing)
}

/// What is not applied yet; all of them when nothing ever was.
///
/// # Errors
/// As [`migrate`].
pub async fn pending(store: &Store) -> Result<Vec<Migration>, StoreError> {
    let mut tx = store.begin_read().await?;
    if !store.dialect().tables(&mut tx).await?.iter().any(|table| table == "migrations") {
        return Ok(MIGRATIONS.to_vec());
    }
    missing(&mut tx).await
}

async fn missing(connection: &mut AnyConnection) -> Result<Vec<Migration>, StoreError> {
    let rows: Vec<(i64, String, Vec<u8>)> =
        sqlx::query_as("SELECT number, name, sha256 FROM migrations ORDER BY number")
            .fetch_all(connection)
            .await?;
    let mut missing = MIGRATIONS.to_vec();
    for (number, name, applied) in rows {
        let Some(index) = missing.iter().position(|migration| migration.number == number) else {
            return Err(StoreError::Unusable(format!(
                "the database has migration {number} ({name}), which this program does not know: run a newer pennon"
            )));
        };
        if missing.remove(index).sha256().as_slice() != applied {
            return Err(StoreError::Unusable(format!(
                "migration {number} ({name}) was edited after it had been applied: write a new one instead"
            )));
        }
    }
    Ok(missing)
}

/// The tables that the migrations make, in the order in which they refer to one another.
pub(super) fn tables() -> Vec<&'static str> {
    let mut tables = Vec::new();
    for line in MIGRATIONS.iter().flat_map(|migration| migration.text.lines()) {
        let name = |rest: &'static str| rest.split([' ', '(', ';']).next().unwrap_or(rest);
        if let Some(rest) = line.strip_prefix("CREATE TABLE ") {
            tables.push(name(rest));
        } else if let Some(rest) = line.strip_prefix("DROP TABLE ") {
            let dropped = name(rest);
            tables.retain(|table| *table != dropped);
        }
    }
    tables
}
