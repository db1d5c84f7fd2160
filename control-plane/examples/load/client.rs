//! Requests, and how long they take.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pennon_core::snapshot::Head;
use serde_json::Value;

use crate::Fault;
use crate::process::Server;

/// The longest answer is the one to the import of thousands of flags.
const PATIENCE: Duration = Duration::from_secs(120);

/// Times of many requests of one kind.
#[derive(Debug, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn push(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// Milliseconds that this share of them was done in.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let mut times = self.0.clone();
        times.sort_unstable();
        let at = ((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1));
        times.get(at).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    }
}

/// Asks one server.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    pub(crate) token: String,
}

impl Client {
    pub(crate) fn new(token: &str) -> Result<Self, Fault> {
        let http = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build()?;
        Ok(Self { http, token: token.to_owned() })
    }

    /// Sends one request, reads the answer whole, and wants success.
    pub(crate) async fn send(
        &self,
        method: &str,
        url: &str,
        body: Option<&Value>,
    ) -> Result<(Duration, Vec<u8>), Fault> {
        let method = reqwest::Method::from_bytes(method.as_bytes())?;
        let mut request = self.http.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let begun = Instant::now();
        let answer = request.send().await?;
        let status = answer.status();
        let bytes = answer.bytes().await?.to_vec();
        let took = begun.elapsed();
        if status.is_success() {
            Ok((took, bytes))
        } else {
            Err(format!("{url}: {status}: {}", String::from_utf8_lossy(&bytes)).into())
        }
    }

    /// The same request `count` times, one after the other.
    pub(crate) async fn times(
        &self,
        count: usize,
        method: &str,
        url: &str,
        body: Option<&Value>,
    ) -> Result<Times, Fault> {
        let mut times = Times::default();
        for _ in 0..count {
            times.push(self.send(method, url, body).await?.0);
        }
        Ok(times)
    }

    /// Milliseconds of the server's CPU for one of `count` such requests, eight at a time.
    pub(crate) async fn cpu(
        &self,
        server: &Server,
        count: usize,
        method: &str,
        url: &str,
        body: Option<&Value>,
    ) -> Result<f64, Fault> {
        const AT_ONCE: usize = 8;
        let before = server.cpu()?;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..AT_ONCE {
            let (client, method, url, body) =
                (self.clone(), method.to_owned(), url.to_owned(), body.cloned());
            tasks.spawn(async move {
                client.times(count / AT_ONCE, &method, &url, body.as_ref()).await.map(drop)
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        let spent = server.cpu()? - before;
        Ok(spent.as_secs_f64() * 1e3 / (count / AT_ONCE * AT_ONCE) as f64)
    }

    /// A stream of heads.
    pub(crate) async fn stream(&self, url: &str) -> Result<Heads, Fault> {
        // Without the limit on the whole answer: this one has no end.
        let http = reqwest::Client::builder().no_proxy().build()?;
        let answer = http.get(url).bearer_auth(&self.token).send().await?;
        Ok(Heads { answer: answer.error_for_status()?, text: String::new() })
    }
}

/// See [`Client::stream`].
#[derive(Debug)]
pub(crate) struct Heads {
    answer: reqwest::Response,
    text: String,
}

impl Heads {
    /// Waits for a head of at least this version.
    pub(crate) async fn wait_for(&mut self, version: u64) -> Result<(), Fault> {
        // Pings come meanwhile.
        let end = tokio::time::Instant::now() + PATIENCE;
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let data = event.lines().find_map(|line| line.strip_prefix("data: "));
                let head = match data.filter(|_| event.contains("event: head")) {
                    Some(data) => Some(Head::parse(&STANDARD.decode(data)?)?),
                    None => None,
                };
                self.text = rest.to_owned();
                if head.is_some_and(|head| head.version >= version) {
                    return Ok(());
                }
            }
            let chunk = tokio::time::timeout_at(end, self.answer.chunk()).await??;
            let chunk = chunk.ok_or("the stream ended")?;
            self.text.push_str(std::str::from_utf8(&chunk)?);
        }
    }
}
