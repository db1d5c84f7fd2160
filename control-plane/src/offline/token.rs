//! `pennon token`: a new admin token, for whoever lost the old one and can reach the database.

use clap::Args;

use super::{Failed, Opened};
use crate::ambient::{Clock, Random};
use crate::auth::token;
use crate::config::PlaceArgs;
use crate::domain::keys::check_name;
use crate::store::StoreError;
use crate::store::tokens::{self, Token};

/// Which database, and what the token is called.
#[derive(Args, Clone, Debug)]
pub struct TokenArgs {
    #[command(flatten)]
    place: PlaceArgs,
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
    let opened = Opened::open(&args.place)?;
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
    opened.run(async |store| {
        let mut tx = store.begin().await?;
        tokens::insert(&mut tx, &row).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    })?;
    Ok(text)
}
