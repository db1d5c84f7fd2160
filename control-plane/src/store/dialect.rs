//! The only file that knows that there are two databases: how a connection is opened, tuned and locked.
//! Every other statement has one text for both.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::{AnyConnection, AnyPool, AssertSqlSafe, Executor};

use super::StoreError;

/// How long a request waits for a connection before it is told that the database is away: with the answer to it, less than two seconds.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_millis(1_900);
/// Connections that read, on SQLite.
const SQLITE_READERS: u32 = 4;
/// Connections, on PostgreSQL.
const POSTGRES_CONNECTIONS: u32 = 16;
/// The advisory lock that lets replicas start one after the other ("pennon" in ASCII).
const START_LOCK: i64 = 0x0070_656e_6e6f_6e00;

/// Which database is behind the pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

/// Connections by what they are for.
pub(super) struct Pools {
    pub(super) writer: AnyPool,
    pub(super) readers: AnyPool,
    /// As the driver takes it.
    pub(super) url: String,
}

/// Run on every SQLite connection.
/// WAL lets readers go on while one writes. `synchronous=FULL` syncs the log at each commit, so that an acknowledged
/// change survives a loss of power as it survives a killed process; NORMAL would keep only the second promise.
/// Copying the log into the database file is [`Store::checkpoint`](super::Store::checkpoint)'s task, or every few dozen commits one would
/// take many times as long; only past 64 MiB a commit does it.
const SQLITE_PRAGMAS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
    PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000; PRAGMA wal_autocheckpoint = 16384;";

impl Dialect {
    /// Reads a database URL.
    ///
    /// # Errors
    /// A sentence that says which forms there are.
    pub fn of(url: &str) -> Result<Self, String> {
        match url.split_once(':') {
            Some(("sqlite", _)) => Ok(Self::Sqlite),
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => Ok(Self::Postgres),
            _ => Err("give sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE".to_owned()),
        }
    }

    /// What is behind a connection.
    pub(super) fn behind(connection: &AnyConnection) -> Self {
        if connection.backend_name() == "PostgreSQL" { Self::Postgres } else { Self::Sqlite }
    }

    /// The function that tells where a text holds another one; 0 where it does not.
    pub(super) fn position(self) -> &'static str {
        match self {
            Self::Sqlite => "INSTR",
            Self::Postgres => "STRPOS",
        }
    }

    /// The file that the database is; none on PostgreSQL.
    ///
    /// # Errors
    /// When the path cannot be one.
    pub fn file(url: &str) -> Result<Option<PathBuf>, StoreError> {
        match Self::of(url).map_err(StoreError::Unusable)? {
            Self::Sqlite => sqlite_path(url).map(Some),
            Self::Postgres => Ok(None),
        }
    }

    /// The statement that opens a transaction which changes something. SQLite takes its one write lock at once:
    /// a transaction that begins as a reader and then writes could be refused in the middle.
    pub(super) fn begin_write(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN",
        }
    }

    /// The statement that opens a transaction whose reads all see one instant.
    pub(super) fn begin_read(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN DEFERRED",
            Self::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }

    /// Waits until no other replica starts; the lock ends with the transaction. SQLite's writer is alone already.
    pub(super) async fn lock_start(self, tx: &mut AnyConnection) -> Result<(), StoreError> {
        if self == Self::Postgres {
            sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(START_LOCK).execute(tx).await?;
        }
        Ok(())
    }

    /// Makes the index that a search among flags goes through, rather than through whole rows. PostgreSQL takes no entry of the length that
    /// `search` can have, and goes through rows faster.
    pub(super) async fn index_searches(self, tx: &mut AnyConnection) -> Result<(), StoreError> {
        if self == Self::Sqlite {
            let index = "CREATE INDEX IF NOT EXISTS flags_by_search ON flags (project_id, archived_at, key, search)";
            sqlx::query(index).execute(tx).await?;
        }
        Ok(())
    }

    /// Takes an environment for publishing until the transaction ends; false when another replica has it. SQLite has one server.
    pub(super) async fn try_lock_publishing(
        self,
        tx: &mut AnyConnection,
        environment_id: &str,
    ) -> Result<bool, StoreError> {
        if self == Self::Sqlite {
            return Ok(true);
        }
        let (ours,): (i64,) = sqlx::query_as(
            "SELECT CASE WHEN pg_try_advisory_xact_lock(hashtextextended($1, 0)) \
             THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END",
        )
        .bind(environment_id)
        .fetch_one(tx)
        .await?;
        Ok(ours != 0)
    }

    /// The tables that there are.
    pub(super) async fn tables(self, tx: &mut AnyConnection) -> Result<Vec<String>, StoreError> {
        let statement = match self {
            Self::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table'",
            Self::Postgres => {
                "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = current_schema()"
            }
        };
        let rows: Vec<(String,)> = sqlx::query_as(statement).fetch_all(tx).await?;
        Ok(rows.into_iter().map(|(name,)| name).collect())
    }

    /// Name and type (BIGINT, TEXT or BYTEA) of a table's columns, in their order.
    pub(super) async fn columns(
        self,
        tx: &mut AnyConnection,
        table: &str,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let statement = match self {
            Self::Sqlite => "SELECT name, UPPER(type) FROM pragma_table_info($1) ORDER BY cid",
            Self::Postgres => {
                "SELECT CAST(column_name AS TEXT), UPPER(CAST(data_type AS TEXT)) FROM information_schema.columns \
                 WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position"
            }
        };
        Ok(sqlx::query_as(statement).bind(table.to_owned()).fetch_all(tx).await?)
    }

    /// The time that the database's computer has, in Unix milliseconds; SQLite's is this one.
    pub async fn now_ms(self, tx: &mut AnyConnection) -> Result<Option<i64>, StoreError> {
        if self == Self::Sqlite {
            return Ok(None);
        }
        let (now,): (i64,) =
            sqlx::query_as("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)")
                .fetch_one(tx)
                .await?;
        Ok(Some(now))
    }

    /// The pools. On PostgreSQL the one that writes reads as well.
    pub(super) async fn connect(self, url: &str) -> Result<Pools, StoreError> {
        sqlx::any::install_default_drivers();
        match self {
            Self::Sqlite => {
                let path = sqlite_path(url)?;
                create_private(&path)?;
                let url = sqlite_url(&path)?;
                let writer = sqlite_pool(1).connect(&url).await?;
                let readers = sqlite_pool(SQLITE_READERS).connect(&url).await?;
                Ok(Pools { writer, readers, url })
            }
            Self::Postgres => {
                let options = AnyPoolOptions::new().acquire_timeout(ACQUIRE_TIMEOUT);
                let pool = options.max_connections(POSTGRES_CONNECTIONS).connect(url).await?;
                Ok(Pools { writer: pool.clone(), readers: pool, url: url.to_owned() })
            }
        }
    }
}

