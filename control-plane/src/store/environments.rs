//! Environments.

use pennon_core::protocol::gate::Terms;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use sqlx::{Any, AnyConnection, AssertSqlSafe};

use super::{StoreError, members, rows, tokens, versions};

/// An environment as kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Environment {
    /// 32 hex digits, unique everywhere.
    pub id: String,
    #[serde(skip)]
    pub project_id: String,
    pub key: String,
    pub name: String,
    pub protected: bool,
    pub epoch: i64,
    /// The number of the newest change, without gaps.
    pub revision: i64,
    /// Where it stands in the list, from 0. Moving others moves it too, without a new version.
    pub position: i64,
    /// How it is marked where people see it: `#` and six hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub colour: Option<String>,
    /// The origins whose pages may ask with a key of this environment; empty: all of them.
    pub origins: Vec<String>,
    /// How often one SDK key may be used, a client key at one address; absent: as often as one likes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
    /// What the ETag says.
    pub version: i64,
    /// Unix milliseconds.
    pub created_at: i64,
}

impl Environment {
    /// What it says of those who ask.
    pub fn terms(&self) -> Terms {
        Terms { origins: self.origins.clone(), requests_per_minute: self.requests_per_minute }
    }

    fn origins_column(&self) -> Option<String> {
        (!self.origins.is_empty()).then(|| json!(self.origins).to_string())
    }
}

type Row = (
    String,
    String,
    String,
    String,
    i64,
    i64,
    i64,
    i64,
    Option<String>,
    Option<String>,
    Option<i64>,
    i64,
    i64,
);

fn read(row: Row) -> Result<Environment, StoreError> {
    let (
        id,
        project_id,
        key,
        name,
        protected,
        epoch,
        revision,
        position,
        colour,
        origins,
        requests_per_minute,
        version,
        created_at,
    ) = row;
    let unreadable = |what: &str| {
        StoreError::Unusable(format!(
            "the {what} of environment {key:?} in the database cannot be read: write them again"
        ))
    };
    let origins = origins.as_deref().map_or(Ok(Vec::new()), serde_json::from_str);
    let origins = origins.map_err(|_| unreadable("origins"))?;
    let requests_per_minute = requests_per_minute
        .map(u32::try_from)
        .transpose()
        .map_err(|_| unreadable("requests per minute"))?;
    let protected = protected != 0;
    Ok(Environment {
        id,
        project_id,
        key,
        name,
        protected,
        epoch,
        revision,
        position,
        colour,
        origins,
        requests_per_minute,
        version,
        created_at,
    })
}

/// The environments of a project, in their order.
pub async fn list(
    connection: &mut AnyConnection,
    project_id: &str,
) -> Result<Vec<Environment>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, project_id, key, name, protected, epoch, revision, position, colour, origins, \
         requests_per_minute, version, created_at \
         FROM environments WHERE project_id = $1 AND deleted_at IS NULL ORDER BY position, key",
    )
    .bind(project_id)
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(read).collect()
}

/// Every environment of every project.
pub async fn list_all(connection: &mut AnyConnection) -> Result<Vec<Environment>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, project_id, key, name, protected, epoch, revision, position, colour, origins, \
         requests_per_minute, version, created_at \
         FROM environments WHERE deleted_at IS NULL ORDER BY id",
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(read).collect()
}

/// The environment of this project with this key.
pub async fn find(
    connection: &mut AnyConnection,
    project_id: &str,
    key: &str,
) -> Result<Option<Environment>, StoreError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, project_id, key, name, protected, epoch, revision, position, colour, origins, \
         requests_per_minute, version, created_at \
         FROM environments WHERE project_id = $1 AND key = $2 AND deleted_at IS NULL",
    )
    .bind(project_id)
    .bind(key)
    .fetch_optional(connection)
    .await?;
    row.map(read).transpose()
}

/// The environment with this id.
pub async fn get(
    connection: &mut AnyConnection,
    id: &str,
) -> Result<Option<Environment>, StoreError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, project_id, key, name, protected, epoch, revision, position, colour, origins, \
         requests_per_minute, version, created_at \
         FROM environments WHERE id = $1 AND deleted_at IS NULL",
    )
    .bind(id)
    .fetch_optional(connection)
    .await?;
    row.map(read).transpose()
}

