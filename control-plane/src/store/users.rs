//! People.

use schemars::JsonSchema;
use serde::Serialize;
use sqlx::AnyConnection;

use super::StoreError;

/// A person as kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// 32 hex digits.
    pub id: String,
    /// In lower case.
    pub email: String,
    pub name: String,
    /// An Argon2id hash; none until an invitation is accepted.
    #[serde(skip)]
    pub password: Option<String>,
    pub instance_owner: bool,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<i64>,
    /// Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_sign_in_at: Option<i64>,
}

pub(super) type Row = (String, String, String, Option<String>, i64, i64, Option<i64>, Option<i64>);

pub(super) fn read(row: Row) -> User {
    let (id, email, name, password, owner, created_at, disabled_at, last_sign_in_at) = row;
    let instance_owner = owner != 0;
    User { id, email, name, password, instance_owner, created_at, disabled_at, last_sign_in_at }
}

/// Whether there is nobody yet.
pub async fn none(connection: &mut AnyConnection) -> Result<bool, StoreError> {
    let row = sqlx::query("SELECT id FROM users LIMIT 1").fetch_optional(connection).await?;
    Ok(row.is_none())
}

/// The person with this address.
pub async fn by_email(
    connection: &mut AnyConnection,
    email: &str,
) -> Result<Option<User>, StoreError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, email, name, password, instance_owner, created_at, disabled_at, last_sign_in_at \
         FROM users WHERE email = $1",
    )
    .bind(email)
    .fetch_optional(connection)
    .await?;
    Ok(row.map(read))
}

/// The person with this id.
pub async fn get(connection: &mut AnyConnection, id: &str) -> Result<Option<User>, StoreError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, email, name, password, instance_owner, created_at, disabled_at, last_sign_in_at \
         FROM users WHERE id = $1",
    )
    .bind(id)
    .fetch_optional(connection)
    .await?;
    Ok(row.map(read))
}

/// The LIKE pattern, with a backslash for an escape, of a text that may stand anywhere.
pub(super) fn pattern(search: &str) -> String {
    let lower = search.to_lowercase();
    format!("%{}%", lower.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
}

/// At most `limit` people whose address comes after `after`, and whose address or name has `search` in it.
pub async fn list(
    connection: &mut AnyConnection,
    search: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<User>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, email, name, password, instance_owner, created_at, disabled_at, last_sign_in_at \
         FROM users WHERE email > $1 AND (email LIKE $2 ESCAPE '\\' OR LOWER(name) LIKE $2 ESCAPE '\\') \
         ORDER BY email LIMIT $3",
    )
    .bind(after)
    .bind(pattern(search))
    .bind(limit)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(read).collect())
}

/// Writes a new person.
pub async fn insert(connection: &mut AnyConnection, user: &User) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO users (id, email, name, password, instance_owner, created_at, disabled_at, last_sign_in_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&user.id)
    .bind(&user.email)
    .bind(&user.name)
    .bind(user.password.as_deref())
    .bind(i64::from(user.instance_owner))
    .bind(user.created_at)
    .bind(user.disabled_at)
    .bind(user.last_sign_in_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes everything of a person but the id and the address, which stay.
pub async fn update(connection: &mut AnyConnection, user: &User) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE users SET name = $1, password = $2, instance_owner = $3, disabled_at = $4, last_sign_in_at = $5 \
         WHERE id = $6",
    )
    .bind(&user.name)
    .bind(user.password.as_deref())
    .bind(i64::from(user.instance_owner))
    .bind(user.disabled_at)
    .bind(user.last_sign_in_at)
    .bind(&user.id)
    .execute(connection)
    .await?;
    Ok(())
}

/// Owners of the instance who can sign in.
pub async fn count_owners(connection: &mut AnyConnection) -> Result<i64, StoreError> {
    let (count,): (i64,) = sqlx::query_as(
        "SELECT COUNT(*) FROM users WHERE instance_owner = 1 AND disabled_at IS NULL",
    )
    .fetch_one(connection)
    .await?;
    Ok(count)
}
