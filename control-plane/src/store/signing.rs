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

/// The number of the newest keyset; 0 before the first.
pub async fn newest_keyset(connection: &mut AnyConnection) -> Result<i64, StoreError> {
    let (number,): (Option<i64>,) =
        sqlx::query_as("SELECT MAX(number) FROM keysets").fetch_one(connection).await?;
    Ok(number.unwrap_or(0))
}

/// The signing keys that are not retired, newest first: id, public key and sealed seed.
pub async fn signing_keys(
    connection: &mut AnyConnection,
) -> Result<Vec<(String, Vec<u8>, Vec<u8>)>, StoreError> {
    Ok(sqlx::query_as(
        "SELECT id, public_key, sealed_seed FROM signing_keys WHERE retired_at IS NULL ORDER BY created_at DESC, id",
    )
    .fetch_all(connection)
    .await?)
}

/// The public keys of the signing keys that are not retired, by their ids.
pub async fn public_keys(
    connection: &mut AnyConnection,
) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    Ok(sqlx::query_as(
        "SELECT id, public_key FROM signing_keys WHERE retired_at IS NULL ORDER BY created_at, id",
    )
    .fetch_all(connection)
    .await?)
}

/// Puts a signing key out of use for good: its seed is forgotten.
pub async fn retire(
    connection: &mut AnyConnection,
    id: &str,
    now_ms: i64,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE signing_keys SET retired_at = $2, sealed_seed = $3 WHERE id = $1")
        .bind(id)
        .bind(now_ms)
        .bind(Vec::<u8>::new())
        .execute(connection)
        .await?;
    Ok(())
}
