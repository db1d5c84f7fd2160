//! What this isolate holds: per kind the last good snapshot, and what it takes to accept the next one. Losing it loses
//! nothing: KV and the control plane have it too.
//!
//! Requests of one isolate share it, so nothing here waits: every borrow ends before its function returns.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use pennon_core::protocol::access::Denied;
use pennon_core::protocol::gate::Gate;
use pennon_core::snapshot::{
    Acceptance, Head, HighWater, Kind, Refusal, SignatureCheck, Snapshot, sha256,
};

use crate::attributes::Wanted;
use crate::host;
use crate::settings::Settings;

/// A refresh that has not ended by then is taken for lost (the runtime may cancel it) and another may start.
const REFRESH_DEADLINE_MS: i64 = 15_000;
/// While callers wait, the control plane is asked again at the earliest after this long.
const RETRY_MS: i64 = 1_000;
/// A load that callers wait for has this long before one of them may try as well: the first may have given up.
const LOAD_TURN_MS: i64 = 2_000;
/// Unknown keys whose verdict is kept, and for how long.
const JUDGED_KEPT: usize = 256;
const JUDGED_FOR_MS: i64 = 30_000;
/// The control plane is asked about so many unknown keys a second, so that strangers cannot storm it.
const JUDGEMENTS_PER_S: u32 = 20;
/// The newest failures that the status names.
const FAILURES_KEPT: usize = 16;

/// An accepted snapshot with the head it came under.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) head: Head,
    pub(crate) head_bytes: Vec<u8>,
    pub(crate) snapshot: Rc<Snapshot>,
    /// What of a request its conditions may look at.
    pub(crate) wanted: Wanted,
    /// Whom it lets ask; of the edge kind alone it says so.
    pub(crate) gate: Rc<Gate>,
}

impl Held {
    fn new(head: Head, head_bytes: &[u8], snapshot: Snapshot) -> Self {
        let wanted = Wanted::of(&snapshot);
        let gate = Rc::new(snapshot.gate());
        Self { head, head_bytes: head_bytes.to_vec(), snapshot: Rc::new(snapshot), wanted, gate }
    }

    /// What orders the snapshots of a kind.
    pub(crate) fn order(&self) -> Order {
        order(&self.head)
    }
}

/// Keyset, epoch, version, when it was signed.
pub(crate) type Order = (u32, u32, u64, i64);

pub(crate) fn order(head: &Head) -> Order {
    (head.keyset, head.epoch, head.version, head.created)
}

/// A refusal or a failure, as the status shows it.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) code: &'static str,
    pub(crate) detail: String,
    pub(crate) kind: Kind,
    pub(crate) at: i64,
}

#[derive(Debug)]
struct Slot {
    acceptance: Acceptance,
    current: Option<Rc<Held>>,
    /// Somebody may have read the head just before `current` came and now asks for its body.
    previous: Option<Rc<Held>>,
    /// What KV has, as far as this isolate knows.
    stored: Option<Order>,
    /// Whether KV has been looked into, and when it may be again.
    restored: bool,
    kv_again_at: i64,
    /// When it last agreed with the control plane.
    checked_at: Option<i64>,
    refreshing_until: i64,
    /// Callers wait for a load that one of them has in hand until then.
    loading_until: i64,
    /// No new attempt for waiting callers before then.
    retry_at: i64,
    /// When the latest comparison with the control plane that has ended, well or not, began.
    compared_from: i64,
}

#[derive(Debug)]
struct Isolate {
    slots: [Slot; Kind::ALL.len()],
    /// Keyset n stands at n - 1.
    keysets: Vec<Vec<u8>>,
    failures: BTreeMap<&'static str, u64>,
    newest_failures: Vec<Failure>,
    /// Keys that are not admitted, why, and until when that is believed.
    judged: BTreeMap<[u8; 32], (Denied, i64)>,
    /// The second that is counted, and its count.
    judgements: (i64, u32),
    /// Bodies that stopped the evaluator too often to be opened again.
    crashed: BTreeSet<[u8; 32]>,
    /// Bodies that were made of a delta.
    deltas: u64,
    /// Keysets that KV has.
    stored_keysets: usize,
}

thread_local! {
    static ISOLATE: RefCell<Option<Isolate>> = const { RefCell::new(None) };
}

/// Runs `work` on this isolate's state. `work` must not come back here.
fn with<T>(settings: &Settings, work: impl FnOnce(&mut Isolate) -> T) -> T {
    ISOLATE.with_borrow_mut(|isolate| {
        work(isolate.get_or_insert_with(|| Isolate {
            slots: Kind::ALL.map(|kind| Slot::new(settings, kind)),
            keysets: Vec::new(),
            failures: BTreeMap::new(),
            newest_failures: Vec::new(),
            judged: BTreeMap::new(),
            judgements: (0, 0),
            crashed: host::crashed().into_iter().collect(),
            deltas: 0,
            stored_keysets: 0,
        }))
    })
}

