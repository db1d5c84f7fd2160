//! `pennon serve`: starts everything, in order, and stops it in order.

use std::fs::{File, OpenOptions, TryLockError};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::ambient::{Clock, Random};
use crate::app::{App, Settings};
use crate::auth::jwt::Jwt;
use crate::auth::sdk;
use crate::auth::seal::Vault;
use crate::config::{Config, own_secret_file};
use crate::dashboard::Dashboard;
use crate::first_start::{self, StartError};
use crate::private_file;
use crate::publish::replicas::{self, Announcer};
use crate::publish::signer::Signer;
use crate::publish::{edge_status, publisher, push, retention, trust};
use crate::router::{operation, router};
use crate::routes::unread;
use crate::store::{Dialect, Store, environments, migrate, projects};
use crate::watch;
use crate::webhooks::{
    self,
    guard::{Guard, Resolver},
    sender::Sender,
};

/// Requests that run when the server is asked to stop get this long to end.
const DRAIN: Duration = Duration::from_secs(10);
/// A client that takes nothing for so long is dropped.
const SLOW: Duration = Duration::from_secs(30);
/// How often the start asks again for a database that does not answer yet, and how many times.
const CONNECT_EVERY: Duration = Duration::from_secs(1);
const CONNECT_ATTEMPTS: u32 = 30;

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// Why it could not start.
pub async fn serve(config: Config) -> Result<(), StartError> {
    let (clock, random) = (Clock::System, Random::System);
    private_file::create_folder(&config.data_dir).map_err(|error| {
        StartError::File(format!("--data-dir {}: {error}", config.data_dir.display()))
    })?;
    // Before anything is touched: on SQLite a second server would take changes from the first one's outbox.
    let _alone = lock(&config.database)?;
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|error| StartError::Other(format!("--listen {}: {error}", config.listen)))?;
    let metrics_listener =
        match config.metrics_listen {
            None => None,
            Some(address) => Some(TcpListener::bind(address).await.map_err(|error| {
                StartError::Other(format!("--metrics-listen {address}: {error}"))
            })?),
        };
    // Only now: the old file may be that of a server which holds this address.
    if let Some(file) = &config.ready_file {
        remove(file)?;
    }
    let address = listener.local_addr().map_err(|error| StartError::Other(error.to_string()))?;
    let public_url = config.public_url.clone().unwrap_or_else(|| format!("http://{address}"));

    let secret = match config.secret {
        Some(secret) => secret,
        None => secret_file(&own_secret_file(&config.data_dir), &random)?,
    };
    let store = connect(&config.database).await?;
    migrate(&store, clock.now_ms()).await?;
    let (root_fingerprint, first_start) =
        first_start::prepare(&config, &store, &secret, &clock, &random, &public_url).await?;
    let signer = Signer::load(&store, &secret).await?;
    let jwt = Jwt::load(&store, &secret, &random, &root_fingerprint).await?;
    let redis = config.redis.clone();
    let (announcer, news) = match &redis {
        Some(_) => {
            let replica = random.id().map_err(|error| StartError::Other(error.to_string()))?;
            let (announcer, news) = Announcer::new(&replica);
            (announcer, Some(news))
        }
        None => (Announcer::silent(), None),
    };
    let settings = Settings {
        public_url,
        root_fingerprint,
        streams: config.streams,
        redis: redis.is_some(),
        trusted_proxies: config.trusted_proxies.clone(),
        rates: config.rates,
        vault: Vault::new(secret),
        dashboard: Arc::new(Dashboard::embedded()),
    };
    let app = App::new(settings, clock, random, store, signer, jwt, announcer);

    replicas::refresh(&app).await?;
    // What was acknowledged before a crash is published before anyone is served; what cannot be is tried again below.
    if let Err(error) = publisher::publish_waiting(&app).await {
        tracing::error!(%error, "not everything is published yet");
    }

    let mut tasks = JoinSet::new();
    tasks.spawn(publisher::run(app.clone()));
    tasks.spawn(watch::database(app.clone()));
    tasks.spawn(watch::log(app.clone()));
    tasks.spawn(sdk::note_uses(app.clone()));
    tasks.spawn(replicas::follow_database(app.clone()));
    tasks.spawn(trust::follow(app.clone()));
    tasks.spawn(retention::run(app.clone(), config.keep_snapshots));
    if let (Some(client), Some(news)) = (redis, news) {
        let channel = format!("pennon:{}", URL_SAFE_NO_PAD.encode(root_fingerprint));
        tasks.spawn(replicas::announce_over_redis(
            app.clone(),
            client.clone(),
            channel.clone(),
            news,
        ));
        tasks.spawn(replicas::listen_to_redis(app.clone(), client, channel));
    }
    let guard = Guard::new(config.webhook_networks.clone(), Resolver::System);
    let sender = Sender::new(guard).map_err(|error| StartError::Other(error.to_string()))?;
    tasks.spawn(webhooks::run(app.clone(), sender));
    let client = push::client().map_err(|error| StartError::Other(error.to_string()))?;
    for edge in config.edges.clone() {
        tasks.spawn(edge_status::run(app.clone(), edge.clone(), client.clone()));
        tasks.spawn(push::run(app.clone(), edge, client.clone()));
    }
    tasks.spawn(stop_on_signal(app.clone()));
    let metrics_address = match metrics_listener {
        None => None,
        Some(listener) => {
            let address =
                listener.local_addr().map_err(|error| StartError::Other(error.to_string()))?;
            tasks.spawn(serve_metrics(app.clone(), listener));
            Some(address)
        }
    };

    let server = {
        let app = app.clone();
        let service = router(app.clone())
            .layer(axum::middleware::from_fn(unread::discard))
            .into_make_service_with_connect_info::<SocketAddr>();
        let listener = listener.tap_io(prepare);
        axum::serve(listener, service).with_graceful_shutdown(async move { app.stopped().await })
    };
    if let Some(file) = &config.ready_file {
        write_ready_file(&app, file, address, metrics_address, first_start).await?;
    }
    tracing::info!(%address, database = ?app.store.dialect(), edges = config.edges.len(), first_start, "listening");

    let server = async {
        server.await.map_err(|error| StartError::Other(error.to_string()))?;
        // Connections that became WebSockets are the server's no more; they say goodbye by themselves.
        app.streams.ended().await;
        Ok::<(), StartError>(())
    };
    let drained = async {
        app.stopped().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        result = server => result?,
        () = drained => tracing::warn!("some requests did not end within {} s", DRAIN.as_secs()),
    }
    let ending = async {
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a task failed");
            }
        }
        app.store.close().await;
    };
    // What is not done by then is done after the next start: the outbox has it.
    if tokio::time::timeout(DRAIN, ending).await.is_err() {
        tracing::warn!("some tasks did not end within {} s", DRAIN.as_secs());
    }
    tracing::info!("stopped");
    Ok(())
}

