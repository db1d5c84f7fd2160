//! Log lines: a JSON object each, which names the request that it belongs to. A request is remembered beside its task and put into words
//! only when there is a line to write; as a span it would be for every request.

use std::fmt::{self, Debug};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderValue, Method, Uri};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::ambient::{NoRandomness, Random};

/// A request, as log lines name it.
#[derive(Clone, Debug)]
pub struct Request {
    /// What its answer carries as X-Request-Id.
    pub id: HeaderValue,
    pub method: Method,
    /// Of which the path alone is written: keys travel in queries.
    pub uri: Uri,
}

/// Names requests: by a number that this process has drawn, and one that counts.
#[derive(Debug, Default)]
pub struct RequestIds {
    drawn: OnceLock<u64>,
    count: AtomicU64,
}

impl RequestIds {
    /// A name that no other request has.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn next(&self, random: &Random) -> Result<HeaderValue, NoRandomness> {
        let drawn = match self.drawn.get() {
            Some(drawn) => *drawn,
            None => {
                let drawn = u64::from_be_bytes(random.bytes()?);
                *self.drawn.get_or_init(|| drawn)
            }
        };
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let id = u128::from(drawn) << 64 | u128::from(count);
        let digit = |place: usize| b"0123456789abcdef"[(id >> (4 * (31 - place)) & 0xF) as usize];
        let digits: [u8; 32] = std::array::from_fn(digit);
        // Digits always are one.
        Ok(HeaderValue::from_bytes(&digits).unwrap_or_else(|_| HeaderValue::from(count)))
    }
}

tokio::task_local! {
    static REQUEST: Request;
}

/// Does something for a request: lines that are written meanwhile, by this task, name it.
pub async fn within<T>(request: Request, work: impl Future<Output = T>) -> T {
    REQUEST.scope(request, work).await
}

/// The request that is being answered here.
pub fn current() -> Option<Request> {
    REQUEST.try_with(Clone::clone).ok()
}

/// Writes lines.
#[derive(Clone, Copy, Debug)]
pub struct Lines;

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        writer.write_str("{\"timestamp\":\"")?;
        SystemTime.format_time(&mut writer)?;
        let about = event.metadata();
        write!(writer, "\",\"level\":\"{}\"", about.level())?;
        let mut fields = Fields { writer, written: Ok(()) };
        event.record(&mut fields);
        let Fields { mut writer, written } = fields;
        written?;
        write!(writer, ",\"target\":{}", quoted(about.target())?)?;
        if let Some(request) = current() {
            let id = quoted(request.id.to_str().unwrap_or_default())?;
            let (method, path) = (quoted(request.method.as_str())?, quoted(request.uri.path())?);
            write!(writer, ",\"request\":{{\"id\":{id},\"method\":{method},\"path\":{path}}}")?;
        }
        writer.write_str("}\n")
    }
}

fn quoted(text: &str) -> Result<String, fmt::Error> {
    serde_json::to_string(text).map_err(|_| fmt::Error)
}

/// What an event says, each field as one of the line.
struct Fields<'a> {
    writer: Writer<'a>,
    written: fmt::Result,
}

impl Fields<'_> {
    fn field(&mut self, field: &Field, json: impl fmt::Display) {
        if self.written.is_ok() {
            self.written = write!(self.writer, ",\"{}\":{json}", field.name());
        }
    }

    fn text(&mut self, field: &Field, text: &str) {
        match quoted(text) {
            Ok(text) => self.field(field, text),
            Err(error) => self.written = Err(error),
        }
    }
}

impl Visit for Fields<'_> {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.field(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON knows no others.
        if value.is_finite() {
            self.field(field, value);
        } else {
            self.text(field, &value.to_string());
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.field(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field, &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_requests_have_one_name() {
        let processes = [7, 8].map(|seed| (Random::seeded(seed), RequestIds::default()));
        let mut seen = HashSet::new();
        for _ in 0..1_000 {
            for (random, ids) in &processes {
                let id = ids.next(random).unwrap();
                assert_eq!(id.len(), 32);
                assert!(id.as_bytes().iter().all(u8::is_ascii_hexdigit), "{id:?}");
                assert!(seen.insert(id));
            }
        }
    }
}
