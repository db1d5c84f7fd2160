//! The outbox worker: makes a signed snapshot of what was committed, and signs again what grows old.
//!
//! Revisions wait in the outbox until the heads that show them are stored, in one transaction; whatever is interrupted is
//! done again after the next start. Bodies are content addresses and versions only rise, so doing it twice is harmless.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use pennon_core::config::{Access, Admission};
use pennon_core::snapshot::sign::MINIMUM_EVALUATOR;
use pennon_core::snapshot::{Head, Kind, Snapshot};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::bodies::{Body, Compiled, compile_all, read_back};
use super::compilations::Source;
use super::memory::Current;
use crate::app::App;
use crate::store::environments::{self, Environment};
use crate::store::snapshots::{self, StoredHead};
use crate::store::{StoreError, outbox, publications, sdk_keys};
use crate::watch;
use pennon_core::protocol::connection;

/// Changes within this time after a publication are published together.
const MERGE: Duration = Duration::from_secs(1);
/// How often the outbox is looked at when nobody called: a replica that died leaves its rows behind.
const TICK: Duration = Duration::from_secs(2);
/// A failed publication is tried again after this time, then twice it, and so on.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// The longest such wait.
const LAST_RETRY: Duration = Duration::from_secs(60);
/// Past it a receiver says STALE.
pub const REFRESH_MS: i64 = 24 * 3_600_000;
/// Past it a receiver refuses the head when it comes anew.
pub const EXPIRE_MS: i64 = 30 * 24 * 3_600_000;
/// A head of this age is signed again.
pub const RENEW_MS: i64 = 6 * 3_600_000;

/// Why an environment was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The sentence says which flag or limit, or what failed its test.
    #[error("{0}")]
    Unsound(String),
    /// Somebody has to say that it is meant.
    #[error("held back until somebody confirms it: {}", reasons.join("; "))]
    Held { revision: i64, reasons: Vec<String> },
}

/// When an environment may be published next.
#[derive(Debug)]
struct Pace {
    not_before: Instant,
    failures: u32,
    /// The newest revision at the last attempt, and when that was.
    last: (i64, Instant),
}

impl Pace {
    /// After an attempt that ended just now.
    fn after(failures: u32, revision: i64) -> Self {
        let now = Instant::now();
        let wait = if failures == 0 { MERGE } else { retry_after(failures) };
        Self { not_before: now + wait, failures, last: (revision, now) }
    }

    /// When this revision may be published: one that is newer than what failed may be what mends it.
    fn due(&self, revision: i64) -> Instant {
        let (last, at) = self.last;
        if self.failures > 0 && last != revision { at + MERGE } else { self.not_before }
    }
}

/// Works until the server stops.
pub async fn run(app: App) {
    let mut paces: HashMap<String, Pace> = HashMap::new();
    let mut renewals: HashMap<String, Pace> = HashMap::new();
    loop {
        let wake = step(&app, &mut paces).await;
        renew_old(&app, &mut renewals).await;
        tokio::select! {
            () = app.changed.notified() => {}
            () = tokio::time::sleep_until(wake) => {}
            () = app.stopped() => return,
        }
    }
}

/// Publishes whatever is due; answers when to look again.
async fn step(app: &App, paces: &mut HashMap<String, Pace>) -> Instant {
    let mut wake = Instant::now() + TICK;
    let waiting = match waiting(app).await {
        Ok(waiting) => waiting,
        Err(StoreError::Away(_)) => {
            watch::look(app).await;
            return wake;
        }
        Err(error) => {
            tracing::error!(%error, "the outbox cannot be read");
            return wake;
        }
    };
    // Another replica may have published what could not be published here.
    let ids: Vec<&str> = waiting.iter().map(|one| one.environment_id.as_str()).collect();
    app.keep_publish_errors(&ids);
    app.metrics.waiting_since(waiting.iter().map(|one| one.since).min());
    let now = Instant::now();
    paces.retain(|id, pace| {
        ids.contains(&id.as_str()) || (pace.failures == 0 && now < pace.not_before)
    });
    for outbox::Waiting { environment_id: id, revision, .. } in waiting {
        if let Some(due) = paces.get(&id).map(|pace| pace.due(revision))
            && Instant::now() < due
        {
            wake = wake.min(due);
            continue;
        }
        let failures = match publish(app, &id).await {
            Ok(published) => {
                if published {
                    app.set_publish_error(&id, None);
                }
                0
            }
            // Told once by the watch; tried again when it is back.
            Err(PublishError::Store(StoreError::Away(_))) => {
                app.metrics.publications(false);
                watch::look(app).await;
                return wake;
            }
            Err(error) => {
                app.metrics.publications(false);
                let told = error.to_string();
                if app.publish_error(&id).as_ref() != Some(&told) {
                    tracing::error!(environment = id, %error, "not published; the last snapshot stays");
                }
                app.set_publish_error(&id, Some(told));
                paces.get(&id).map_or(1, |pace| pace.failures + 1)
            }
        };
        let pace = Pace::after(failures, revision);
        wake = wake.min(pace.not_before);
        paces.insert(id, pace);
    }
    wake
}

