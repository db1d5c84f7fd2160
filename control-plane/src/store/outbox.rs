//! Revisions that no published snapshot shows yet. A row is written in the transaction of its change and removed in the
//! transaction that stores the signed heads, so a change that was acknowledged is published even after kill -9.

use sqlx::{AnyConnection, AssertSqlSafe};

use super::{StoreError, rows};

/// Notes that the newest revision of each of these environments has to be published.
pub async fn insert(
    connection: &mut AnyConnection,
    environment_ids: &[String],
    now_ms: i64,
) -> Result<(), StoreError> {
    for some in environment_ids.chunks(rows::AT_ONCE) {
        let sql = format!(
            "INSERT INTO outbox (environment_id, revision, at) \
             SELECT id, revision, CAST($1 AS BIGINT) FROM environments WHERE id IN ({})",
            rows::list(2, some.len())
        );
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(now_ms);
        for id in some {
            query = query.bind(id);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// An environment that has something to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub environment_id: String,
    /// The newest revision that waits.
    pub revision: i64,
    /// Unix milliseconds: when the longest waiting one was made.
    pub since: i64,
}

/// The environments that have something to publish, longest waiting first.
pub async fn waiting(connection: &mut AnyConnection) -> Result<Vec<Waiting>, StoreError> {
    let rows: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT environment_id, MAX(revision), MIN(at) FROM outbox GROUP BY environment_id ORDER BY MIN(at), environment_id",
    )
    .fetch_all(connection)
    .await?;
    let waiting = rows.into_iter().map(|(environment_id, revision, since)| Waiting {
        environment_id,
        revision,
        since,
    });
    Ok(waiting.collect())
}

/// How many revisions of an environment wait, and since when; `None` when none does.
pub async fn waiting_in(
    connection: &mut AnyConnection,
    environment_id: &str,
) -> Result<Option<(i64, i64)>, StoreError> {
    let (count, since): (i64, Option<i64>) =
        sqlx::query_as("SELECT COUNT(*), MIN(at) FROM outbox WHERE environment_id = $1")
            .bind(environment_id)
            .fetch_one(connection)
            .await?;
    Ok(since.map(|since| (count, since)))
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
