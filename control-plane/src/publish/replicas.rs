//! Several servers on one database: what one publishes or changes, the others hear of over Redis at once, or find in the database
//! within seconds when there is no Redis or it is away.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use futures_util::StreamExt;
use pennon_core::snapshot::{Head, Kind, Refusal};
use tokio::sync::mpsc;

use super::memory::{Current, Place};
use super::trust;
use crate::app::App;
use crate::store::snapshots::{self, StoredHead};
use crate::store::{Dialect, StoreError, environments, signing};
use pennon_core::protocol::connection;

/// How often the database is asked for what other replicas published.
const REFRESH: Duration = Duration::from_secs(2);
/// Announcements that wait for Redis; more are dropped, the database has them.
const MAX_ANNOUNCEMENTS: usize = 1_000;
/// Announcements that are heeded together.
const MAX_TOGETHER: usize = 1_000;
/// Begins an announcement that is about a project; others name an environment that was published.
const CHANGED: &str = "changed:";
/// Waits between two attempts to reach Redis.
const RECONNECT: Duration = Duration::from_millis(500);
/// How long Redis may take to answer.
const REDIS_TIMEOUT: Duration = Duration::from_secs(2);

/// The way out to the other replicas.
#[derive(Clone, Debug)]
pub struct Announcer {
    /// Names this replica in what it says, so that it does not heed itself.
    replica: Arc<str>,
    sender: Option<mpsc::Sender<String>>,
}

impl Announcer {
    /// Announces nothing: one server alone.
    pub fn silent() -> Self {
        Self { replica: Arc::from(""), sender: None }
    }

    /// An announcer, and what it says. `replica`: a name that no other one has, without spaces.
    pub fn new(replica: &str) -> (Self, mpsc::Receiver<String>) {
        let (sender, receiver) = mpsc::channel(MAX_ANNOUNCEMENTS);
        (Self { replica: Arc::from(replica), sender: Some(sender) }, receiver)
    }

    /// Tells the other replicas that this environment has something new; never waits.
    pub fn announce(&self, environment_id: &str) {
        self.say(environment_id.to_owned());
    }

    /// Tells them that something was changed in this project, for those who watch it there; never waits.
    pub fn announce_change(&self, project_id: &str) {
        self.say(format!("{CHANGED}{project_id}"));
    }

    fn say(&self, news: String) {
        if let Some(sender) = &self.sender
            && sender.try_send(format!("{} {news}", self.replica)).is_err()
        {
            tracing::debug!("an announcement was dropped: redis is slow or away");
        }
    }
}

/// Takes whatever is newer in the database than in memory: SDK keys, keysets, snapshots; and forgets environments that are deleted.
///
/// # Errors
/// What the database says, or that it holds something unreadable.
pub async fn refresh(app: &App) -> Result<(), StoreError> {
    app.sdk_keys.reload(&app.store).await?;
    let mut tx = app.store.begin_read().await?;
    take_keysets(app, &mut tx).await?;
    for id in environments::deleted(&mut tx).await? {
        app.forget_environment(&id);
    }
    for environment in environments::list_all(&mut tx).await? {
        take_newest(app, &mut tx, &environment.id).await?;
    }
    Ok(())
}

async fn take_keysets(app: &App, tx: &mut sqlx::AnyConnection) -> Result<(), StoreError> {
    for (number, bytes) in signing::keysets(tx).await? {
        if let Ok(number) = u32::try_from(number) {
            app.published.install_keyset(number, bytes);
        }
    }
    Ok(())
}

/// Takes what was published in these environments before anything else is looked for.
async fn take_announced(app: &App, environments: &BTreeSet<String>) -> Result<(), StoreError> {
    let mut tx = app.store.begin_read().await?;
    for id in environments {
        take_newest(app, &mut tx, id).await?;
    }
    Ok(())
}

