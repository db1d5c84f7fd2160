//! Facts about this installation, by name.

use sqlx::{AnyConnection, Row};

use super::StoreError;

/// The fact, when it is there.
pub async fn get(
    connection: &mut AnyConnection,
    name: &str,
) -> Result<Option<Vec<u8>>, StoreError> {
    let row = sqlx::query("SELECT value FROM instance WHERE name = $1")
        .bind(name)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(|row| row.try_get("value")).transpose()?)
}

/// Writes the fact unless it is there; says whether it was written. A second replica that asks at the same time waits
/// for the first one's transaction, so exactly one of them is told `true`.
pub async fn put_new(
    connection: &mut AnyConnection,
    name: &str,
    value: &[u8],
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "INSERT INTO instance (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
    )
    .bind(name)
    .bind(value.to_vec())
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}
