//! Bodies by their hash, and the signed heads.

use sqlx::AnyConnection;

use super::StoreError;

/// A signed head as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredHead {
    pub environment_id: String,
    /// `client`, `server` or `edge`.
    pub kind: String,
    pub epoch: i64,
    pub version: i64,
    /// Unix milliseconds.
    pub created: i64,
    pub head: Vec<u8>,
    pub body_sha256: Vec<u8>,
}

type Row = (String, String, i64, i64, i64, Vec<u8>, Vec<u8>);

fn read((environment_id, kind, epoch, version, created, head, body_sha256): Row) -> StoredHead {
    StoredHead { environment_id, kind, epoch, version, created, head, body_sha256 }
}

/// Stores a body unless it is there.
pub async fn put_body(
    connection: &mut AnyConnection,
    sha256: &[u8],
    bytes: &[u8],
    now_ms: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO bodies (sha256, bytes, first_seen) VALUES ($1, $2, $3) ON CONFLICT (sha256) DO NOTHING",
    )
    .bind(sha256.to_vec())
    .bind(bytes.to_vec())
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// The body with this hash.
pub async fn body(
    connection: &mut AnyConnection,
    sha256: &[u8],
) -> Result<Option<Vec<u8>>, StoreError> {
    let row: Option<(Vec<u8>,)> = sqlx::query_as("SELECT bytes FROM bodies WHERE sha256 = $1")
        .bind(sha256.to_vec())
        .fetch_optional(connection)
        .await?;
    Ok(row.map(|(bytes,)| bytes))
}

/// The environments and kinds whose heads name this body.
pub async fn owners_of_body(
    connection: &mut AnyConnection,
    sha256: &[u8],
) -> Result<Vec<(String, String)>, StoreError> {
    Ok(sqlx::query_as("SELECT DISTINCT environment_id, kind FROM snapshots WHERE body_sha256 = $1")
        .bind(sha256.to_vec())
        .fetch_all(connection)
        .await?)
}

/// Stores a signed head.
pub async fn insert_head(
    connection: &mut AnyConnection,
    head: &StoredHead,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO snapshots (environment_id, kind, epoch, version, created, head, body_sha256) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&head.environment_id)
    .bind(&head.kind)
    .bind(head.epoch)
    .bind(head.version)
    .bind(head.created)
    .bind(&head.head)
    .bind(&head.body_sha256)
    .execute(connection)
    .await?;
    Ok(())
}

/// The newest head of an environment and kind.
pub async fn latest(
    connection: &mut AnyConnection,
    environment_id: &str,
    kind: &str,
) -> Result<Option<StoredHead>, StoreError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT environment_id, kind, epoch, version, created, head, body_sha256 FROM snapshots \
         WHERE environment_id = $1 AND kind = $2 ORDER BY epoch DESC, version DESC, created DESC LIMIT 1",
    )
    .bind(environment_id)
    .bind(kind)
    .fetch_optional(connection)
    .await?;
    Ok(row.map(read))
}

/// The newest heads of an environment, newest first.
pub async fn list(
    connection: &mut AnyConnection,
    environment_id: &str,
    limit: i64,
) -> Result<Vec<StoredHead>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT environment_id, kind, epoch, version, created, head, body_sha256 FROM snapshots \
         WHERE environment_id = $1 ORDER BY epoch DESC, version DESC, created DESC, kind LIMIT $2",
    )
    .bind(environment_id)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(read).collect())
}
