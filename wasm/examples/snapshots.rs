//! Makes signed snapshots for the tests of the npm package: an order as JSON on standard input, the files as base64 in JSON on standard
//! output. Keys are made from small numbers, so the same order gives the same bytes.

use std::collections::BTreeMap;
use std::error::Error;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use pennon_core::config::{Configuration, compile};
use pennon_core::snapshot::sign::{
    MINIMUM_EVALUATOR, SigningKey, root_fingerprint, sign_head, sign_keyset,
};
use pennon_core::snapshot::{Head, Keyset, Kind, OnlineKey, Snapshot, delta, sha256};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Order {
    keysets: Vec<KeysetOrder>,
    snapshots: BTreeMap<String, SnapshotOrder>,
    /// Names of two snapshots each: what makes the body of the second out of that of the first.
    #[serde(default)]
    deltas: Vec<[String; 2]>,
}

/// Keys are the numbers that they are made from.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct KeysetOrder {
    number: u32,
    roots: Vec<u8>,
    keys: Vec<u8>,
    signed_by: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SnapshotOrder {
    config: Configuration,
    kind: String,
    /// 32 hexadecimal digits.
    environment: String,
    epoch: u32,
    version: u64,
    created: i64,
    refresh_by: i64,
    not_after: i64,
    keyset: u32,
    signed_by: Vec<u8>,
    minimum_evaluator: Option<u16>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    root_fingerprint: String,
    keysets: Vec<String>,
    snapshots: BTreeMap<String, Files>,
    deltas: Vec<String>,
}

#[derive(Serialize)]
struct Files {
    head: String,
    body: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let order: Order = serde_json::from_reader(io::stdin().lock())?;
    let mut made = Made {
        root_fingerprint: String::new(),
        keysets: Vec::new(),
        snapshots: BTreeMap::new(),
        deltas: Vec::new(),
    };
    for keyset in &order.keysets {
        let (fields, bytes) = make_keyset(keyset)?;
        if made.keysets.is_empty() {
            made.root_fingerprint = URL_SAFE_NO_PAD.encode(root_fingerprint(&fields));
        }
        made.keysets.push(STANDARD.encode(bytes));
    }
    for (name, snapshot) in &order.snapshots {
        let files = make_snapshot(snapshot).map_err(|error| format!("{name}: {error}"))?;
        made.snapshots.insert(name.clone(), files);
    }
    for names in &order.deltas {
        made.deltas.push(make_delta(names, &made.snapshots, &order.snapshots)?);
    }
    serde_json::to_writer(io::stdout().lock(), &made)?;
    Ok(())
}

fn make_keyset(order: &KeysetOrder) -> Result<(Keyset, Vec<u8>), Box<dyn Error>> {
    let fields = Keyset {
        number: order.number,
        created: 0,
        threshold: 1,
        roots: order.roots.iter().map(|&number| key(number).public_key()).collect(),
        keys: order
            .keys
            .iter()
            .map(|&number| OnlineKey::for_environment(key(number).public_key(), [0; 16]))
            .collect(),
    };
    let roots: Vec<SigningKey> = order.signed_by.iter().map(|&number| key(number)).collect();
    let roots: Vec<&SigningKey> = roots.iter().collect();
    let bytes = sign_keyset(&fields, &roots).ok_or("the keyset has too many keys")?;
    Ok((fields, bytes))
}

fn make_snapshot(order: &SnapshotOrder) -> Result<Files, Box<dyn Error>> {
    let kind = Kind::parse(&order.kind).ok_or("the kind is unknown")?;
    let body = compile(&order.config, kind, &[]).map_err(|error| error.to_string())?;
    let head = Head {
        kind,
        project: [7; 16],
        environment: environment(&order.environment)?,
        epoch: order.epoch,
        version: order.version,
        created: order.created,
        refresh_by: order.refresh_by,
        not_after: order.not_after,
        body_length: u32::try_from(body.len())?,
        body_sha256: sha256(&body),
        previous_head_sha256: [0; 32],
        keyset: order.keyset,
        minimum_evaluator: order.minimum_evaluator.unwrap_or(MINIMUM_EVALUATOR),
        flags: 0,
    };
    let keys: Vec<SigningKey> = order.signed_by.iter().map(|&number| key(number)).collect();
    let keys: Vec<&SigningKey> = keys.iter().collect();
    Ok(Files { head: STANDARD.encode(sign_head(&head, &keys)), body: STANDARD.encode(body) })
}

fn make_delta(
    names: &[String; 2],
    made: &BTreeMap<String, Files>,
    orders: &BTreeMap<String, SnapshotOrder>,
) -> Result<String, Box<dyn Error>> {
    let opened = |name: &String| -> Result<Snapshot, Box<dyn Error>> {
        let (files, order) = made.get(name).zip(orders.get(name)).ok_or("a delta of nothing")?;
        let kind = Kind::parse(&order.kind).ok_or("the kind is unknown")?;
        Ok(Snapshot::open(STANDARD.decode(&files.body)?, kind)?)
    };
    Ok(STANDARD.encode(delta::make(&opened(&names[0])?, &opened(&names[1])?)?))
}

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed([number; 32])
}

fn environment(hex: &str) -> Result<[u8; 16], Box<dyn Error>> {
    Ok(u128::from_str_radix(hex, 16)?.to_be_bytes())
}