/// A receiver that takes nothing any more is given up by the kernel, however long its stream has nothing to write: what was written and
/// not taken by then ends the connection, and with it all that the stream holds.
fn prepare(stream: &mut TcpStream) {
    let socket = socket2::SockRef::from(&*stream);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let prepared = socket.set_tcp_user_timeout(Some(SLOW));
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let prepared = socket.set_keepalive(true);
    // Frames are small, and none waits for the next one.
    if let Err(error) = prepared.and_then(|()| socket.set_tcp_nodelay(true)) {
        tracing::debug!(%error, "a connection was not prepared");
    }
}

/// Prometheus and probes, until the server has stopped.
async fn serve_metrics(app: App, listener: TcpListener) {
    let server = axum::serve(listener, operation(app.clone()));
    if let Err(error) = server.with_graceful_shutdown(async move { app.stopped().await }).await {
        tracing::error!(%error, "the metrics are not served any more");
    }
}

/// A database that starts together with this server may need a while.
async fn connect(url: &str) -> Result<Store, StartError> {
    let mut attempt = 1;
    loop {
        match Store::connect(url).await {
            Err(crate::store::StoreError::Away(error)) if attempt < CONNECT_ATTEMPTS => {
                tracing::warn!(%error, attempt, "the database does not answer yet");
                attempt += 1;
                tokio::time::sleep(CONNECT_EVERY).await;
            }
            result => return Ok(result?),
        }
    }
}

