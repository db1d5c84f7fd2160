//! The audit log and the revisions: who changed what. Written by [`super::change`] alone.

use serde::Serialize;
use serde_json::Value;
use sqlx::AnyConnection;

use super::StoreError;

/// The most entries that one page of the log holds.
pub const MAX_PAGE: i64 = 200;

/// A page ends early with the entry that takes it past this: an entry may hold a whole segment.
pub const MAX_PAGE_BYTES: i64 = 4 * 1024 * 1024;

/// One entry.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Counts the project's changes from 1, without gaps.
    pub sequence: i64,
    /// Unix milliseconds.
    pub at: i64,
    pub author: String,
    /// `flag.created`, `flag-configuration.updated`, ...
    pub action: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment_id: Option<String>,
    /// The key or id of what was changed.
    pub target: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_value: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_value: Option<Value>,
}

/// Writes an entry.
pub async fn insert(
    connection: &mut AnyConnection,
    project_id: &str,
    entry: &Entry,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO audit_log (project_id, sequence, at, author, action, environment_id, target, old_value, new_value) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(project_id)
    .bind(entry.sequence)
    .bind(entry.at)
    .bind(&entry.author)
    .bind(&entry.action)
    .bind(entry.environment_id.as_deref())
    .bind(&entry.target)
    .bind(entry.old_value.as_ref().map(Value::to_string))
    .bind(entry.new_value.as_ref().map(Value::to_string))
    .execute(connection)
    .await?;
    Ok(())
}

/// The newest entries below `before`, newest first: at most `limit`, and at least one if there is one.
pub async fn list(
    connection: &mut AnyConnection,
    project_id: &str,
    before: i64,
    limit: i64,
) -> Result<Vec<Entry>, StoreError> {
    let limit = fitting(connection, project_id, before, limit).await?;
    type Row = (i64, i64, String, String, Option<String>, String, Option<String>, Option<String>);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT sequence, at, author, action, environment_id, target, old_value, new_value \
         FROM audit_log WHERE project_id = $1 AND sequence < $2 ORDER BY sequence DESC LIMIT $3",
    )
    .bind(project_id)
    .bind(before)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|(sequence, at, author, action, environment_id, target, old, new)| {
            Ok(Entry {
                sequence,
                at,
                author,
                action,
                environment_id,
                target,
                old_value: old.as_deref().map(parse).transpose()?,
                new_value: new.as_deref().map(parse).transpose()?,
            })
        })
        .collect()
}

/// How many of them one page holds.
async fn fitting(
    connection: &mut AnyConnection,
    project_id: &str,
    before: i64,
    limit: i64,
) -> Result<i64, StoreError> {
    let sizes: Vec<(i64,)> = sqlx::query_as(
        "SELECT CAST(COALESCE(LENGTH(old_value), 0) + COALESCE(LENGTH(new_value), 0) AS BIGINT) \
         FROM audit_log WHERE project_id = $1 AND sequence < $2 ORDER BY sequence DESC LIMIT $3",
    )
    .bind(project_id)
    .bind(before)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    let (mut entries, mut bytes) = (0, 0);
    for (size,) in sizes {
        entries += 1;
        bytes += size;
        if bytes > MAX_PAGE_BYTES {
            break;
        }
    }
    Ok(entries)
}

fn parse(text: &str) -> Result<Value, StoreError> {
    serde_json::from_str(text).map_err(|error| {
        StoreError::Unusable(format!("an audit entry holds no JSON ({error}): restore a backup"))
    })
}

/// Writes the revision that the entry made in one environment.
pub async fn insert_revision(
    connection: &mut AnyConnection,
    project_id: &str,
    environment_id: &str,
    revision: i64,
    entry: &Entry,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO revisions (environment_id, revision, project_id, sequence, author, at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(environment_id)
    .bind(revision)
    .bind(project_id)
    .bind(entry.sequence)
    .bind(&entry.author)
    .bind(entry.at)
    .execute(connection)
    .await?;
    Ok(())
}
