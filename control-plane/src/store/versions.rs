//! Every state that an object has had. Written with each change by [`super::change`], from the rows that carry its number, so that no
//! handler can forget it; deletions by the functions that delete. Never changed, and kept when the object goes.

use sqlx::AnyConnection;

use super::audit::{MAX_PAGE_BYTES, fitting};
use super::{StoreError, documents};

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What a flag is, in every environment.
    Flag,
    /// What a flag does in one environment.
    FlagConfiguration,
    Document(documents::Kind),
}

impl Kind {
    /// Its name in the database, and in sentences.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::FlagConfiguration => "flag-configuration",
            Self::Document(kind) => kind.as_str(),
        }
    }

    /// The kind with this name.
    pub fn parse(name: &str) -> Option<Self> {
        let documents = documents::Kind::ALL.into_iter().map(Self::Document);
        [Self::Flag, Self::FlagConfiguration]
            .into_iter()
            .chain(documents)
            .find(|kind| kind.as_str() == name)
    }
}

/// Which object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object<'a> {
    pub project_id: &'a str,
    pub kind: Kind,
    /// Empty for what is the same in every environment.
    pub environment_id: &'a str,
    pub key: &'a str,
}

/// A state of an object, and the change that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The number of the change in its project.
    pub sequence: i64,
    /// Unix milliseconds.
    pub at: i64,
    pub author: String,
    pub action: String,
    pub comment: Option<String>,
    /// JSON; none: the change deleted it.
    pub document: Option<String>,
    pub archived: bool,
}

type Row = (i64, i64, String, String, Option<String>, Option<String>, i64);

fn read((sequence, at, author, action, comment, document, archived): Row) -> Version {
    Version { sequence, at, author, action, comment, document, archived: archived != 0 }
}

/// Writes a version of everything that the change with this number has written.
pub async fn record(
    connection: &mut AnyConnection,
    project_id: &str,
    sequence: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO versions (project_id, kind, environment_id, key, sequence, document, archived) \
         SELECT project_id, 'flag', '', key, version, definition, CASE WHEN archived_at IS NULL THEN 0 ELSE 1 END \
         FROM flags WHERE project_id = $1 AND version = $2 \
         UNION ALL SELECT project_id, 'flag-configuration', environment_id, flag_key, version, configuration, 0 \
         FROM flag_configurations WHERE project_id = $1 AND version = $2 \
         UNION ALL SELECT project_id, kind, '', key, version, definition, CASE WHEN archived_at IS NULL THEN 0 ELSE 1 END \
         FROM documents WHERE project_id = $1 AND version = $2",
    )
    .bind(project_id)
    .bind(sequence)
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes that the change with this number deletes the object.
pub(super) async fn deleted(
    connection: &mut AnyConnection,
    object: Object<'_>,
    sequence: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO versions (project_id, kind, environment_id, key, sequence) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(object.project_id)
    .bind(object.kind.as_str())
    .bind(object.environment_id)
    .bind(object.key)
    .bind(sequence)
    .execute(connection)
    .await?;
    Ok(())
}

/// The newest versions of an object below `before`, newest first: at most `limit`, and at least one if there is one.
pub async fn list(
    connection: &mut AnyConnection,
    object: Object<'_>,
    before: i64,
    limit: i64,
) -> Result<Vec<Version>, StoreError> {
    let sizes: Vec<(i64,)> = sqlx::query_as(
        "SELECT CAST(COALESCE(LENGTH(document), 0) AS BIGINT) FROM versions \
         WHERE project_id = $1 AND kind = $2 AND environment_id = $3 AND key = $4 AND sequence < $5 \
         ORDER BY sequence DESC LIMIT $6",
    )
    .bind(object.project_id)
    .bind(object.kind.as_str())
    .bind(object.environment_id)
    .bind(object.key)
    .bind(before)
    .bind(limit)
    .fetch_all(&mut *connection)
    .await?;
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT v.sequence, a.at, a.author, a.action, a.comment, v.document, v.archived FROM versions v \
         JOIN audit_log a ON a.project_id = v.project_id AND a.sequence = v.sequence \
         WHERE v.project_id = $1 AND v.kind = $2 AND v.environment_id = $3 AND v.key = $4 AND v.sequence < $5 \
         ORDER BY v.sequence DESC LIMIT $6",
    )
    .bind(object.project_id)
    .bind(object.kind.as_str())
    .bind(object.environment_id)
    .bind(object.key)
    .bind(before)
    .bind(fitting(&sizes, MAX_PAGE_BYTES))
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(read).collect())
}

/// The newest version of an object that is not after the change with this number.
pub async fn at(
    connection: &mut AnyConnection,
    object: Object<'_>,
    sequence: i64,
) -> Result<Option<Version>, StoreError> {
    Ok(list(connection, object, sequence.saturating_add(1), 1).await?.into_iter().next())
}

