//! What every handler and every task of the server shares.

use std::collections::HashMap;
use std::mem;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ipnet::IpNet;
use pennon_core::protocol::connection;
use pennon_core::snapshot::Kind;
use tokio::sync::{Notify, Semaphore, watch};

use crate::ambient::{Clock, Random};
use crate::auth::jwt::Jwt;
use crate::auth::password::Passwords;
use crate::auth::rate::{Limiter, Rates};
use crate::auth::sdk::SdkKeys;
use crate::auth::seal::Vault;
use crate::auth::streams::{StreamLimits, Streams};
use crate::auth::throttle::Throttle;
use crate::dashboard::Dashboard;
use crate::live::Live;
use crate::log_lines::RequestIds;
use crate::metrics::Metrics;
use crate::publish::compilations::Compilations;
use crate::publish::edge_status::Reports;
use crate::publish::memory::Published;
use crate::publish::replicas::Announcer;
use crate::publish::signer::Signer;
use crate::publish::wire::Wire;
use crate::store::change::{Change, Changing};
use crate::store::{Store, StoreError};

/// People who watch a project's changes at once; the next one is told to come back, and sees changes when the page is loaded anew.
pub const MAX_WATCHERS: usize = 1_000;
/// Drafts that are compiled at once; one more is told to come again.
pub const MAX_COMPILING: usize = 8;
/// Imports that run at once; one more is told to come again. A document has up to 64 MiB, and is some times that in memory.
pub const MAX_IMPORTING: usize = 2;

/// Settings that requests need.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Goes into connection strings; no slash at its end.
    pub public_url: String,
    /// SHA-256 that connection strings pin.
    pub root_fingerprint: [u8; 32],
    /// Streams that may be open, and how many may be opened.
    pub streams: StreamLimits,
    /// Whether Redis is configured.
    pub redis: bool,
    /// Whose X-Forwarded-For is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Requests that one caller may make.
    pub rates: Rates,
    /// Seals and opens the secrets of webhooks.
    pub vault: Vault,
    /// What browsers are shown.
    pub dashboard: Arc<Dashboard>,
}

impl Settings {
    /// Whether browsers reach this server by https: then cookies are for https alone.
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}

/// See [`App`].
#[derive(Debug)]
pub struct Shared {
    pub settings: Settings,
    pub clock: Clock,
    pub random: Random,
    pub store: Store,
    pub published: Published,
    pub compilations: Compilations,
    pub wire: Wire,
    pub edge_reports: Reports,
    pub sdk_keys: SdkKeys,
    pub signer: Signer,
    pub jwt: Jwt,
    pub passwords: Passwords,
    pub throttle: Throttle,
    pub limiter: Limiter,
    pub request_ids: RequestIds,
    pub announcer: Announcer,
    /// Wakes the publisher after a change was committed.
    pub changed: Notify,
    /// Wakes who tells webhooks.
    pub told: Notify,
    /// True from the moment the server is asked to stop.
    pub stopping: watch::Sender<bool>,
    pub streams: Streams,
    /// Calls whoever watches a project in the dashboard.
    pub live: Live,
    /// Who may watch besides.
    pub watchers: Arc<Semaphore>,
    /// Drafts that may be compiled besides.
    pub compiling: Arc<Semaphore>,
    /// Imports that may run besides.
    pub importing: Arc<Semaphore>,
    /// Whether Redis answered last time; meaningless without Redis.
    pub redis_up: AtomicBool,
    pub metrics: Metrics,
    /// Stored snapshots that cannot be used, by environment and kind.
    unreadable: Mutex<HashMap<String, String>>,
    /// Why an environment (by id) could not be published, until it is.
    publish_errors: Mutex<HashMap<String, String>>,
}

