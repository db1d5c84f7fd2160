//! Keysets and the sealed online signing keys.

use sqlx::AnyConnection;

use super::StoreError;

/// Writes a keyset; its number never changes its bytes.
pub async fn insert_keyset(
    connection: &mut AnyConnection,
    number: i64,
    bytes: &[u8],
    now_ms: i64,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO keysets (number, bytes, created_at) VALUES ($1, $2, $3)")
        .bind(number)
        .bind(bytes.to_vec())
        .bind(now_ms)
        .execute(connection)
        .await?;
    Ok(())
}

/// Every keyset, oldest first.
pub async fn keysets(connection: &mut AnyConnection) -> Result<Vec<(i64, Vec<u8>)>, StoreError> {
    Ok(sqlx::query_as("SELECT number, bytes FROM keysets ORDER BY number")
        .fetch_all(connection)
        .await?)
}

/// Writes a signing key.
pub async fn insert_signing_key(
    connection: &mut AnyConnection,
    id: &str,
    public_key: &[u8],
    sealed_seed: &[u8],
    now_ms: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO signing_keys (id, public_key, sealed_seed, created_at) VALUES ($1, $2, $3, $4)",
    )
    .bind(id)
    .bind(public_key.to_vec())
    .bind(sealed_seed.to_vec())
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// The newest signing key that is not retired: id and sealed seed.
pub async fn current_signing_key(
    connection: &mut AnyConnection,
) -> Result<Option<(String, Vec<u8>)>, StoreError> {
    Ok(sqlx::query_as(
        "SELECT id, sealed_seed FROM signing_keys WHERE retired_at IS NULL ORDER BY created_at DESC LIMIT 1",
    )
    .fetch_optional(connection)
    .await?)
}
