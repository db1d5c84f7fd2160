//! Compiles and signs the three snapshots of an environment without a control plane: reads a request as JSON on standard
//! input, writes heads, bodies, the keyset and the root fingerprint as JSON (base64) on standard output.
//!
//! ```text
//! cargo run -p pennon-core --example sign_snapshot --features compile,sign,protocol < request.json
//! ```

use std::error::Error;
use std::io::{Read, stdin};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use pennon_core::config::{Access, Admission, Configuration, compile_admitting};
use pennon_core::snapshot::sign::{
    MINIMUM_EVALUATOR, SigningKey, root_fingerprint, sign_head, sign_keyset,
};
use pennon_core::snapshot::{Head, Keyset, Kind, OnlineKey, sha256};
use serde_json::{Value, json};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// In a keyset: the key may sign for every environment.
const EVERY_ENVIRONMENT: [u8; 16] = [0; 16];

fn main() -> Result<(), Box<dyn Error>> {
    let mut text = String::new();
    stdin().read_to_string(&mut text)?;
    println!("{}", answer(&serde_json::from_str(&text)?)?);
    Ok(())
}

fn answer(request: &Value) -> Result<Value, Box<dyn Error>> {
    let root = SigningKey::from_seed(hex(request, "rootSeed")?);
    let online = SigningKey::from_seed(hex(request, "signingSeed")?);
    let environment = hex(request, "environment")?;
    let created = request["created"].as_i64().ok_or("`created` is not a time in milliseconds")?;
    let newest = u32::try_from(request["keysets"].as_u64().unwrap_or(1))?;
    let keyset = |number| Keyset {
        number,
        created: 0,
        threshold: 1,
        roots: vec![root.public_key()],
        keys: vec![OnlineKey::for_environment(online.public_key(), EVERY_ENVIRONMENT)],
    };
    let chain: Vec<String> = (1..=newest)
        .map(|number| sign_keyset(&keyset(number), &[&root]).map(|bytes| STANDARD.encode(bytes)))
        .collect::<Option<_>>()
        .ok_or("the keyset has too many keys")?;
    let configuration: Configuration = serde_json::from_value(request["configuration"].clone())?;
    let keys = access(&request["keys"])?;
    let origins: Vec<String> =
        serde_json::from_value(request["origins"].clone()).unwrap_or_default();
    let limit = request["requestsPerMinute"].as_u64().map(u32::try_from).transpose()?;
    let admission = Admission { keys: &keys, origins: &origins, requests_per_minute: limit };
    let mut answer = json!({
        "rootFingerprint": URL_SAFE_NO_PAD.encode(root_fingerprint(&keyset(1))),
        "keyset": chain.last(),
        "keysets": chain,
    });
    for kind in Kind::ALL {
        // Whatever bytes a test wants signed, or what the configuration compiles to.
        let body = match request["bodies"][kind.as_str()].as_str() {
            Some(bytes) => STANDARD.decode(bytes)?,
            None => compile_admitting(&configuration, kind, admission)?,
        };
        let head = Head {
            kind,
            project: hex(request, "project")?,
            environment,
            epoch: u32::try_from(request["epoch"].as_u64().unwrap_or(0))?,
            version: request["version"].as_u64().ok_or("`version` is not a number")?,
            created,
            refresh_by: created + DAY_MS,
            not_after: created + request["lifetime"].as_i64().unwrap_or(30 * DAY_MS),
            body_length: u32::try_from(body.len())?,
            body_sha256: sha256(&body),
            previous_head_sha256: [0; 32],
            keyset: newest,
            minimum_evaluator: MINIMUM_EVALUATOR,
            flags: 0,
        };
        answer[kind.as_str()] = json!({
            "head": STANDARD.encode(sign_head(&head, &[&online])),
            "body": STANDARD.encode(&body),
            "bodySha256": head.body_sha256.map(|byte| format!("{byte:02x}")).concat(),
        });
    }
    Ok(answer)
}

/// SDK keys by their kind, as texts.
fn access(keys: &Value) -> Result<Vec<Access>, Box<dyn Error>> {
    Kind::ALL
        .into_iter()
        .filter_map(|kind| Some((kind, keys[kind.as_str()].as_str()?)))
        .map(|(kind, key)| Ok(Access { sha256: sha256(key.as_bytes()), kind }))
        .collect()
}

fn hex<const N: usize>(request: &Value, field: &str) -> Result<[u8; N], Box<dyn Error>> {
    let text = request[field].as_str().unwrap_or_default();
    let mut bytes = [0; N];
    if text.len() != 2 * N || !text.is_ascii() {
        return Err(format!("`{field}` is not {} hex digits", 2 * N).into());
    }
    for (byte, at) in bytes.iter_mut().zip((0..text.len()).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16)?;
    }
    Ok(bytes)
}
