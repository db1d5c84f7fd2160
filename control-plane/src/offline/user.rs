//! `pennon user`: people, for whoever has the database when nobody can sign in.

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;

use super::{Failed, Opened};
use crate::ambient::{Clock, Random};
use crate::auth::password;
use crate::config::PlaceArgs;
use crate::domain::keys::check_name;
use crate::domain::people;
use crate::store::users::{self, User};
use crate::store::{StoreError, sign_ins};

/// Bytes of a password that is made here.
const MADE_BYTES: usize = 18;

/// Whom it is about.
#[derive(Args, Clone, Debug)]
pub struct UserArgs {
    #[command(flatten)]
    place: PlaceArgs,
    #[arg(long, value_name = "ADDRESS")]
    email: String,
    /// Read the password from standard input, a line; otherwise one is made and printed.
    #[arg(long)]
    password_stdin: bool,
}

/// A new person.
#[derive(Args, Clone, Debug)]
pub struct CreateArgs {
    #[command(flatten)]
    user: UserArgs,
    /// What stands before the @, unless another is given.
    #[arg(long)]
    name: Option<String>,
    /// An owner of the instance, and so of every project; others belong to no project at first.
    #[arg(long)]
    owner: bool,
}

impl UserArgs {
    fn email(&self) -> Result<String, Failed> {
        people::email(&self.email).map_err(|sentence| Failed(format!("--email: {sentence}")))
    }

    /// The password, its hash, and whether it has to be shown.
    fn password(&self, email: &str, random: &Random) -> Result<(String, String, bool), Failed> {
        let failed = |error: &dyn std::fmt::Display| Failed(error.to_string());
        let text = if self.password_stdin {
            let mut text = String::new();
            let most = people::MAX_PASSWORD_BYTES as u64 + 3;
            let read = std::io::stdin().lock().take(most).read_to_string(&mut text);
            read.map_err(|error| Failed(format!("standard input: {error}")))?;
            text.trim_end_matches(['\r', '\n']).to_owned()
        } else {
            let bytes = random.bytes::<MADE_BYTES>().map_err(|error| failed(&error))?;
            URL_SAFE_NO_PAD.encode(bytes)
        };
        people::check_password(&text, email).map_err(Failed)?;
        let hash = password::hash(&text, random).map_err(Failed)?;
        Ok((text, hash, !self.password_stdin))
    }
}

fn said(sentence: String, password: &str, shown: bool) -> String {
    if shown {
        format!("{sentence}\npassword (shown once): {password}\n")
    } else {
        format!("{sentence}\n")
    }
}

/// Makes a person; answers what to print.
///
/// # Errors
/// When there is no such database, or somebody has the address, or what it says.
pub fn create(args: &CreateArgs, clock: &Clock, random: &Random) -> Result<String, Failed> {
    let email = args.user.email()?;
    let name = args.name.clone();
    let name = name.unwrap_or_else(|| email.split('@').next().unwrap_or_default().to_owned());
    check_name(&name).map_err(|sentence| Failed(format!("--name: {sentence}")))?;
    let opened = Opened::open(&args.user.place)?;
    let (password, hash, shown) = args.user.password(&email, random)?;
    let id = random.id().map_err(|error| Failed(error.to_string()))?;
    let user = User {
        id,
        email,
        name,
        password: Some(hash),
        instance_owner: args.owner,
        created_at: clock.now_ms(),
        disabled_at: None,
        last_sign_in_at: None,
    };
    opened.run(async |store| {
        let mut tx = store.begin().await?;
        if users::by_email(&mut tx, &user.email).await?.is_some() {
            let email = &user.email;
            return Err(Failed(format!("{email} is there: use `pennon user reset-password`")));
        }
        users::insert(&mut tx, &user).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    })?;
    Ok(said(format!("{} can sign in", user.email), &password, shown))
}

/// Gives a person a new password, and ends what was open under the old one; answers what to print.
///
/// # Errors
/// When there is no such database or person, or what it says.
pub fn reset_password(args: &UserArgs, random: &Random) -> Result<String, Failed> {
    let email = args.email()?;
    let opened = Opened::open(&args.place)?;
    let (password, hash, shown) = args.password(&email, random)?;
    opened.run(async |store| {
        let mut tx = store.begin().await?;
        let user = users::by_email(&mut tx, &email).await?;
        let mut user = user.ok_or_else(|| Failed(format!("there is nobody called {email}")))?;
        user.password = Some(hash);
        user.disabled_at = None;
        users::update(&mut tx, &user).await?;
        sign_ins::end_all(&mut tx, &user.id, "").await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    })?;
    Ok(said(
        format!("{email} has a new password, and nothing else lets them in any more"),
        &password,
        shown,
    ))
}
