//! What lets a person in without a password: sessions of browsers, families of refresh tokens, invitations. Of each only the SHA-256.

use schemars::JsonSchema;
use serde::Serialize;
use sqlx::AnyConnection;

use super::StoreError;
use super::users::{self, User};

/// A session as kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// 32 hex digits.
    pub id: String,
    #[serde(skip)]
    pub user_id: String,
    #[serde(skip)]
    pub sha256: Vec<u8>,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds, kept to a few minutes.
    pub last_seen_at: i64,
    /// Where it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

type Row = (String, String, Vec<u8>, i64, i64, Option<String>, Option<String>);

fn read(row: Row) -> Session {
    let (id, user_id, sha256, created_at, last_seen_at, address, user_agent) = row;
    Session { id, user_id, sha256, created_at, last_seen_at, address, user_agent }
}

/// The session with this hash, and whose it is.
pub async fn session(
    connection: &mut AnyConnection,
    sha256: &[u8],
) -> Result<Option<(Session, User)>, StoreError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, user_id, sha256, created_at, last_seen_at, address, user_agent FROM sessions WHERE sha256 = $1",
    )
    .bind(sha256.to_vec())
    .fetch_optional(&mut *connection)
    .await?;
    let Some(session) = row.map(read) else { return Ok(None) };
    let user = users::get(connection, &session.user_id).await?;
    Ok(user.map(|user| (session, user)))
}

/// A person's sessions, the last used first.
pub async fn sessions(
    connection: &mut AnyConnection,
    user_id: &str,
) -> Result<Vec<Session>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, user_id, sha256, created_at, last_seen_at, address, user_agent FROM sessions \
         WHERE user_id = $1 ORDER BY last_seen_at DESC, id",
    )
    .bind(user_id)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(read).collect())
}

/// Writes a new session; of the person's others, the `most - 1` that were used last stay.
pub async fn insert_session(
    connection: &mut AnyConnection,
    session: &Session,
    most: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM sessions WHERE user_id = $1 AND id NOT IN \
         (SELECT id FROM sessions WHERE user_id = $1 ORDER BY last_seen_at DESC LIMIT $2)",
    )
    .bind(&session.user_id)
    .bind(most - 1)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "INSERT INTO sessions (id, user_id, sha256, created_at, last_seen_at, address, user_agent) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&session.id)
    .bind(&session.user_id)
    .bind(&session.sha256)
    .bind(session.created_at)
    .bind(session.last_seen_at)
    .bind(session.address.as_deref())
    .bind(session.user_agent.as_deref())
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes that a session was used.
pub async fn touch_session(
    connection: &mut AnyConnection,
    id: &str,
    now_ms: i64,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE sessions SET last_seen_at = $1 WHERE id = $2")
        .bind(now_ms)
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Ends one session of a person; answers whether there was one.
pub async fn end_session(
    connection: &mut AnyConnection,
    user_id: &str,
    id: &str,
) -> Result<bool, StoreError> {
    let ended = sqlx::query("DELETE FROM sessions WHERE user_id = $1 AND id = $2")
        .bind(user_id)
        .bind(id)
        .execute(connection)
        .await?;
    Ok(ended.rows_affected() > 0)
}

/// Ends everything that lets a person in but this session, and takes back an invitation.
pub async fn end_all(
    connection: &mut AnyConnection,
    user_id: &str,
    but_session: &str,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM sessions WHERE user_id = $1 AND id <> $2")
        .bind(user_id)
        .bind(but_session)
        .execute(&mut *connection)
        .await?;
    for statement in [
        "DELETE FROM token_families WHERE user_id = $1",
        "DELETE FROM invitations WHERE user_id = $1",
    ] {
        sqlx::query(statement).bind(user_id).execute(&mut *connection).await?;
    }
    Ok(())
}

/// A sign-in of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// 32 hex digits.
    pub id: String,
    pub user_id: String,
    /// Of its newest refresh token.
    pub sha256: Vec<u8>,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub expires_at: i64,
}

/// The family with this id. In a transaction that writes, nobody else refreshes it until that ends.
pub async fn family(
    connection: &mut AnyConnection,
    id: &str,
) -> Result<Option<Family>, StoreError> {
    let row: Option<(String, String, Vec<u8>, i64, i64)> = sqlx::query_as(
        "SELECT id, user_id, sha256, created_at, expires_at FROM token_families WHERE id = $1",
    )
    .bind(id)
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|(id, user_id, sha256, created_at, expires_at)| Family {
        id,
        user_id,
        sha256,
        created_at,
        expires_at,
    }))
}

/// Writes a new family; of the person's others, the `most - 1` that were refreshed last stay.
pub async fn insert_family(
    connection: &mut AnyConnection,
    family: &Family,
    most: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM token_families WHERE user_id = $1 AND id NOT IN \
         (SELECT id FROM token_families WHERE user_id = $1 ORDER BY refreshed_at DESC LIMIT $2)",
    )
    .bind(&family.user_id)
    .bind(most - 1)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "INSERT INTO token_families (id, user_id, sha256, created_at, refreshed_at, expires_at) \
         VALUES ($1, $2, $3, $4, $4, $5)",
    )
    .bind(&family.id)
    .bind(&family.user_id)
    .bind(&family.sha256)
    .bind(family.created_at)
    .bind(family.expires_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// Puts a new refresh token in the place of `old`; answers whether `old` was still the newest.
pub async fn rotate_family(
    connection: &mut AnyConnection,
    id: &str,
    old: &[u8],
    new: &[u8],
    now_ms: i64,
) -> Result<bool, StoreError> {
    let rotated = sqlx::query(
        "UPDATE token_families SET sha256 = $1, refreshed_at = $2 WHERE id = $3 AND sha256 = $4",
    )
    .bind(new.to_vec())
    .bind(now_ms)
    .bind(id)
    .bind(old.to_vec())
    .execute(connection)
    .await?;
    Ok(rotated.rows_affected() > 0)
}

/// Ends a family.
pub async fn end_family(connection: &mut AnyConnection, id: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM token_families WHERE id = $1").bind(id).execute(connection).await?;
    Ok(())
}

/// Writes an invitation in the place of an older one.
pub async fn put_invitation(
    connection: &mut AnyConnection,
    user_id: &str,
    sha256: &[u8],
    now_ms: i64,
    expires_at: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO invitations (user_id, sha256, created_at, expires_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (user_id) DO UPDATE SET sha256 = excluded.sha256, created_at = excluded.created_at, \
         expires_at = excluded.expires_at",
    )
    .bind(user_id)
    .bind(sha256.to_vec())
    .bind(now_ms)
    .bind(expires_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// Whose invitation this is, and when it ends.
pub async fn invitation(
    connection: &mut AnyConnection,
    sha256: &[u8],
) -> Result<Option<(String, i64)>, StoreError> {
    Ok(sqlx::query_as("SELECT user_id, expires_at FROM invitations WHERE sha256 = $1")
        .bind(sha256.to_vec())
        .fetch_optional(connection)
        .await?)
}

/// Uses an invitation up; answers whether it was there.
pub async fn take_invitation(
    connection: &mut AnyConnection,
    sha256: &[u8],
) -> Result<bool, StoreError> {
    let taken = sqlx::query("DELETE FROM invitations WHERE sha256 = $1")
        .bind(sha256.to_vec())
        .execute(connection)
        .await?;
    Ok(taken.rows_affected() > 0)
}
