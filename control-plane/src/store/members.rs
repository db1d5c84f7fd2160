//! Who belongs to which project, and as what.

use std::collections::BTreeMap;

use serde_json::json;
use sqlx::AnyConnection;

use super::{StoreError, users};
use crate::domain::role::{Grant, Role};

/// Reads a role and where it is narrowed. What cannot be read gives no rights: it is an error, never a guess.
pub(super) fn read_grant(role: &str, environments: &str) -> Result<Grant, StoreError> {
    let damaged =
        || StoreError::Unusable("a role in the database is damaged: restore a backup".to_owned());
    let role = Role::parse(role).ok_or_else(damaged)?;
    let environments: BTreeMap<String, Role> =
        serde_json::from_str(environments).map_err(|_| damaged())?;
    Ok(Grant { role, environments })
}

pub(super) fn write_environments(grant: &Grant) -> String {
    json!(grant.environments).to_string()
}

/// What a user is in each of their projects, by the project's id.
pub async fn grants(
    connection: &mut AnyConnection,
    user_id: &str,
) -> Result<BTreeMap<String, Grant>, StoreError> {
    let rows: Vec<(String, String, String)> =
        sqlx::query_as("SELECT project_id, role, environments FROM members WHERE user_id = $1")
            .bind(user_id)
            .fetch_all(connection)
            .await?;
    rows.into_iter()
        .map(|(project_id, role, environments)| Ok((project_id, read_grant(&role, &environments)?)))
        .collect()
}

/// A person in a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub user_id: String,
    pub email: String,
    pub name: String,
    pub grant: Grant,
    /// The number of the change that wrote it.
    pub version: i64,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub updated_at: i64,
}

type Row = (String, String, String, String, String, i64, i64, i64);

fn read(row: Row) -> Result<Member, StoreError> {
    let (user_id, email, name, role, environments, version, created_at, updated_at) = row;
    let grant = read_grant(&role, &environments)?;
    Ok(Member { user_id, email, name, grant, version, created_at, updated_at })
}

/// At most `limit` members of a project whose address comes after `after`, and whose address or name has `search` in it.
pub async fn list(
    connection: &mut AnyConnection,
    project_id: &str,
    search: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<Member>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT user_id, email, name, role, environments, version, members.created_at, updated_at \
         FROM members JOIN users ON users.id = user_id WHERE project_id = $1 AND email > $2 \
         AND (email LIKE $3 ESCAPE '\\' OR LOWER(name) LIKE $3 ESCAPE '\\') ORDER BY email LIMIT $4",
    )
    .bind(project_id)
    .bind(after)
    .bind(users::pattern(search))
    .bind(limit)
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(read).collect()
}

/// One member.
pub async fn find(
    connection: &mut AnyConnection,
    project_id: &str,
    user_id: &str,
) -> Result<Option<Member>, StoreError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT user_id, email, name, role, environments, version, members.created_at, updated_at \
         FROM members JOIN users ON users.id = user_id WHERE project_id = $1 AND user_id = $2",
    )
    .bind(project_id)
    .bind(user_id)
    .fetch_optional(connection)
    .await?;
    row.map(read).transpose()
}

/// Writes a member, new or over the old.
pub async fn put(
    connection: &mut AnyConnection,
    project_id: &str,
    user_id: &str,
    grant: &Grant,
    version: i64,
    now_ms: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO members (project_id, user_id, role, environments, version, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (project_id, user_id) DO UPDATE \
         SET role = excluded.role, environments = excluded.environments, version = excluded.version, \
         updated_at = excluded.updated_at",
    )
    .bind(project_id)
    .bind(user_id)
    .bind(grant.role.as_str())
    .bind(write_environments(grant))
    .bind(version)
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes a member.
pub async fn delete(
    connection: &mut AnyConnection,
    project_id: &str,
    user_id: &str,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM members WHERE project_id = $1 AND user_id = $2")
        .bind(project_id)
        .bind(user_id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Members of a project with the role owner.
pub async fn count_owners(
    connection: &mut AnyConnection,
    project_id: &str,
) -> Result<i64, StoreError> {
    let (count,): (i64,) =
        sqlx::query_as("SELECT COUNT(*) FROM members WHERE project_id = $1 AND role = 'owner'")
            .bind(project_id)
            .fetch_one(connection)
            .await?;
    Ok(count)
}

/// Members of a project.
pub async fn count(connection: &mut AnyConnection, project_id: &str) -> Result<i64, StoreError> {
    let (count,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM members WHERE project_id = $1")
        .bind(project_id)
        .fetch_one(connection)
        .await?;
    Ok(count)
}

/// Takes an environment out of every role that is narrowed in it.
pub(super) async fn forget_environment(
    connection: &mut AnyConnection,
    project_id: &str,
    environment_id: &str,
) -> Result<(), StoreError> {
    let rows: Vec<(String, String, String)> =
        sqlx::query_as("SELECT user_id, role, environments FROM members WHERE project_id = $1")
            .bind(project_id)
            .fetch_all(&mut *connection)
            .await?;
    for (user_id, role, environments) in rows {
        let mut grant = read_grant(&role, &environments)?;
        if grant.environments.remove(environment_id).is_some() {
            sqlx::query(
                "UPDATE members SET environments = $1 WHERE project_id = $2 AND user_id = $3",
            )
            .bind(write_environments(&grant))
            .bind(project_id)
            .bind(user_id)
            .execute(&mut *connection)
            .await?;
        }
    }
    Ok(())
}
