//! Keeps what is held fresh: the first look into KV, the comparison with the control plane, and storing what was accepted.

use std::rc::Rc;
use std::time::Duration;

use pennon_core::outcome::ErrorCode;
use pennon_core::protocol::access::{Denied, may_read};
use pennon_core::protocol::push::Push;
use pennon_core::snapshot::{Head, Keyset, Kind, Refusal, sha256};
use worker::kv::KvStore;
use worker::{Context, Date, Delay, Env};

use crate::answer::Problem;
use crate::settings::{KV, Settings};
use crate::snapshots::{self, Failure, Held, Turn};
use crate::sources::{Kv, MAX_KEYSETS, Origin, SourceError};

/// Seconds after which a caller may try again while nothing is held.
const RETRY_AFTER_S: u32 = 1;
/// How long a caller waits at most for what is being loaded, and how often it looks.
const LOAD_WAIT_MS: i64 = 5_000;
const LOOK_MS: i64 = 20;

/// The edge as one request sees it.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    pub(crate) settings: Rc<Settings>,
    store: KvStore,
}

/// Unix milliseconds.
pub(crate) fn now() -> i64 {
    i64::try_from(Date::now().as_millis()).unwrap_or(i64::MAX)
}

/// Why a refresh brought nothing.
#[derive(Debug)]
enum Failed {
    Source(SourceError),
    Refused(Refusal),
}

impl From<SourceError> for Failed {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Edge {
    /// # Errors
    /// A sentence that says which binding is missing or wrong.
    pub(crate) fn of(env: &Env) -> Result<Self, String> {
        let settings = Settings::of(env)?;
        let store = env
            .kv(KV)
            .map_err(|_| format!("Bind a KV namespace as {KV} (see edge-worker/wrangler.toml)."))?;
        Ok(Self { settings, store })
    }

    fn kv(&self) -> Kv<'_> {
        Kv { settings: &self.settings, store: &self.store }
    }

    /// The snapshot to answer with. What is held is handed out at once and refreshed behind the answer; only an isolate
    /// that holds nothing waits, for KV and then for the control plane.
    ///
    /// # Errors
    /// `no-snapshot` when neither has one.
    pub(crate) async fn snapshot(
        &self,
        kind: Kind,
        context: &Context,
    ) -> Result<Rc<Held>, Problem> {
        if let Some(held) = snapshots::current(&self.settings, kind) {
            if snapshots::claim_refresh(&self.settings, kind, now()) {
                let edge = self.clone();
                context.wait_until(async move { edge.refresh(kind).await });
            }
            return Ok(held);
        }
        let there = || snapshots::current(&self.settings, kind).is_some();
        self.load(kind, there).await;
        snapshots::current(&self.settings, kind).ok_or_else(|| {
            Problem::new(
                503,
                "no-snapshot",
                "this edge has no snapshot yet and the control plane gave none; see /v1/status",
            )
            .error_code(ErrorCode::ProviderNotReady)
            .retry_after(RETRY_AFTER_S)
        })
    }

    /// Loads a kind from KV and the control plane until `there`, or until there is no more to be had. One caller at a time does
    /// it and the others wait for what it brings, so that a crowd costs the control plane one request.
    async fn load(&self, kind: Kind, there: impl Fn() -> bool) {
        let settings = &self.settings;
        let arrived = now();
        while !there() && now() - arrived < LOAD_WAIT_MS {
            let rest = match snapshots::claim_load(settings, kind, now()) {
                Turn::Mine => {
                    self.restore(kind).await;
                    if !there() {
                        self.refresh(kind).await;
                    }
                    snapshots::end_load(settings, kind);
                    0
                }
                Turn::Taken => LOOK_MS,
                // Whoever has nothing at all hears at once that the last attempt has just failed.
                Turn::Later(_) if snapshots::current(settings, kind).is_none() => return,
                Turn::Later(rest) => rest,
            };
            // Begun after this caller came: what it did not bring is not to be had.
            if snapshots::compared_from(settings, kind) >= arrived {
                return;
            }
            if rest > 0 {
                Delay::from(Duration::from_millis(rest.unsigned_abs())).await;
            }
        }
    }

