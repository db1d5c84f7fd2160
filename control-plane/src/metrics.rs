//! What Prometheus reads. Every label has few values: routes as they stand in the router, never a path that somebody sent.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use axum::http::Method;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::app::App;

/// Upper bounds in seconds, from an evaluation to a request that waits for a database.
const REQUEST_SECONDS: [f64; 12] =
    [0.0002, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0];
/// From one flag to ten thousand.
const COMPILE_SECONDS: [f64; 9] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 2.0];
/// From the commit of a change to the head that shows it; more than a few seconds is an outage.
const LAG_SECONDS: [f64; 10] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 10.0, 60.0];

/// What a request that met no route counts under.
const UNMATCHED: &str = "unmatched";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Api {
    api: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    result: &'static str,
}

impl Ended {
    fn well(well: bool) -> Self {
        Self { result: if well { "ok" } else { "failed" } }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Pool {
    pool: &'static str,
    state: &'static str,
}

/// Everything that is counted.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    request_seconds: Family<Route, Histogram, fn() -> Histogram>,
    evaluations: Family<Api, Counter>,
    compile_seconds: Histogram,
    publish_lag_seconds: Histogram,
    publications: Family<Ended, Counter>,
    edge_pushes: Family<Ended, Counter>,
    webhook_deliveries: Family<Ended, Counter>,
    streams: Gauge,
    database_up: Gauge,
    database_connections: Family<Pool, Gauge>,
    redis_up: Gauge,
    unpublished: Gauge,
    unreadable: Gauge,
    waiting_seconds: Gauge<f64, AtomicU64>,
    /// Unix milliseconds: since when the longest waiting change waits to be published; 0: none does.
    waiting_since: AtomicI64,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("pennon"),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(|| Histogram::new(REQUEST_SECONDS)),
            evaluations: Family::default(),
            compile_seconds: Histogram::new(COMPILE_SECONDS),
            publish_lag_seconds: Histogram::new(LAG_SECONDS),
            publications: Family::default(),
            edge_pushes: Family::default(),
            webhook_deliveries: Family::default(),
            streams: Gauge::default(),
            database_up: Gauge::default(),
            database_connections: Family::default(),
            redis_up: Gauge::default(),
            unpublished: Gauge::default(),
            unreadable: Gauge::default(),
            waiting_seconds: Gauge::default(),
            waiting_since: AtomicI64::new(0),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let registry = &mut self.registry;
        let requests = self.requests.clone();
        registry.register("http_requests", "Requests by route and status", requests);
        let seconds = self.request_seconds.clone();
        let help = "From a request's head to the head of its answer";
        registry.register_with_unit("http_request_duration", help, Unit::Seconds, seconds);
        let help = "Requests that were answered by evaluating, by API";
        registry.register("evaluations", help, self.evaluations.clone());
        let help = "Compiling one environment for every kind";
        let seconds = self.compile_seconds.clone();
        registry.register_with_unit("compile_duration", help, Unit::Seconds, seconds);
        let help = "From the oldest change that a snapshot shows to its signed head";
        let seconds = self.publish_lag_seconds.clone();
        registry.register_with_unit("publish_lag", help, Unit::Seconds, seconds);
        let help = "Publications of an environment";
        registry.register("publications", help, self.publications.clone());
        let help = "Pushes of a snapshot to an edge";
        registry.register("edge_pushes", help, self.edge_pushes.clone());
        let help = "Attempts to deliver an event to a webhook";
        registry.register("webhook_deliveries", help, self.webhook_deliveries.clone());
        registry.register("streams", "Open streams", self.streams.clone());
        let help = "Whether the database answers";
        registry.register("database_up", help, self.database_up.clone());
        let help = "Connections to the database";
        registry.register("database_connections", help, self.database_connections.clone());
        let help = "Whether Redis answers; 1 without Redis as well";
        registry.register("redis_up", help, self.redis_up.clone());
        let help = "Environments whose newest change could not be published";
        registry.register("unpublished_environments", help, self.unpublished.clone());
        let help = "How long the longest waiting change has waited to be published";
        let seconds = self.waiting_seconds.clone();
        registry.register_with_unit("publish_waiting", help, Unit::Seconds, seconds);
        let help = "Stored snapshots that cannot be used";
        registry.register("unreadable_snapshots", help, self.unreadable.clone());
        // They are there from the start, so that an alert can tell none from unknown.
        for ended in [true, false].map(Ended::well) {
            for family in [&self.publications, &self.edge_pushes, &self.webhook_deliveries] {
                drop(family.get_or_create(&ended));
            }
        }
    }

    /// A request was answered.
    pub fn answered(&self, method: &Method, route: Option<&str>, status: u16, took: Duration) {
        let route = route.unwrap_or(UNMATCHED).to_owned();
        self.request_seconds
            .get_or_create(&Route { route: route.clone() })
            .observe(took.as_secs_f64());
        self.requests.get_or_create(&Answered { method: known(method), route, status }).inc();
    }

    /// A request was answered by evaluating.
    pub fn evaluations(&self, api: &'static str) {
        self.evaluations.get_or_create(&Api { api }).inc();
    }

    /// An environment was compiled.
    pub fn compiled(&self, took: Duration) {
        self.compile_seconds.observe(took.as_secs_f64());
    }

    /// An environment was published, `lag_ms` after the oldest change that waited for it.
    pub fn published(&self, lag_ms: i64) {
        self.publish_lag_seconds.observe(lag_ms.max(0) as f64 / 1_000.0);
        self.publications(true);
    }

    /// Since when the longest waiting change waits, in Unix milliseconds.
    pub fn waiting_since(&self, since: Option<i64>) {
        self.waiting_since.store(since.unwrap_or(0), Ordering::Relaxed);
    }

    /// A publication ended.
    pub fn publications(&self, well: bool) {
        self.publications.get_or_create(&Ended::well(well)).inc();
    }

    /// A push ended.
    pub fn edge_pushes(&self, well: bool) {
        self.edge_pushes.get_or_create(&Ended::well(well)).inc();
    }

    /// An attempt to deliver an event ended.
    pub fn webhook_deliveries(&self, well: bool) {
        self.webhook_deliveries.get_or_create(&Ended::well(well)).inc();
    }

    /// All of it in Prometheus' text format.
    ///
    /// # Errors
    /// Never in practice: a text takes whatever is written.
    pub fn text(&self, app: &App) -> Result<String, std::fmt::Error> {
        let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.streams.set(number(app.open_streams()));
        self.database_up.set(i64::from(!app.store.is_away()));
        self.redis_up.set(i64::from(app.redis_is_fine()));
        self.unpublished.set(number(app.publish_error_count()));
        self.unreadable.set(number(app.unreadable_count()));
        let waited = match self.waiting_since.load(Ordering::Relaxed) {
            0 => 0,
            since => (app.clock.now_ms() - since).max(0),
        };
        self.waiting_seconds.set(waited as f64 / 1_000.0);
        for connections in app.store.connections() {
            let set = |state, count| {
                let pool = Pool { pool: connections.pool, state };
                self.database_connections.get_or_create(&pool).set(count);
            };
            let idle = number(connections.idle);
            set("idle", idle);
            set("busy", (i64::from(connections.open) - idle).max(0));
        }
        let mut written = String::new();
        text::encode(&mut written, &self.registry)?;
        Ok(written)
    }
}

/// Anybody can send any word as a method.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