/// Writes a new environment.
pub async fn insert(
    connection: &mut AnyConnection,
    environment: &Environment,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO environments (id, project_id, key, name, protected, epoch, revision, position, \
         colour, origins, requests_per_minute, version, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(&environment.id)
    .bind(&environment.project_id)
    .bind(&environment.key)
    .bind(&environment.name)
    .bind(i64::from(environment.protected))
    .bind(environment.epoch)
    .bind(environment.revision)
    .bind(environment.position)
    .bind(&environment.colour)
    .bind(environment.origins_column())
    .bind(environment.requests_per_minute.map(i64::from))
    .bind(environment.version)
    .bind(environment.created_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// An environment that was given its next revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raised {
    pub id: String,
    pub revision: i64,
    pub key: String,
    pub protected: bool,
}

/// Gives each of these environments its next revision; answers by id. In which order their rows are taken does not matter: changes of one
/// project come one after the other, and whoever publishes takes one environment at a time.
pub async fn next_revisions(
    connection: &mut AnyConnection,
    ids: &[String],
) -> Result<Vec<Raised>, StoreError> {
    let mut raised = Vec::with_capacity(ids.len());
    for some in ids.chunks(rows::AT_ONCE) {
        let sql = format!(
            "UPDATE environments SET revision = revision + 1 WHERE id IN ({}) RETURNING id, revision, key, protected",
            rows::list(1, some.len())
        );
        let mut query = sqlx::query_as::<Any, (String, i64, String, i64)>(AssertSqlSafe(sql));
        for id in some {
            query = query.bind(id);
        }
        let found = query.fetch_all(&mut *connection).await?;
        if found.len() != some.len() {
            return Err(StoreError::Sql(sqlx::Error::RowNotFound));
        }
        raised.extend(found.into_iter().map(|(id, revision, key, protected)| Raised {
            id,
            revision,
            key,
            protected: protected != 0,
        }));
    }
    raised.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    Ok(raised)
}

/// Writes what people say about the environment, in the change that its version names.
pub async fn describe(
    connection: &mut AnyConnection,
    environment: &Environment,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE environments SET name = $1, protected = $2, colour = $3, origins = $4, \
         requests_per_minute = $5, version = $6 WHERE id = $7",
    )
    .bind(&environment.name)
    .bind(i64::from(environment.protected))
    .bind(&environment.colour)
    .bind(environment.origins_column())
    .bind(environment.requests_per_minute.map(i64::from))
    .bind(environment.version)
    .bind(&environment.id)
    .execute(connection)
    .await?;
    Ok(())
}

/// Puts all environments of a project into this order.
pub async fn order(
    connection: &mut AnyConnection,
    environments: &[Environment],
) -> Result<(), StoreError> {
    for (position, environment) in (0_i64..).zip(environments) {
        if environment.position != position {
            sqlx::query("UPDATE environments SET position = $1 WHERE id = $2")
                .bind(position)
                .bind(&environment.id)
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(())
}

/// Takes the environment for this transaction: no other replica publishes it until this transaction ends. False: it is deleted.
pub async fn lock(connection: &mut AnyConnection, id: &str) -> Result<bool, StoreError> {
    let found = sqlx::query(
        "UPDATE environments SET revision = revision WHERE id = $1 AND deleted_at IS NULL",
    )
    .bind(id)
    .execute(connection)
    .await?;
    Ok(found.rows_affected() > 0)
}

/// Stands between the key that a deleted environment had and its id: no key has it, so what it was called is free again.
const FREED: char = '~';

/// Deletes an environment, in the change with the number `version`: what its flags do, its snapshots and whatever waits for it go, its SDK
/// keys are revoked, and nobody's role is narrowed in it any more. Its row stays, for its revisions and the audit log name it.
pub async fn delete(
    connection: &mut AnyConnection,
    environment: &Environment,
    version: i64,
    now_ms: i64,
) -> Result<(), StoreError> {
    let id = &environment.id;
    // Before its rows, as whoever publishes it takes them: in another order each of the two would wait for the other.
    lock(connection, id).await?;
    sqlx::query(
        "INSERT INTO versions (project_id, kind, environment_id, key, sequence) \
         SELECT project_id, CAST($1 AS TEXT), environment_id, flag_key, CAST($2 AS BIGINT) FROM flag_configurations WHERE environment_id = $3",
    )
    .bind(versions::Kind::FlagConfiguration.as_str())
    .bind(version)
    .bind(id)
    .execute(&mut *connection)
    .await?;
    for statement in [
        "DELETE FROM flag_configurations WHERE environment_id = $1",
        "DELETE FROM outbox WHERE environment_id = $1",
        "DELETE FROM publications WHERE environment_id = $1",
        "DELETE FROM snapshots WHERE environment_id = $1",
        "DELETE FROM edges WHERE environment_id = $1",
    ] {
        sqlx::query(statement).bind(id).execute(&mut *connection).await?;
    }
    sqlx::query(
        "UPDATE sdk_keys SET revoked_at = $1, version = $2 WHERE environment_id = $3 AND revoked_at IS NULL",
    )
    .bind(now_ms)
    .bind(version)
    .bind(id)
    .execute(&mut *connection)
    .await?;
    members::forget_environment(connection, &environment.project_id, id).await?;
    tokens::forget_environment(connection, &environment.project_id, id).await?;
    sqlx::query("UPDATE environments SET key = $1, deleted_at = $2, version = $3 WHERE id = $4")
        .bind(format!("{}{FREED}{id}", environment.key))
        .bind(now_ms)
        .bind(version)
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// The ids of all that were deleted.
pub async fn deleted(connection: &mut AnyConnection) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> =
        sqlx::query_as("SELECT id FROM environments WHERE deleted_at IS NOT NULL ORDER BY id")
            .fetch_all(connection)
            .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// What the environment with this id is called, or was when it was deleted.
pub async fn name(connection: &mut AnyConnection, id: &str) -> Result<Option<String>, StoreError> {
    let row: Option<(String,)> = sqlx::query_as("SELECT key FROM environments WHERE id = $1")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(|(key,)| match key.split_once(FREED) {
        Some((key, _)) => key.to_owned(),
        None => key,
    }))
}