impl Slot {
    fn new(settings: &Settings, kind: Kind) -> Self {
        let connection = &settings.connection;
        Self {
            acceptance: Acceptance::new(
                connection.root_fingerprint,
                connection.environment,
                kind,
                None,
            ),
            current: None,
            previous: None,
            stored: None,
            restored: false,
            kv_again_at: 0,
            checked_at: None,
            refreshing_until: 0,
            loading_until: 0,
            retry_at: 0,
            compared_from: 0,
        }
    }

    fn is_refresh_due(&self, settings: &Settings, now: i64) -> bool {
        self.checked_at.is_none_or(|at| now - at >= settings.refresh_ms)
            && now >= self.refreshing_until
    }

    fn swap(&mut self, held: Held) -> Rc<Held> {
        if held.head.kind == Kind::Edge {
            host::evaluating(&held.head.body_sha256);
        }
        let held = Rc::new(held);
        let replaced = self.current.replace(held.clone());
        // The same body once more replaces nothing.
        if replaced.as_ref().is_none_or(|old| old.head.body_sha256 != held.head.body_sha256) {
            self.previous = replaced;
        }
        held
    }
}

impl Isolate {
    fn slot(&mut self, kind: Kind) -> &mut Slot {
        // Kind::ALL is in the order of the discriminants 1, 2, 3.
        &mut self.slots[kind as usize - 1]
    }
}

/// The last good snapshot of a kind.
pub(crate) fn current(settings: &Settings, kind: Kind) -> Option<Rc<Held>> {
    with(settings, |isolate| isolate.slot(kind).current.clone())
}

/// A held snapshot by the hash of its body.
pub(crate) fn by_body(settings: &Settings, body_sha256: &[u8; 32]) -> Option<Rc<Held>> {
    with(settings, |isolate| {
        let mut held =
            isolate.slots.iter().flat_map(|slot| [&slot.current, &slot.previous]).flatten();
        held.find(|held| held.head.body_sha256 == *body_sha256).cloned()
    })
}

/// Keyset `number`, once verified.
pub(crate) fn keyset(settings: &Settings, number: u32) -> Option<Vec<u8>> {
    let position = usize::try_from(number).ok()?.checked_sub(1)?;
    with(settings, |isolate| isolate.keysets.get(position).cloned())
}

/// Every verified keyset in order.
pub(crate) fn keysets(settings: &Settings) -> Vec<Vec<u8>> {
    with(settings, |isolate| isolate.keysets.clone())
}

/// When the kind last agreed with the control plane.
pub(crate) fn checked_at(settings: &Settings, kind: Kind) -> Option<i64> {
    with(settings, |isolate| isolate.slot(kind).checked_at)
}

/// Whether a refresh is due and nobody has it in hand.
pub(crate) fn is_refresh_due(settings: &Settings, kind: Kind, now: i64) -> bool {
    with(settings, |isolate| isolate.slot(kind).is_refresh_due(settings, now))
}

/// Whether a refresh is due; if so, it is the caller's to do, and nobody else's until the deadline.
pub(crate) fn claim_refresh(settings: &Settings, kind: Kind, now: i64) -> bool {
    with(settings, |isolate| {
        let slot = isolate.slot(kind);
        let due = slot.is_refresh_due(settings, now);
        if due {
            slot.refreshing_until = now + REFRESH_DEADLINE_MS;
        }
        due
    })
}

/// Whose turn it is to load what callers wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The caller's, who ends it with [`end_load`].
    Mine,
    /// Somebody else's.
    Taken,
    /// The control plane was asked a moment ago; again after so many milliseconds.
    Later(i64),
}

/// Gives one caller at a time the turn to load the kind.
pub(crate) fn claim_load(settings: &Settings, kind: Kind, now: i64) -> Turn {
    with(settings, |isolate| {
        let slot = isolate.slot(kind);
        if now < slot.loading_until {
            Turn::Taken
        } else if now < slot.retry_at {
            Turn::Later(slot.retry_at - now)
        } else {
            slot.loading_until = now + LOAD_TURN_MS;
            Turn::Mine
        }
    })
}

pub(crate) fn end_load(settings: &Settings, kind: Kind) {
    with(settings, |isolate| isolate.slot(kind).loading_until = 0);
}

/// When the latest comparison with the control plane that has ended, well or not, began.
pub(crate) fn compared_from(settings: &Settings, kind: Kind) -> i64 {
    with(settings, |isolate| isolate.slot(kind).compared_from)
}

