//! Tokens of the admin API. The token itself is shown once and never kept.

use sqlx::AnyConnection;

use super::StoreError;

/// A token as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// 32 hex digits.
    pub id: String,
    pub name: String,
    /// The first characters, to recognise it by.
    pub prefix: String,
    pub sha256: Vec<u8>,
    /// Unix milliseconds.
    pub expires_at: Option<i64>,
    /// Unix milliseconds.
    pub revoked_at: Option<i64>,
}

/// The token with this hash.
pub async fn find(
    connection: &mut AnyConnection,
    sha256: &[u8],
) -> Result<Option<Token>, StoreError> {
    type Row = (String, String, String, Vec<u8>, Option<i64>, Option<i64>);
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, name, prefix, sha256, expires_at, revoked_at FROM api_tokens WHERE sha256 = $1",
    )
    .bind(sha256.to_vec())
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|(id, name, prefix, sha256, expires_at, revoked_at)| Token {
        id,
        name,
        prefix,
        sha256,
        expires_at,
        revoked_at,
    }))
}

/// Writes a new token.
pub async fn insert(
    connection: &mut AnyConnection,
    token: &Token,
    now_ms: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO api_tokens (id, name, prefix, sha256, created_at, expires_at, revoked_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&token.id)
    .bind(&token.name)
    .bind(&token.prefix)
    .bind(&token.sha256)
    .bind(now_ms)
    .bind(token.expires_at)
    .bind(token.revoked_at)
    .execute(connection)
    .await?;
    Ok(())
}
