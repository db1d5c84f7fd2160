//! `pennon token`: a new admin token, for whoever lost the old one and can reach the database.

use std::path::PathBuf;

use clap::Args;

use super::Failed;
use crate::ambient::{Clock, Random};
use crate::auth::token;
use crate::domain::keys::check_name;
use crate::store::tokens::{self, Token};
use crate::store::{Dialect, Store, StoreError};

/// Which database, as for `pennon serve`.
#[derive(Args, Clone, Debug)]
pub struct TokenArgs {
    /// Folder of the database file.
    #[arg(long, env = "PENNON_DATA_DIR", default_value = "pennon-data", value_name = "FOLDER")]
    data_dir: PathBuf,
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE [default: pennon.sqlite in the data folder]
    #[arg(long, env = "PENNON_DATABASE", value_name = "URL", hide_env_values = true)]
    database: Option<String>,
    /// What the audit log calls whoever uses the token.
    #[arg(long, default_value = "admin")]
    name: String,
}

/// Writes a new token into the database and answers it. A server that runs knows it at once.
///
/// # Errors
/// When there is no such database, or what it says.
pub fn create(args: &TokenArgs, clock: &Clock, random: &Random) -> Result<String, Failed> {
    let failed = |error: &dyn std::fmt::Display| Failed(error.to_string());
    check_name(&args.name).map_err(|sentence| Failed(format!("--name: {sentence}")))?;
    let database = args
        .database
        .clone()
        .unwrap_or_else(|| format!("sqlite:{}", args.data_dir.join("pennon.sqlite").display()));
    if let Some(file) = Dialect::file(&database).map_err(|error| failed(&error))?
        && !file.is_file()
    {
        return Err(Failed::at(&file, "there is no database; give --data-dir or --database"));
    }
    let text = token::generate(token::ADMIN_PREFIX, random).map_err(|error| failed(&error))?;
    let row = Token {
        id: random.id().map_err(|error| failed(&error))?,
        name: args.name.clone(),
        prefix: token::shown(&text),
        sha256: token::sha256(&text).to_vec(),
        created_at: clock.now_ms(),
        expires_at: None,
        revoked_at: None,
        scope: None,
        made_by_user: None,
        last_used_at: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| failed(&error))?;
    let written: Result<(), StoreError> = runtime.block_on(async {
        let store = Store::connect(&database).await?;
        let mut tx = store.begin().await?;
        tokens::insert(&mut tx, &row).await?;
        tx.commit().await?;
        store.close().await;
        Ok(())
    });
    written.map_err(|error| failed(&error))?;
    Ok(text)
}