/// A cheap handle to [`Shared`].
#[derive(Clone, Debug)]
pub struct App(Arc<Shared>);

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl App {
    /// Puts the parts together; nothing runs yet.
    pub fn new(
        settings: Settings,
        clock: Clock,
        random: Random,
        store: Store,
        signer: Signer,
        jwt: Jwt,
        announcer: Announcer,
    ) -> Self {
        let limiter = Limiter::new(settings.rates);
        let streams = Streams::new(settings.streams);
        Self(Arc::new(Shared {
            settings,
            clock,
            random,
            store,
            published: Published::default(),
            compilations: Compilations::default(),
            wire: Wire::default(),
            edge_reports: Reports::default(),
            sdk_keys: SdkKeys::default(),
            signer,
            jwt,
            passwords: Passwords::default(),
            throttle: Throttle::default(),
            limiter,
            request_ids: RequestIds::default(),
            announcer,
            changed: Notify::new(),
            told: Notify::new(),
            stopping: watch::Sender::new(false),
            streams,
            live: Live::default(),
            watchers: Arc::new(Semaphore::new(MAX_WATCHERS)),
            compiling: Arc::new(Semaphore::new(MAX_COMPILING)),
            importing: Arc::new(Semaphore::new(MAX_IMPORTING)),
            redis_up: AtomicBool::new(false),
            metrics: Metrics::default(),
            unreadable: Mutex::new(HashMap::new()),
            publish_errors: Mutex::new(HashMap::new()),
        }))
    }

    /// Resolves when the server is asked to stop.
    pub async fn stopped(&self) {
        let mut stopping = self.stopping.subscribe();
        // The sender lives as long as `self`, so this ends by the value alone.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    }

    /// Commits a change and wakes the publisher. Should this process end in between, the next one finds the outbox row.
    ///
    /// # Errors
    /// What the database says; then nothing was changed.
    pub async fn commit(
        &self,
        mut changing: Changing,
        change: Change<'_>,
        shown_in: &[String],
    ) -> Result<Vec<(String, i64)>, StoreError> {
        let project_id = changing.project.id.clone();
        let (version, compiled) = (changing.version(), mem::take(&mut changing.compiled));
        let revisions = changing.commit(change, shown_in).await?;
        for (id, compilation) in compiled {
            self.compilations.keep(&id, version, compilation);
        }
        self.changed.notify_one();
        self.told.notify_one();
        self.live.changed(&project_id);
        self.announcer.announce_change(&project_id);
        Ok(revisions)
    }

    /// Remembers, or forgets, why an environment could not be published.
    pub fn set_publish_error(&self, environment_id: &str, error: Option<String>) {
        let mut errors = self.publish_errors.lock().unwrap_or_else(PoisonError::into_inner);
        match error {
            Some(error) => errors.insert(environment_id.to_owned(), error),
            None => errors.remove(environment_id),
        };
    }

    /// Why the environment's newest change is not published, when it could not be.
    pub fn publish_error(&self, environment_id: &str) -> Option<String> {
        let errors = self.publish_errors.lock().unwrap_or_else(PoisonError::into_inner);
        errors.get(environment_id).cloned()
    }

    /// Forgets the errors of environments that do not wait to be published.
    pub fn keep_publish_errors(&self, waiting: &[&str]) {
        let mut errors = self.publish_errors.lock().unwrap_or_else(PoisonError::into_inner);
        errors.retain(|id, _| waiting.contains(&id.as_str()));
    }

    /// Notes whether a stored snapshot can be used, and logs it once when it cannot.
    pub fn set_unreadable(&self, place: String, why: Option<String>) {
        let mut unreadable = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
        match why {
            Some(why) => {
                if unreadable.get(&place) != Some(&why) {
                    tracing::error!(snapshot = place, why, "a stored snapshot is not used");
                    unreadable.insert(place, why);
                }
            }
            None => drop(unreadable.remove(&place)),
        }
    }

    /// Forgets an environment that is deleted: its streams end, and nothing keeps it from being published any more.
    pub fn forget_environment(&self, id: &str) {
        if let Some(own) = connection::id(id) {
            self.published.end(own);
        }
        self.set_publish_error(id, None);
        for kind in Kind::ALL {
            self.set_unreadable(format!("{id}/{}", kind.as_str()), None);
        }
    }

    /// Stored snapshots that cannot be used.
    pub fn unreadable_count(&self) -> usize {
        self.unreadable.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Environments that could not be published.
    pub fn publish_error_count(&self) -> usize {
        self.publish_errors.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Notes whether the database answers, and logs when that changes: one line when it is lost, one when it is back. Says whether it
    /// changed.
    pub fn set_database_up(&self, up: bool, why: &dyn std::fmt::Display) -> bool {
        let changed = self.store.set_away(!up);
        match (changed, up) {
            (false, _) => {}
            (true, true) => tracing::info!("the database answers again"),
            (true, false) => {
                tracing::warn!(error = %why, "the database is away: flags are delivered from memory, nothing can be changed");
            }
        }
        changed
    }

    /// Streams that are open now.
    pub fn open_streams(&self) -> usize {
        self.streams.open()
    }

    /// Whether Redis answers, or is not needed.
    pub fn redis_is_fine(&self) -> bool {
        !self.settings.redis || self.redis_up.load(Ordering::Relaxed)
    }

    /// Notes whether Redis answers, and logs when that changes.
    pub fn set_redis_up(&self, up: bool) {
        if self.redis_up.swap(up, Ordering::Relaxed) != up {
            if up {
                tracing::info!("redis answers");
            } else {
                tracing::warn!(
                    "redis is away: other replicas learn of changes by asking the database"
                );
            }
        }
    }
}