    /// A body by its hash, of any kind that a key of kind `holder` may read, when this isolate does not hold it: it may not have
    /// loaded that kind yet, or be ahead of, or behind, the isolate that served the head.
    ///
    /// # Errors
    /// `no-snapshot` when a kind that it could be of cannot be had at all.
    pub(crate) async fn body(
        &self,
        holder: Kind,
        body_sha256: &[u8; 32],
        context: &Context,
    ) -> Result<Option<Vec<u8>>, Problem> {
        let others = Kind::ALL.into_iter().filter(|kind| *kind != holder);
        let kinds = [holder].into_iter().chain(others.filter(|kind| may_read(holder, *kind)));
        let held = || snapshots::by_body(&self.settings, body_sha256);
        let bytes = |held: Rc<Held>| held.snapshot.bytes().to_vec();
        let mut missing = None;
        for kind in kinds.clone() {
            if let Err(problem) = self.snapshot(kind, context).await {
                missing = Some(problem);
            }
            if let Some(held) = held().filter(|held| may_read(holder, held.head.kind)) {
                return Ok(Some(bytes(held)));
            }
            match self.kv().body(kind, body_sha256).await {
                Ok(Some(stored)) if sha256(&stored) == *body_sha256 => return Ok(Some(stored)),
                Ok(_) => {}
                Err(error) => self.note(kind, &error.into()),
            }
        }
        for kind in kinds {
            self.load(kind, || held().is_some()).await;
            if let Some(held) = held().filter(|held| may_read(holder, held.head.kind)) {
                return Ok(Some(bytes(held)));
            }
        }
        missing.map_or(Ok(None), Err)
    }

    /// Looks into KV once per isolate and kind.
    pub(crate) async fn restore(&self, kind: Kind) {
        if !snapshots::wants_restore(&self.settings, kind) {
            return;
        }
        // On a failure not marked as restored: the next request looks again.
        if let Err(failed) = self.take_stored(kind).await {
            self.note(kind, &failed);
        }
    }

    async fn take_stored(&self, kind: Kind) -> Result<(), Failed> {
        let stored = self.kv().load(kind).await?;
        for keyset in &stored.keysets {
            if let Err(refusal) = snapshots::adopt_keyset(&self.settings, keyset) {
                self.note(kind, &refusal.into());
                break;
            }
        }
        // Where the stored keysets are damaged or behind, the control plane has them: without them the stored head could not be
        // verified, and without that it could not refuse an older one.
        if let Some(head) = stored.head.as_deref().and_then(|bytes| Head::parse(bytes).ok()) {
            self.follow_keysets(head.keyset).await?;
        }
        Ok(snapshots::restore(&self.settings, kind, stored, now())?)
    }

    /// Asks for the keysets up to a number, one by one: each proves the next.
    async fn follow_keysets(&self, number: u32) -> Result<(), Failed> {
        let wanted = number.min(MAX_KEYSETS);
        while snapshots::keyset_number(&self.settings) < wanted {
            let next = snapshots::keyset_number(&self.settings) + 1;
            let keyset = Origin(&self.settings).keyset(next).await?;
            snapshots::adopt_keyset(&self.settings, &keyset)?;
        }
        Ok(())
    }

    /// Compares with the control plane; on any failure what is held stays.
    async fn refresh(&self, kind: Kind) {
        let from = now();
        let before = snapshots::high_water(&self.settings, kind);
        let outcome = match self.fetch(kind).await {
            // A push came in between: what was asked for before it is older by right.
            Err(Failed::Refused(Refusal::OlderVersion))
                if snapshots::high_water(&self.settings, kind) != before =>
            {
                Ok(())
            }
            outcome => outcome,
        };
        if let Err(failed) = &outcome {
            self.note(kind, failed);
        }
        snapshots::end_refresh(&self.settings, kind, outcome.is_ok(), from, now());
    }

    async fn fetch(&self, kind: Kind) -> Result<(), Failed> {
        let origin = Origin(&self.settings);
        let head_bytes = origin.head(kind).await?;
        let held = snapshots::current(&self.settings, kind);
        if held.is_some_and(|held| held.head_bytes == head_bytes) {
            return Ok(());
        }
        let head = self.check_head(kind, &head_bytes).await?;
        let previous = snapshots::current(&self.settings, kind);
        let held = match snapshots::renew(&self.settings, kind, &head_bytes, head)? {
            Some(renewed) => renewed,
            None => {
                let body = origin.body(&head).await?;
                snapshots::accept(&self.settings, kind, &head_bytes, body, now())?
            }
        };
        Ok(self.save(kind, &held, previous.as_deref()).await?)
    }

    /// Verifies a head, following the chain of keysets when it names a newer one.
    async fn check_head(&self, kind: Kind, head_bytes: &[u8]) -> Result<Head, Failed> {
        match snapshots::check_head(&self.settings, kind, head_bytes, now()) {
            Err(Refusal::KeysetNeeded) => {}
            checked => return Ok(checked?),
        }
        self.follow_keysets(Head::parse(head_bytes)?.keyset).await?;
        let head = snapshots::check_head(&self.settings, kind, head_bytes, now())?;
        self.kv().save_keysets(&snapshots::keysets(&self.settings)).await?;
        Ok(head)
    }

    /// Takes what the control plane pushed and stores it before answering.
    ///
    /// # Errors
    /// The refusal; what is held stays.
    pub(crate) async fn take_push(&self, kind: Kind, push: &Push<'_>) -> Result<(), Refusal> {
        self.restore(kind).await;
        let taken = self.verify_push(kind, push).await;
        if let Err(refusal) = taken {
            self.note(kind, &refusal.into());
        }
        taken
    }

