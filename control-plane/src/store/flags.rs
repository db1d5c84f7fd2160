//! Flags: what they are (once a project) and what they do (once an environment). The JSON is the domain's business.

use sqlx::AnyConnection;

use super::StoreError;
use super::versions::{self, Object};

/// A row with JSON in it, and the version that an ETag names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub key: String,
    /// The definition or the configuration.
    pub json: String,
    /// The project's number of the change that wrote it; it rises and never comes again.
    pub version: i64,
    /// Unix milliseconds.
    pub updated_at: i64,
}

type Row = (String, String, i64, i64);

fn read((key, json, version, updated_at): Row) -> Stored {
    Stored { key, json, version, updated_at }
}

/// The definitions of a project, by key.
pub async fn list(
    connection: &mut AnyConnection,
    project_id: &str,
) -> Result<Vec<Stored>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT key, definition, version, updated_at FROM flags WHERE project_id = $1 ORDER BY key",
    )
    .bind(project_id)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(read).collect())
}

/// How many flags the project has.
pub async fn count(connection: &mut AnyConnection, project_id: &str) -> Result<i64, StoreError> {
    let (count,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM flags WHERE project_id = $1")
        .bind(project_id)
        .fetch_one(connection)
        .await?;
    Ok(count)
}

/// One definition.
pub async fn find(
    connection: &mut AnyConnection,
    project_id: &str,
    key: &str,
) -> Result<Option<Stored>, StoreError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT key, definition, version, updated_at FROM flags WHERE project_id = $1 AND key = $2",
    )
    .bind(project_id)
    .bind(key)
    .fetch_optional(connection)
    .await?;
    Ok(row.map(read))
}

/// Writes a new definition.
pub async fn insert(
    connection: &mut AnyConnection,
    project_id: &str,
    key: &str,
    definition: &str,
    version: i64,
    now_ms: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO flags (project_id, key, definition, version, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $5)",
    )
    .bind(project_id)
    .bind(key)
    .bind(definition)
    .bind(version)
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// Replaces a definition.
pub async fn update(
    connection: &mut AnyConnection,
    project_id: &str,
    key: &str,
    definition: &str,
    version: i64,
    now_ms: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE flags SET definition = $1, version = $2, updated_at = $3 \
         WHERE project_id = $4 AND key = $5",
    )
    .bind(definition)
    .bind(version)
    .bind(now_ms)
    .bind(project_id)
    .bind(key)
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes a flag and what it did in every environment, in the change with the number `version`.
pub async fn delete(
    connection: &mut AnyConnection,
    project_id: &str,
    key: &str,
    version: i64,
) -> Result<(), StoreError> {
    let environments: Vec<(String,)> = sqlx::query_as(
        "SELECT environment_id FROM flag_configurations WHERE project_id = $1 AND flag_key = $2",
    )
    .bind(project_id)
    .bind(key)
    .fetch_all(&mut *connection)
    .await?;
    for (environment_id,) in &environments {
        let kind = versions::Kind::FlagConfiguration;
        versions::deleted(connection, Object { project_id, kind, environment_id, key }, version)
            .await?;
    }
    let flag = Object { project_id, kind: versions::Kind::Flag, environment_id: "", key };
    versions::deleted(connection, flag, version).await?;
    sqlx::query("DELETE FROM flag_configurations WHERE project_id = $1 AND flag_key = $2")
        .bind(project_id)
        .bind(key)
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM flags WHERE project_id = $1 AND key = $2")
        .bind(project_id)
        .bind(key)
        .execute(connection)
        .await?;
    Ok(())
}

/// The configurations of an environment, by flag key.
pub async fn list_configurations(
    connection: &mut AnyConnection,
    environment_id: &str,
) -> Result<Vec<Stored>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT flag_key, configuration, version, updated_at FROM flag_configurations \
         WHERE environment_id = $1 ORDER BY flag_key",
    )
    .bind(environment_id)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(read).collect())
}

/// One configuration.
pub async fn find_configuration(
    connection: &mut AnyConnection,
    environment_id: &str,
    key: &str,
) -> Result<Option<Stored>, StoreError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT flag_key, configuration, version, updated_at FROM flag_configurations \
         WHERE environment_id = $1 AND flag_key = $2",
    )
    .bind(environment_id)
    .bind(key)
    .fetch_optional(connection)
    .await?;
    Ok(row.map(read))
}

/// Writes a flag's first configuration in an environment.
pub async fn insert_configuration(
    connection: &mut AnyConnection,
    project_id: &str,
    environment_id: &str,
    key: &str,
    configuration: &str,
    version: i64,
    now_ms: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO flag_configurations (environment_id, project_id, flag_key, configuration, version, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(environment_id)
    .bind(project_id)
    .bind(key)
    .bind(configuration)
    .bind(version)
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// Gives a new environment what the flags do in another one, salts included.
pub async fn copy_configurations(
    connection: &mut AnyConnection,
    from_environment_id: &str,
    to_environment_id: &str,
    version: i64,
    now_ms: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO flag_configurations (environment_id, project_id, flag_key, configuration, version, updated_at) \
         SELECT CAST($1 AS TEXT), project_id, flag_key, configuration, CAST($2 AS BIGINT), CAST($3 AS BIGINT) \
         FROM flag_configurations WHERE environment_id = $4",
    )
    .bind(to_environment_id)
    .bind(version)
    .bind(now_ms)
    .bind(from_environment_id)
    .execute(connection)
    .await?;
    Ok(())
}

/// Replaces a configuration.
pub async fn update_configuration(
    connection: &mut AnyConnection,
    environment_id: &str,
    key: &str,
    configuration: &str,
    version: i64,
    now_ms: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE flag_configurations SET configuration = $1, version = $2, updated_at = $3 \
         WHERE environment_id = $4 AND flag_key = $5",
    )
    .bind(configuration)
    .bind(version)
    .bind(now_ms)
    .bind(environment_id)
    .bind(key)
    .execute(connection)
    .await?;
    Ok(())
}
