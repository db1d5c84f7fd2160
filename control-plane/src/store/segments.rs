//! The segments of a project: a key, its JSON, a version.

use sqlx::AnyConnection;

use super::StoreError;
use super::flags::Stored;

type Row = (String, String, i64, i64);

fn read((key, json, version, updated_at): Row) -> Stored {
    Stored { key, json, version, updated_at }
}

/// All of them, by key.
pub async fn list(
    connection: &mut AnyConnection,
    project_id: &str,
) -> Result<Vec<Stored>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT key, definition, version, updated_at FROM segments WHERE project_id = $1 ORDER BY key",
    )
    .bind(project_id)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(read).collect())
}

/// One of them.
pub async fn find(
    connection: &mut AnyConnection,
    project_id: &str,
    key: &str,
) -> Result<Option<Stored>, StoreError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT key, definition, version, updated_at FROM segments WHERE project_id = $1 AND key = $2",
    )
    .bind(project_id)
    .bind(key)
    .fetch_optional(connection)
    .await?;
    Ok(row.map(read))
}

/// Writes it, new or over the old.
pub async fn put(
    connection: &mut AnyConnection,
    project_id: &str,
    key: &str,
    definition: &str,
    version: i64,
    now_ms: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO segments (project_id, key, definition, version, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (project_id, key) DO UPDATE \
         SET definition = excluded.definition, version = excluded.version, updated_at = excluded.updated_at",
    )
    .bind(project_id)
    .bind(key)
    .bind(definition)
    .bind(version)
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes it.
pub async fn delete(
    connection: &mut AnyConnection,
    project_id: &str,
    key: &str,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM segments WHERE project_id = $1 AND key = $2")
        .bind(project_id)
        .bind(key)
        .execute(connection)
        .await?;
    Ok(())
}
