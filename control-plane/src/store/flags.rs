//! Flags: what they are (once a project) and what they do (once an environment). The JSON is the domain's business.

use std::collections::HashMap;

use pennon_core::config::ValueType;
use sqlx::{Any, AnyConnection, AssertSqlSafe};

use super::StoreError;
use super::documents::{self, Document};
use super::list::{Listing, Selection, Value};
use super::rows;
use super::versions::{self, Object};
use crate::domain::document::searchable;
use crate::domain::flag::Definition;

/// What a flag does in an environment, and the version that an ETag names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The flag's.
    pub key: String,
    /// The configuration.
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

/// The definitions of a project, by key; archived ones too.
pub async fn list(
    connection: &mut AnyConnection,
    project_id: &str,
) -> Result<Vec<Document>, StoreError> {
    let rows: Vec<documents::Row> = sqlx::query_as(
        "SELECT key, definition, version, created_at, updated_at, archived_at FROM flags \
         WHERE project_id = $1 ORDER BY key",
    )
    .bind(project_id)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(documents::read).collect())
}

/// Which flags a list shows; what is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub archived: Option<bool>,
    pub tag: Option<String>,
    pub owner: Option<String>,
    pub value_type: Option<ValueType>,
    /// Temporary flags whose expected end is before this time (Unix milliseconds).
    pub ended_before: Option<i64>,
    /// The id of an environment, and whether the flag is on there.
    pub enabled_in: Option<(String, bool)>,
}

/// A page of them. With it, whether more follow, and how many there are in all.
pub async fn page(
    connection: &mut AnyConnection,
    project_id: &str,
    filter: &Filter,
    listing: &Listing,
) -> Result<(Vec<Document>, bool, i64), StoreError> {
    let mut selection = Selection::new("flags WHERE project_id = ", project_id);
    selection.archived(filter.archived).search(connection, &listing.search);
    if let Some(tag) = &filter.tag {
        selection.sql(" AND key IN (SELECT flag_key FROM flag_tags WHERE project_id = ");
        selection.text(project_id).sql(" AND tag = ").text(tag).sql(")");
    }
    if let Some(owner) = &filter.owner {
        selection.sql(" AND owner = ").text(owner);
    }
    if let Some(value_type) = filter.value_type {
        selection.sql(" AND type = ").text(type_name(value_type));
    }
    if let Some(time) = filter.ended_before {
        selection.sql(" AND expected_end < ").value(Value::Number(time));
    }
    if let Some((environment_id, enabled)) = &filter.enabled_in {
        selection.sql(
            " AND EXISTS (SELECT 1 FROM flag_configurations WHERE flag_key = key AND environment_id = ",
        );
        selection.text(environment_id).sql(" AND enabled = ");
        selection.value(Value::Number(i64::from(*enabled))).sql(")");
    }
    let size = |row: &documents::Row| row.1.len();
    let (columns, most) = (documents::COLUMNS, documents::MAX_PAGE_BYTES);
    let (rows, more, total) = if listing.search.is_empty() {
        let total = selection.count(connection).await?;
        let (rows, more) = selection.page(connection, columns, listing, most, size).await?;
        (rows, more, total)
    } else {
        selection.page_and_count(connection, "flags", columns, listing, most, size).await?
    };
    Ok((rows.into_iter().map(documents::read).collect(), more, total))
}

/// How a flag stands in an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    pub flag_key: String,
    pub environment_id: String,
    pub enabled: bool,
    pub version: i64,
    /// Unix milliseconds.
    pub updated_at: i64,
}

/// How these flags stand in every environment.
pub async fn states(
    connection: &mut AnyConnection,
    project_id: &str,
    keys: &[&str],
) -> Result<Vec<State>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT flag_key, environment_id, enabled, version, updated_at FROM flag_configurations \
         WHERE project_id = $1 AND flag_key IN ({})",
        rows::list(2, keys.len())
    );
    let mut query =
        sqlx::query_as::<Any, (String, String, i64, i64, i64)>(AssertSqlSafe(sql)).bind(project_id);
    for key in keys {
        query = query.bind(*key);
    }
    let rows = query.fetch_all(connection).await?;
    Ok(rows
        .into_iter()
        .map(|(flag_key, environment_id, enabled, version, updated_at)| State {
            flag_key,
            environment_id,
            enabled: enabled != 0,
            version,
            updated_at,
        })
        .collect())
}

