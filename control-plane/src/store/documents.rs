//! What a project keeps beside its flags: attributes, segments, layers and holdouts. A key, its JSON, a version.

use sqlx::AnyConnection;

use super::StoreError;
use super::versions::{self, Object};

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Attribute,
    Segment,
    Layer,
    Holdout,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Attribute, Self::Segment, Self::Layer, Self::Holdout];

    /// Its name in the database, and in sentences.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Attribute => "attribute",
            Self::Segment => "segment",
            Self::Layer => "layer",
            Self::Holdout => "holdout",
        }
    }
}

/// A document as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    pub key: String,
    /// JSON.
    pub definition: String,
    /// The project's number of the change that wrote it; it rises and never comes again.
    pub version: i64,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub updated_at: i64,
    /// Unix milliseconds; archived documents are in no snapshot.
    pub archived_at: Option<i64>,
}

type Row = (String, String, i64, i64, i64, Option<i64>);

fn read((key, definition, version, created_at, updated_at, archived_at): Row) -> Document {
    Document { key, definition, version, created_at, updated_at, archived_at }
}

/// Those of one kind, by key; archived ones too.
pub async fn list(
    connection: &mut AnyConnection,
    project_id: &str,
    kind: Kind,
) -> Result<Vec<Document>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT key, definition, version, created_at, updated_at, archived_at FROM documents \
         WHERE project_id = $1 AND kind = $2 ORDER BY key",
    )
    .bind(project_id)
    .bind(kind.as_str())
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(read).collect())
}

/// One of them.
pub async fn find(
    connection: &mut AnyConnection,
    project_id: &str,
    kind: Kind,
    key: &str,
) -> Result<Option<Document>, StoreError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT key, definition, version, created_at, updated_at, archived_at FROM documents \
         WHERE project_id = $1 AND kind = $2 AND key = $3",
    )
    .bind(project_id)
    .bind(kind.as_str())
    .bind(key)
    .fetch_optional(connection)
    .await?;
    Ok(row.map(read))
}

/// Writes it, new or over the old. `search` is what a search looks into, in lower case.
pub async fn put(
    connection: &mut AnyConnection,
    project_id: &str,
    kind: Kind,
    document: &Document,
    search: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO documents (project_id, kind, key, definition, search, version, created_at, updated_at, archived_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (project_id, kind, key) DO UPDATE \
         SET definition = excluded.definition, search = excluded.search, version = excluded.version, \
         updated_at = excluded.updated_at, archived_at = excluded.archived_at",
    )
    .bind(project_id)
    .bind(kind.as_str())
    .bind(&document.key)
    .bind(&document.definition)
    .bind(search)
    .bind(document.version)
    .bind(document.created_at)
    .bind(document.updated_at)
    .bind(document.archived_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes it, in the change with the number `version`.
pub async fn delete(
    connection: &mut AnyConnection,
    project_id: &str,
    kind: Kind,
    key: &str,
    version: i64,
) -> Result<(), StoreError> {
    let kept = versions::Kind::Document(kind);
    let object = Object { project_id, kind: kept, environment_id: "", key };
    versions::deleted(connection, object, version).await?;
    sqlx::query("DELETE FROM documents WHERE project_id = $1 AND kind = $2 AND key = $3")
        .bind(project_id)
        .bind(kind.as_str())
        .bind(key)
        .execute(connection)
        .await?;
    Ok(())
}
