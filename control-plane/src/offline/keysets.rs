//! `pennon keys new | rotate | revoke | install | list`: the next keyset, on the database of a server that may run. Servers that run take
//! it within seconds, sign with what it allows, and sign again what is out; receivers follow by themselves.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use pennon_core::limits::MAX_KEYSETS;
use pennon_core::protocol::connection;
use pennon_core::snapshot::sign::SigningKey;
use pennon_core::snapshot::{Keyset, Kind, OnlineKey, Refusal};

use super::keys::{described, shown, signed};
use super::{Failed, Opened, own_secret, read, write};
use crate::ambient::{Clock, Random};
use crate::auth::seal;
use crate::config::PlaceArgs;
use crate::domain::keyset;
use crate::first_start::ROOT_FINGERPRINT;
use crate::publish::signer::SEAL_PURPOSE;
use crate::publish::trust;
use crate::store::{StoreError, Tx, environments, instance, signing};

/// The database, and how the next keyset is signed.
#[derive(Args, Clone, Debug)]
pub struct ChangeArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// A root key that signs the keyset at once; give it once for each that has to sign [default: root.key in the data folder]
    #[arg(long, value_name = "FILE", conflicts_with = "draft")]
    root_key_file: Vec<PathBuf>,
    /// Write the keyset unsigned into this file instead, for `pennon keys sign` where the root key is, and `pennon keys install`.
    #[arg(long, value_name = "FILE")]
    draft: Option<PathBuf>,
}

/// What a new key may sign.
#[derive(Args, Clone, Debug)]
pub struct NewArgs {
    #[command(flatten)]
    change: ChangeArgs,
    /// The kinds of snapshot that it may sign.
    #[arg(long, value_delimiter = ',', value_name = "KIND", value_parser = super::compile::kind, default_value = "server,client,edge")]
    kinds: Vec<Kind>,
    /// The id of the one environment that it may sign for [default: every environment]
    #[arg(long, value_name = "ID")]
    environment: Option<String>,
}

/// How far a rotation goes.
#[derive(Args, Clone, Debug)]
pub struct RotateArgs {
    #[command(flatten)]
    change: ChangeArgs,
    /// The public key of another root, which takes the place of those before: both sign this keyset, and the new one alone the next.
    #[arg(long, value_name = "PUBLIC KEY")]
    new_root: Option<String>,
}

/// Which key.
#[derive(Args, Clone, Debug)]
pub struct RevokeArgs {
    #[command(flatten)]
    change: ChangeArgs,
    /// As `pennon keys list` shows it.
    #[arg(value_name = "KEY ID")]
    key: String,
}

/// A signed keyset.
#[derive(Args, Clone, Debug)]
pub struct InstallArgs {
    #[command(flatten)]
    place: PlaceArgs,
    #[arg(value_name = "KEYSET")]
    keyset: PathBuf,
}

/// Which database.
#[derive(Args, Clone, Debug)]
pub struct ListArgs {
    #[command(flatten)]
    place: PlaceArgs,
}

/// A key beside those that there are.
///
/// # Errors
/// When the keyset cannot be written, or would not be believed.
pub fn new(args: &NewArgs, clock: &Clock, random: &Random) -> Result<String, Failed> {
    let environment = match &args.environment {
        None => [0; 16],
        Some(text) => connection::id(text)
            .ok_or_else(|| Failed("--environment: give the 32 hex digits of its id".to_owned()))?,
    };
    change(&args.change, clock, random, |keyset, made| {
        let key = made.key()?;
        keyset.keys.push(OnlineKey::scoped(key, &args.kinds, environment));
        Ok(())
    })
}

/// A fresh key for all that may be signed; those that there are stay until they are revoked.
///
/// # Errors
/// As [`new`].
pub fn rotate(args: &RotateArgs, clock: &Clock, random: &Random) -> Result<String, Failed> {
    let root = args.new_root.as_ref().map(|text| {
        connection::digest(text).ok_or_else(|| {
            Failed(
                "--new-root: give the 64 hex digits that `pennon keys init-root` printed"
                    .to_owned(),
            )
        })
    });
    let root = root.transpose()?;
    change(&args.change, clock, random, |keyset, made| {
        for scope in keyset::scopes(keyset) {
            keyset.keys.push(scope.replaced_by(made.key()?));
        }
        if let Some(root) = root {
            keyset.roots = vec![root];
            keyset.threshold = 1;
        }
        Ok(())
    })
}

