//! `pennon compile`: CONFIG.json to the bodies of a snapshot and, with a seed, their signed heads.

use std::path::{Path, PathBuf};

use clap::Args;
use pennon_core::config::{Configuration, compile};
use pennon_core::protocol::connection;
use pennon_core::snapshot::sign::{MINIMUM_EVALUATOR, SigningKey, sign_head};
use pennon_core::snapshot::{Head, Kind};
use sha2::{Digest, Sha256};

use super::json::read_json;
use super::{Failed, read, write};
use crate::ambient::Clock;
use crate::publish::publisher::{EXPIRE_MS, REFRESH_MS};

/// See `pennon compile --help`.
#[derive(Args, Debug)]
pub struct CompileArgs {
    /// The flags of one environment.
    #[arg(long, value_name = "CONFIG.json")]
    pub config: PathBuf,
    /// Where the files go: KIND.body and, with --seed-file, KIND.head.
    #[arg(long, value_name = "FOLDER")]
    pub out_dir: PathBuf,
    /// server, client or edge [default: all three]
    #[arg(long, value_parser = kind)]
    pub kind: Option<Kind>,
    /// 64 hex digits: the Ed25519 seed to sign with.
    #[arg(long, value_name = "FILE", requires = "environment", requires = "project")]
    pub seed_file: Option<PathBuf>,
    /// The environment's id, 32 hex digits.
    #[arg(long, value_name = "ID", value_parser = id)]
    pub environment: Option<Id>,
    /// The project's id, 32 hex digits.
    #[arg(long, value_name = "ID", value_parser = id)]
    pub project: Option<Id>,
    /// The version that the head names.
    #[arg(long, default_value_t = 1)]
    pub version: u64,
    /// The epoch that the head names.
    #[arg(long, default_value_t = 1)]
    pub epoch: u32,
    /// The keyset that the head names.
    #[arg(long, default_value_t = 1)]
    pub keyset: u32,
}

/// 16 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Id([u8; 16]);

fn id(text: &str) -> Result<Id, String> {
    connection::id(text).map(Id).ok_or_else(|| "give 32 lower-case hex digits".to_owned())
}

/// Reads the name of a kind.
///
/// # Errors
/// A sentence that lists them.
pub fn kind(text: &str) -> Result<Kind, String> {
    Kind::parse(text).ok_or_else(|| "give server, client or edge".to_owned())
}

/// Reads CONFIG.json; names the field at fault.
pub fn read_configuration(path: &Path) -> Result<Configuration, Failed> {
    crate::domain::flag::read(read_json(path)?).map_err(|wrong| Failed::at(path, wrong.sentence()))
}

/// Compiles, and signs when there is a seed.
///
/// # Errors
/// Every reason why the configuration does not compile, or a file that cannot be read or written.
pub fn run(args: &CompileArgs, clock: &Clock) -> Result<(), Failed> {
    let configuration = read_configuration(&args.config)?;
    let signer = args.seed_file.as_deref().map(seed).transpose()?;
    std::fs::create_dir_all(&args.out_dir).map_err(|error| Failed::at(&args.out_dir, error))?;
    let kinds = args.kind.map_or(Kind::ALL.to_vec(), |kind| vec![kind]);
    for kind in kinds {
        let body =
            compile(&configuration, kind, &[]).map_err(|error| Failed::at(&args.config, error))?;
        write(&args.out_dir.join(format!("{}.body", kind.as_str())), &body)?;
        if let Some(signer) = &signer
            && let (Some(Id(environment)), Some(Id(project))) = (args.environment, args.project)
        {
            let created = clock.now_ms();
            let head = Head {
                kind,
                project,
                environment,
                epoch: args.epoch,
                version: args.version,
                created,
                refresh_by: created + REFRESH_MS,
                not_after: created + EXPIRE_MS,
                body_length: u32::try_from(body.len()).unwrap_or(u32::MAX),
                body_sha256: Sha256::digest(&body).into(),
                previous_head_sha256: [0; 32],
                keyset: args.keyset,
                minimum_evaluator: MINIMUM_EVALUATOR,
                flags: 0,
            };
            write(
                &args.out_dir.join(format!("{}.head", kind.as_str())),
                &sign_head(&head, &[signer]),
            )?;
        }
    }
    Ok(())
}

/// Reads a seed of 64 hex digits.
pub fn seed(path: &Path) -> Result<SigningKey, Failed> {
    let text = String::from_utf8(read(path)?).map_err(|error| Failed::at(path, error))?;
    let seed = connection::digest(text.trim())
        .ok_or_else(|| Failed::at(path, "it has not 64 lower-case hex digits"))?;
    Ok(SigningKey::from_seed(seed))
}
