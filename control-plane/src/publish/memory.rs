//! The newest snapshots, held in memory: heads, bodies and keysets are handed out without asking the database, so
//! delivery goes on when it is away.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Arc, PoisonError, RwLock};

use axum::body::Bytes;
use pennon_core::protocol::stream;
use pennon_core::snapshot::{Head, Kind, Snapshot};
use tokio::sync::watch;

/// Older bodies of one environment and kind that stay in memory for clients which read an older head a moment ago;
/// still older ones come from the database.
const HELD_SNAPSHOTS: usize = 3;

/// An environment's id and a kind.
pub type Place = ([u8; 16], Kind);

/// A snapshot as it is handed out.
#[derive(Debug)]
pub struct Current {
    pub head: Head,
    pub head_bytes: Bytes,
    /// Opened, and the owner of the body's bytes.
    pub snapshot: Arc<Snapshot>,
}

/// The body's bytes, shared and not copied.
pub fn body_bytes(snapshot: &Arc<Snapshot>) -> Bytes {
    Bytes::from_owner(SharedBody(Arc::clone(snapshot)))
}

impl Current {
    /// What a receiver compares by: the later one wins.
    fn order(&self) -> (u32, u64, i64) {
        (self.head.epoch, self.head.version, self.head.created)
    }
}

struct SharedBody(Arc<Snapshot>);

impl AsRef<[u8]> for SharedBody {
    fn as_ref(&self) -> &[u8] {
        self.0.bytes()
    }
}

/// A snapshot as the streams tell of it.
#[derive(Clone, Debug)]
pub struct News {
    /// Written once, for all streams.
    pub frame: Bytes,
}

impl News {
    fn of(current: &Current) -> Self {
        let head = &current.head;
        Self { frame: stream::head(head.epoch, head.version, &current.head_bytes).into() }
    }
}

#[derive(Debug)]
struct Slot {
    sender: watch::Sender<Option<News>>,
    /// Newest last.
    held: VecDeque<Arc<Current>>,
}

/// Everything that is published, by environment and kind.
#[derive(Debug, Default)]
pub struct Published {
    slots: RwLock<HashMap<Place, Slot>>,
    /// Environments that were deleted: what was still being published of them is not taken.
    ended: RwLock<HashSet<[u8; 16]>>,
    keysets: RwLock<BTreeMap<u32, Bytes>>,
    /// Counts every newer snapshot, for those that follow all of them.
    changes: watch::Sender<u64>,
}

impl Published {
    /// Takes a snapshot unless a newer one is there; wakes the streams. Says whether it was taken.
    pub fn install(&self, environment: [u8; 16], current: Arc<Current>) -> bool {
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        if self.ended.read().unwrap_or_else(PoisonError::into_inner).contains(&environment) {
            return false;
        }
        let slot = slots
            .entry((environment, current.head.kind))
            .or_insert_with(|| Slot { sender: watch::Sender::new(None), held: VecDeque::new() });
        if slot.held.back().is_some_and(|held| held.order() >= current.order()) {
            return false;
        }
        slot.held.push_back(Arc::clone(&current));
        if slot.held.len() > HELD_SNAPSHOTS {
            slot.held.pop_front();
        }
        slot.sender.send_replace(Some(News::of(&current)));
        drop(slots);
        self.changes.send_modify(|count| *count += 1);
        true
    }

    /// Forgets an environment for good: its streams end.
    pub fn end(&self, environment: [u8; 16]) {
        if self.ended.read().unwrap_or_else(PoisonError::into_inner).contains(&environment) {
            return;
        }
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        self.ended.write().unwrap_or_else(PoisonError::into_inner).insert(environment);
        slots.retain(|(own, _), _| *own != environment);
    }

    /// The newest snapshot.
    pub fn current(&self, place: Place) -> Option<Arc<Current>> {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        slots.get(&place).and_then(|slot| slot.held.back().cloned())
    }

    /// Follows an environment and kind; what is there now counts as news.
    pub fn follow(&self, place: Place) -> Option<watch::Receiver<Option<News>>> {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        slots.get(&place).map(|slot| {
            let mut receiver = slot.sender.subscribe();
            receiver.mark_changed();
            receiver
        })
    }

    /// Follows everything.
    pub fn follow_all(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Everything that is published now.
    pub fn all(&self) -> Vec<([u8; 16], Arc<Current>)> {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        let newest = slots.iter().filter_map(|((environment, _), slot)| {
            slot.held.back().map(|current| (*environment, Arc::clone(current)))
        });
        newest.collect()
    }

    /// A held body, opened, and the places it belongs to.
    pub fn body(&self, sha256: &[u8; 32]) -> Option<(Arc<Snapshot>, Vec<Place>)> {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        let mut found = None;
        let mut places = Vec::new();
        for (place, slot) in &*slots {
            if let Some(current) = slot.held.iter().find(|held| held.head.body_sha256 == *sha256) {
                found.get_or_insert_with(|| Arc::clone(&current.snapshot));
                places.push(*place);
            }
        }
        found.map(|body| (body, places))
    }

    /// Takes a keyset.
    pub fn install_keyset(&self, number: u32, bytes: Vec<u8>) {
        let mut keysets = self.keysets.write().unwrap_or_else(PoisonError::into_inner);
        keysets.entry(number).or_insert_with(|| Bytes::from(bytes));
    }

    /// A keyset by its number.
    pub fn keyset(&self, number: u32) -> Option<Bytes> {
        self.keysets.read().unwrap_or_else(PoisonError::into_inner).get(&number).cloned()
    }
}
