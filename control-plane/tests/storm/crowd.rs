//! Many clients of the stream in one process, on several loopback addresses. They do what core/spec/protocol.md section 4 asks of clients:
//! whoever loses a stream comes back after a draw from the server's window, whoever is refused when it was told to.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pennon_control_plane::ambient::Random;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Clients of one address; the next ones have another.
const PER_ADDRESS: usize = 1_000;
/// As the npm package waits while nobody answers.
const FIRST_WAIT_MS: u64 = 500;
const LAST_WAIT_MS: u64 = 30_000;

/// What the crowd has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    open: AtomicUsize,
    refused: AtomicUsize,
    /// When each stream was opened.
    opened: Mutex<Vec<Instant>>,
    /// The longest window that a client was told lately.
    window_ms: AtomicUsize,
}

/// See the module. Everybody leaves with the value.
#[derive(Debug)]
pub(crate) struct Crowd {
    seen: Arc<Seen>,
    cut: watch::Sender<u64>,
    _members: JoinSet<()>,
}

impl Crowd {
    /// `count` clients that open `path` at `server`, `a_second` of them a second at first.
    pub(crate) fn gather(server: SocketAddr, path: &str, count: usize, a_second: u32) -> Self {
        let seen = Arc::new(Seen::default());
        let (cut, _) = watch::channel(0);
        let mut members = JoinSet::new();
        let request: Arc<str> =
            format!("GET {path} HTTP/1.1\r\nhost: pennon\r\naccept: text/event-stream\r\n\r\n")
                .into();
        for number in 0..count {
            let first = Duration::from_secs_f64(number as f64 / f64::from(a_second));
            let member = Member {
                server,
                source: Ipv4Addr::new(
                    127,
                    0,
                    1,
                    u8::try_from(1 + number / PER_ADDRESS).unwrap_or(1),
                ),
                request: Arc::clone(&request),
                random: Random::seeded(number as u64),
                seen: Arc::clone(&seen),
                cut: cut.subscribe(),
            };
            members.spawn(member.run(first));
        }
        Self { seen, cut, _members: members }
    }

    /// Streams that are open.
    pub(crate) fn open(&self) -> usize {
        self.seen.open.load(Ordering::Relaxed)
    }

    /// Attempts that were refused so far.
    pub(crate) fn refused(&self) -> usize {
        self.seen.refused.load(Ordering::Relaxed)
    }

    /// Over how long clients were told to spread, at most.
    pub(crate) fn window(&self) -> Duration {
        Duration::from_millis(self.seen.window_ms.load(Ordering::Relaxed) as u64)
    }

    /// Breaks every stream at once.
    pub(crate) fn cut(&self) {
        self.cut.send_modify(|cuts| *cuts += 1);
    }

    /// Waits until so many are open; how long that took.
    pub(crate) async fn all_open(
        &self,
        count: usize,
        patience: Duration,
    ) -> Result<Duration, String> {
        let begun = Instant::now();
        while self.open() < count {
            if begun.elapsed() > patience {
                return Err(format!(
                    "{} of {count} streams are open after {patience:?}, {} attempts were refused",
                    self.open(),
                    self.refused()
                ));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(begun.elapsed())
    }

    /// The most streams that were opened within any span of this length, since `from`.
    pub(crate) fn most_within(&self, span: Duration, from: Instant) -> usize {
        let opened = self.seen.opened.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut times: Vec<Instant> = opened.iter().copied().filter(|at| *at >= from).collect();
        times.sort_unstable();
        let mut first = 0;
        let mut most = 0;
        for (last, at) in times.iter().enumerate() {
            while times.get(first).is_some_and(|begin| *at - *begin >= span) {
                first += 1;
            }
            most = most.max(last + 1 - first);
        }
        most
    }
}

struct Member {
    server: SocketAddr,
    source: Ipv4Addr,
    request: Arc<str>,
    random: Random,
    seen: Arc<Seen>,
    cut: watch::Receiver<u64>,
}

/// How an attempt ended.
enum Ended {
    /// It was open, and the server had set this window.
    Cut(u64),
    /// 503, and after how many milliseconds to come again.
    Refused(u64),
    NoAnswer,
}

impl Member {
    async fn run(mut self, first: Duration) {
        tokio::time::sleep(first).await;
        let mut failures = 0u32;
        loop {
            let wait = match self.attempt().await {
                Ok(Ended::Cut(window)) => {
                    failures = 0;
                    self.draw(window)
                }
                Ok(Ended::Refused(after)) => after + self.draw(after),
                Ok(Ended::NoAnswer) | Err(_) => {
                    failures += 1;
                    self.draw(
                        FIRST_WAIT_MS.saturating_mul(1 << (failures - 1).min(10)).min(LAST_WAIT_MS),
                    )
                }
            };
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
    }

    fn draw(&self, bound: u64) -> u64 {
        self.random.below(bound.max(1)).unwrap_or(0)
    }

    async fn attempt(&mut self) -> std::io::Result<Ended> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((self.source, 0).into())?;
        let mut stream = socket.connect(self.server).await?;
        stream.write_all(self.request.as_bytes()).await?;
        let mut text = String::new();
        let mut buffer = [0; 1_024];
        while !text.contains("\r\n\r\n") {
            let read = stream.read(&mut buffer).await?;
            if read == 0 {
                return Ok(Ended::NoAnswer);
            }
            text.push_str(&String::from_utf8_lossy(buffer.split_at(read).0));
        }
        if !text.starts_with("HTTP/1.1 200") {
            self.seen.refused.fetch_add(1, Ordering::Relaxed);
            let after = number_behind(&text, "retry-after: ").unwrap_or(1);
            return Ok(if text.starts_with("HTTP/1.1 503") {
                Ended::Refused(after * 1_000)
            } else {
                Ended::NoAnswer
            });
        }
        let seen = Arc::clone(&self.seen);
        seen.opened.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(Instant::now());
        seen.open.fetch_add(1, Ordering::Relaxed);
        self.cut.mark_unchanged();
        let mut window = number_behind(&text, "retry: ").unwrap_or(FIRST_WAIT_MS);
        loop {
            seen.window_ms.fetch_max(window as usize, Ordering::Relaxed);
            tokio::select! {
                read = stream.read(&mut buffer) => match read {
                    Ok(1..) => {
                        let text = String::from_utf8_lossy(&buffer);
                        window = number_behind(&text, "retry: ").unwrap_or(window);
                        buffer.fill(0);
                    }
                    _ => break,
                },
                _ = self.cut.changed() => break,
            }
        }
        seen.open.fetch_sub(1, Ordering::Relaxed);
        Ok(Ended::Cut(window))
    }
}

/// The digits behind a word.
fn number_behind(text: &str, word: &str) -> Option<u64> {
    let (_, rest) = text.rsplit_once(word)?;
    rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}
