//! What the Worker's bindings say.

use pennon_core::protocol::connection::{ConnectionString, digest};
use pennon_core::protocol::gate::{Terms, is_origin};
use pennon_core::snapshot::{Kind, sha256};
use wasm_bindgen::JsValue;
use worker::Env;
use worker::js_sys::Reflect;

/// The edge connection string: origin, edge SDK key, root fingerprint and environment.
const CONNECTION: &str = "PENNON_CONNECTION";
/// The key that the control plane pushes with.
const PUSH_KEY: &str = "PENNON_PUSH_KEY";
/// Or its SHA-256 in hex, so that the Worker need not hold the key itself.
const PUSH_KEY_SHA256: &str = "PENNON_PUSH_KEY_SHA256";
/// The key of the environment, so that requests may name it as people do; its id they may always.
const ENVIRONMENT: &str = "PENNON_ENVIRONMENT";
/// How often what is held is compared with the control plane while requests come, in milliseconds.
const REFRESH_MS: &str = "PENNON_REFRESH_MS";
const DEFAULT_REFRESH_MS: i64 = 5_000;
const ALLOWED_REFRESH_MS: std::ops::RangeInclusive<i64> = 100..=300_000;
/// `off` where the runtime has no Cache API, as a self-hosted workerd without one.
const CACHE: &str = "PENNON_CACHE";
/// The header in which a trusted proxy names the client's address. Cloudflare's own is known without it.
const ADDRESS_HEADER: &str = "PENNON_CLIENT_ADDRESS_HEADER";
/// The origins whose pages may ask, separated by commas, of those that the environment lets; without it all of these.
const ORIGINS: &str = "PENNON_ORIGINS";
/// How often a key may be used in a minute, in each isolate; a client key by each address. The environment may say less.
const REQUESTS_PER_MINUTE: &str = "PENNON_REQUESTS_PER_MINUTE";
const ALLOWED_REQUESTS_PER_MINUTE: std::ops::RangeInclusive<i64> = 1..=10_000_000;
/// Streams that the Durable Object holds at most, and how long a reader may take nothing, in milliseconds: hub.mjs reads them.
const MAX_STREAMS: &str = "PENNON_MAX_STREAMS";
const ALLOWED_STREAMS: std::ops::RangeInclusive<i64> = 1..=1_000_000;
const SLOW_READER_MS: &str = "PENNON_SLOW_READER_MS";
const ALLOWED_SLOW_READER_MS: std::ops::RangeInclusive<i64> = 1_000..=600_000;
/// The binding of the Durable Objects, one for each environment; without it there are no streams.
pub(crate) const HUB: &str = "PENNON_HUB";
/// The binding of the KV namespace.
pub(crate) const KV: &str = "PENNON_KV";

/// The checked configuration of this edge.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) connection: ConnectionString,
    /// None: pushes are refused and changes arrive by polling.
    pub(crate) push_key_sha256: Option<[u8; 32]>,
    pub(crate) refresh_ms: i64,
    pub(crate) environment: Option<String>,
    pub(crate) cache: bool,
    pub(crate) address_header: Option<String>,
    /// What this deployment asks for beside what the environment's snapshot does.
    pub(crate) terms: Terms,
    /// Made of the edge's own secret key: what callers are told apart by, unknown to them.
    pub(crate) secret: [u8; 16],
}

impl Settings {
    /// Reads and checks the bindings.
    ///
    /// # Errors
    /// One sentence that says which binding to set and to what.
    pub(crate) fn read(env: &Env) -> Result<Self, String> {
        let text = |name| text(env, name);
        let connection = text(CONNECTION).ok_or_else(|| {
            format!("Set the secret {CONNECTION} to the edge connection string that the control plane shows.")
        })?;
        let secret = sha256(connection.as_bytes()).first_chunk().copied().unwrap_or_default();
        let connection = ConnectionString::parse(&connection)
            .map_err(|error| format!("{CONNECTION} is not a connection string: {error}"))?;
        if connection.kind != Kind::Edge {
            return Err(format!(
                "{CONNECTION} holds a {} key: an edge needs one that starts with pne_",
                connection.kind.as_str()
            ));
        }
        let push_key_sha256 = match (text(PUSH_KEY), text(PUSH_KEY_SHA256)) {
            (Some(key), _) => Some(sha256(key.trim().as_bytes())),
            (None, Some(hash)) => Some(digest(hash.trim()).ok_or_else(|| {
                format!("{PUSH_KEY_SHA256} is not a SHA-256: write 64 lower-case hex digits.")
            })?),
            (None, None) => None,
        };
        let refresh_ms = number(env, REFRESH_MS, &ALLOWED_REFRESH_MS)?;
        number(env, MAX_STREAMS, &ALLOWED_STREAMS)?;
        number(env, SLOW_READER_MS, &ALLOWED_SLOW_READER_MS)?;
        let cache = match text(CACHE).as_deref() {
            None | Some("on") => true,
            Some("off") => false,
            Some(_) => return Err(format!("{CACHE} must be on or off")),
        };
        let origins = text(ORIGINS).unwrap_or_default();
        let origins: Vec<String> = origins
            .split(',')
            .map(|origin| origin.trim().to_owned())
            .filter(|o| !o.is_empty())
            .collect();
        if let Some(wrong) = origins.iter().find(|origin| !is_origin(origin)) {
            return Err(format!(
                "{ORIGINS}: {wrong} is not an origin: write https://shop.example, without a path"
            ));
        }
        let requests_per_minute = number(env, REQUESTS_PER_MINUTE, &ALLOWED_REQUESTS_PER_MINUTE)?
            .and_then(|many| u32::try_from(many).ok());
        Ok(Self {
            connection,
            push_key_sha256,
            refresh_ms: refresh_ms.unwrap_or(DEFAULT_REFRESH_MS),
            environment: text(ENVIRONMENT),
            cache,
            address_header: text(ADDRESS_HEADER),
            terms: Terms { origins, requests_per_minute },
            secret,
        })
    }
}

/// A variable or a secret; one that is empty, or bound to nothing, is not set.
fn text(env: &Env, name: &str) -> Option<String> {
    let value = Reflect::get(env, &JsValue::from_str(name)).ok()?;
    value.as_string().filter(|text| !text.is_empty())
}

/// A number within a range, where it is set.
fn number(
    env: &Env,
    name: &str,
    allowed: &std::ops::RangeInclusive<i64>,
) -> Result<Option<i64>, String> {
    let Some(text) = text(env, name) else { return Ok(None) };
    let number = text.parse().ok().filter(|number| allowed.contains(number));
    let (least, most) = (allowed.start(), allowed.end());
    number.map(Some).ok_or_else(|| format!("{name} must be a number from {least} to {most}"))
}
