//! `pennon snapshot show` and `pennon snapshot verify`.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;
use pennon_core::protocol::connection::hex;
use pennon_core::snapshot::{Acceptance, Head, Keyset, Kind, Snapshot};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{Failed, read};
use crate::ambient::Clock;

/// Opens a body of whatever kind it is.
///
/// # Errors
/// When it is not a body.
pub fn open_body(path: &Path) -> Result<Snapshot, Failed> {
    body(read(path)?).map_err(|why| Failed::at(path, why))
}

fn body(bytes: Vec<u8>) -> Result<Snapshot, String> {
    let mut why = String::from("it is not the body of a snapshot");
    for kind in Kind::ALL {
        match Snapshot::open(bytes.clone(), kind) {
            Ok(snapshot) => return Ok(snapshot),
            Err(pennon_core::snapshot::Refusal::WrongKind) => {}
            Err(refusal) => why = refusal.to_string(),
        }
    }
    Err(why)
}

/// A head, a keyset or a body as JSON.
///
/// # Errors
/// When the file is none of the three.
pub fn show(path: &Path) -> Result<Value, Failed> {
    let bytes = read(path)?;
    if let Ok(head) = Head::parse(&bytes) {
        return Ok(shown_head(&head));
    }
    if let Ok(keyset) = Keyset::parse(&bytes) {
        return Ok(shown_keyset(&keyset));
    }
    let sha256 = Sha256::digest(&bytes);
    let length = bytes.len();
    let snapshot = body(bytes).map_err(|why| {
        Failed::at(path, format!("neither head nor keyset, and as a body: {why}"))
    })?;
    let mut flags = Map::new();
    for flag in (0..snapshot.flag_count()).filter_map(|position| snapshot.flag_at(position)) {
        let variants: Map<String, Value> = (0..=u8::MAX)
            .map_while(|position| flag.variant(position))
            .map(|(key, value)| (key.to_owned(), value.to_json()))
            .collect();
        let rules: Vec<&str> =
            (0..=u16::MAX).map_while(|position| flag.rule_id(position)).collect();
        let shown = json!({
            "type": flag.flag_type().map(pennon_core::outcome::FlagType::as_str),
            "enabled": flag.enabled(),
            "clientVisible": flag.client_visible(),
            "variants": variants,
            "rules": rules,
        });
        flags.insert(flag.key().to_owned(), shown);
    }
    Ok(json!({
        "body": { "kind": snapshot.kind().as_str(), "length": length, "sha256": hex(&sha256), "flagCount": flags.len() },
        "flags": flags,
    }))
}

fn shown_head(head: &Head) -> Value {
    json!({ "head": {
        "kind": head.kind.as_str(),
        "project": hex(&head.project),
        "environment": hex(&head.environment),
        "epoch": head.epoch,
        "version": head.version,
        "created": head.created,
        "refreshBy": head.refresh_by,
        "notAfter": head.not_after,
        "bodyLength": head.body_length,
        "bodySha256": hex(&head.body_sha256),
        "previousHeadSha256": hex(&head.previous_head_sha256),
        "keyset": head.keyset,
        "minimumEvaluator": head.minimum_evaluator,
        "flags": head.flags,
    } })
}

fn shown_keyset(keyset: &Keyset) -> Value {
    let keys: Vec<Value> = keyset
        .keys
        .iter()
        .map(|key| {
            let every = key.environment == [0; 16];
            json!({
                "publicKey": hex(&key.public_key),
                "environment": if every { Value::from("every") } else { Value::from(hex(&key.environment)) },
                "kinds": Kind::ALL.into_iter().filter(|kind| key.may_sign(*kind, key.environment)).map(Kind::as_str).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({ "keyset": {
        "number": keyset.number,
        "created": keyset.created,
        "threshold": keyset.threshold,
        "roots": keyset.roots.iter().map(|root| hex(root)).collect::<Vec<_>>(),
        "keys": keys,
    } })
}

/// See `pennon snapshot verify --help`.
#[derive(Args, Debug)]
pub struct VerifyArgs {
    #[arg(long, value_name = "FILE")]
    pub head: PathBuf,
    #[arg(long, value_name = "FILE")]
    pub body: PathBuf,
    /// Once for each keyset from number 1 to the one that the head names, in order.
    #[arg(long, value_name = "FILE", required = true)]
    pub keyset: Vec<PathBuf>,
    /// The root fingerprint, 43 characters, as it stands in a connection string.
    #[arg(long, value_name = "FINGERPRINT")]
    pub root: String,
    /// The time to judge by, in Unix milliseconds [default: now]
    #[arg(long, value_name = "TIME")]
    pub now: Option<i64>,
}

/// Accepts a head and a body as a client does that sees them for the first time; answers the head.
///
/// # Errors
/// The refusal, with its code.
pub fn verify(args: &VerifyArgs, clock: &Clock) -> Result<Value, Failed> {
    let root =
        URL_SAFE_NO_PAD.decode(&args.root).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let root = root
        .ok_or_else(|| Failed("--root: give the 43 characters of a root fingerprint".to_owned()))?;
    let refused = |path: &Path, refusal: pennon_core::snapshot::Refusal| {
        Failed::at(path, format!("refused, {}: {refusal}", refusal.code()))
    };
    let bytes = read(&args.head)?;
    let head = Head::parse(&bytes).map_err(|refusal| refused(&args.head, refusal))?;
    let mut acceptance = Acceptance::new(root, head.environment, head.kind, None);
    for path in &args.keyset {
        acceptance.accept_keyset(&read(path)?).map_err(|refusal| refused(path, refusal))?;
    }
    let now = args.now.unwrap_or_else(|| clock.now_ms());
    let accepted = acceptance
        .accept(&bytes, read(&args.body)?, now)
        .map_err(|refusal| refused(&args.head, refusal))?;
    let mut shown = shown_head(&accepted.head);
    shown["verified"] = Value::Bool(true);
    Ok(shown)
}
