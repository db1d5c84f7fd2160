//! Tokens of the admin API. The token itself is shown once and never kept.

use sqlx::AnyConnection;

use super::StoreError;
use super::members::{read_grant, write_environments};
use crate::domain::role::Grant;

/// A token as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// 32 hex digits.
    pub id: String,
    pub name: String,
    /// The first characters, to recognise it by.
    pub prefix: String,
    pub sha256: Vec<u8>,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub expires_at: Option<i64>,
    /// Unix milliseconds.
    pub revoked_at: Option<i64>,
    /// The project's id and the role there; none is the owner of the instance.
    pub scope: Option<(String, Grant)>,
    /// The id of the user who made it, and has at least as much.
    pub made_by_user: Option<String>,
    /// Unix milliseconds; kept to the minute.
    pub last_used_at: Option<i64>,
}

type Row = (
    String,
    String,
    String,
    Vec<u8>,
    i64,
    Option<i64>,
    Option<i64>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<i64>,
);

fn read(row: Row) -> Result<Token, StoreError> {
    let (id, name, prefix, sha256, created_at, expires_at, revoked_at) =
        (row.0, row.1, row.2, row.3, row.4, row.5, row.6);
    let scope = match (row.7, row.8) {
        (None, _) => None,
        (Some(project_id), role) => {
            let role = role.unwrap_or_default();
            Some((project_id, read_grant(&role, row.9.as_deref().unwrap_or("{}"))?))
        }
    };
    let (made_by_user, last_used_at) = (row.10, row.11);
    Ok(Token {
        id,
        name,
        prefix,
        sha256,
        created_at,
        expires_at,
        revoked_at,
        scope,
        made_by_user,
        last_used_at,
    })
}

/// The token with this hash.
pub async fn find(
    connection: &mut AnyConnection,
    sha256: &[u8],
) -> Result<Option<Token>, StoreError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, name, prefix, sha256, created_at, expires_at, revoked_at, project_id, role, environments, \
         made_by_user, last_used_at FROM api_tokens WHERE sha256 = $1",
    )
    .bind(sha256.to_vec())
    .fetch_optional(connection)
    .await?;
    row.map(read).transpose()
}

/// Writes a new token.
pub async fn insert(connection: &mut AnyConnection, token: &Token) -> Result<(), StoreError> {
    let grant = token.scope.as_ref().map(|(_, grant)| grant);
    sqlx::query(
        "INSERT INTO api_tokens (id, name, prefix, sha256, created_at, expires_at, revoked_at, project_id, role, \
         environments, made_by_user) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(&token.id)
    .bind(&token.name)
    .bind(&token.prefix)
    .bind(&token.sha256)
    .bind(token.created_at)
    .bind(token.expires_at)
    .bind(token.revoked_at)
    .bind(token.scope.as_ref().map(|(project_id, _)| project_id))
    .bind(grant.map(|grant| grant.role.as_str()))
    .bind(grant.map(write_environments))
    .bind(token.made_by_user.as_deref())
    .execute(connection)
    .await?;
    Ok(())
}

impl Token {
    /// Whether it is neither revoked nor expired.
    pub fn is_live(&self, now_ms: i64) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| now_ms < at)
    }
}

/// At most `limit` tokens of a project: those that are neither revoked nor expired before all others, then the newest.
pub async fn list(
    connection: &mut AnyConnection,
    project_id: &str,
    now_ms: i64,
    limit: i64,
) -> Result<Vec<Token>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, name, prefix, sha256, created_at, expires_at, revoked_at, project_id, role, environments, \
         made_by_user, last_used_at FROM api_tokens WHERE project_id = $1 ORDER BY \
         CASE WHEN revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2) THEN 0 ELSE 1 END, \
         created_at DESC, id LIMIT $3",
    )
    .bind(project_id)
    .bind(now_ms)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(read).collect()
}

/// One token of a project.
pub async fn get(
    connection: &mut AnyConnection,
    project_id: &str,
    id: &str,
) -> Result<Option<Token>, StoreError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, name, prefix, sha256, created_at, expires_at, revoked_at, project_id, role, environments, \
         made_by_user, last_used_at FROM api_tokens WHERE project_id = $1 AND id = $2",
    )
    .bind(project_id)
    .bind(id)
    .fetch_optional(connection)
    .await?;
    row.map(read).transpose()
}

/// Whether a token of the project, or of the instance's owner, has this name, or had it: the audit log tells them apart by it.
pub async fn is_named(
    connection: &mut AnyConnection,
    project_id: &str,
    name: &str,
) -> Result<bool, StoreError> {
    let row = sqlx::query(
        "SELECT id FROM api_tokens WHERE name = $1 AND (project_id = $2 OR project_id IS NULL) LIMIT 1",
    )
    .bind(name)
    .bind(project_id)
    .fetch_optional(connection)
    .await?;
    Ok(row.is_some())
}

/// How many tokens of the project are neither revoked nor expired.
pub async fn count_live(
    connection: &mut AnyConnection,
    project_id: &str,
    now_ms: i64,
) -> Result<i64, StoreError> {
    let (count,): (i64,) = sqlx::query_as(
        "SELECT COUNT(*) FROM api_tokens WHERE project_id = $1 AND revoked_at IS NULL \
         AND (expires_at IS NULL OR expires_at > $2)",
    )
    .bind(project_id)
    .bind(now_ms)
    .fetch_one(connection)
    .await?;
    Ok(count)
}

/// Revokes a token; one that was revoked keeps its time.
pub async fn revoke(
    connection: &mut AnyConnection,
    id: &str,
    now_ms: i64,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE api_tokens SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL")
        .bind(now_ms)
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Notes that a token was used.
pub async fn touch(
    connection: &mut AnyConnection,
    id: &str,
    now_ms: i64,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE api_tokens SET last_used_at = $1 WHERE id = $2")
        .bind(now_ms)
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Takes an environment out of every token's role that is narrowed in it.
pub(super) async fn forget_environment(
    connection: &mut AnyConnection,
    project_id: &str,
    environment_id: &str,
) -> Result<(), StoreError> {
    let rows: Vec<(String, Option<String>, Option<String>)> =
        sqlx::query_as("SELECT id, role, environments FROM api_tokens WHERE project_id = $1")
            .bind(project_id)
            .fetch_all(&mut *connection)
            .await?;
    for (id, role, environments) in rows {
        let mut grant =
            read_grant(&role.unwrap_or_default(), environments.as_deref().unwrap_or("{}"))?;
        if grant.environments.remove(environment_id).is_some() {
            sqlx::query("UPDATE api_tokens SET environments = $1 WHERE id = $2")
                .bind(write_environments(&grant))
                .bind(id)
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(())
}
