//! Brings the database to the shape this program knows; migrations/README.md has the rules.

use sha2::{Digest, Sha256};
use sqlx::Row;

use super::dialect::run_script;
use super::{Store, StoreError};

/// Every migration, oldest first: number, name, text.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "walking_skeleton", include_str!("../../migrations/0001_walking_skeleton.sql")),
    (4, "people", include_str!("../../migrations/0004_people.sql")),
    (5, "webhooks", include_str!("../../migrations/0005_webhooks.sql")),
];

const TABLE: &str = "CREATE TABLE IF NOT EXISTS migrations (number BIGINT PRIMARY KEY, name TEXT NOT NULL, \
    sha256 BYTEA NOT NULL, applied_at BIGINT NOT NULL)";

/// Applies what is missing, in one transaction, while no other replica does the same.
///
/// # Errors
/// When the database was written by a newer program, or an applied file was edited since.
pub async fn migrate(store: &Store, now_ms: i64) -> Result<(), StoreError> {
    let mut tx = store.begin_alone().await?;
    sqlx::query(TABLE).execute(&mut *tx).await?;
    let rows = sqlx::query("SELECT number, name, sha256 FROM migrations ORDER BY number")
        .fetch_all(&mut *tx)
        .await?;
    for row in &rows {
        let number: i64 = row.try_get("number")?;
        let name: String = row.try_get("name")?;
        let applied: Vec<u8> = row.try_get("sha256")?;
        let Some((_, _, text)) = MIGRATIONS.iter().find(|(known, _, _)| *known == number) else {
            return Err(StoreError::Unusable(format!(
                "the database has migration {number} ({name}), which this program does not know: run a newer pennon"
            )));
        };
        if Sha256::digest(text.as_bytes()).as_slice() != applied {
            return Err(StoreError::Unusable(format!(
                "migration {number} ({name}) was edited after it had been applied: write a new one instead"
            )));
        }
    }
    for (number, name, text) in &MIGRATIONS[rows.len()..] {
        run_script(&mut tx, text).await?;
        sqlx::query(
            "INSERT INTO migrations (number, name, sha256, applied_at) VALUES ($1, $2, $3, $4)",
        )
        .bind(number)
        .bind(*name)
        .bind(Sha256::digest(text.as_bytes()).to_vec())
        .bind(now_ms)
        .execute(&mut *tx)
        .await?;
        tracing::info!(number, name, "migration applied");
    }
    tx.commit().await?;
    Ok(())
}