/// The wait after the `failures`-th failure in a row.
fn retry_after(failures: u32) -> Duration {
    FIRST_RETRY.saturating_mul(2u32.saturating_pow(failures.saturating_sub(1))).min(LAST_RETRY)
}

async fn waiting(app: &App) -> Result<Vec<outbox::Waiting>, StoreError> {
    let mut tx = app.store.begin_read().await?;
    outbox::waiting(&mut tx).await
}

/// Publishes everything that waits, at once, without the pace of [`run`]; for the start and for tests.
///
/// # Errors
/// Why the first environment that could not be published was not; it holds up no other.
pub async fn publish_waiting(app: &App) -> Result<(), PublishError> {
    let mut failed = None;
    for waiting in waiting(app).await? {
        match publish(app, &waiting.environment_id).await {
            Ok(_) => {}
            Err(error @ PublishError::Store(StoreError::Away(_))) => return Err(error),
            Err(error) => drop(failed.get_or_insert(error)),
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Publishes an environment's newest revision, and notes for all replicas when that cannot be. False: another replica is at it.
///
/// # Errors
/// Why not; what was published before stays.
pub async fn publish(app: &App, id: &str) -> Result<bool, PublishError> {
    let Some(claim) = app.store.claim(id).await? else {
        return Ok(false);
    };
    let attempted = attempt(app, id).await;
    match &attempted {
        Ok(()) | Err(PublishError::Store(StoreError::Away(_))) => {}
        Err(error) => note(app, id, error).await?,
    }
    claim.release().await?;
    attempted.map(|()| true)
}

async fn note(app: &App, id: &str, error: &PublishError) -> Result<(), StoreError> {
    let mut tx = app.store.begin().await?;
    let Some(environment) = environments::get(&mut tx, id).await? else {
        return Ok(());
    };
    let (revision, held) = match error {
        PublishError::Held { revision, reasons } => (*revision, Some(reasons.as_slice())),
        _ => (environment.revision, None),
    };
    let at = (revision, app.clock.now_ms());
    publications::failed(&mut tx, id, at, &error.to_string(), held).await?;
    tx.commit().await?;
    Ok(())
}

/// Compiles the newest revision, looks at what comes out, stores the bodies, signs and stores the heads, and announces them.
async fn attempt(app: &App, id: &str) -> Result<(), PublishError> {
    // The outbox names every change of a key too: memory follows it even when the request that made the change was cut off.
    app.sdk_keys.reload(&app.store).await?;
    let Some(Loaded { environment, source, access, confirmed }) = load(app, id).await? else {
        return Ok(());
    };
    let before = published(app, id);
    let started = Instant::now();
    let sequence = source.sequence;
    let terms = environment.terms();
    let (compilation, compiled) = tokio::task::spawn_blocking(move || {
        let compilation = source.compiled();
        let admission = Admission {
            keys: &access,
            origins: &terms.origins,
            requests_per_minute: terms.requests_per_minute,
        };
        let compiled = compile_all(&compilation, admission, &before);
        (compilation, compiled)
    })
    .await
    .map_err(|error| PublishError::Unsound(format!("the compiler failed: {error}")))?;
    app.compilations.keep(id, sequence, compilation);
    let Compiled { bodies: compiled, doubts } = compiled?;
    app.metrics.compiled(started.elapsed());
    let revision = environment.revision;
    if !doubts.is_empty() && confirmed != Some(revision) {
        return Err(PublishError::Held { revision, reasons: doubts });
    }

    let now = app.clock.now_ms();
    let mut tx = app.store.begin().await?;
    for body in &compiled {
        snapshots::put_body(&mut tx, &body.sha256, body.snapshot.bytes(), now).await?;
    }
    tx.commit().await.map_err(StoreError::from)?;
    read_back(app, &compiled).await?;

    let mut tx = app.store.begin().await?;
    if !environments::lock(&mut tx, id).await? {
        return Ok(());
    }
    let mut news = Vec::with_capacity(compiled.len());
    for body in compiled {
        let kind = body.snapshot.kind();
        let previous = snapshots::latest(&mut tx, id, kind.as_str()).await?;
        let newest = (environment.epoch, environment.revision);
        if previous.as_ref().is_some_and(|head| (head.epoch, head.version) >= newest) {
            continue; // another replica was faster
        }
        let head = head(app, &environment, &body, previous.as_ref())?;
        let current = store_head(app, &mut tx, id, head, body.snapshot).await?;
        news.push(current);
    }
    let oldest = outbox::oldest(&mut tx, id, environment.revision).await?;
    outbox::remove_up_to(&mut tx, id, environment.revision).await?;
    publications::published(&mut tx, id).await?;
    tx.commit().await.map_err(StoreError::from)?;
    if let Some(at) = oldest.filter(|_| !news.is_empty()) {
        app.metrics.published(app.clock.now_ms() - at);
    }
    if news.is_empty() {
        super::replicas::refresh(app).await?;
    }
    announce(app, id, news);
    Ok(())
}

/// An environment as it is to be published.
struct Loaded {
    environment: Environment,
    source: Source,
    /// Of the SDK keys that are not revoked.
    access: Vec<Access>,
    /// The revision that may be published whatever it looks like.
    confirmed: Option<i64>,
}

/// Reads an environment at one instant; `None` when it is gone.
async fn load(app: &App, id: &str) -> Result<Option<Loaded>, PublishError> {
    let mut tx = app.store.begin_read().await?;
    let Some(environment) = environments::get(&mut tx, id).await? else {
        return Ok(None);
    };
    let source = app.compilations.newest(&mut tx, &environment).await?;
    let mut sdk_keys = sdk_keys::list(&mut tx, id).await?;
    sdk_keys.retain(|key| key.revoked_at.is_none());
    let access = crate::auth::sdk::carried(&sdk_keys)
        .map_err(|sentence| PublishError::Unsound(sentence.to_owned()))?;
    let confirmed = publications::find(&mut tx, id).await?.and_then(|matter| matter.confirmed);
    Ok(Some(Loaded { environment, source, access, confirmed }))
}

/// What is served now.
fn published(app: &App, id: &str) -> Vec<Arc<Current>> {
    let Some(id) = connection::id(id) else { return Vec::new() };
    Kind::ALL.into_iter().filter_map(|kind| app.published.current((id, kind))).collect()
}

fn head(
    app: &App,
    environment: &Environment,
    body: &Body,
    previous: Option<&StoredHead>,
) -> Result<Head, PublishError> {
    let unusable =
        |what: &str| PublishError::Unsound(format!("environment {}: {what}", environment.id));
    // A later version is later whatever its time: a clock that was ahead once must not stay in the heads.
    let created = app.clock.now_ms();
    Ok(Head {
        kind: body.snapshot.kind(),
        project: connection::id(&environment.project_id)
            .ok_or_else(|| unusable("its project id is not 32 hex digits"))?,
        environment: connection::id(&environment.id)
            .ok_or_else(|| unusable("its id is not 32 hex digits"))?,
        epoch: u32::try_from(environment.epoch)
            .map_err(|_| unusable("its epoch is out of range"))?,
        version: u64::try_from(environment.revision)
            .map_err(|_| unusable("its revision is out of range"))?,
        created,
        refresh_by: created + REFRESH_MS,
        not_after: created + EXPIRE_MS,
        body_length: u32::try_from(body.snapshot.bytes().len())
            .map_err(|_| unusable("its body is too long"))?,
        body_sha256: body.sha256,
        previous_head_sha256: previous.map_or([0; 32], |head| Sha256::digest(&head.head).into()),
        keyset: app.signer.keyset(),
        minimum_evaluator: MINIMUM_EVALUATOR,
        flags: 0,
    })
}

async fn store_head(
    app: &App,
    tx: &mut sqlx::AnyConnection,
    id: &str,
    head: Head,
    snapshot: impl Into<Arc<Snapshot>>,
) -> Result<Arc<Current>, StoreError> {
    let (head, head_bytes) = app.signer.sign(head)?;
    snapshots::insert_head(
        tx,
        &StoredHead {
            environment_id: id.to_owned(),
            kind: head.kind.as_str().to_owned(),
            epoch: i64::from(head.epoch),
            version: i64::try_from(head.version).unwrap_or(i64::MAX),
            created: head.created,
            head: head_bytes.clone(),
            body_sha256: head.body_sha256.to_vec(),
        },
    )
    .await?;
    Ok(Arc::new(Current { head, head_bytes: Bytes::from(head_bytes), snapshot: snapshot.into() }))
}

/// To the other replicas, and into memory, which wakes the streams and the pushes to edges.
fn announce(app: &App, id: &str, mut news: Vec<Arc<Current>>) {
    app.announcer.announce(id);
    // Edges are pushed what is there when they wake: what they evaluate with comes first.
    news.sort_by_key(|current| current.head.kind != Kind::Edge);
    for current in news {
        let head = &current.head;
        tracing::info!(
            environment = id,
            kind = head.kind.as_str(),
            epoch = head.epoch,
            version = head.version,
            bytes = head.body_length,
            "published"
        );
        app.published.install(head.environment, current);
    }
}

/// Signs again what is older than [`RENEW_MS`], or signed under an older keyset than the newest; what cannot be is tried again after longer and longer waits.
async fn renew_old(app: &App, paces: &mut HashMap<String, Pace>) {
    let old = app.clock.now_ms() - RENEW_MS;
    let mut due: Vec<String> = Vec::new();
    for (environment, current) in app.published.all() {
        let id = connection::hex(&environment);
        let outdated = current.head.keyset < app.signer.keyset();
        if (current.head.created <= old || outdated) && !due.contains(&id) {
            due.push(id);
        }
    }
    for id in due {
        let failures = match paces.get(&id) {
            Some(pace) if Instant::now() < pace.not_before => continue,
            Some(pace) => pace.failures + 1,
            None => 1,
        };
        match renew(app, &id, old).await {
            Ok(()) => drop(paces.remove(&id)),
            Err(PublishError::Store(StoreError::Away(_))) => return,
            Err(error) => {
                let wait = retry_after(failures).as_secs();
                tracing::error!(environment = id, %error, "not signed again; tried again in {wait} s");
                paces.insert(id, Pace::after(failures, 0));
            }
        }
    }
}

/// Signs the same version and body again, with later times. Those created after `old` under the newest keyset stay as they are.
async fn renew(app: &App, id: &str, old: i64) -> Result<(), PublishError> {
    let mut tx = app.store.begin().await?;
    if !environments::lock(&mut tx, id).await? {
        drop(tx);
        return Ok(super::replicas::refresh(app).await?);
    }
    let mut news = Vec::new();
    for kind in Kind::ALL {
        let Some(stored) = snapshots::latest(&mut tx, id, kind.as_str()).await? else { continue };
        let outdated =
            Head::parse(&stored.head).is_ok_and(|head| head.keyset < app.signer.keyset());
        if stored.created > old && !outdated {
            continue; // another replica was faster
        }
        // Nothing is signed again whose first signature does not hold.
        let Some(place) = connection::id(id).map(|id| (id, kind)) else { continue };
        let held = app.published.current(place);
        let Current { mut head, snapshot, .. } =
            super::replicas::open(app, &mut tx, place, &stored, held.as_deref()).await?;
        head.created = app.clock.now_ms().max(stored.created + 1);
        head.refresh_by = head.created + REFRESH_MS;
        head.not_after = head.created + EXPIRE_MS;
        head.previous_head_sha256 = Sha256::digest(&stored.head).into();
        news.push(store_head(app, &mut tx, id, head, snapshot).await?);
    }
    tx.commit().await.map_err(StoreError::from)?;
    if news.is_empty() {
        super::replicas::refresh(app).await?;
    }
    announce(app, id, news);
    Ok(())
}
