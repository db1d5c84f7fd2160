//! Webhooks: where a project's changes are told.

use sqlx::AnyConnection;

use super::StoreError;

/// A webhook as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// 32 hex digits.
    pub id: String,
    pub project_id: String,
    pub name: String,
    /// May hold a secret of the receiver: shown to those who manage webhooks, never logged.
    pub url: String,
    /// Patterns, see [`crate::domain::webhook::takes`].
    pub events: Vec<String>,
    /// Ids; changes that concern one environment alone are told only for these. None: for all.
    pub environments: Vec<String>,
    pub enabled: bool,
    pub sealed_secret: Vec<u8>,
    /// Signs as well until `previous_until`, in Unix milliseconds.
    pub sealed_previous: Option<Vec<u8>>,
    pub previous_until: Option<i64>,
    pub version: i64,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub updated_at: i64,
}

type Row = (
    String,
    String,
    String,
    String,
    String,
    String,
    i64,
    Vec<u8>,
    Option<Vec<u8>>,
    Option<i64>,
    i64,
    i64,
    i64,
);

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, project_id, name, url, events, environments, enabled, sealed_secret, sealed_previous, \
             previous_until, version, created_at, updated_at FROM webhooks ",
            $rest
        )
    };
}

fn read(row: Row) -> Result<Webhook, StoreError> {
    let list = |text: &str| {
        serde_json::from_str(text).map_err(|error| {
            StoreError::Unusable(format!(
                "webhook {} cannot be read ({error}): write it again",
                row.0
            ))
        })
    };
    Ok(Webhook {
        events: list(&row.4)?,
        environments: list(&row.5)?,
        id: row.0,
        project_id: row.1,
        name: row.2,
        url: row.3,
        enabled: row.6 != 0,
        sealed_secret: row.7,
        sealed_previous: row.8,
        previous_until: row.9,
        version: row.10,
        created_at: row.11,
        updated_at: row.12,
    })
}

/// The webhooks of a project, oldest first.
pub async fn list(
    connection: &mut AnyConnection,
    project_id: &str,
) -> Result<Vec<Webhook>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(select!("WHERE project_id = $1 ORDER BY created_at, id"))
        .bind(project_id)
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(read).collect()
}

/// The webhook with this id.
pub async fn get(connection: &mut AnyConnection, id: &str) -> Result<Option<Webhook>, StoreError> {
    let row: Option<Row> =
        sqlx::query_as(select!("WHERE id = $1")).bind(id).fetch_optional(connection).await?;
    row.map(read).transpose()
}

fn json(list: &[String]) -> String {
    serde_json::json!(list).to_string()
}

/// Writes a webhook, a new one or over the one with its id.
pub async fn put(connection: &mut AnyConnection, webhook: &Webhook) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO webhooks (id, project_id, name, url, events, environments, enabled, sealed_secret, sealed_previous, \
         previous_until, version, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, url = excluded.url, events = excluded.events, \
         environments = excluded.environments, enabled = excluded.enabled, sealed_secret = excluded.sealed_secret, \
         sealed_previous = excluded.sealed_previous, previous_until = excluded.previous_until, \
         version = excluded.version, updated_at = excluded.updated_at",
    )
    .bind(&webhook.id)
    .bind(&webhook.project_id)
    .bind(&webhook.name)
    .bind(&webhook.url)
    .bind(json(&webhook.events))
    .bind(json(&webhook.environments))
    .bind(i64::from(webhook.enabled))
    .bind(webhook.sealed_secret.clone())
    .bind(webhook.sealed_previous.clone())
    .bind(webhook.previous_until)
    .bind(webhook.version)
    .bind(webhook.created_at)
    .bind(webhook.updated_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes a webhook and its deliveries.
pub async fn delete(connection: &mut AnyConnection, id: &str) -> Result<(), StoreError> {
    for statement in [
        "DELETE FROM webhook_deliveries WHERE webhook_id = $1",
        "DELETE FROM webhooks WHERE id = $1",
    ] {
        sqlx::query(statement).bind(id).execute(&mut *connection).await?;
    }
    Ok(())
}
