//! Bodies by their hash, and the signed heads.

use pennon_core::snapshot::Kind;
use sqlx::{AnyConnection, AssertSqlSafe};

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

/// Stores a body unless it is there. One that had expired is there again.
pub async fn put_body(
    connection: &mut AnyConnection,
    sha256: &[u8],
    bytes: &[u8],
    now_ms: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO bodies (sha256, bytes, first_seen) VALUES ($1, $2, $3) ON CONFLICT (sha256) DO UPDATE SET \
         bytes = CASE WHEN length(bodies.bytes) = 0 THEN excluded.bytes ELSE bodies.bytes END, \
         first_seen = excluded.first_seen",
    )
    .bind(sha256.to_vec())
    .bind(bytes.to_vec())
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets the bytes of each body that was stored before, and that no head names which was signed since or is the newest of its
/// environment and kind. An expired body is a row without bytes. Answers how many there were.
pub async fn expire_bodies(
    connection: &mut AnyConnection,
    before_ms: i64,
) -> Result<u64, StoreError> {
    let expired = sqlx::query(
        "UPDATE bodies SET bytes = $2 WHERE length(bytes) > 0 AND first_seen < $1 AND NOT EXISTS ( \
           SELECT 1 FROM snapshots s WHERE s.body_sha256 = bodies.sha256 AND (s.created >= $1 OR NOT EXISTS ( \
             SELECT 1 FROM snapshots n WHERE n.environment_id = s.environment_id AND n.kind = s.kind \
             AND (n.epoch > s.epoch OR (n.epoch = s.epoch AND (n.version > s.version \
               OR (n.version = s.version AND n.created > s.created)))))))",
    )
    .bind(before_ms)
    .bind(Vec::<u8>::new())
    .execute(connection)
    .await?;
    Ok(expired.rows_affected())
}

/// Whether there was a body with this hash that is not kept any more.
pub async fn is_expired(connection: &mut AnyConnection, sha256: &[u8]) -> Result<bool, StoreError> {
    let row: Option<(i64,)> =
        sqlx::query_as("SELECT 1 FROM bodies WHERE sha256 = $1 AND length(bytes) = 0")
            .bind(sha256.to_vec())
            .fetch_optional(connection)
            .await?;
    Ok(row.is_some())
}

/// The body with this hash.
pub async fn body(
    connection: &mut AnyConnection,
    sha256: &[u8],
) -> Result<Option<Vec<u8>>, StoreError> {
    let row: Option<(Vec<u8>,)> =
        sqlx::query_as("SELECT bytes FROM bodies WHERE sha256 = $1 AND length(bytes) > 0")
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

/// The newest head of each kind of an environment that is not deleted.
pub async fn newest(
    connection: &mut AnyConnection,
    environment_id: &str,
) -> Result<Vec<StoredHead>, StoreError> {
    let of_kind = |kind: Kind| {
        let kind = kind.as_str();
        format!(
            "SELECT * FROM (SELECT environment_id, kind, epoch, version, created, head, body_sha256 FROM snapshots \
             WHERE environment_id = (SELECT id FROM environments WHERE id = $1 AND deleted_at IS NULL) \
             AND kind = '{kind}' ORDER BY epoch DESC, version DESC, created DESC LIMIT 1) AS {kind}_head"
        )
    };
    let sql = Kind::ALL.map(of_kind).join(" UNION ALL ");
    let rows: Vec<Row> =
        sqlx::query_as(AssertSqlSafe(sql)).bind(environment_id).fetch_all(connection).await?;
    Ok(rows.into_iter().map(read).collect())
}

/// What was published as this version, or last before it.
pub async fn up_to_version(
    connection: &mut AnyConnection,
    environment_id: &str,
    kind: &str,
    version: i64,
) -> Result<Option<StoredHead>, StoreError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT environment_id, kind, epoch, version, created, head, body_sha256 FROM snapshots \
         WHERE environment_id = $1 AND kind = $2 AND version <= $3 \
         ORDER BY epoch DESC, version DESC, created DESC LIMIT 1",
    )
    .bind(environment_id)
    .bind(kind)
    .bind(version)
    .fetch_optional(connection)
    .await?;
    Ok(row.map(read))
}

/// What was published at this time, Unix milliseconds.
pub async fn up_to_time(
    connection: &mut AnyConnection,
    environment_id: &str,
    kind: &str,
    time_ms: i64,
) -> Result<Option<StoredHead>, StoreError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT environment_id, kind, epoch, version, created, head, body_sha256 FROM snapshots \
         WHERE environment_id = $1 AND kind = $2 AND created <= $3 \
         ORDER BY created DESC, epoch DESC, version DESC LIMIT 1",
    )
    .bind(environment_id)
    .bind(kind)
    .bind(time_ms)
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
