//! What keeps an environment's newest revision from being published, for every replica to tell.

use sqlx::AnyConnection;

use super::StoreError;

/// An attempt that failed, or was held back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpublished {
    /// The newest revision at the last attempt.
    pub revision: i64,
    /// Why.
    pub error: String,
    /// What somebody has to look at before it is published; none: it failed.
    pub held: Option<Vec<String>>,
    /// Unix milliseconds: the first attempt in a row that ended so.
    pub since: i64,
    /// Unix milliseconds.
    pub last_attempt: i64,
    /// The revision that somebody confirmed.
    pub confirmed: Option<i64>,
}

type Row = (i64, String, Option<String>, i64, i64, Option<i64>);

/// What is the matter with the environment, if anything.
pub async fn find(
    connection: &mut AnyConnection,
    environment_id: &str,
) -> Result<Option<Unpublished>, StoreError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT revision, error, held, since, last_attempt, confirmed FROM publications WHERE environment_id = $1",
    )
    .bind(environment_id)
    .fetch_optional(connection)
    .await?;
    let Some((revision, error, held, since, last_attempt, confirmed)) = row else {
        return Ok(None);
    };
    let held = held.map(|held| serde_json::from_str(&held)).transpose().map_err(|error| {
        StoreError::Unusable(format!("why a publication is held back cannot be read ({error})"))
    })?;
    Ok(Some(Unpublished { revision, error, held, since, last_attempt, confirmed }))
}

/// Notes an attempt. What was confirmed before stays so, and the first of several in a row keeps its time.
pub async fn failed(
    connection: &mut AnyConnection,
    environment_id: &str,
    (revision, now_ms): (i64, i64),
    error: &str,
    held: Option<&[String]>,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO publications (environment_id, revision, error, held, since, last_attempt) \
         VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (environment_id) DO UPDATE SET \
         revision = excluded.revision, error = excluded.error, held = excluded.held, \
         last_attempt = excluded.last_attempt",
    )
    .bind(environment_id)
    .bind(revision)
    .bind(error)
    .bind(held.map(|held| serde_json::json!(held).to_string()))
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes that the environment may be published as it is at this revision.
pub async fn confirm(
    connection: &mut AnyConnection,
    environment_id: &str,
    revision: i64,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE publications SET confirmed = $1 WHERE environment_id = $2")
        .bind(revision)
        .bind(environment_id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Forgets it: the environment is published.
pub async fn published(
    connection: &mut AnyConnection,
    environment_id: &str,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM publications WHERE environment_id = $1")
        .bind(environment_id)
        .execute(connection)
        .await?;
    Ok(())
}