fn sqlite_pool(connections: u32) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // The file is ours: a connection has no reason to age, and a test should not be kept waiting for one.
        .idle_timeout(None)
        .max_lifetime(None)
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection.execute(SQLITE_PRAGMAS).await?;
                Ok(())
            })
        })
}

/// The absolute path in `sqlite:PATH`.
fn sqlite_path(url: &str) -> Result<PathBuf, StoreError> {
    let path = url.trim_start_matches("sqlite:").trim_start_matches("//");
    std::path::absolute(Path::new(path))
        .map_err(|error| StoreError::Unusable(format!("the database path {path:?}: {error}")))
}

/// Creates a missing file for its owner alone: it will hold sealed keys and the audit log. SQLite gives the files beside it the
/// same mode. One that is there keeps the mode that somebody gave it.
fn create_private(path: &Path) -> Result<(), StoreError> {
    let opened = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
    opened
        .map(drop)
        .map_err(|error| StoreError::Unusable(format!("the database {}: {error}", path.display())))
}

/// The path as the address the driver reads, percent-encoded.
fn sqlite_url(path: &Path) -> Result<String, StoreError> {
    let path = path.to_str().ok_or_else(|| {
        StoreError::Unusable(format!("the database path {} is not UTF-8", path.display()))
    })?;
    let mut encoded = String::from("sqlite://");
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded.push_str("?mode=rw");
    Ok(encoded)
}

/// Runs a whole migration file.
pub(super) async fn run_script(
    connection: &mut AnyConnection,
    script: &'static str,
) -> Result<(), StoreError> {
    connection.execute(sqlx::raw_sql(AssertSqlSafe(script))).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_sqlite_connection_keeps_its_promises() {
        let file =
            std::env::temp_dir().join(format!("pennon-dialect-{}.sqlite", std::process::id()));
        let url = format!("sqlite:{}", file.display());
        let Pools { writer, readers, url: _ } = Dialect::Sqlite.connect(&url).await.unwrap();
        for pool in [&writer, &readers] {
            let ask = async |pragma: &'static str| {
                let row = sqlx::query(pragma).fetch_one(pool).await.unwrap();
                sqlx::Row::try_get::<i64, _>(&row, 0).unwrap()
            };
            assert_eq!(ask("PRAGMA synchronous").await, 2, "FULL");
            assert_eq!(ask("PRAGMA foreign_keys").await, 1);
            assert_eq!(ask("PRAGMA busy_timeout").await, 5_000);
            assert_eq!(ask("PRAGMA wal_autocheckpoint").await, 16_384);
            let mode: (String,) =
                sqlx::query_as("PRAGMA journal_mode").fetch_one(pool).await.unwrap();
            assert_eq!(mode.0, "wal");
        }
        sqlx::query("CREATE TABLE t (n BIGINT)").execute(&writer).await.unwrap();
        for ending in ["", "-wal", "-shm"] {
            let path = format!("{}{ending}", file.display());
            let mode = std::os::unix::fs::PermissionsExt::mode(
                &std::fs::metadata(path).unwrap().permissions(),
            );
            assert_eq!(mode & 0o777, 0o600, "{ending}");
        }
        readers.close().await;
        writer.close().await;
        std::fs::remove_file(file).unwrap();
    }

    #[test]
    fn names_the_database_of_an_address() {
        assert_eq!(Dialect::of("sqlite:/tmp/a.sqlite"), Ok(Dialect::Sqlite));
        assert_eq!(Dialect::of("postgres://u@h/d"), Ok(Dialect::Postgres));
        assert_eq!(Dialect::of("postgresql://u@h/d"), Ok(Dialect::Postgres));
        assert!(Dialect::of("mysql://u@h/d").is_err());
        assert!(Dialect::of("pennon.sqlite").is_err());
    }

    #[test]
    fn encodes_a_path_with_spaces() {
        let url = sqlite_url(&sqlite_path("sqlite:/tmp/a b?.sqlite").unwrap()).unwrap();
        assert_eq!(url, "sqlite:///tmp/a%20b%3F.sqlite?mode=rw");
    }
}