/// Takes whatever is newer of one environment; nothing of one that is deleted.
async fn take_newest(
    app: &App,
    tx: &mut sqlx::AnyConnection,
    environment_id: &str,
) -> Result<(), StoreError> {
    let Some(id) = connection::id(environment_id) else { return Ok(()) };
    let mut stored = snapshots::newest(tx, environment_id).await?;
    // What this replica evaluates with comes first.
    stored.sort_by_key(|stored| stored.kind != Kind::Server.as_str());
    for stored in stored {
        let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.as_str() == stored.kind) else {
            continue;
        };
        let held = app.published.current((id, kind));
        let newer = held.as_ref().is_none_or(|held| {
            let order = (
                i64::from(held.head.epoch),
                i64::try_from(held.head.version).unwrap_or(i64::MAX),
                held.head.created,
            );
            order < (stored.epoch, stored.version, stored.created)
        });
        let named = format!("{environment_id}/{}", stored.kind);
        if !newer {
            app.set_unreadable(named, None);
            continue;
        }
        // One that cannot be used holds up no other; the last good one goes on being served.
        match open(app, tx, (id, kind), &stored, held.as_deref()).await {
            Ok(current) => {
                app.published.install(id, Arc::new(current));
                app.set_unreadable(named, None);
            }
            Err(StoreError::Unusable(why)) => app.set_unreadable(named, Some(why)),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Verifies a stored head and its body as every receiver does: what lies in a database is trusted no more than what comes over a
/// wire.
///
/// # Errors
/// [`StoreError::Unusable`] when they cannot be used, or what the database says.
pub async fn open(
    app: &App,
    tx: &mut sqlx::AnyConnection,
    place: Place,
    stored: &StoredHead,
    held: Option<&Current>,
) -> Result<Current, StoreError> {
    let unusable = |why: String| {
        let (id, version) = (&stored.environment_id, stored.version);
        StoreError::Unusable(format!(
            "version {version} of environment {id} cannot be used ({why}): change something there, or restore a backup"
        ))
    };
    let refused = |refusal: Refusal| unusable(refusal.to_string());
    let head = Head::parse(&stored.head).map_err(refused)?;
    if app.published.keyset(head.keyset).is_none() {
        take_keysets(app, tx).await?;
    }
    let body = match held.filter(|held| held.head.body_sha256 == head.body_sha256) {
        Some(held) => held.snapshot.bytes().to_vec(),
        None => {
            let body = snapshots::body(tx, &stored.body_sha256).await?;
            body.ok_or_else(|| unusable("its body is missing".to_owned()))?
        }
    };
    let root = app.settings.root_fingerprint;
    let keyset = |number| app.published.keyset(number);
    let mut acceptance = trust::receiver(root, place, head.keyset, keyset).map_err(refused)?;
    let accepted =
        acceptance.accept_held(&stored.head, body, app.clock.now_ms()).map_err(refused)?;
    Ok(Current {
        head: accepted.head,
        head_bytes: Bytes::copy_from_slice(&stored.head),
        snapshot: Arc::new(accepted.snapshot),
    })
}

/// Looks for what other replicas published. SQLite has one server, which knows what it did.
pub async fn follow_database(app: App) {
    if app.store.dialect() == Dialect::Sqlite {
        return;
    }
    loop {
        tokio::select! {
            () = tokio::time::sleep(REFRESH) => {}
            () = app.stopped() => return,
        }
        if let Err(error) = refresh(&app).await {
            tracing::debug!(%error, "the database was not asked for news");
        }
        // Nobody tells of changes elsewhere: whoever watches looks for themselves.
        if app.live.is_watched() && !(app.settings.redis && app.redis_is_fine()) {
            app.live.anything();
        }
    }
}

/// Says over Redis what this replica published.
pub async fn announce_over_redis(
    app: App,
    client: redis::Client,
    channel: String,
    mut news: mpsc::Receiver<String>,
) {
    let mut connection = None;
    // Whoever has nothing to say would never hear that Redis is back.
    let mut lost = false;
    loop {
        let announcement = tokio::select! {
            next = news.recv() => match next { Some(next) => Some(next), None => return },
            () = tokio::time::sleep(RECONNECT), if lost => None,
            () = app.stopped() => return,
        };
        // Once more over a new connection: the old one may have broken since the last announcement.
        for _ in 0..2 {
            if connection.is_none() {
                connection = connect(&client).await;
            }
            let (Some(open), Some(announcement)) = (&mut connection, &announcement) else { break };
            let mut command = redis::cmd("PUBLISH");
            command.arg(&channel).arg(announcement);
            match tokio::time::timeout(REDIS_TIMEOUT, command.query_async::<i64>(open)).await {
                Ok(Ok(_)) => break,
                _ => connection = None,
            }
        }
        lost = connection.is_none();
        app.set_redis_up(!lost);
    }
}

async fn connect(client: &redis::Client) -> Option<redis::aio::MultiplexedConnection> {
    let connecting = client.get_multiplexed_async_connection();
    tokio::time::timeout(REDIS_TIMEOUT, connecting).await.ok()?.ok()
}

/// Listens to what the others publish, and comes back to Redis whenever it is lost.
pub async fn listen_to_redis(app: App, client: redis::Client, channel: String) {
    loop {
        tokio::select! {
            result = listen(&app, &client, &channel) => {
                app.set_redis_up(false);
                if let Err(error) = result {
                    tracing::debug!(%error, "redis");
                }
            }
            () = app.stopped() => return,
        }
        tokio::select! {
            () = tokio::time::sleep(RECONNECT) => {}
            () = app.stopped() => return,
        }
    }
}

async fn listen(app: &App, client: &redis::Client, channel: &str) -> Result<(), redis::RedisError> {
    let mut subscription = client.get_async_pubsub().await?;
    subscription.subscribe(channel).await?;
    app.set_redis_up(true);
    // What was published, and changed, while nobody listened.
    log(refresh(app).await);
    app.live.anything();
    // What came while the last was heeded is heeded together: a hundred environments that are published at once are looked for once.
    let mut messages = subscription.into_on_message().ready_chunks(MAX_TOGETHER);
    while let Some(messages) = messages.next().await {
        let said = messages.iter().filter_map(|message| message.get_payload::<String>().ok());
        let heard = Heard::of(said, &app.announcer.replica);
        for project_id in &heard.changed {
            app.live.changed(project_id);
        }
        if !heard.published.is_empty() {
            log(take_announced(app, &heard.published).await);
            log(refresh(app).await);
        }
    }
    Ok(())
}

/// What several announcements of other replicas come to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Heard {
    /// The ids of projects in which something was changed.
    changed: BTreeSet<String>,
    /// The ids of environments in which something was published.
    published: BTreeSet<String>,
}

impl Heard {
    fn of(said: impl Iterator<Item = String>, own: &str) -> Self {
        let mut heard = Self::default();
        for announcement in said {
            let (replica, news) = announcement.split_once(' ').unwrap_or(("", &announcement));
            match news.strip_prefix(CHANGED) {
                // What this replica did it knows.
                _ if replica == own && !own.is_empty() => {}
                Some(project_id) => drop(heard.changed.insert(project_id.to_owned())),
                None => drop(heard.published.insert(news.to_owned())),
            }
        }
        heard
    }
}

fn log(refreshed: Result<(), StoreError>) {
    match refreshed {
        // Told once by the watch.
        Ok(()) | Err(StoreError::Away(_)) => {}
        Err(error) => {
            tracing::warn!(%error, "news from another replica could not be read; tried again soon");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_announcements_are_heeded_once() {
        let heard = |said: &[&str]| Heard::of(said.iter().map(|text| (*text).to_owned()), "me");
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        assert_eq!(heard(&[]), Heard::default());
        assert_eq!(heard(&["me env", "me changed:p"]), Heard::default(), "its own");
        assert_eq!(
            heard(&["a changed:p", "a env", "b changed:p", "b env", "a changed:q", "me changed:r"]),
            Heard { changed: ids(&["p", "q"]), published: ids(&["env"]) }
        );
        // Whatever is not understood is looked for.
        assert_eq!(heard(&["env"]), Heard { changed: ids(&[]), published: ids(&["env"]) });
    }
}
