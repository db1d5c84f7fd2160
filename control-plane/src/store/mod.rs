//! SQL, and nothing else: plain functions over a connection, one text for SQLite and PostgreSQL.
//!
//! sqlx's `Any` driver is used rather than two typed pools: the columns are BIGINT, TEXT and BYTEA only, all of which it
//! carries, `$n` is understood by both databases, and every function exists once.

use std::sync::Arc;

use sqlx::{Any, AnyConnection, AnyPool, Connection, Transaction};
use tokio::sync::{Mutex, watch};

pub mod audit;
pub mod backup;
pub mod change;
pub mod deliveries;
pub mod dialect;
pub mod documents;
pub mod edges;
pub mod environments;
pub mod flags;
pub mod instance;
pub mod list;
pub mod members;
mod migrate;
pub mod outbox;
pub mod projects;
pub mod publications;
mod rows;
pub mod sdk_keys;
pub mod sign_ins;
pub mod signing;
pub mod snapshots;
pub mod tokens;
pub mod users;
pub mod versions;
pub mod webhooks;

pub use dialect::Dialect;
pub use migrate::{Migration, migrate, pending};

/// A transaction; it is rolled back when it is dropped without a commit.
pub type Tx = Transaction<'static, Any>;

/// What can go wrong below the routes.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database did not answer in time, or the connection broke. Trying again later may help.
    #[error("the database is away: {0}")]
    Away(#[source] sqlx::Error),
    /// A value that must be unique is there already.
    #[error("already there: {0}")]
    Duplicate(#[source] sqlx::Error),
    /// The row was referred to, or refers to something that is not there.
    #[error("still referred to, or refers to nothing: {0}")]
    Reference(#[source] sqlx::Error),
    /// The author of the change may not change the environment with this key.
    #[error("the role does not reach to the environment {0:?}")]
    MayNotChange(String),
    /// Anything else the database said.
    #[error("the database refused: {0}")]
    Sql(#[source] sqlx::Error),
    /// The database holds something this program cannot use; the sentence says what to do.
    #[error("{0}")]
    Unusable(String),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::WorkerCrashed => Self::Away(error),
            sqlx::Error::Database(database) => {
                if database.is_unique_violation() {
                    Self::Duplicate(error)
                } else if database.is_foreign_key_violation() {
                    Self::Reference(error)
                } else if is_away(database.code().as_deref()) {
                    Self::Away(error)
                } else {
                    Self::Sql(error)
                }
            }
            _ => Self::Sql(error),
        }
    }
}

/// PostgreSQL's classes 08 (connection) and 57P (going down, starting up), its 53300 (too many connections),
/// SQLite's 5 (busy past the timeout) and its extended forms.
fn is_away(code: Option<&str>) -> bool {
    code.is_some_and(|code| {
        code.starts_with("08")
            || code.starts_with("57P")
            || code == "53300"
            || ["5", "261", "517"].contains(&code)
    })
}

/// The database.
#[derive(Clone, Debug)]
pub struct Store {
    dialect: Dialect,
    writer: AnyPool,
    readers: AnyPool,
    probe: Arc<Probe>,
    /// See [`Store::set_away`].
    away: watch::Sender<bool>,
}

/// The right to publish an environment, which ends with the connection at the latest.
#[derive(Debug)]
pub struct Claim(Option<Tx>);

impl Claim {
    /// Gives it up.
    ///
    /// # Errors
    /// What the database says; the right has ended all the same.
    pub async fn release(self) -> Result<(), StoreError> {
        match self.0 {
            Some(tx) => Ok(tx.rollback().await?),
            None => Ok(()),
        }
    }
}

/// A connection for [`Store::ping`] alone. It is made outside of the pools, which would try again for seconds where nobody listens.
struct Probe {
    url: String,
    connection: Mutex<Option<AnyConnection>>,
}

impl std::fmt::Debug for Probe {
    /// Without the address, which may hold a password.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Probe")
    }
}

/// Connections of one pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// `all` on PostgreSQL; `writer` and `readers` on SQLite.
    pub pool: &'static str,
    pub open: u32,
    pub idle: usize,
}

