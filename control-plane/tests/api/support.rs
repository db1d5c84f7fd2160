//! A server of its own for each test: real router, real database, a clock that stands still, randomness that repeats.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use pennon_control_plane::ambient::{Clock, Random};
use pennon_control_plane::app::{App, Settings};
use pennon_control_plane::auth::jwt::Jwt;
use pennon_control_plane::auth::rate::Rates;
use pennon_control_plane::auth::seal::Vault;
use pennon_control_plane::auth::streams::StreamLimits;
use pennon_control_plane::config::Config;
use pennon_control_plane::dashboard::Dashboard;
use pennon_control_plane::first_start;
use pennon_control_plane::publish::publisher;
use pennon_control_plane::publish::replicas::{self, Announcer};
use pennon_control_plane::publish::signer::Signer;
use pennon_control_plane::router::router;
use pennon_control_plane::store::{Store, migrate};
use pennon_core::protocol::connection::ConnectionString;
use pennon_core::snapshot::{Acceptance, Accepted, Kind, Refusal};
use serde_json::Value;
use tower::ServiceExt;

/// The time in every test until it moves the clock.
pub(crate) const NOW: i64 = 1_800_000_000_000;
pub(crate) const SECRET: [u8; 32] = [9; 32];

/// Runs each test once on SQLite and once on PostgreSQL.
macro_rules! on_both_databases {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            #[tokio::test]
            async fn sqlite() {
                $crate::support::on_sqlite(super::$name).await;
            }

            #[tokio::test]
            async fn postgres() {
                $crate::support::on_postgres(super::$name).await;
            }
        }
    )*};
}
pub(crate) use on_both_databases;

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// A folder and a database of this test alone.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) folder: PathBuf,
    pub(crate) database: String,
}

