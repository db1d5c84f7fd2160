//! The audit log and the revisions: who changed what. Written by [`super::change`] alone, never changed.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use sqlx::{AnyConnection, AssertSqlSafe};

use super::{StoreError, rows};
use crate::domain::chain::{self, Link};

/// The most entries that one page of the log holds.
pub const MAX_PAGE: i64 = 200;

/// A page ends early with the entry that takes it past this: an entry may hold a whole segment.
pub const MAX_PAGE_BYTES: i64 = 4 * 1024 * 1024;

/// One entry.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AuditEntry")]
pub struct Entry {
    /// Counts the project's changes from 1, without gaps.
    pub sequence: i64,
    /// Unix milliseconds.
    pub at: i64,
    pub author: String,
    /// The address that the change came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// `flag.created`, `flag-configuration.updated`, ...
    pub action: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment_id: Option<String>,
    /// The key or id of what was changed.
    pub target: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_value: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_value: Option<Value>,
    /// Why, in the author's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// An entry and its place in the chain.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AuditEntryChained")]
pub struct Chained {
    #[serde(flatten)]
    pub entry: Entry,
    /// 64 hex digits, over the entry and the hash before it ([`chain`]).
    pub hash: String,
}

/// The order of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    NewestFirst,
    OldestFirst,
}

/// Which entries; what is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub author: Option<String>,
    pub action: Option<String>,
    pub target: Option<String>,
    pub environment_id: Option<String>,
    /// Unix milliseconds, included.
    pub from: Option<i64>,
    /// Unix milliseconds, not included.
    pub to: Option<i64>,
    /// Stands in the target, the author, the comment, or a value; ASCII letters in any case.
    pub text: Option<String>,
}

/// The condition of every reading: $1 is the project, $2 and $3 the sequences between which it looks, the others the filter.
macro_rules! filtered {
    ($columns:literal, $order:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM audit_log WHERE project_id = $1 AND sequence > $2 AND sequence < $3 \
             AND (CAST($4 AS TEXT) IS NULL OR author = $4) AND (CAST($5 AS TEXT) IS NULL OR action = $5) \
             AND (CAST($6 AS TEXT) IS NULL OR target = $6) AND (CAST($7 AS TEXT) IS NULL OR environment_id = $7) \
             AND at >= $8 AND at < $9 AND (CAST($10 AS TEXT) IS NULL OR LOWER(target) LIKE $10 ESCAPE '!' \
             OR LOWER(author) LIKE $10 ESCAPE '!' OR LOWER(comment) LIKE $10 ESCAPE '!' \
             OR LOWER(old_value) LIKE $10 ESCAPE '!' OR LOWER(new_value) LIKE $10 ESCAPE '!') ORDER BY sequence ",
            $order,
            " LIMIT $11"
        )
    };
}

/// What a page costs, before it is read.
const SIZE: [&str; 2] = [
    filtered!(
        "CAST(COALESCE(LENGTH(old_value), 0) + COALESCE(LENGTH(new_value), 0) AS BIGINT)",
        "DESC"
    ),
    filtered!(
        "CAST(COALESCE(LENGTH(old_value), 0) + COALESCE(LENGTH(new_value), 0) AS BIGINT)",
        "ASC"
    ),
];
const PAGE: [&str; 2] = [
    filtered!(
        "sequence, at, author, origin, action, environment_id, target, old_value, new_value, comment, hash",
        "DESC"
    ),
    filtered!(
        "sequence, at, author, origin, action, environment_id, target, old_value, new_value, comment, hash",
        "ASC"
    ),
];

