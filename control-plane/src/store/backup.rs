//! A backup is one file for both databases: a header, then each table's columns and rows, then a digest, one JSON value a line.
//! So a backup of SQLite can be restored into PostgreSQL, and one of an older program into a newer one.
//!
//! ```text
//! {"format":"pennon backup","version":1,"createdAt":...,"migrations":[[1,"<sha256>"],...]}
//! {"table":"projects","columns":[["id","TEXT"],["changes","BIGINT"],...]}
//! ["...",3,...]                                  BYTEA as Base64, nothing as null
//! {"rows":...,"sha256":"<of all lines before>"}
//! ```

use std::io::{BufRead, Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::TryStreamExt;
use pennon_core::protocol::connection::hex;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Row};

use super::migrate::{MIGRATIONS, migrate, migrate_to, tables};
use super::{Store, StoreError, Tx, environments};

const FORMAT: &str = "pennon backup";
const VERSION: u32 = 1;
/// The longest line: the body of a snapshot has at most 10 MiB.
const MAX_LINE_BYTES: u64 = 64 * 1024 * 1024;
/// What lets a person in without a password is not kept: what was revoked after the backup must not come back with it.
const LEFT_OUT: [&str; 3] = ["sessions", "token_families", "invitations"];

/// Why there is no backup, or why it was not restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the file: {0}")]
    File(#[from] std::io::Error),
    /// The sentence says which line, and what is wrong with it.
    #[error("{0}")]
    Damaged(String),
}

impl From<sqlx::Error> for BackupError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Header {
    format: String,
    version: u32,
    created_at: i64,
    migrations: Vec<(i64, String)>,
}

/// Name and type of each column.
type Columns = Vec<(String, String)>;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    table: String,
    columns: Columns,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    rows: u64,
    sha256: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Line {
    Row(Vec<Value>),
    Table(Table),
    End(End),
}

/// How much there is in a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents {
    pub tables: usize,
    pub rows: u64,
}

struct Writer<W> {
    out: W,
    hash: Sha256,
}

impl<W: Write> Writer<W> {
    fn line(&mut self, value: &impl Serialize) -> Result<(), BackupError> {
        let mut line = serde_json::to_vec(value).map_err(std::io::Error::from)?;
        line.push(b'\n');
        self.hash.update(&line);
        Ok(self.out.write_all(&line)?)
    }
}

/// Writes everything as it is at one instant; whoever works on the database goes on.
///
/// # Errors
/// What the database or the file says.
pub async fn write(store: &Store, out: impl Write, now_ms: i64) -> Result<Contents, BackupError> {
    let mut writer = Writer { out, hash: Sha256::new() };
    let mut tx = store.begin_read().await?;
    let applied: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT number, sha256 FROM migrations ORDER BY number")
            .fetch_all(&mut *tx)
            .await?;
    writer.line(&Header {
        format: FORMAT.to_owned(),
        version: VERSION,
        created_at: now_ms,
        migrations: applied.into_iter().map(|(number, sha256)| (number, hex(&sha256))).collect(),
    })?;
    let present = store.dialect().tables(&mut tx).await?;
    let mut contents = Contents { tables: 0, rows: 0 };
    for table in tables() {
        if LEFT_OUT.contains(&table) || !present.iter().any(|present| present == table) {
            continue;
        }
        let columns = store.dialect().columns(&mut tx, table).await?;
        writer.line(&Table { table: table.to_owned(), columns: columns.clone() })?;
        contents.tables += 1;
        contents.rows += rows(&mut tx, table, &columns, &mut writer).await?;
    }
    let sha256 = hex(&writer.hash.clone().finalize());
    writer.line(&End { rows: contents.rows, sha256 })?;
    writer.out.flush()?;
    Ok(contents)
}

async fn rows(
    tx: &mut Tx,
    table: &str,
    columns: &Columns,
    writer: &mut Writer<impl Write>,
) -> Result<u64, BackupError> {
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    let statement = format!("SELECT {} FROM {table}", names.join(", "));
    let mut rows = sqlx::query(AssertSqlSafe(statement)).fetch(&mut **tx);
    let mut count = 0;
    while let Some(row) = rows.try_next().await? {
        let mut values = Vec::with_capacity(columns.len());
        for (index, (_, kind)) in columns.iter().enumerate() {
            values.push(match kind.as_str() {
                "BIGINT" => row.try_get::<Option<i64>, _>(index)?.map_or(Value::Null, Value::from),
                "BYTEA" => row
                    .try_get::<Option<Vec<u8>>, _>(index)?
                    .map_or(Value::Null, |bytes| Value::from(STANDARD.encode(bytes))),
                _ => row.try_get::<Option<String>, _>(index)?.map_or(Value::Null, Value::from),
            });
        }
        writer.line(&values)?;
        count += 1;
    }
    Ok(count)
}

struct Reader<R> {
    input: R,
    hash: Sha256,
    number: usize,
}

impl<R: BufRead> Reader<R> {
    /// The next line; the hash covers those before it.
    fn line(&mut self) -> Result<Vec<u8>, BackupError> {
        let mut line = Vec::new();
        self.number += 1;
        (&mut self.input).take(MAX_LINE_BYTES).read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            return Err(self.damaged("the file ends in the middle"));
        }
        Ok(line)
    }

    fn damaged(&self, why: impl std::fmt::Display) -> BackupError {
        BackupError::Damaged(format!("line {} of the backup: {why}", self.number))
    }
}

