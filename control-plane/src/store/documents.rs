//! What a project keeps beside its flags: attributes, segments, layers and holdouts. A key, its JSON, a version.

use sqlx::AnyConnection;

use super::StoreError;
use super::list::{Listing, Selection};
use super::versions::{self, Object};
use crate::domain::document::{Definition, searchable};

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

/// A page ends early with the document that takes it past this: a segment may have megabytes.
pub const MAX_PAGE_BYTES: usize = 4 * 1024 * 1024;

pub(super) const COLUMNS: &str = "key, definition, version, created_at, updated_at, archived_at";
pub(super) type Row = (String, String, i64, i64, i64, Option<i64>);

pub(super) fn read(
    (key, definition, version, created_at, updated_at, archived_at): Row,
) -> Document {
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

/// A page of one kind: those that are archived, or those that are not; all without either. With the first, how many there are in all.
pub async fn page(
    connection: &mut AnyConnection,
    project_id: &str,
    kind: Kind,
    archived: Option<bool>,
    listing: &Listing,
) -> Result<(Vec<Document>, bool, i64), StoreError> {
    let mut selection = Selection::new("documents WHERE project_id = ", project_id);
    selection.sql(" AND kind = ").text(kind.as_str());
    selection.archived(archived).search(connection, &listing.search);
    let total = selection.count(connection).await?;
    let (rows, more) = selection
        .page(connection, COLUMNS, listing, MAX_PAGE_BYTES, |row: &Row| row.1.len())
        .await?;
    Ok((rows.into_iter().map(read).collect(), more, total))
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

/// Writes it, new or over the old, and what a search looks into.
pub async fn put<T: Definition>(
    connection: &mut AnyConnection,
    project_id: &str,
    document: &Document,
    definition: &T,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO documents (project_id, kind, key, definition, search, version, created_at, updated_at, archived_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (project_id, kind, key) DO UPDATE \
         SET definition = excluded.definition, search = excluded.search, version = excluded.version, \
         updated_at = excluded.updated_at, archived_at = excluded.archived_at",
    )
    .bind(project_id)
    .bind(T::KIND.as_str())
    .bind(&document.key)
    .bind(&document.definition)
    .bind(searchable(&[&document.key, definition.description()]))
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