/// Writes an entry behind the one before it. Answers whether the project has webhooks, which may want to hear of it.
pub async fn insert(
    connection: &mut AnyConnection,
    project_id: &str,
    entry: &Entry,
) -> Result<bool, StoreError> {
    let (previous, has_webhooks) = before(connection, project_id, entry.sequence).await?;
    let old_value = entry.old_value.as_ref().map(Value::to_string);
    let new_value = entry.new_value.as_ref().map(Value::to_string);
    let link = Link {
        project_id,
        sequence: entry.sequence,
        at: entry.at,
        author: &entry.author,
        origin: entry.origin.as_deref(),
        action: &entry.action,
        environment_id: entry.environment_id.as_deref(),
        target: &entry.target,
        old_value: old_value.as_deref(),
        new_value: new_value.as_deref(),
        comment: entry.comment.as_deref(),
    };
    let hash = link.hash(&previous);
    sqlx::query(
        "INSERT INTO audit_log (project_id, sequence, at, author, origin, action, environment_id, target, old_value, \
         new_value, comment, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(project_id)
    .bind(entry.sequence)
    .bind(entry.at)
    .bind(&entry.author)
    .bind(entry.origin.as_deref())
    .bind(&entry.action)
    .bind(entry.environment_id.as_deref())
    .bind(&entry.target)
    .bind(old_value)
    .bind(new_value)
    .bind(entry.comment.as_deref())
    .bind(hash.to_vec())
    .execute(connection)
    .await?;
    Ok(has_webhooks)
}

/// The hash of the entry before `sequence`, or [`chain::START`] before the first one; and whether the project has webhooks.
async fn before(
    connection: &mut AnyConnection,
    project_id: &str,
    sequence: i64,
) -> Result<([u8; 32], bool), StoreError> {
    let (hash, webhooks): (Option<Vec<u8>>, i64) = sqlx::query_as(
        "SELECT (SELECT hash FROM audit_log WHERE project_id = $1 AND sequence = $2), \
         CAST((SELECT COUNT(*) FROM webhooks WHERE project_id = $1) AS BIGINT)",
    )
    .bind(project_id)
    .bind(sequence - 1)
    .fetch_one(connection)
    .await?;
    let hash = match sequence {
        1 => Some(chain::START),
        _ => hash.and_then(|hash| <[u8; 32]>::try_from(hash).ok()),
    };
    let missing = || {
        StoreError::Unusable(format!(
            "entry {} of the audit log is missing or damaged, so nothing can be written behind it: \
             run `pennon audit verify`, and restore a backup",
            sequence - 1
        ))
    };
    Ok((hash.ok_or_else(missing)?, webhooks > 0))
}

type Row = (
    i64,
    i64,
    String,
    Option<String>,
    String,
    Option<String>,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    Vec<u8>,
);

/// The entries with `after < sequence < before` that pass the filter: at most `limit`, and at least one if there is one.
pub async fn list(
    connection: &mut AnyConnection,
    project_id: &str,
    filter: &Filter,
    (after, before): (i64, i64),
    order: Order,
    limit: i64,
) -> Result<Vec<Chained>, StoreError> {
    let which = usize::from(order == Order::OldestFirst);
    let sizes: Vec<(i64,)> =
        bound(sqlx::query_as(SIZE[which]), project_id, filter, (after, before))
            .bind(limit)
            .fetch_all(&mut *connection)
            .await?;
    let rows: Vec<Row> = bound(sqlx::query_as(PAGE[which]), project_id, filter, (after, before))
        .bind(fitting(&sizes, MAX_PAGE_BYTES))
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(read).collect()
}

/// How many of them one page holds.
pub(super) fn fitting(sizes: &[(i64,)], most_bytes: i64) -> i64 {
    let (mut entries, mut bytes) = (0, 0);
    for (size,) in sizes {
        entries += 1;
        bytes += size;
        if bytes > most_bytes {
            break;
        }
    }
    entries
}

type Query<'q, T> = sqlx::query::QueryAs<'q, sqlx::Any, T, sqlx::any::AnyArguments>;

fn bound<'q, T>(
    query: Query<'q, T>,
    project_id: &str,
    filter: &Filter,
    (after, before): (i64, i64),
) -> Query<'q, T> {
    query
        .bind(project_id.to_owned())
        .bind(after)
        .bind(before)
        .bind(filter.author.clone())
        .bind(filter.action.clone())
        .bind(filter.target.clone())
        .bind(filter.environment_id.clone())
        .bind(filter.from.unwrap_or(i64::MIN))
        .bind(filter.to.unwrap_or(i64::MAX))
        .bind(filter.text.as_deref().map(containing))
}