fn folder() -> PathBuf {
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("pennon-api-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

pub(crate) async fn on_sqlite<F, T>(test: F)
where
    F: FnOnce(Place) -> T,
    T: Future<Output = ()> + Send + 'static,
{
    let folder = folder();
    let database = format!("sqlite:{}", folder.join("test.sqlite").display());
    let ended = tokio::spawn(test(Place { folder: folder.clone(), database })).await;
    std::fs::remove_dir_all(&folder).unwrap();
    if let Err(error) = ended {
        std::panic::resume_unwind(error.into_panic());
    }
}

pub(crate) async fn on_postgres<F, T>(test: F)
where
    F: FnOnce(Place) -> T,
    T: Future<Output = ()> + Send + 'static,
{
    let Ok(server) = std::env::var("PENNON_TEST_POSTGRES") else {
        assert!(
            std::env::var_os("CI").is_none(),
            "PENNON_TEST_POSTGRES is not set: run `cargo xtask test`"
        );
        eprintln!(
            "NOT RUN on PostgreSQL: PENNON_TEST_POSTGRES is not set; `cargo xtask test` starts one"
        );
        return;
    };
    sqlx::any::install_default_drivers();
    let folder = folder();
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let name = format!("pennon_test_{}_{number}", std::process::id());
    let admin = |statement: String| {
        let server = server.clone();
        async move {
            let mut connection =
                <sqlx::AnyConnection as sqlx::Connection>::connect(&server).await.unwrap();
            sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
        }
    };
    admin(format!("CREATE DATABASE {name}")).await;
    let database = with_database(&server, &name);
    let ended = tokio::spawn(test(Place { folder: folder.clone(), database })).await;
    admin(format!("DROP DATABASE {name} WITH (FORCE)")).await;
    std::fs::remove_dir_all(&folder).unwrap();
    if let Err(error) = ended {
        std::panic::resume_unwind(error.into_panic());
    }
}

/// `postgres://user@host:port/whatever` with another database.
fn with_database(server: &str, name: &str) -> String {
    let (scheme, rest) = server.split_once("://").unwrap();
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let query = path.split_once('?').map_or(String::new(), |(_, query)| format!("?{query}"));
    format!("{scheme}://{authority}/{name}{query}")
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The status and the `code` of a problem document.
    pub(crate) fn problem(&self) -> (u16, String) {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
        (self.status.as_u16(), problem["code"].as_str().unwrap().to_owned())
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert!(self.status.is_success(), "{self:?}");
        self
    }
}

/// A started server.
pub(crate) struct Server {
    pub(crate) app: App,
    pub(crate) token: String,
    pub(crate) credentials: Value,
    router: Router,
}

pub(crate) fn config(place: &Place) -> Config {
    Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        metrics_listen: None,
        data_dir: place.folder.clone(),
        database: place.database.clone(),
        redis: None,
        public_url: None,
        edges: Vec::new(),
        root_key_file: place.folder.join("root.key"),
        secret: Some(SECRET),
        trusted_proxies: Vec::new(),
        rates: Rates::UNLIMITED,
        streams: STREAMS,
        keep_snapshots: 0,
        webhook_networks: Vec::new(),
        bootstrap: None,
        ready_file: None,
        credentials_file: Some(place.folder.join("credentials.json")),
        admin_token_file: None,
    }
}

/// More than most tests open.
pub(crate) const STREAMS: StreamLimits = StreamLimits { open: 100, a_second: 0 };

/// Starts on a database: the first time it is made, later it is found as it was left.
pub(crate) async fn start(place: &Place) -> Server {
    start_with(place, Announcer::silent(), STREAMS).await
}

pub(crate) async fn start_with(
    place: &Place,
    announcer: Announcer,
    streams: StreamLimits,
) -> Server {
    start_limited(place, announcer, streams, Rates::UNLIMITED).await
}

/// The same for callers that may make so many requests.
pub(crate) async fn start_limited(
    place: &Place,
    announcer: Announcer,
    streams: StreamLimits,
    rates: Rates,
) -> Server {
    start_showing(place, announcer, streams, rates, crate::dashboard::sample()).await
}

/// The same with this dashboard.
pub(crate) async fn start_showing(
    place: &Place,
    announcer: Announcer,
    streams: StreamLimits,
    rates: Rates,
    dashboard: Dashboard,
) -> Server {
    let config = config(place);
    let (clock, random) =
        (Clock::manual(NOW), Random::seeded(u64::from(COUNTER.fetch_add(1, Ordering::Relaxed))));
    let store = Store::connect(&config.database).await.unwrap();
    migrate(&store, NOW).await.unwrap();
    let public_url = "http://127.0.0.1:8600";
    let (root_fingerprint, _) =
        first_start::prepare(&config, &store, &SECRET, &clock, &random, public_url).await.unwrap();
    let signer = Signer::load(&store, &SECRET).await.unwrap();
    let jwt = Jwt::load(&store, &SECRET, &random, &root_fingerprint).await.unwrap();
    let settings = Settings {
        public_url: public_url.to_owned(),
        root_fingerprint,
        streams,
        redis: false,
        trusted_proxies: Vec::new(),
        rates,
        vault: Vault::new(SECRET),
        dashboard: Arc::new(dashboard),
    };
    let app = App::new(settings, clock, random, store, signer, jwt, announcer);
    replicas::refresh(&app).await.unwrap();
    match publisher::publish_waiting(&app).await {
        // As a server that starts: what is held back stays so.
        Ok(()) | Err(publisher::PublishError::Held { .. }) => {}
        Err(error) => panic!("{error}"),
    }
    let credentials = std::fs::read(config.credentials_file.unwrap()).unwrap();
    let credentials: Value = serde_json::from_slice(&credentials).unwrap();
    let token = credentials["adminToken"].as_str().unwrap().to_owned();
    Server { router: router(app.clone()), app, token, credentials }
}

pub(crate) const DEVELOPMENT: &str = "/admin/projects/default/environments/development";

impl Server {
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        // A stream has no end; what it carries is read elsewhere.
        let is_stream =
            parts.headers.get("content-type").is_some_and(|given| given == "text/event-stream");
        let bytes = match is_stream {
            true => Bytes::new(),
            false => axum::body::to_bytes(body, usize::MAX).await.unwrap(),
        };
        Answer { status: parts.status, headers: parts.headers, bytes }
    }

    /// A request to the admin API, with the token.
    pub(crate) async fn admin(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.admin_if(method, path, body, None).await
    }

    /// The same with an If-Match header.
    pub(crate) async fn admin_if(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        if_match: Option<&str>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.token));
        if let Some(tag) = if_match {
            request = request.header("if-match", tag);
        }
        let request = match body {
            Some(body) => request
                .header("content-type", "application/json")
                .body(Body::from(body.to_string()))
                .unwrap(),
            None => request.body(Body::empty()).unwrap(),
        };
        self.send(request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.admin(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.admin(Method::POST, path, Some(body)).await
    }

    /// Back to an earlier version, over what somebody has just looked at.
    pub(crate) async fn roll_back(&self, path: &str, version: i64) -> Answer {
        let seen = self.seen(path).await;
        let path = format!("{path}/versions/{version}/rollback");
        self.admin_if(Method::POST, &path, None, seen.as_deref()).await
    }

    /// The ETag of what is at this path, if anything is.
    pub(crate) async fn seen(&self, path: &str) -> Option<String> {
        let answer = self.get(path).await;
        answer.headers.get("etag").map(|tag| tag.to_str().unwrap().to_owned())
    }

    /// Over what is there, or new, by somebody who has just looked; so are the two below.
    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        let seen = self.seen(path).await;
        self.admin_if(Method::PUT, path, Some(body), seen.as_deref()).await
    }

    /// A merge patch.
    pub(crate) async fn patch(&self, path: &str, patch: Value) -> Answer {
        let mut request = Request::patch(path)
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/merge-patch+json");
        if let Some(seen) = self.seen(path).await {
            request = request.header("if-match", seen);
        }
        self.send(request.body(Body::from(patch.to_string())).unwrap()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        let seen = self.seen(path).await;
        self.admin_if(Method::DELETE, path, None, seen.as_deref()).await
    }

    /// `on` or `off`.
    pub(crate) async fn turn(&self, flag: &str, way: &str) -> Answer {
        self.admin(Method::POST, &format!("{DEVELOPMENT}/flags/{flag}/{way}"), None).await
    }

    /// Archives a flag and deletes it.
    pub(crate) async fn discard(&self, flag: &str) {
        let path = format!("/admin/projects/default/flags/{flag}");
        self.admin(Method::POST, &format!("{path}/archive"), None).await.ok();
        self.delete(&path).await.ok();
    }

    /// A boolean flag that is off.
    pub(crate) async fn boolean_flag(&self, key: &str) {
        let definition = serde_json::json!({ "type": "boolean", "clientVisible": true });
        let flag = serde_json::json!({ "key": key, "definition": definition });
        self.post("/admin/projects/default/flags", flag).await.ok();
    }

    /// A request to a delivery endpoint, with a key in the header.
    pub(crate) async fn fetch(&self, path: &str, key: Option<&str>) -> Answer {
        let mut request = Request::get(path);
        if let Some(key) = key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// A connection string of the first start; environment 0 is development, 1 production.
    pub(crate) fn connection(&self, environment: usize, kind: Kind) -> ConnectionString {
        let text =
            &self.credentials["environments"][environment]["connectionStrings"][kind.as_str()];
        ConnectionString::parse(text.as_str().unwrap()).unwrap()
    }

    pub(crate) fn key(&self, environment: usize, kind: Kind) -> String {
        self.connection(environment, kind).sdk_key
    }

    pub(crate) fn environment_id(&self, environment: usize) -> String {
        self.credentials["environments"][environment]["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn publish(&self) {
        publisher::publish_waiting(&self.app).await.unwrap();
    }

    /// What a new client of that kind gets, verified as a client does.
    pub(crate) async fn accepted(&self, kind: Kind) -> Accepted {
        self.try_accept(kind).await.unwrap()
    }

    async fn try_accept(&self, kind: Kind) -> Result<Accepted, Refusal> {
        let connection = self.connection(0, kind);
        let environment = self.environment_id(0);
        let key = Some(connection.sdk_key.as_str());
        let mut acceptance =
            Acceptance::new(connection.root_fingerprint, connection.environment, kind, None);
        acceptance.accept_keyset(&self.fetch("/v1/keyset/1", None).await.ok().bytes)?;
        let head =
            self.fetch(&format!("/v1/head/{environment}/{}", kind.as_str()), key).await.ok().bytes;
        let parsed = pennon_core::snapshot::Head::parse(&head)?;
        let sha256 = pennon_core::protocol::connection::hex(&parsed.body_sha256);
        let body = self.fetch(&format!("/v1/body/{sha256}"), key).await.ok().bytes;
        acceptance.accept(&head, body.to_vec(), self.app.clock.now_ms())
    }

    /// What the flag is in the published server snapshot of development.
    pub(crate) async fn published_value(&self, flag: &str) -> Option<Value> {
        let accepted = self.accepted(Kind::Server).await;
        let context = pennon_core::context::Context::empty();
        accepted
            .snapshot
            .evaluate(flag, &context, NOW)
            .value()
            .map(pennon_core::outcome::Value::to_json)
    }
}
