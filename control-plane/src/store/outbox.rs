//! Revisions that no published snapshot shows yet. A row is written in the transaction of its change and removed in the
//! transaction that stores the signed heads, so a change that was acknowledged is published even after kill -9.

use sqlx::AnyConnection;

use super::StoreError;

/// Notes that the revision has to be published.
pub async fn insert(
    connection: &mut AnyConnection,
    environment_id: &str,
    revision: i64,
    now_ms: i64,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO outbox (environment_id, revision, at) VALUES ($1, $2, $3)")
        .bind(environment_id)
        .bind(revision)
        .bind(now_ms)
        .execute(connection)
        .await?;
    Ok(())
}

/// The environments that have something to publish, longest waiting first.
pub async fn waiting(connection: &mut AnyConnection) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> = sqlx::query_as(
        "SELECT environment_id FROM outbox GROUP BY environment_id ORDER BY MIN(at), environment_id",
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// When the longest waiting of the revisions up to this one was made, in Unix milliseconds.
pub async fn oldest(
    connection: &mut AnyConnection,
    environment_id: &str,
    revision: i64,
) -> Result<Option<i64>, StoreError> {
    let (at,): (Option<i64>,) =
        sqlx::query_as("SELECT MIN(at) FROM outbox WHERE environment_id = $1 AND revision <= $2")
            .bind(environment_id)
            .bind(revision)
            .fetch_one(connection)
            .await?;
    Ok(at)
}

/// Forgets what the snapshot of `revision` shows.
pub async fn remove_up_to(
    connection: &mut AnyConnection,
    environment_id: &str,
    revision: i64,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM outbox WHERE environment_id = $1 AND revision <= $2")
        .bind(environment_id)
        .bind(revision)
        .execute(connection)
        .await?;
    Ok(())
}