/// How many flags the project has that are not archived.
pub async fn count(connection: &mut AnyConnection, project_id: &str) -> Result<i64, StoreError> {
    let (count,): (i64,) =
        sqlx::query_as("SELECT COUNT(*) FROM flags WHERE project_id = $1 AND archived_at IS NULL")
            .bind(project_id)
            .fetch_one(connection)
            .await?;
    Ok(count)
}

/// When each flag of a project was made, archived ones too.
pub async fn created_at(
    connection: &mut AnyConnection,
    project_id: &str,
) -> Result<HashMap<String, i64>, StoreError> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as("SELECT key, created_at FROM flags WHERE project_id = $1")
            .bind(project_id)
            .fetch_all(connection)
            .await?;
    Ok(rows.into_iter().collect())
}

/// One definition.
pub async fn find(
    connection: &mut AnyConnection,
    project_id: &str,
    key: &str,
) -> Result<Option<Document>, StoreError> {
    let row: Option<documents::Row> = sqlx::query_as(
        "SELECT key, definition, version, created_at, updated_at, archived_at FROM flags \
         WHERE project_id = $1 AND key = $2",
    )
    .bind(project_id)
    .bind(key)
    .fetch_optional(connection)
    .await?;
    Ok(row.map(documents::read))
}

/// Writes definitions, new or over the old, and what lists know of them.
pub async fn put(
    connection: &mut AnyConnection,
    project_id: &str,
    flags: &[(&Document, &Definition)],
) -> Result<(), StoreError> {
    for some in flags.chunks(rows::AT_ONCE) {
        let keys: Vec<&str> = some.iter().map(|(flag, _)| flag.key.as_str()).collect();
        delete_tags(connection, project_id, &keys).await?;
    }
    add(connection, project_id, flags).await
}

/// The same of flags that are not there.
pub async fn add(
    connection: &mut AnyConnection,
    project_id: &str,
    flags: &[(&Document, &Definition)],
) -> Result<(), StoreError> {
    for some in flags.chunks(rows::AT_ONCE) {
        put_rows(connection, project_id, some).await?;
        let tags: Vec<(&str, &str)> = some
            .iter()
            .flat_map(|(flag, definition)| {
                definition.tags.iter().map(|tag| (flag.key.as_str(), tag.as_str()))
            })
            .collect();
        put_tags(connection, project_id, &tags).await?;
    }
    Ok(())
}

async fn put_rows(
    connection: &mut AnyConnection,
    project_id: &str,
    flags: &[(&Document, &Definition)],
) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO flags (project_id, key, name, type, owner, expected_end, version, created_at, updated_at, archived_at, search, definition) \
         VALUES {} ON CONFLICT (project_id, key) DO UPDATE \
         SET name = excluded.name, type = excluded.type, owner = excluded.owner, expected_end = excluded.expected_end, \
         version = excluded.version, updated_at = excluded.updated_at, archived_at = excluded.archived_at, \
         search = excluded.search, definition = excluded.definition",
        rows::places(flags.len(), 12)
    );
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for (flag, definition) in flags {
        let Definition { name, description, owner, tags, .. } = definition;
        let mut texts = vec![flag.key.as_str(), name, description, owner];
        texts.extend(tags.iter().map(String::as_str));
        query = query
            .bind(project_id)
            .bind(&flag.key)
            .bind(definition.name(&flag.key))
            .bind(type_name(definition.flag_type))
            .bind(owner)
            .bind(definition.expected_end)
            .bind(flag.version)
            .bind(flag.created_at)
            .bind(flag.updated_at)
            .bind(flag.archived_at)
            .bind(searchable(&texts))
            .bind(&flag.definition);
    }
    query.execute(connection).await?;
    Ok(())
}

