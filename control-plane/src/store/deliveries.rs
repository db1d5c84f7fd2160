//! What webhooks were told, and what they still have to be told. A row is written in the transaction of its change, so that no crash
//! loses one; whoever sends it claims it for a while, so that replicas do not send it twice.

use schemars::JsonSchema;
use serde::Serialize;
use sqlx::AnyConnection;

use super::StoreError;
use super::audit::Entry;
use super::webhooks;
use crate::domain::webhook::takes;

/// Deliveries of one webhook that one claim takes: a receiver that is slow holds up no other.
const MAX_CLAIMED_PER_WEBHOOK: i64 = 4;
/// Ended deliveries that are kept of each webhook.
pub const MAX_ENDED: i64 = 1_000;
/// Waiting deliveries of one webhook; the oldest beyond are given up.
pub const MAX_WAITING: i64 = 10_000;

/// A delivery as kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "WebhookDelivery")]
pub struct Delivery {
    /// 32 hex digits, and the message's `webhook-id`: the same in every attempt.
    pub id: String,
    pub webhook_id: String,
    #[serde(skip)]
    pub project_id: String,
    /// The entry of the audit log that it tells of.
    pub sequence: i64,
    pub event: String,
    /// `waiting`, `delivered` or `failed`.
    pub state: String,
    pub attempts: i64,
    /// When it is tried next, in Unix milliseconds; of one that waits.
    pub not_before: i64,
    #[serde(skip)]
    pub claimed_until: i64,
    /// Unix milliseconds.
    pub last_attempt_at: Option<i64>,
    /// The receiver's HTTP status.
    pub last_status: Option<i64>,
    pub last_error: Option<String>,
    pub last_duration_ms: Option<i64>,
    /// Unix milliseconds.
    pub created_at: i64,
}

type Row = (
    String,
    String,
    String,
    i64,
    String,
    String,
    i64,
    i64,
    i64,
    Option<i64>,
    Option<i64>,
    Option<String>,
    Option<i64>,
    i64,
);

macro_rules! columns {
    () => {
        "id, webhook_id, project_id, sequence, event, state, attempts, not_before, claimed_until, last_attempt_at, \
         last_status, last_error, last_duration_ms, created_at"
    };
}

fn read(row: Row) -> Delivery {
    Delivery {
        id: row.0,
        webhook_id: row.1,
        project_id: row.2,
        sequence: row.3,
        event: row.4,
        state: row.5,
        attempts: row.6,
        not_before: row.7,
        claimed_until: row.8,
        last_attempt_at: row.9,
        last_status: row.10,
        last_error: row.11,
        last_duration_ms: row.12,
        created_at: row.13,
    }
}

/// Writes a delivery for each webhook of the project that wants to know of the entry.
pub async fn insert_for(
    connection: &mut AnyConnection,
    project_id: &str,
    entry: &Entry,
) -> Result<(), StoreError> {
    for webhook in webhooks::list(connection, project_id).await? {
        let here = entry
            .environment_id
            .as_ref()
            .is_none_or(|id| webhook.environments.is_empty() || webhook.environments.contains(id));
        if !webhook.enabled || !here || !takes(&webhook.events, &entry.action) {
            continue;
        }
        // Unique without randomness: a webhook is told of an entry once.
        let id = format!("{}-{}", webhook.id, entry.sequence);
        sqlx::query(
            "INSERT INTO webhook_deliveries (id, webhook_id, project_id, sequence, event, state, attempts, not_before, \
             claimed_until, created_at) VALUES ($1, $2, $3, $4, $5, 'waiting', 0, $6, 0, $6)",
        )
        .bind(id)
        .bind(&webhook.id)
        .bind(project_id)
        .bind(entry.sequence)
        .bind(&entry.action)
        .bind(entry.at)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Whether something may be sent now.
pub async fn any_due(connection: &mut AnyConnection, now_ms: i64) -> Result<bool, StoreError> {
    let row: Option<(String,)> = sqlx::query_as(
        "SELECT id FROM webhook_deliveries WHERE state = 'waiting' AND not_before <= $1 AND claimed_until <= $1 LIMIT 1",
    )
    .bind(now_ms)
    .fetch_optional(connection)
    .await?;
    Ok(row.is_some())
}

/// Takes what is due for whoever calls, until `until`; each counts as an attempt. The outer conditions are asked again once another
/// replica's claim has committed, so one row is never claimed by two.
pub async fn claim(
    connection: &mut AnyConnection,
    now_ms: i64,
    until: i64,
    limit: i64,
) -> Result<Vec<Delivery>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(concat!(
        "UPDATE webhook_deliveries SET claimed_until = $1, attempts = attempts + 1, last_attempt_at = $2 \
         WHERE id IN (SELECT id FROM (SELECT id, not_before, ROW_NUMBER() OVER (PARTITION BY webhook_id \
         ORDER BY not_before, sequence) AS turn FROM webhook_deliveries WHERE state = 'waiting' AND not_before <= $2 \
         AND claimed_until <= $2) AS due WHERE turn <= $3 ORDER BY not_before LIMIT $4) \
         AND state = 'waiting' AND not_before <= $2 AND claimed_until <= $2 RETURNING ",
        columns!()
    ))
    .bind(until)
    .bind(now_ms)
    .bind(MAX_CLAIMED_PER_WEBHOOK)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(read).collect())
}