/// The right to be the only server of this database file, as long as it is held; a process that ends gives it back.
pub(crate) fn lock(database: &str) -> Result<Option<File>, StartError> {
    let Some(path) = Dialect::file(database)? else {
        return Ok(None); // replicas share PostgreSQL
    };
    let mut name = path.clone().into_os_string();
    name.push(".lock");
    let lock = Path::new(&name);
    let failed = |error: &dyn std::fmt::Display| {
        StartError::File(format!("the lock {}: {error}", lock.display()))
    };
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600);
    let file = options.open(lock).map_err(|error| failed(&error))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(StartError::Other(format!(
            "another pennon serves the database {}: stop it first, or use PostgreSQL, which several servers can share",
            path.display()
        ))),
        Err(TryLockError::Error(error)) => Err(failed(&error)),
    }
}

/// The secret of a server on SQLite that was given none.
fn secret_file(path: &Path, random: &Random) -> Result<[u8; 32], StartError> {
    use pennon_core::protocol::connection::{digest, hex};
    let file =
        |error: &dyn std::fmt::Display| StartError::File(format!("{}: {error}", path.display()));
    match std::fs::read_to_string(path) {
        Ok(text) => digest(text.trim()).ok_or_else(|| file(&"it has not 64 hex digits")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let secret = random.bytes::<32>().map_err(|error| file(&error))?;
            private_file::create(path, format!("{}\n", hex(&secret)).as_bytes())
                .map_err(|error| file(&error))?;
            tracing::warn!(
                file = %path.display(),
                "PENNON_SECRET is not set: the signing keys are sealed with this new file; back it up, but apart from the database"
            );
            Ok(secret)
        }
        Err(error) => Err(file(&error)),
    }
}

fn remove(file: &Path) -> Result<(), StartError> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(StartError::File(format!("{}: {error}", file.display())))
        }
        _ => Ok(()),
    }
}

async fn write_ready_file(
    app: &App,
    file: &Path,
    address: SocketAddr,
    metrics: Option<SocketAddr>,
    first_start: bool,
) -> Result<(), StartError> {
    let mut tx = app.store.begin_read().await?;
    let project = projects::list(&mut tx).await?.into_iter().next();
    let mut shown = Vec::new();
    if let Some(project) = &project {
        for environment in environments::list(&mut tx, &project.id).await? {
            shown.push(json!({ "key": environment.key, "id": environment.id }));
        }
    }
    let ready: Value = json!({
        "url": app.settings.public_url,
        "listen": address.to_string(),
        "metricsListen": metrics.map(|address| address.to_string()),
        "pid": std::process::id(),
        "rootFingerprint": URL_SAFE_NO_PAD.encode(app.settings.root_fingerprint),
        "firstStart": first_start,
        "project": project.map(|project| json!({ "key": project.key, "id": project.id })),
        "environments": shown,
    });
    private_file::replace(file, format!("{ready:#}\n").as_bytes(), 0o644)
        .map_err(|error| StartError::File(format!("{}: {error}", file.display())))
}

/// SIGTERM or SIGINT begins the end: streams say goodbye, requests finish, tasks return.
async fn stop_on_signal(app: App) {
    use tokio::signal::unix::{SignalKind, signal};
    match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(mut terminate), Ok(mut interrupt)) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
        (Err(error), _) | (_, Err(error)) => {
            tracing::error!(%error, "signals cannot be heard");
            return;
        }
    }
    tracing::info!("stopping");
    app.stopping.send_replace(true);
}
