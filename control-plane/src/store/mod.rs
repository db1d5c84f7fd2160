//! SQL, and nothing else: plain functions over a connection, one text for SQLite and PostgreSQL.
//!
//! sqlx's `Any` driver is used rather than two typed pools: the columns are BIGINT, TEXT and BYTEA only, all of which it
//! carries, `$n` is understood by both databases, and every function exists once.

use sqlx::{Any, AnyPool, Transaction};

pub mod attributes;
pub mod audit;
pub mod change;
pub mod dialect;
pub mod edges;
pub mod environments;
pub mod flags;
pub mod instance;
pub mod members;
mod migrate;
pub mod outbox;
pub mod projects;
pub mod sdk_keys;
pub mod segments;
pub mod signing;
pub mod snapshots;
pub mod tokens;

pub use dialect::Dialect;
pub use migrate::migrate;

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
}

impl Store {
    /// Connects; does not migrate.
    ///
    /// # Errors
    /// When the address is wrong or nothing answers there.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let dialect = Dialect::of(url).map_err(StoreError::Unusable)?;
        let (writer, readers) = dialect.connect(url).await?;
        Ok(Self { dialect, writer, readers })
    }

    /// Which database this is.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// A transaction that changes something.
    ///
    /// # Errors
    /// [`StoreError::Away`] when no connection comes free within two seconds.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(self.writer.begin_with(self.dialect.begin_write()).await?)
    }

    /// A transaction beside which no other replica starts or migrates.
    ///
    /// # Errors
    /// [`StoreError::Away`] when no connection comes free within two seconds.
    pub async fn begin_alone(&self) -> Result<Tx, StoreError> {
        let mut tx = self.begin().await?;
        self.dialect.lock_start(&mut tx).await?;
        Ok(tx)
    }

    /// A transaction whose reads all see the same instant.
    ///
    /// # Errors
    /// [`StoreError::Away`] when no connection comes free within two seconds.
    pub async fn begin_read(&self) -> Result<Tx, StoreError> {
        Ok(self.readers.begin_with(self.dialect.begin_read()).await?)
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// What it, or the lack of it, says.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT number FROM migrations").fetch_optional(&self.readers).await?;
        Ok(())
    }

    /// Waits for what runs, then closes every connection.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}
