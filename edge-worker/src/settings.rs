//! What the Worker's bindings say.

use pennon_core::protocol::connection::{ConnectionString, digest};
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
/// The origins whose pages may ask, separated by commas; without it all of them.
const ORIGINS: &str = "PENNON_ORIGINS";
/// How often a key may be used in a minute, in each isolate; a client key by each address. Without it there is no limit.
const REQUESTS_PER_MINUTE: &str = "PENNON_REQUESTS_PER_MINUTE";
const ALLOWED_REQUESTS_PER_MINUTE: std::ops::RangeInclusive<u32> = 1..=10_000_000;
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
    /// Empty: every origin.
    pub(crate) origins: Vec<String>,
    pub(crate) requests_per_minute: Option<u32>,
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
        let refresh_ms = match text(REFRESH_MS) {
            Some(text) => text
                .parse()
                .ok()
                .filter(|ms| ALLOWED_REFRESH_MS.contains(ms))
                .ok_or_else(|| format!("{REFRESH_MS} must be a number from 100 to 300000"))?,
            None => DEFAULT_REFRESH_MS,
        };
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
        let requests_per_minute = match text(REQUESTS_PER_MINUTE) {
            Some(text) => Some(
                text.parse()
                    .ok()
                    .filter(|many| ALLOWED_REQUESTS_PER_MINUTE.contains(many))
                    .ok_or_else(|| {
                        format!("{REQUESTS_PER_MINUTE} must be a number from 1 to 10000000")
                    })?,
            ),
            None => None,
        };
        Ok(Self {
            connection,
            push_key_sha256,
            refresh_ms,
            environment: text(ENVIRONMENT),
            cache,
            address_header: text(ADDRESS_HEADER),
            origins,
            requests_per_minute,
        })
    }
}

/// A variable or a secret; one that is empty, or bound to nothing, is not set.
fn text(env: &Env, name: &str) -> Option<String> {
    let value = Reflect::get(env, &JsValue::from_str(name)).ok()?;
    value.as_string().filter(|text| !text.is_empty())
}

/// Scheme and host, as browsers write them.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '*', ' ']))
}