/// Ends a refresh that began at `from`. After a failure the next one waits as long as after a success.
pub(crate) fn end_refresh(settings: &Settings, kind: Kind, agreed: bool, from: i64, now: i64) {
    with(settings, |isolate| {
        let slot = isolate.slot(kind);
        slot.compared_from = slot.compared_from.max(from);
        slot.retry_at = now + RETRY_MS;
        if agreed {
            slot.checked_at = Some(now);
            slot.refreshing_until = 0;
        } else {
            slot.refreshing_until = now + settings.refresh_ms;
        }
    });
}

/// Verifies a head that arrives.
pub(crate) fn check_head(
    settings: &Settings,
    kind: Kind,
    head: &[u8],
    now: i64,
) -> Result<Head, Refusal> {
    with(settings, |isolate| isolate.slot(kind).acceptance.check_head(head, now))
}

/// Whether KV lacks a keyset; if so, it is the caller's to store them.
pub(crate) fn claim_keysets(settings: &Settings) -> bool {
    with(settings, |isolate| {
        let grew = isolate.keysets.len() > isolate.stored_keysets;
        isolate.stored_keysets = isolate.keysets.len();
        grew
    })
}

/// They could not be stored.
pub(crate) fn unclaim_keysets(settings: &Settings) {
    with(settings, |isolate| isolate.stored_keysets = 0);
}

/// How many keysets are verified.
pub(crate) fn keyset_number(settings: &Settings) -> u32 {
    with(settings, |isolate| u32::try_from(isolate.keysets.len()).unwrap_or(u32::MAX))
}

/// Verifies a keyset for every kind. One that is already known changes nothing.
pub(crate) fn adopt_keyset(settings: &Settings, bytes: &[u8]) -> Result<(), Refusal> {
    with(settings, |isolate| {
        if isolate.keysets.iter().any(|known| known == bytes) {
            return Ok(());
        }
        // The kinds follow together, so what is to be verified is the same for each.
        let offer = isolate.slots[0].acceptance.offer_keyset(bytes)?;
        let (root, passed) = (sha256(&offer.root_message), results(&offer.checks));
        for slot in &mut isolate.slots {
            slot.acceptance.admit_keyset(offer.clone(), root, &passed)?;
        }
        isolate.keysets.push(bytes.to_vec());
        Ok(())
    })
}

/// Verifies a head with its body and puts it in place of the current one.
pub(crate) fn accept(
    settings: &Settings,
    kind: Kind,
    head: &[u8],
    body: Vec<u8>,
    now: i64,
) -> Result<Rc<Held>, Refusal> {
    with(settings, |isolate| {
        let slot = isolate.slot(kind);
        let accepted = slot.acceptance.accept(head, body, now)?;
        Ok(slot.swap(Held::new(accepted.head, head, accepted.snapshot)))
    })
}

/// A verified head over the body that is held: a signature renewed. None when another body is held by now.
pub(crate) fn renew(
    settings: &Settings,
    kind: Kind,
    head_bytes: &[u8],
    head: Head,
) -> Result<Option<Rc<Held>>, Refusal> {
    with(settings, |isolate| {
        let slot = isolate.slot(kind);
        let held = slot.current.clone().filter(|held| held.head.body_sha256 == head.body_sha256);
        let Some(held) = held else { return Ok(None) };
        slot.acceptance.admit_renewal(head)?;
        let (snapshot, gate) = (held.snapshot.clone(), held.gate.clone());
        let (wanted, head_bytes) = (held.wanted, head_bytes.to_vec());
        let renewed = Rc::new(Held { head, head_bytes, snapshot, wanted, gate });
        slot.current = Some(renewed.clone());
        Ok(Some(renewed))
    })
}

/// Whether KV has still to be looked into for this kind.
pub(crate) fn wants_restore(settings: &Settings, kind: Kind) -> bool {
    with(settings, |isolate| !isolate.slot(kind).restored)
}

/// Whether KV may be looked into now: not again within half a refresh, above all when it was slow.
pub(crate) fn may_ask_kv(settings: &Settings, kind: Kind, now: i64) -> bool {
    with(settings, |isolate| now >= isolate.slot(kind).kv_again_at)
}

/// KV has been asked, with whatever result.
pub(crate) fn asked_kv(settings: &Settings, kind: Kind, now: i64) {
    with(settings, |isolate| isolate.slot(kind).kv_again_at = now + settings.refresh_ms / 2);
}

/// KV has this head with its body.
pub(crate) fn set_stored(settings: &Settings, kind: Kind, order: Order) {
    with(settings, |isolate| isolate.slot(kind).stored = Some(order));
}

/// Whether KV has what is held.
pub(crate) fn is_stored(settings: &Settings, kind: Kind) -> bool {
    with(settings, |isolate| {
        let slot = isolate.slot(kind);
        slot.current.as_ref().is_some_and(|held| slot.stored >= Some(held.order()))
    })
}

