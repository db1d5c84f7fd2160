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

/// Writes a new fact.
pub async fn insert(
    connection: &mut AnyConnection,
    name: &str,
    value: &[u8],
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO instance (name, value) VALUES ($1, $2)")
        .bind(name)
        .bind(value.to_vec())
        .execute(connection)
        .await?;
    Ok(())
}
