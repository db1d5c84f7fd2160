//! One attempt to deliver a message: bounded in time and size, to an address that was checked, following nothing.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use tokio::time::Instant;
use url::Url;

use super::guard::{Guard, Guarded};

/// How long an attempt may take, to the end of the answer.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// How long finding the address and connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Of an answer no more is read: only its status counts.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// The longest sentence that is kept of a failure.
const MAX_ERROR_CHARACTERS: usize = 300;

/// A message, signed.
#[derive(Debug)]
pub struct Message {
    pub url: String,
    pub id: String,
    pub timestamp_s: i64,
    pub signature: String,
    pub body: Vec<u8>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub status: Option<u16>,
    /// Why it does not count as delivered.
    pub error: Option<String>,
    pub duration_ms: i64,
}

/// Sends messages.
#[derive(Clone, Debug)]
pub struct Sender {
    guard: Guard,
    tls: Client,
    plain: Client,
}

impl Sender {
    /// A sender that reaches what the guard lets through.
    ///
    /// # Errors
    /// When the TLS configuration cannot be made.
    pub fn new(guard: Guard) -> Result<Self, reqwest::Error> {
        let client = |plain| {
            Client::builder()
                .timeout(TIMEOUT)
                .connect_timeout(CONNECT_TIMEOUT)
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                // Each attempt looks the name up and has it checked.
                .pool_max_idle_per_host(0)
                .dns_resolver(Arc::new(Guarded { guard: guard.clone(), plain }))
                .user_agent(concat!("pennon/", env!("CARGO_PKG_VERSION")))
                .build()
        };
        Ok(Self { tls: client(false)?, plain: client(true)?, guard })
    }

    /// Sends it once.
    pub async fn send(&self, message: Message) -> Attempt {
        let started = Instant::now();
        let (status, error) = match self.attempt(message).await {
            Ok(status) if (200..300).contains(&status) => (Some(status), None),
            Ok(status @ 300..400) => {
                (Some(status), Some(format!("it answered {status}: redirects are not followed")))
            }
            Ok(status) => (Some(status), Some(format!("it answered {status}"))),
            Err(why) => (None, Some(why.chars().take(MAX_ERROR_CHARACTERS).collect())),
        };
        let duration_ms = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
        Attempt { status, error, duration_ms }
    }

    async fn attempt(&self, message: Message) -> Result<u16, String> {
        let url = Url::parse(&message.url).map_err(|error| error.to_string())?;
        self.guard.check_literal(&url).map_err(|refused| refused.to_string())?;
        let client = if url.scheme() == "https" { &self.tls } else { &self.plain };
        let request = client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", message.id)
            .header("webhook-timestamp", message.timestamp_s)
            .header("webhook-signature", message.signature)
            .body(message.body);
        let mut answer = request.send().await.map_err(|error| deepest(&error))?;
        let status = answer.status().as_u16();
        // Read to its end, so that a receiver which answers before it has read everything is not cut off; but not for ever.
        let mut read = 0;
        while read < MAX_ANSWER_BYTES {
            match answer.chunk().await {
                Ok(Some(part)) => read += part.len(),
                Ok(None) | Err(_) => break,
            }
        }
        Ok(status)
    }
}

/// What caused an error in the end, without the address, which may hold a secret.
fn deepest(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("it did not answer within {} s", TIMEOUT.as_secs());
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