/// The keyset without a key; where nothing else may sign what it could, a fresh one takes its place.
///
/// # Errors
/// As [`new`], or when there is no such key.
pub fn revoke(args: &RevokeArgs, clock: &Clock, random: &Random) -> Result<String, Failed> {
    let unknown =
        || Failed(format!("{:?} is no key of the newest keyset: see `pennon keys list`", args.key));
    let id = u64::from_str_radix(&args.key, 16).map_err(|_| unknown())?.to_be_bytes();
    change(&args.change, clock, random, |keyset, made| {
        if let Some(scope) = keyset::without(keyset, id).ok_or_else(unknown)? {
            keyset.keys.push(scope.replaced_by(made.key()?));
        }
        Ok(())
    })
}

/// Takes a keyset that was signed elsewhere.
///
/// # Errors
/// When a receiver would not believe it, or this server could not sign under it.
pub fn install(args: &InstallArgs, clock: &Clock) -> Result<String, Failed> {
    let bytes = read(&args.keyset)?;
    Opened::open(&args.place)?.run(async |store| {
        let mut tx = store.begin_alone().await?;
        let keyset = put(&mut tx, &bytes, clock.now_ms()).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(installed(&keyset))
    })
}

/// The keysets and what their keys may sign.
///
/// # Errors
/// When there is no such database, or what it says.
pub fn list(args: &ListArgs) -> Result<String, Failed> {
    Opened::open(&args.place)?.run(async |store| {
        let mut tx = store.begin_read().await?;
        let stored = signing::keysets(&mut tx).await?;
        let held: BTreeMap<String, Vec<u8>> =
            signing::public_keys(&mut tx).await?.into_iter().collect();
        let newest = newest(&stored)?;
        let mut text = shown(&newest);
        for (id, public_key) in held {
            if !newest.keys.iter().any(|key| key.public_key == public_key.as_slice()) {
                text.push_str(&format!("  {id}  waits for a keyset that names it\n"));
            }
        }
        Ok(text)
    })
}

/// Keys that were made for a keyset.
struct Made<'r> {
    random: &'r Random,
    seeds: Vec<[u8; 32]>,
}

impl Made<'_> {
    /// One more; its public key.
    fn key(&mut self) -> Result<[u8; 32], Failed> {
        let seed = self.random.bytes::<32>().map_err(|error| Failed(error.to_string()))?;
        self.seeds.push(seed);
        Ok(SigningKey::from_seed(seed).public_key())
    }
}