impl Store {
    /// Connects; does not migrate.
    ///
    /// # Errors
    /// When the address is wrong or nothing answers there.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let dialect = Dialect::of(url).map_err(StoreError::Unusable)?;
        let dialect::Pools { writer, readers, url } = dialect.connect(url).await?;
        let probe = Arc::new(Probe { url, connection: Mutex::new(None) });
        Ok(Self { dialect, writer, readers, probe, away: watch::Sender::new(false) })
    }

    /// Which database this is.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Notes that the database is away: until it is back, transactions are refused at once, so that nobody waits in vain. Says whether
    /// that is news.
    pub fn set_away(&self, away: bool) -> bool {
        self.away.send_replace(away) != away
    }

    /// Whether the database is away.
    pub fn is_away(&self) -> bool {
        *self.away.borrow()
    }

    /// A transaction that changes something.
    ///
    /// # Errors
    /// [`StoreError::Away`] when the database does not open one within two seconds.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        self.open(&self.writer, self.dialect.begin_write()).await
    }

    async fn open(&self, pool: &AnyPool, statement: &'static str) -> Result<Tx, StoreError> {
        let mut away = self.away.subscribe();
        // Dropped halfway, a BEGIN stays open on a connection that goes back to the pool, and somebody's change finds itself in a transaction
        // that only reads. So it is let to its end, whoever waits no longer; what comes of it is rolled back.
        let pool = pool.clone();
        let opening = tokio::spawn(async move { pool.begin_with(statement).await });
        let opening = async { opening.await.unwrap_or(Err(sqlx::Error::WorkerCrashed)) };
        tokio::select! {
            biased;
            // Whoever waits already is told at once as well.
            _ = away.wait_for(|away| *away) => Err(StoreError::Away(sqlx::Error::PoolTimedOut)),
            // A server that hangs keeps connections that look sound: the time covers its answer too.
            opened = in_time(opening) => opened,
        }
    }

    /// A transaction beside which no other replica starts or migrates.
    ///
    /// # Errors
    /// [`StoreError::Away`] when the database does not open one within two seconds.
    pub async fn begin_alone(&self) -> Result<Tx, StoreError> {
        let mut tx = self.begin().await?;
        self.dialect.lock_start(&mut tx).await?;
        Ok(tx)
    }

    /// A transaction whose reads all see the same instant.
    ///
    /// # Errors
    /// [`StoreError::Away`] when the database does not open one within two seconds.
    pub async fn begin_read(&self) -> Result<Tx, StoreError> {
        self.open(&self.readers, self.dialect.begin_read()).await
    }

    /// The right to publish an environment; `None` while another replica has it.
    ///
    /// # Errors
    /// [`StoreError::Away`] when the database does not answer within two seconds.
    pub async fn claim(&self, environment_id: &str) -> Result<Option<Claim>, StoreError> {
        if self.dialect == Dialect::Sqlite {
            return Ok(Some(Claim(None)));
        }
        let mut tx = self.begin().await?;
        let ours = self.dialect.try_lock_publishing(&mut tx, environment_id).await?;
        Ok(ours.then_some(Claim(Some(tx))))
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// What it, or the lack of it, says, within two seconds.
    pub async fn ping(&self) -> Result<(), StoreError> {
        if self.writer.is_closed() {
            return Err(StoreError::Away(sqlx::Error::PoolClosed));
        }
        let mut held = self.probe.connection.lock().await;
        let asked = in_time(async {
            let mut connection = match held.take() {
                Some(connection) => connection,
                None => AnyConnection::connect(&self.probe.url).await?,
            };
            sqlx::query("SELECT number FROM migrations").fetch_optional(&mut connection).await?;
            Ok(connection)
        });
        // One that failed is not asked again.
        *held = Some(asked.await?);
        Ok(())
    }

    /// Copies what was committed from SQLite's log into the database file, as far as no reader needs it there, while others read and
    /// write. The log is written from its beginning again once all of it is copied.
    ///
    /// # Errors
    /// What the database says; nothing is lost then.
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        if self.dialect == Dialect::Sqlite {
            sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&self.readers).await?;
        }
        Ok(())
    }

    /// The connections that are open now.
    pub fn connections(&self) -> Vec<Connections> {
        let of = |pool: &'static str, from: &AnyPool| Connections {
            pool,
            open: from.size(),
            idle: from.num_idle(),
        };
        match self.dialect {
            Dialect::Sqlite => vec![of("writer", &self.writer), of("readers", &self.readers)],
            Dialect::Postgres => vec![of("all", &self.writer)],
        }
    }

    /// Waits for what runs, then closes every connection.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
        self.probe.connection.lock().await.take();
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
    match tokio::time::timeout(dialect::ACQUIRE_TIMEOUT, work).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(StoreError::Away(sqlx::Error::PoolTimedOut)),
    }
}