/// Fills an empty database from a backup, whole or not at all, and raises every environment's epoch, so that receivers take what they
/// would otherwise refuse as older. Everything is published again at the next start.
///
/// # Errors
/// When the database is not empty, the backup is damaged or from a newer program, or what the database says.
pub async fn restore(
    store: &Store,
    input: impl BufRead,
    now_ms: i64,
) -> Result<Contents, BackupError> {
    let mut reader = Reader { input, hash: Sha256::new(), number: 0 };
    let line = reader.line()?;
    reader.hash.update(&line);
    let header: Header = serde_json::from_slice(&line).map_err(|error| reader.damaged(error))?;
    if header.format != FORMAT || header.version != VERSION {
        return Err(reader.damaged(format!(
            "this is no backup of version {VERSION}, but {:?} of version {}",
            header.format, header.version
        )));
    }
    for (number, sha256) in &header.migrations {
        let known = MIGRATIONS.iter().find(|known| known.number == *number);
        if known.is_none_or(|known| hex(&known.sha256()) != *sha256) {
            return Err(BackupError::Damaged(format!(
                "the backup has migration {number}, which this program does not know: run a newer pennon"
            )));
        }
    }
    let in_backup = |number| header.migrations.iter().any(|(known, _)| *known == number);
    migrate_to(store, now_ms, |migration| in_backup(migration.number)).await?;
    let mut tx = store.begin_alone().await?;
    let there: Option<(String,)> =
        sqlx::query_as("SELECT name FROM instance LIMIT 1").fetch_optional(&mut *tx).await?;
    if there.is_some() {
        return Err(BackupError::Damaged(
            "the database is not empty: restore into a new one".to_owned(),
        ));
    }
    let contents = fill(&mut reader, store, &mut tx).await?;
    raise_epochs(&mut tx, now_ms).await?;
    tx.commit().await?;
    migrate(store, now_ms).await?;
    Ok(contents)
}

async fn fill(
    reader: &mut Reader<impl BufRead>,
    store: &Store,
    tx: &mut Tx,
) -> Result<Contents, BackupError> {
    let mut contents = Contents { tables: 0, rows: 0 };
    let mut into: Option<(String, Columns)> = None;
    loop {
        let line = reader.line()?;
        match (serde_json::from_slice(&line).map_err(|error| reader.damaged(error))?, &into) {
            (Line::End(end), _) => {
                let sha256 = hex(&reader.hash.clone().finalize());
                if end.rows != contents.rows || end.sha256 != sha256 {
                    return Err(reader.damaged("the file was changed: its digest is another one"));
                }
                return Ok(contents);
            }
            (Line::Table(table), _) => {
                // Names go into the statement, so they have to be the database's own.
                let columns = match tables().contains(&table.table.as_str()) {
                    true => store.dialect().columns(tx, &table.table).await?,
                    false => Vec::new(),
                };
                let known = table.columns.iter().all(|column| columns.contains(column));
                if !known || table.columns.is_empty() {
                    return Err(reader.damaged("there is no such table, or not with these columns"));
                }
                let names: Vec<&str> =
                    table.columns.iter().map(|(name, _)| name.as_str()).collect();
                let places: Vec<String> =
                    (1..=names.len()).map(|number| format!("${number}")).collect();
                let (name, columns, places) = (&table.table, names.join(", "), places.join(", "));
                let statement = format!("INSERT INTO {name} ({columns}) VALUES ({places})");
                into = Some((statement, table.columns));
                contents.tables += 1;
            }
            (Line::Row(values), Some((statement, columns))) if values.len() == columns.len() => {
                insert(reader, tx, statement, columns, values).await?;
                contents.rows += 1;
            }
            (Line::Row(_), _) => return Err(reader.damaged("a row of no table")),
        }
        reader.hash.update(&line);
    }
}

async fn insert(
    reader: &Reader<impl BufRead>,
    tx: &mut Tx,
    statement: &str,
    columns: &Columns,
    values: Vec<Value>,
) -> Result<(), BackupError> {
    let mut query = sqlx::query(AssertSqlSafe(statement.to_owned()));
    for ((name, kind), value) in columns.iter().zip(values) {
        let wrong = || reader.damaged(format!("{name} is no {kind}"));
        query = match (kind.as_str(), value) {
            ("BIGINT", Value::Null) => query.bind(None::<i64>),
            ("BIGINT", value) => query.bind(value.as_i64().ok_or_else(wrong)?),
            ("BYTEA", Value::Null) => query.bind(None::<Vec<u8>>),
            ("BYTEA", Value::String(text)) => {
                query.bind(STANDARD.decode(text).map_err(|_| wrong())?)
            }
            (_, Value::Null) => query.bind(None::<String>),
            ("TEXT", Value::String(text)) => query.bind(text),
            _ => return Err(wrong()),
        };
    }
    query.execute(&mut **tx).await?;
    Ok(())
}

/// What was published after the backup has higher versions; a higher epoch beats them. The outbox has everything published again.
async fn raise_epochs(tx: &mut Tx, now_ms: i64) -> Result<(), BackupError> {
    let now_s = now_ms / 1_000;
    sqlx::query("UPDATE environments SET epoch = CASE WHEN epoch >= $1 THEN epoch + 1 ELSE $1 END")
        .bind(now_s)
        .execute(&mut **tx)
        .await?;
    sqlx::query("DELETE FROM outbox").execute(&mut **tx).await?;
    let environments = environments::list_all(tx).await?;
    let ids: Vec<String> = environments.into_iter().map(|environment| environment.id).collect();
    Ok(super::outbox::insert(tx, &ids, now_ms).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_there() {
        for table in LEFT_OUT {
            assert!(tables().contains(&table), "{table}");
        }
    }
}