fn change(
    args: &ChangeArgs,
    clock: &Clock,
    random: &Random,
    edit: impl FnOnce(&mut Keyset, &mut Made<'_>) -> Result<(), Failed>,
) -> Result<String, Failed> {
    let variable = std::env::var("PENNON_SECRET").ok();
    let secret = args.place.secret(variable.as_deref()).map_err(Failed)?;
    let secret = secret.or_else(|| own_secret(&args.place)).ok_or_else(|| {
        Failed(
            "set PENNON_SECRET to the secret of the server: it seals the signing keys".to_owned(),
        )
    })?;
    let own_root = args.place.data_dir.join("root.key");
    let roots = match args.root_key_file.as_slice() {
        [] if args.draft.is_none() && own_root.is_file() => vec![own_root],
        [] if args.draft.is_none() => {
            return Err(Failed(
                "give --root-key-file, or --draft to have the keyset signed where the root key is"
                    .to_owned(),
            ));
        }
        files => files.to_vec(),
    };
    Opened::open(&args.place)?.run(async |store| {
        let now = clock.now_ms();
        let mut tx = store.begin_alone().await?;
        let mut next = keyset::next(&newest(&signing::keysets(&mut tx).await?)?, now);
        let mut made = Made { random, seeds: Vec::new() };
        edit(&mut next, &mut made)?;
        keep(&mut tx, &secret, &made, now).await?;
        let text = match &args.draft {
            Some(path) => {
                write(path, &signed(&next, &[])?)?;
                format!("{}{}: to be signed\n", shown(&next), path.display())
            }
            None => installed(&put(&mut tx, &signed(&next, &roots)?, now).await?),
        };
        tx.commit().await.map_err(StoreError::from)?;
        Ok(text)
    })
}

fn newest(stored: &[(i64, Vec<u8>)]) -> Result<Keyset, Failed> {
    let (_, bytes) = stored
        .last()
        .ok_or_else(|| Failed("the database was never served: start pennon serve".to_owned()))?;
    Keyset::parse(bytes)
        .map_err(|refusal| Failed(format!("the newest keyset: {refusal}: restore a backup")))
}

fn installed(keyset: &Keyset) -> String {
    format!("{}servers that run follow within seconds\n", shown(keyset))
}

/// Keeps the seeds, sealed; nothing signs with them before a keyset names their keys.
async fn keep(tx: &mut Tx, secret: &[u8; 32], made: &Made<'_>, now: i64) -> Result<(), Failed> {
    for seed in &made.seeds {
        let key = SigningKey::from_seed(*seed);
        let sealed = seal::seal(secret, SEAL_PURPOSE, seed, made.random)
            .map_err(|error| Failed(error.to_string()))?;
        let id = connection::hex(&key.key_id());
        signing::insert_signing_key(tx, &id, &key.public_key(), &sealed, now).await?;
    }
    Ok(())
}

/// Verifies the next keyset as receivers do, and writes it. Keys that it does not name any more are retired.
async fn put(tx: &mut Tx, bytes: &[u8], now: i64) -> Result<Keyset, Failed> {
    let refused =
        |refusal: Refusal| Failed(format!("no receiver would take this keyset: {refusal}"));
    let keyset = Keyset::parse(bytes).map_err(refused)?;
    let stored = signing::keysets(tx).await?;
    let before = newest(&stored)?;
    let root = instance::get(tx, ROOT_FINGERPRINT).await?;
    let root = root.and_then(|root| <[u8; 32]>::try_from(root).ok());
    let root =
        root.ok_or_else(|| Failed("the root fingerprint is damaged: restore a backup".to_owned()))?;
    let known = |number: u32| {
        let known = stored.iter().find(|(known, _)| *known == i64::from(number));
        known.map(|(_, bytes)| bytes)
    };
    let mut receiver = trust::receiver(root, ([0; 16], Kind::Server), before.number, known)
        .map_err(|refusal| Failed(format!("the keysets in the database: {refusal}")))?;
    receiver.accept_keyset(bytes).map_err(refused)?;
    if keyset.number > MAX_KEYSETS {
        return Err(Failed(format!("receivers follow {MAX_KEYSETS} keysets, and no more")));
    }

    let held = signing::public_keys(tx).await?;
    let public: Vec<[u8; 32]> =
        held.iter().filter_map(|(_, key)| <[u8; 32]>::try_from(key.as_slice()).ok()).collect();
    let places: Vec<[u8; 16]> = environments::list_all(tx)
        .await?
        .iter()
        .filter_map(|environment| connection::id(&environment.id))
        .collect();
    if let Some((environment, kind)) = keyset::unsigned(&keyset, &public, &places) {
        return Err(Failed(format!(
            "nobody could sign {} snapshots of environment {} under this keyset: no key of it that may is in this database",
            kind.as_str(),
            connection::hex(&environment)
        )));
    }
    signing::insert_keyset(tx, i64::from(keyset.number), bytes, now).await?;
    let gone = |key: &OnlineKey| !keyset.keys.iter().any(|left| left.public_key == key.public_key);
    for key in before.keys.iter().filter(|key| gone(key)) {
        signing::retire(tx, &connection::hex(&key.id()), now).await?;
        tracing::debug!(key = described(key), "retired");
    }
    Ok(keyset)
}