    async fn verify_push(&self, kind: Kind, push: &Push<'_>) -> Result<(), Refusal> {
        let settings = &self.settings;
        let known = snapshots::keyset_number(settings);
        match snapshots::check_head(settings, kind, push.head, now()) {
            Err(Refusal::KeysetNeeded) if !push.keyset.is_empty() => {
                self.follow_to(push.keyset).await?
            }
            checked => drop(checked?),
        }
        let from = now();
        let current = snapshots::current(settings, kind);
        if current.is_some_and(|held| held.head_bytes == push.head) {
            // Sent once more, because the answer was lost: it is here and stored.
            snapshots::end_refresh(settings, kind, true, from, now());
            return Ok(());
        }
        let keysets_grew = snapshots::keyset_number(settings) != known;
        let previous = snapshots::current(settings, kind);
        let held = snapshots::accept(settings, kind, push.head, push.body.to_vec(), now())?;
        snapshots::end_refresh(settings, kind, true, from, now());
        let saved = async {
            if keysets_grew {
                self.kv().save_keysets(&snapshots::keysets(settings)).await?;
            }
            self.save(kind, &held, previous.as_deref()).await
        };
        // It is verified and in memory, and the control plane has it: an outage of KV refuses nothing.
        if let Err(error) = saved.await {
            self.note(kind, &error.into());
        }
        Ok(())
    }

    /// Why a key that the held snapshot does not admit is not admitted. The control plane is asked, seldom: it may have
    /// made the key a moment ago, in which case the snapshot is refreshed, and it knows those of other environments.
    pub(crate) async fn ask_about(&self, key: &str, kind: Kind, key_sha256: &[u8; 32]) -> Denied {
        let settings = &self.settings;
        if let Some(denied) = snapshots::judged(settings, key_sha256, now()) {
            return denied;
        }
        if !snapshots::claim_judgement(settings, now()) {
            return Denied::KeyUnknown;
        }
        let denied = match Origin(settings).judge(key, kind).await {
            Ok(Some(denied)) => denied,
            Ok(None) => {
                self.refresh(Kind::Edge).await;
                Denied::KeyUnknown
            }
            // Not remembered: without the control plane nothing is known about it.
            Err(_) => return Denied::KeyUnknown,
        };
        snapshots::judge(settings, *key_sha256, denied, now());
        denied
    }

    /// Takes a pushed keyset; where it is not the next one, the control plane is asked for those between.
    async fn follow_to(&self, keyset: &[u8]) -> Result<(), Refusal> {
        match snapshots::adopt_keyset(&self.settings, keyset) {
            Err(Refusal::KeysetNeeded) => {}
            adopted => return adopted,
        }
        let number = Keyset::parse(keyset)?.number.min(MAX_KEYSETS);
        let origin = Origin(&self.settings);
        while snapshots::keyset_number(&self.settings) + 1 < number {
            let next = snapshots::keyset_number(&self.settings) + 1;
            let Ok(between) = origin.keyset(next).await else { return Err(Refusal::KeysetNeeded) };
            snapshots::adopt_keyset(&self.settings, &between)?;
        }
        snapshots::adopt_keyset(&self.settings, keyset)
    }

    /// Stores what was accepted. The body is written even when it is the held one under a renewed head: that takes back
    /// the expiry which another isolate, behind by a version, may have put on it.
    async fn save(
        &self,
        kind: Kind,
        held: &Held,
        previous: Option<&Held>,
    ) -> Result<(), SourceError> {
        let kv = self.kv();
        kv.save_body(kind, &held.head.body_sha256, held.snapshot.bytes()).await?;
        // While a body is written, a newer snapshot can come: its head must not be replaced by this one, nor its body retired.
        let current = || snapshots::current(&self.settings, kind);
        if current().is_none_or(|newest| newest.head_bytes == held.head_bytes) {
            kv.save_head(kind, &held.head_bytes).await?;
        }
        let Some(old) = previous else { return Ok(()) };
        let in_use = |current: Rc<Held>| current.head.body_sha256 == old.head.body_sha256;
        if old.head.body_sha256 == held.head.body_sha256 || current().is_some_and(in_use) {
            return Ok(());
        }
        kv.retire_body(kind, &old.head.body_sha256, old.snapshot.bytes()).await
    }

    fn note(&self, kind: Kind, failed: &Failed) {
        let (code, detail) = match failed {
            Failed::Source(error) => (error.code, error.detail.clone()),
            Failed::Refused(refusal) => (refusal.code(), refusal.to_string()),
        };
        snapshots::note(&self.settings, Failure { code, detail, kind, at: now() });
    }
}
