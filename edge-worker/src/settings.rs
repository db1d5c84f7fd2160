//! What the Worker's bindings say. They cannot change while an isolate lives, so they are read once.

use std::cell::RefCell;
use std::rc::Rc;

use pennon_core::protocol::connection::{ConnectionString, digest};
use pennon_core::snapshot::{Kind, sha256};
use worker::Env;

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
}

thread_local! {
    static READ: RefCell<Option<Rc<Settings>>> = const { RefCell::new(None) };
}

impl Settings {
    /// The settings of this isolate.
    ///
    /// # Errors
    /// One sentence that says which binding to set and to what.
    pub(crate) fn of(env: &Env) -> Result<Rc<Self>, String> {
        if let Some(settings) = READ.with_borrow(Clone::clone) {
            return Ok(settings);
        }
        let settings = Rc::new(Self::read(env)?);
        READ.set(Some(settings.clone()));
        Ok(settings)
    }

    fn read(env: &Env) -> Result<Self, String> {
        let text = env.secret(CONNECTION).map(|value| value.to_string()).map_err(|_| {
            format!("Set the secret {CONNECTION} to the edge connection string that the control plane shows.")
        })?;
        let connection = ConnectionString::parse(&text)
            .map_err(|error| format!("{CONNECTION} is not a connection string: {error}"))?;
        if connection.kind != Kind::Edge {
            return Err(format!(
                "{CONNECTION} holds a {} key: an edge needs one that starts with pne_",
                connection.kind.as_str()
            ));
        }
        let push_key_sha256 = match (env.secret(PUSH_KEY), env.secret(PUSH_KEY_SHA256)) {
            (Ok(key), _) => Some(sha256(key.to_string().trim().as_bytes())),
            (Err(_), Ok(hash)) => Some(digest(hash.to_string().trim()).ok_or_else(|| {
                format!("{PUSH_KEY_SHA256} is not a SHA-256: write 64 lower-case hex digits.")
            })?),
            (Err(_), Err(_)) => None,
        };
        let refresh_ms = match env.var(REFRESH_MS) {
            Ok(text) => text
                .to_string()
                .parse()
                .ok()
                .filter(|ms| ALLOWED_REFRESH_MS.contains(ms))
                .ok_or_else(|| format!("{REFRESH_MS} must be a number from 100 to 300000"))?,
            Err(_) => DEFAULT_REFRESH_MS,
        };
        let environment = env.var(ENVIRONMENT).ok().map(|text| text.to_string());
        Ok(Self { connection, push_key_sha256, refresh_ms, environment })
    }
}