/// Every object of a kind as it was after the change with this number, by key; not those that were deleted or archived then.
pub async fn state(
    connection: &mut AnyConnection,
    project_id: &str,
    kind: Kind,
    environment_id: &str,
    sequence: i64,
) -> Result<Vec<(String, String)>, StoreError> {
    Ok(sqlx::query_as(
        "SELECT v.key, v.document FROM versions v JOIN (SELECT key, MAX(sequence) AS newest FROM versions \
         WHERE project_id = $1 AND kind = $2 AND environment_id = $3 AND sequence <= $4 GROUP BY key) n \
         ON n.key = v.key AND n.newest = v.sequence \
         WHERE v.project_id = $1 AND v.kind = $2 AND v.environment_id = $3 AND v.document IS NOT NULL AND v.archived = 0 \
         ORDER BY v.key",
    )
    .bind(project_id)
    .bind(kind.as_str())
    .bind(environment_id)
    .bind(sequence)
    .fetch_all(connection)
    .await?)
}

/// What the change with this number wrote and deleted, at most `limit` of it: kind, environment id, key.
pub async fn touched(
    connection: &mut AnyConnection,
    project_id: &str,
    sequence: i64,
    limit: i64,
) -> Result<Vec<(String, String, String)>, StoreError> {
    Ok(sqlx::query_as(
        "SELECT kind, environment_id, key FROM versions WHERE project_id = $1 AND sequence = $2 \
         ORDER BY kind, environment_id, key LIMIT $3",
    )
    .bind(project_id)
    .bind(sequence)
    .bind(limit)
    .fetch_all(connection)
    .await?)
}

/// The flags that the changes after the one with the number `after`, up to `until`, wrote or deleted as this environment shows them, at most
/// `limit`; `None` when they changed what flags share.
pub async fn flags_touched(
    connection: &mut AnyConnection,
    project_id: &str,
    environment_id: &str,
    (after, until): (i64, i64),
    limit: i64,
) -> Result<Option<Vec<String>>, StoreError> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT DISTINCT key, CASE kind WHEN 'flag-configuration' THEN 'flag' ELSE kind END AS of_kind \
         FROM versions WHERE project_id = $1 AND sequence > $2 AND sequence <= $3 \
         AND (environment_id = '' OR environment_id = $4) LIMIT $5",
    )
    .bind(project_id)
    .bind(after)
    .bind(until)
    .bind(environment_id)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    let flags = rows.into_iter().map(|(key, kind)| (kind == Kind::Flag.as_str()).then_some(key));
    Ok(flags.collect())
}

/// What an object was after the change with this number; `None` when it was not there, or archived.
pub async fn document_at(
    connection: &mut AnyConnection,
    object: Object<'_>,
    sequence: i64,
) -> Result<Option<String>, StoreError> {
    let row: Option<(Option<String>, i64)> = sqlx::query_as(
        "SELECT document, archived FROM versions \
         WHERE project_id = $1 AND kind = $2 AND environment_id = $3 AND key = $4 AND sequence <= $5 \
         ORDER BY sequence DESC LIMIT 1",
    )
    .bind(object.project_id)
    .bind(object.kind.as_str())
    .bind(object.environment_id)
    .bind(object.key)
    .bind(sequence)
    .fetch_optional(connection)
    .await?;
    Ok(row.and_then(|(document, archived)| document.filter(|_| archived == 0)))
}

/// The number of the project's newest change at this time; 0 before the first.
pub async fn sequence_at(
    connection: &mut AnyConnection,
    project_id: &str,
    at_ms: i64,
) -> Result<i64, StoreError> {
    let row: Option<(i64,)> = sqlx::query_as(
        "SELECT sequence FROM audit_log WHERE project_id = $1 AND at <= $2 ORDER BY at DESC, sequence DESC LIMIT 1",
    )
    .bind(project_id)
    .bind(at_ms)
    .fetch_optional(connection)
    .await?;
    Ok(row.map_or(0, |(sequence,)| sequence))
}

/// The number of the project's newest change.
pub async fn newest(connection: &mut AnyConnection, project_id: &str) -> Result<i64, StoreError> {
    let (changes,): (i64,) = sqlx::query_as("SELECT changes FROM projects WHERE id = $1")
        .bind(project_id)
        .fetch_one(connection)
        .await?;
    Ok(changes)
}

/// The number of the change that made an environment's revision.
pub async fn sequence_of_revision(
    connection: &mut AnyConnection,
    environment_id: &str,
    revision: i64,
) -> Result<Option<i64>, StoreError> {
    let row: Option<(i64,)> = sqlx::query_as(
        "SELECT sequence FROM revisions WHERE environment_id = $1 AND revision = $2",
    )
    .bind(environment_id)
    .bind(revision)
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|(sequence,)| sequence))
}
