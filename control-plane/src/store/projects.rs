//! Projects.

use schemars::JsonSchema;
use serde::Serialize;
use sqlx::AnyConnection;

use super::StoreError;

/// A project as kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Project {
    /// 32 hex digits.
    pub id: String,
    pub key: String,
    pub name: String,
    /// What the ETag says.
    pub version: i64,
    /// Unix milliseconds.
    pub created_at: i64,
}

type Row = (String, String, String, i64, i64);

fn read((id, key, name, version, created_at): Row) -> Project {
    Project { id, key, name, version, created_at }
}

/// Every project, by key.
pub async fn list(connection: &mut AnyConnection) -> Result<Vec<Project>, StoreError> {
    let rows: Vec<Row> =
        sqlx::query_as("SELECT id, key, name, version, created_at FROM projects ORDER BY key")
            .fetch_all(connection)
            .await?;
    Ok(rows.into_iter().map(read).collect())
}

/// The project with this key.
pub async fn find(
    connection: &mut AnyConnection,
    key: &str,
) -> Result<Option<Project>, StoreError> {
    let row: Option<Row> =
        sqlx::query_as("SELECT id, key, name, version, created_at FROM projects WHERE key = $1")
            .bind(key)
            .fetch_optional(connection)
            .await?;
    Ok(row.map(read))
}

/// The project with this id.
pub async fn get(connection: &mut AnyConnection, id: &str) -> Result<Option<Project>, StoreError> {
    let row: Option<Row> =
        sqlx::query_as("SELECT id, key, name, version, created_at FROM projects WHERE id = $1")
            .bind(id)
            .fetch_optional(connection)
            .await?;
    Ok(row.map(read))
}

/// Writes a new project.
pub async fn insert(connection: &mut AnyConnection, project: &Project) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO projects (id, key, name, changes, version, created_at) VALUES ($1, $2, $3, 0, $4, $5)",
    )
    .bind(&project.id)
    .bind(&project.key)
    .bind(&project.name)
    .bind(project.version)
    .bind(project.created_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes the project for this transaction and numbers the change: no other change of the project runs until this
/// transaction ends, and what is read afterwards is the newest.
pub async fn lock_for_change(
    connection: &mut AnyConnection,
    key: &str,
) -> Result<Option<(Project, i64)>, StoreError> {
    let row: Option<(String, String, String, i64, i64, i64)> = sqlx::query_as(
        "UPDATE projects SET changes = changes + 1 WHERE key = $1 \
         RETURNING id, key, name, version, created_at, changes",
    )
    .bind(key)
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|(id, key, name, version, created_at, changes)| {
        (Project { id, key, name, version, created_at }, changes)
    }))
}

/// Writes its name and version.
pub async fn update(connection: &mut AnyConnection, project: &Project) -> Result<(), StoreError> {
    sqlx::query("UPDATE projects SET name = $1, version = $2 WHERE id = $3")
        .bind(&project.name)
        .bind(project.version)
        .bind(&project.id)
        .execute(connection)
        .await?;
    Ok(())
}