async fn put_tags(
    connection: &mut AnyConnection,
    project_id: &str,
    tags: &[(&str, &str)],
) -> Result<(), StoreError> {
    for some in tags.chunks(rows::AT_ONCE) {
        let sql = format!(
            "INSERT INTO flag_tags (project_id, flag_key, tag) VALUES {}",
            rows::places(some.len(), 3)
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (key, tag) in some {
            query = query.bind(project_id).bind(*key).bind(*tag);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

fn type_name(value_type: ValueType) -> &'static str {
    match value_type {
        ValueType::Boolean => "boolean",
        ValueType::String => "string",
        ValueType::Number => "number",
        ValueType::Json => "json",
    }
}

async fn delete_tags(
    connection: &mut AnyConnection,
    project_id: &str,
    keys: &[&str],
) -> Result<(), StoreError> {
    let sql = format!(
        "DELETE FROM flag_tags WHERE project_id = $1 AND flag_key IN ({})",
        rows::list(2, keys.len())
    );
    let mut query = sqlx::query(AssertSqlSafe(sql)).bind(project_id);
    for key in keys {
        query = query.bind(*key);
    }
    query.execute(connection).await?;
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
    delete_tags(connection, project_id, &[key]).await?;
    sqlx::query("DELETE FROM flags WHERE project_id = $1 AND key = $2")
        .bind(project_id)
        .bind(key)
        .execute(connection)
        .await?;
    Ok(())
}

/// What the flags that are not archived do in an environment, by key.
pub async fn list_configurations(
    connection: &mut AnyConnection,
    environment_id: &str,
) -> Result<Vec<Stored>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT c.flag_key, c.configuration, c.version, c.updated_at FROM flag_configurations c \
         JOIN flags f ON f.project_id = c.project_id AND f.key = c.flag_key \
         WHERE c.environment_id = $1 AND f.archived_at IS NULL ORDER BY c.flag_key",
    )
    .bind(environment_id)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(read).collect())
}

/// A page of them. With it, whether more follow, and how many there are in all.
pub async fn page_configurations(
    connection: &mut AnyConnection,
    environment_id: &str,
    enabled: Option<bool>,
    listing: &Listing,
) -> Result<(Vec<Stored>, bool, i64), StoreError> {
    let mut selection = Selection::new(
        "(SELECT c.environment_id, c.flag_key AS key, f.name, c.enabled, c.configuration, c.version, \
         f.created_at, c.updated_at, f.search FROM flag_configurations c \
         JOIN flags f ON f.project_id = c.project_id AND f.key = c.flag_key \
         WHERE f.archived_at IS NULL) AS listed WHERE environment_id = ",
        environment_id,
    );
    selection.search(connection, &listing.search);
    if let Some(enabled) = enabled {
        selection.sql(" AND enabled = ").value(Value::Number(i64::from(enabled)));
    }
    let total = selection.count(connection).await?;
    let columns = "key, configuration, version, updated_at";
    let size = |row: &Row| row.1.len();
    let (rows, more) =
        selection.page(connection, columns, listing, documents::MAX_PAGE_BYTES, size).await?;
    Ok((rows.into_iter().map(read).collect(), more, total))
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

/// What a flag is and what it does in an environment, as JSON; `None` when it is not there, or archived.
pub async fn find_whole(
    connection: &mut AnyConnection,
    environment_id: &str,
    key: &str,
) -> Result<Option<(String, String)>, StoreError> {
    Ok(sqlx::query_as(
        "SELECT f.definition, c.configuration FROM flag_configurations c \
         JOIN flags f ON f.project_id = c.project_id AND f.key = c.flag_key \
         WHERE c.environment_id = $1 AND c.flag_key = $2 AND f.archived_at IS NULL",
    )
    .bind(environment_id)
    .bind(key)
    .fetch_optional(connection)
    .await?)
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
        "INSERT INTO flag_configurations (environment_id, project_id, flag_key, enabled, configuration, version, updated_at) \
         SELECT CAST($1 AS TEXT), project_id, flag_key, enabled, configuration, CAST($2 AS BIGINT), CAST($3 AS BIGINT) \
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

/// What a flag does in an environment, as it is written.
#[derive(Clone, Copy, Debug)]
pub struct Configured<'a> {
    pub environment_id: &'a str,
    pub stored: &'a Stored,
    pub enabled: bool,
}

/// Writes what flags do in environments, new or over the old.
pub async fn put_configurations(
    connection: &mut AnyConnection,
    project_id: &str,
    configured: &[Configured<'_>],
) -> Result<(), StoreError> {
    for some in configured.chunks(rows::AT_ONCE) {
        let sql = format!(
            "INSERT INTO flag_configurations (environment_id, project_id, flag_key, enabled, configuration, version, updated_at) \
             VALUES {} ON CONFLICT (environment_id, flag_key) DO UPDATE \
             SET enabled = excluded.enabled, configuration = excluded.configuration, version = excluded.version, \
             updated_at = excluded.updated_at",
            rows::places(some.len(), 7)
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for Configured { environment_id, stored, enabled } in some {
            query = query
                .bind(*environment_id)
                .bind(project_id)
                .bind(&stored.key)
                .bind(i64::from(*enabled))
                .bind(&stored.json)
                .bind(stored.version)
                .bind(stored.updated_at);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}