/// KV has been looked into for this kind.
pub(crate) fn restored(settings: &Settings, kind: Kind) {
    with(settings, |isolate| isolate.slot(kind).restored = true);
}

fn results(checks: &[SignatureCheck]) -> Vec<bool> {
    checks.iter().map(SignatureCheck::passes).collect()
}

/// Takes a stored head and its body, with the body's hash, verified like anything else, unless something as new is held. The head alone is
/// still the high-water mark: without its body nothing is served, and nothing older is taken.
///
/// # Errors
/// The refusal.
pub(crate) fn restore(
    settings: &Settings,
    kind: Kind,
    head_bytes: &[u8],
    body: Option<(Vec<u8>, [u8; 32])>,
    now: i64,
) -> Result<(), Refusal> {
    with(settings, |isolate| {
        let slot = isolate.slot(kind);
        let parsed = Head::parse(head_bytes)?;
        if slot.current.as_ref().is_some_and(|held| held.order() >= order(&parsed)) {
            return Ok(());
        }
        let offer = slot.acceptance.offer_head(head_bytes, now, true)?;
        let head = slot.acceptance.admit_head(&offer, &results(&offer.checks))?;
        slot.acceptance.admit_without_body(head)?;
        let Some((body, sha256)) = body else { return Ok(()) };
        let accepted = slot.acceptance.admit_body(head, body, sha256)?;
        slot.swap(Held::new(accepted.head, head_bytes, accepted.snapshot));
        Ok(())
    })
}

/// Whether this body stopped the evaluator too often.
pub(crate) fn crashed(settings: &Settings, body_sha256: &[u8; 32]) -> bool {
    with(settings, |isolate| isolate.crashed.contains(body_sha256))
}

/// Adds what others remember, and answers all of it.
pub(crate) fn remember_crashed(settings: &Settings, bodies: &[[u8; 32]]) -> Vec<[u8; 32]> {
    with(settings, |isolate| {
        isolate.crashed.extend(bodies);
        isolate.crashed.iter().copied().collect()
    })
}

/// The newest thing accepted of a kind.
pub(crate) fn high_water(settings: &Settings, kind: Kind) -> Option<HighWater> {
    with(settings, |isolate| isolate.slot(kind).acceptance.high_water())
}

/// Counts a failure and remembers it for the status.
pub(crate) fn note(settings: &Settings, failure: Failure) {
    worker::console_warn!(
        "pennon: {} snapshot: {}: {}",
        failure.kind.as_str(),
        failure.code,
        failure.detail
    );
    with(settings, |isolate| {
        *isolate.failures.entry(failure.code).or_insert(0) += 1;
        if isolate.newest_failures.len() == FAILURES_KEPT {
            isolate.newest_failures.remove(0);
        }
        isolate.newest_failures.push(failure);
    });
}

/// A body was made of a delta.
pub(crate) fn count_delta(settings: &Settings) {
    with(settings, |isolate| isolate.deltas += 1);
}

/// How many bodies were made of deltas.
pub(crate) fn deltas(settings: &Settings) -> u64 {
    with(settings, |isolate| isolate.deltas)
}

/// Counts by code, and the newest failures, oldest first.
pub(crate) fn failures(settings: &Settings) -> (BTreeMap<&'static str, u64>, Vec<Failure>) {
    with(settings, |isolate| (isolate.failures.clone(), isolate.newest_failures.clone()))
}

/// What is remembered about a key that is not admitted.
pub(crate) fn judged(settings: &Settings, key_sha256: &[u8; 32], now: i64) -> Option<Denied> {
    with(settings, |isolate| {
        isolate.judged.get(key_sha256).filter(|(_, until)| now < *until).map(|(denied, _)| *denied)
    })
}

/// Whether the control plane may be asked about a key now.
pub(crate) fn claim_judgement(settings: &Settings, now: i64) -> bool {
    with(settings, |isolate| {
        let second = now / 1000;
        if isolate.judgements.0 != second {
            isolate.judgements = (second, 0);
        }
        isolate.judgements.1 += 1;
        isolate.judgements.1 <= JUDGEMENTS_PER_S
    })
}

/// Remembers why a key is not admitted.
pub(crate) fn judge(settings: &Settings, key_sha256: [u8; 32], denied: Denied, now: i64) {
    with(settings, |isolate| {
        if isolate.judged.len() >= JUDGED_KEPT {
            isolate.judged.retain(|_, (_, until)| now < *until);
        }
        if isolate.judged.len() < JUDGED_KEPT {
            isolate.judged.insert(key_sha256, (denied, now + JUDGED_FOR_MS));
        }
    });
}