/// Notes how an attempt ended: delivered, to be tried again at `retry_at`, or given up. Nothing is noted when the claim ran out and
/// somebody else has it.
pub async fn settle(
    connection: &mut AnyConnection,
    delivery: &Delivery,
    retry_at: Option<i64>,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE webhook_deliveries SET state = $3, not_before = $4, claimed_until = 0, last_status = $5, last_error = $6, \
         last_duration_ms = $7 WHERE id = $1 AND claimed_until = $2",
    )
    .bind(&delivery.id)
    .bind(delivery.claimed_until)
    .bind(&delivery.state)
    .bind(retry_at.unwrap_or(delivery.not_before))
    .bind(delivery.last_status)
    .bind(delivery.last_error.as_deref())
    .bind(delivery.last_duration_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// The deliveries of a webhook before `before` (creation and id), newest first; of one state or of all.
pub async fn list(
    connection: &mut AnyConnection,
    webhook_id: &str,
    state: Option<&str>,
    before: (i64, &str),
    limit: i64,
) -> Result<Vec<Delivery>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(concat!(
        "SELECT ",
        columns!(),
        " FROM webhook_deliveries WHERE webhook_id = $1 AND (CAST($2 AS TEXT) IS NULL OR state = $2) \
         AND (created_at < $3 OR (created_at = $3 AND id < $4)) ORDER BY created_at DESC, id DESC LIMIT $5"
    ))
    .bind(webhook_id)
    .bind(state)
    .bind(before.0)
    .bind(before.1)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(read).collect())
}

/// Lets a delivery that has ended be tried anew from the start. Says whether there was one.
pub async fn redeliver(
    connection: &mut AnyConnection,
    webhook_id: &str,
    id: &str,
    now_ms: i64,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE webhook_deliveries SET state = 'waiting', attempts = 0, not_before = $3, claimed_until = 0 \
         WHERE id = $1 AND webhook_id = $2 AND state <> 'waiting'",
    )
    .bind(id)
    .bind(webhook_id)
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// The delivery of this webhook with this id.
pub async fn find(
    connection: &mut AnyConnection,
    webhook_id: &str,
    id: &str,
) -> Result<Option<Delivery>, StoreError> {
    let row: Option<Row> = sqlx::query_as(concat!(
        "SELECT ",
        columns!(),
        " FROM webhook_deliveries WHERE id = $1 AND webhook_id = $2"
    ))
    .bind(id)
    .bind(webhook_id)
    .fetch_optional(connection)
    .await?;
    Ok(row.map(read))
}

/// Gives up what a webhook that was turned off still had to be told.
pub async fn give_up(connection: &mut AnyConnection, webhook_id: &str) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE webhook_deliveries SET state = 'failed', claimed_until = 0, last_error = 'the webhook was turned off' \
         WHERE webhook_id = $1 AND state = 'waiting'",
    )
    .bind(webhook_id)
    .execute(connection)
    .await?;
    Ok(())
}

/// Keeps the log short: of each webhook the newest [`MAX_ENDED`] that have ended, none of them from before `ended_before`, and at most
/// [`MAX_WAITING`] that wait.
pub async fn prune(connection: &mut AnyConnection, ended_before: i64) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE webhook_deliveries SET state = 'failed', claimed_until = 0, last_error = 'too many were waiting' \
         WHERE id IN (SELECT id FROM (SELECT id, ROW_NUMBER() OVER (PARTITION BY webhook_id ORDER BY created_at DESC, id DESC) \
         AS place FROM webhook_deliveries WHERE state = 'waiting') AS waiting WHERE place > $1)",
    )
    .bind(MAX_WAITING)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "DELETE FROM webhook_deliveries WHERE state <> 'waiting' AND (created_at < $1 OR id IN (SELECT id FROM \
         (SELECT id, ROW_NUMBER() OVER (PARTITION BY webhook_id ORDER BY created_at DESC, id DESC) AS place \
         FROM webhook_deliveries WHERE state <> 'waiting') AS ended WHERE place > $2))",
    )
    .bind(ended_before)
    .bind(MAX_ENDED)
    .execute(connection)
    .await?;
    Ok(())
}