/// The pattern of LIKE for a text that stands anywhere, its own signs taken literally.
fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for character in text.to_ascii_lowercase().chars() {
        if ['%', '_', '!'].contains(&character) {
            pattern.push('!');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

fn read(row: Row) -> Result<Chained, StoreError> {
    let (sequence, at, author, origin, action, environment_id, target, old, new, comment, hash) =
        row;
    Ok(Chained {
        entry: Entry {
            sequence,
            at,
            author,
            origin,
            action,
            environment_id,
            target,
            old_value: old.as_deref().map(parse).transpose()?,
            new_value: new.as_deref().map(parse).transpose()?,
            comment,
        },
        hash: pennon_core::protocol::connection::hex(&hash),
    })
}

fn parse(text: &str) -> Result<Value, StoreError> {
    serde_json::from_str(text).map_err(|error| {
        StoreError::Unusable(format!("an audit entry holds no JSON ({error}): restore a backup"))
    })
}

/// The entry that has this hash.
pub async fn sequence_of(
    connection: &mut AnyConnection,
    project_id: &str,
    hash: &[u8; 32],
) -> Result<Option<i64>, StoreError> {
    let row: Option<(i64,)> =
        sqlx::query_as("SELECT sequence FROM audit_log WHERE project_id = $1 AND hash = $2")
            .bind(project_id)
            .bind(hash.to_vec())
            .fetch_optional(connection)
            .await?;
    Ok(row.map(|(sequence,)| sequence))
}

/// How far a project's chain holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verified {
    /// Every entry from the first to the newest; its hash (of no entry: [`chain::START`]).
    Whole { entries: i64, newest: [u8; 32] },
    /// The first entry that is not what it was, and why.
    Broken { sequence: i64, why: String },
}

/// Walks a project's whole chain, a page at a time.
///
/// # Errors
/// What the database says.
pub async fn verify(
    connection: &mut AnyConnection,
    project_id: &str,
) -> Result<Verified, StoreError> {
    let broken = |sequence, why: &str| Ok(Verified::Broken { sequence, why: why.to_owned() });
    let (mut sequence, mut previous) = (0, chain::START);
    let range = |after| (after, i64::MAX);
    loop {
        let filter = Filter::default();
        let order = Order::OldestFirst as usize;
        let sizes: Vec<(i64,)> =
            bound(sqlx::query_as(SIZE[order]), project_id, &filter, range(sequence))
                .bind(MAX_PAGE)
                .fetch_all(&mut *connection)
                .await?;
        let rows: Vec<Row> =
            bound(sqlx::query_as(PAGE[order]), project_id, &filter, range(sequence))
                .bind(fitting(&sizes, MAX_PAGE_BYTES))
                .fetch_all(&mut *connection)
                .await?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            if row.0 != sequence + 1 {
                return broken(sequence + 1, "it is missing");
            }
            sequence = row.0;
            previous = link(project_id, row).hash(&previous);
            if row.10 != previous {
                return broken(sequence, "it, its hash, or the entry before it was changed");
            }
        }
    }
    let row: Option<(i64,)> = sqlx::query_as("SELECT changes FROM projects WHERE id = $1")
        .bind(project_id)
        .fetch_optional(connection)
        .await?;
    match row {
        Some((changes,)) if changes != sequence => broken(
            sequence + 1,
            &format!("the project counts {changes} changes, the log {sequence}"),
        ),
        _ => Ok(Verified::Whole { entries: sequence, newest: previous }),
    }
}

fn link<'a>(project_id: &'a str, row: &'a Row) -> Link<'a> {
    Link {
        project_id,
        sequence: row.0,
        at: row.1,
        author: &row.2,
        origin: row.3.as_deref(),
        action: &row.4,
        environment_id: row.5.as_deref(),
        target: &row.6,
        old_value: row.7.as_deref(),
        new_value: row.8.as_deref(),
        comment: row.9.as_deref(),
    }
}

/// Writes the revision that the entry has just made in each of these environments.
pub async fn insert_revisions(
    connection: &mut AnyConnection,
    environment_ids: &[String],
    entry: &Entry,
) -> Result<(), StoreError> {
    for some in environment_ids.chunks(rows::AT_ONCE) {
        let sql = format!(
            "INSERT INTO revisions (environment_id, revision, project_id, sequence, author, at) \
             SELECT id, revision, project_id, CAST($1 AS BIGINT), CAST($2 AS TEXT), CAST($3 AS BIGINT) \
             FROM environments WHERE id IN ({})",
            rows::list(4, some.len())
        );
        let query = sqlx::query(AssertSqlSafe(sql));
        let mut query = query.bind(entry.sequence).bind(&entry.author).bind(entry.at);
        for id in some {
            query = query.bind(id);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}
