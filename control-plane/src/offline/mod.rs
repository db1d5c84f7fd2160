//! What works without a server.

pub mod audit;
pub mod check;
pub mod compile;
pub mod database;
pub mod doctor;
pub mod eval;
pub mod import;
mod json;
pub mod keys;
pub mod keysets;
pub mod remote;
pub mod snapshot;
pub mod token;
pub mod user;

use std::fmt::Display;
use std::path::Path;

use crate::config::PlaceArgs;
use crate::store::{Dialect, Store, StoreError};

/// Why a command failed: a sentence for standard error.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failed(pub String);

impl Failed {
    fn at(path: &Path, why: impl Display) -> Self {
        Self(format!("{}: {why}", path.display()))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failed> {
    std::fs::read(path).map_err(|error| Failed::at(path, error))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failed> {
    std::fs::write(path, bytes).map_err(|error| Failed::at(path, error))
}

/// A database that is there, and the thread that works on it.
struct Opened {
    runtime: tokio::runtime::Runtime,
    store: Store,
}

impl Opened {
    /// Connects to what is configured, which has to be there: only `pennon serve` makes a database file.
    fn open(place: &PlaceArgs) -> Result<Self, Failed> {
        let file = Dialect::file(&place.database())?;
        if let Some(file) = file.filter(|file| !file.is_file()) {
            return Err(Failed::at(&file, "there is no database; give --data-dir or --database"));
        }
        Self::create(place)
    }

    /// The same, and makes a missing database file.
    fn create(place: &PlaceArgs) -> Result<Self, Failed> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failed(error.to_string()))?;
        let store = runtime.block_on(Store::connect(&place.database()))?;
        Ok(Self { runtime, store })
    }

    fn run<T>(self, work: impl AsyncFnOnce(&Store) -> Result<T, Failed>) -> Result<T, Failed> {
        self.runtime.block_on(async {
            let result = work(&self.store).await;
            self.store.close().await;
            result
        })
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}

/// The secret that a server on SQLite made for itself.
fn own_secret(place: &PlaceArgs) -> Option<[u8; 32]> {
    let text = std::fs::read_to_string(place.own_secret_file()).ok()?;
    pennon_core::protocol::connection::digest(text.trim())
}
