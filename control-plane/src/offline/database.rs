//! `pennon backup`, `pennon restore` and `pennon migrate`.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::PathBuf;

use clap::Args;

use super::{Failed, Opened, own_secret};
use crate::ambient::Clock;
use crate::config::PlaceArgs;
use crate::private_file;
use crate::publish::signer::Signer;
use crate::store::{backup, pending};

/// Where the backup goes.
#[derive(Args, Clone, Debug)]
pub struct BackupArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// A new file, made for its owner alone. It holds no secret in the clear; the secret that seals its keys has to be kept apart.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Writes a backup while the server runs, or not.
///
/// # Errors
/// When the file is there, or what it or the database says.
pub fn backup(args: &BackupArgs, clock: &Clock) -> Result<String, Failed> {
    let opened = Opened::open(&args.place)?;
    let file = private_file::create_new(&args.out).map_err(|error| Failed::at(&args.out, error))?;
    let written = opened.run(async |store| {
        let contents = backup::write(store, BufWriter::new(&file), clock.now_ms()).await;
        contents.map_err(|error| Failed(error.to_string()))
    });
    let written = written.and_then(|contents| {
        file.sync_all().map_err(|error| Failed::at(&args.out, error))?;
        Ok(contents)
    });
    match written {
        Ok(contents) => Ok(format!(
            "{} rows of {} tables are in {}",
            contents.rows,
            contents.tables,
            args.out.display()
        )),
        Err(failed) => {
            // Half a backup is none.
            std::fs::remove_file(&args.out).map_err(|error| Failed::at(&args.out, error))?;
            Err(failed)
        }
    }
}

/// Where the backup comes from.
#[derive(Args, Clone, Debug)]
pub struct RestoreArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// What `pennon backup` wrote.
    #[arg(long = "in", value_name = "FILE")]
    input: PathBuf,
}

/// Fills the configured database, which has to be new, from a backup; answers lines.
///
/// # Errors
/// When the database is not empty, or the backup cannot be used; then nothing was written.
pub fn restore(args: &RestoreArgs, clock: &Clock) -> Result<Vec<String>, Failed> {
    let secret = std::env::var("PENNON_SECRET").ok();
    let secret = args.place.secret(secret.as_deref()).map_err(Failed)?;
    let file = File::open(&args.input).map_err(|error| Failed::at(&args.input, error))?;
    private_file::create_folder(&args.place.data_dir)
        .map_err(|error| Failed::at(&args.place.data_dir, error))?;
    let _alone =
        crate::serve::lock(&args.place.database()).map_err(|error| Failed(error.to_string()))?;
    let opened = Opened::create(&args.place)?;
    opened.run(async |store| {
        let restored = backup::restore(store, BufReader::new(file), clock.now_ms()).await;
        let contents = restored.map_err(|error| Failed(error.to_string()))?;
        let mut lines = vec![
            format!("{} rows of {} tables are restored", contents.rows, contents.tables),
            "every environment has a new epoch, and is published when pennon serve starts; people sign in anew".to_owned(),
        ];
        let secret = secret.or_else(|| own_secret(&args.place));
        match secret {
            None => lines.push("give pennon serve the secret of the server that was backed up: PENNON_SECRET, or secret.key in the data folder".to_owned()),
            Some(secret) => if let Err(error) = Signer::load(store, &secret).await {
                lines.push(format!("BUT the configured secret does not fit: {error}"));
            }
        }
        Ok(lines)
    })
}

/// Which database, and whether it is only looked at.
#[derive(Args, Clone, Debug)]
pub struct MigrateArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Change nothing; exit status 1 when a migration is missing.
    #[arg(long)]
    check: bool,
}

/// Applies what is missing, or names it; answers lines, and whether the database is as this program wants it.
///
/// # Errors
/// When the database is newer than this program, or what it says.
pub fn migrate(args: &MigrateArgs, clock: &Clock) -> Result<(Vec<String>, bool), Failed> {
    let opened = Opened::open(&args.place)?;
    opened.run(async |store| {
        let named = |migrations: &[crate::store::Migration], what: &str| {
            let line = |migration: &crate::store::Migration| {
                format!("{what} {:04} {}", migration.number, migration.name)
            };
            migrations.iter().map(line).collect::<Vec<_>>()
        };
        let (mut lines, fits) = if args.check {
            let pending = pending(store).await?;
            (named(&pending, "missing"), pending.is_empty())
        } else {
            (named(&crate::store::migrate(store, clock.now_ms()).await?, "applied"), true)
        };
        if lines.is_empty() {
            lines.push("nothing is missing".to_owned());
        }
        Ok((lines, fits))
    })
}
