//! SDK keys. The key itself is shown once and never kept.

use schemars::JsonSchema;
use serde::Serialize;
use sqlx::AnyConnection;

use super::StoreError;

/// An SDK key as kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SdkKey {
    /// 32 hex digits.
    pub id: String,
    #[serde(skip)]
    pub environment_id: String,
    /// `client`, `server` or `edge`.
    pub kind: String,
    pub name: String,
    /// The first characters, to recognise it by.
    pub prefix: String,
    #[serde(skip)]
    pub sha256: Vec<u8>,
    /// What the ETag says.
    pub version: i64,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<i64>,
    /// Unix milliseconds, to the minute: when a control plane last let somebody in by it. What edges let in is not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<i64>,
}

type Row = (String, String, String, String, String, Vec<u8>, i64, i64, Option<i64>, Option<i64>);

fn read(row: Row) -> SdkKey {
    let (
        id,
        environment_id,
        kind,
        name,
        prefix,
        sha256,
        version,
        created_at,
        revoked_at,
        last_used_at,
    ) = row;
    SdkKey {
        id,
        environment_id,
        kind,
        name,
        prefix,
        sha256,
        version,
        created_at,
        revoked_at,
        last_used_at,
    }
}

/// The keys of an environment, revoked ones too, oldest first.
pub async fn list(
    connection: &mut AnyConnection,
    environment_id: &str,
) -> Result<Vec<SdkKey>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, environment_id, kind, name, prefix, sha256, version, created_at, revoked_at, last_used_at \
         FROM sdk_keys WHERE environment_id = $1 ORDER BY created_at, id",
    )
    .bind(environment_id)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(read).collect())
}

/// Every key that is not revoked.
pub async fn list_live(connection: &mut AnyConnection) -> Result<Vec<SdkKey>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, environment_id, kind, name, prefix, sha256, version, created_at, revoked_at, last_used_at \
         FROM sdk_keys WHERE revoked_at IS NULL ORDER BY created_at, id",
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(read).collect())
}

/// One key of an environment.
pub async fn find(
    connection: &mut AnyConnection,
    environment_id: &str,
    id: &str,
) -> Result<Option<SdkKey>, StoreError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, environment_id, kind, name, prefix, sha256, version, created_at, revoked_at, last_used_at \
         FROM sdk_keys WHERE environment_id = $1 AND id = $2",
    )
    .bind(environment_id)
    .bind(id)
    .fetch_optional(connection)
    .await?;
    Ok(row.map(read))
}

/// Writes a new key.
pub async fn insert(connection: &mut AnyConnection, key: &SdkKey) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO sdk_keys (id, environment_id, kind, name, prefix, sha256, version, created_at, revoked_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&key.id)
    .bind(&key.environment_id)
    .bind(&key.kind)
    .bind(&key.name)
    .bind(&key.prefix)
    .bind(&key.sha256)
    .bind(key.version)
    .bind(key.created_at)
    .bind(key.revoked_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// Calls a key something else, in the change with the number `version`.
pub async fn rename(
    connection: &mut AnyConnection,
    id: &str,
    name: &str,
    version: i64,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE sdk_keys SET name = $1, version = $2 WHERE id = $3")
        .bind(name)
        .bind(version)
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Revokes a key, in the change with the number `version`; one that was revoked keeps its time.
pub async fn revoke(
    connection: &mut AnyConnection,
    id: &str,
    now_ms: i64,
    version: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE sdk_keys SET revoked_at = $1, version = $2 WHERE id = $3 AND revoked_at IS NULL",
    )
    .bind(now_ms)
    .bind(version)
    .bind(id)
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes that somebody was let in by the key with this hash, unless another replica noted something later.
pub async fn used(
    connection: &mut AnyConnection,
    sha256: &[u8],
    now_ms: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE sdk_keys SET last_used_at = $1 WHERE sha256 = $2 AND (last_used_at IS NULL OR last_used_at < $3)",
    )
    .bind(now_ms)
    .bind(sha256)
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(())
}
