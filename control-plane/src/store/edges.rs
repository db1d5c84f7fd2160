//! What each edge said to the last push.

use schemars::JsonSchema;
use serde::Serialize;
use sqlx::AnyConnection;

use super::StoreError;

/// The state of one kind of snapshot at one edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EdgeState {
    pub url: String,
    pub environment_id: String,
    /// `client`, `server` or `edge`.
    pub kind: String,
    /// What the edge last took; zero: nothing yet.
    pub epoch: i64,
    pub version: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// Unix milliseconds.
    pub last_attempt: i64,
    /// Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_success: Option<i64>,
}

/// Every edge that was ever pushed to.
pub async fn list(connection: &mut AnyConnection) -> Result<Vec<EdgeState>, StoreError> {
    type Row = (String, String, String, i64, i64, Option<String>, i64, Option<i64>);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT url, environment_id, kind, epoch, version, last_error, last_attempt, last_success \
         FROM edges ORDER BY url, environment_id, kind",
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(
            |(
                url,
                environment_id,
                kind,
                epoch,
                version,
                last_error,
                last_attempt,
                last_success,
            )| {
                EdgeState {
                    url,
                    environment_id,
                    kind,
                    epoch,
                    version,
                    last_error,
                    last_attempt,
                    last_success,
                }
            },
        )
        .collect())
}

/// Notes how a push went. After a failure the version that the edge took before stays.
pub async fn put(connection: &mut AnyConnection, state: &EdgeState) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO edges (url, environment_id, kind, epoch, version, last_error, last_attempt, last_success) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (url, environment_id, kind) DO UPDATE SET \
         epoch = CASE WHEN excluded.last_success IS NULL THEN edges.epoch ELSE excluded.epoch END, \
         version = CASE WHEN excluded.last_success IS NULL THEN edges.version ELSE excluded.version END, \
         last_error = excluded.last_error, last_attempt = excluded.last_attempt, \
         last_success = COALESCE(excluded.last_success, edges.last_success)",
    )
    .bind(&state.url)
    .bind(&state.environment_id)
    .bind(&state.kind)
    .bind(state.epoch)
    .bind(state.version)
    .bind(state.last_error.as_deref())
    .bind(state.last_attempt)
    .bind(state.last_success)
    .execute(connection)
    .await?;
    Ok(())
}
