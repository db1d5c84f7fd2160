//! The edge as one request sees it: what is held, and how a caller waits for it while nothing is.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use pennon_core::outcome::ErrorCode;
use pennon_core::protocol::access::may_read;
use pennon_core::protocol::connection::hex;
use pennon_core::protocol::gate::Terms;
use pennon_core::snapshot::{Kind, sha256};
use worker::kv::KvStore;
use worker::{Context, Date, Delay, Env, ObjectNamespace, Stub};

use crate::answer::Problem;
use crate::failed::Failed;
use crate::settings::{HUB, KV, Settings};
use crate::snapshots::{self, Failure, Held, Turn};
use crate::sources::{Cache, Kv, Origin};

/// Seconds after which a caller may try again while nothing is held.
const RETRY_AFTER_S: u32 = 1;
/// How long a caller waits at most for what is being loaded, and how often it looks.
const LOAD_WAIT_MS: i64 = 5_000;
const LOOK_MS: i64 = 20;

/// Settings and bindings, which cannot change while an isolate lives.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    pub(crate) settings: Rc<Settings>,
    store: Rc<KvStore>,
    hubs: Option<Rc<ObjectNamespace>>,
}

/// Whose pages may read an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Readers {
    Anybody,
    /// Those of the origins that are named, and whether the one that asks is among them.
    Named(bool),
}

thread_local! {
    static EDGE: RefCell<Option<Edge>> = const { RefCell::new(None) };
}

/// Unix milliseconds.
pub(crate) fn now() -> i64 {
    i64::try_from(Date::now().as_millis()).unwrap_or(i64::MAX)
}

impl Edge {
    /// # Errors
    /// A sentence that says which binding is missing or wrong.
    pub(crate) fn of(env: &Env) -> Result<Self, String> {
        if let Some(edge) = EDGE.with_borrow(Clone::clone) {
            return Ok(edge);
        }
        let settings = Rc::new(Settings::read(env)?);
        let store = env
            .kv(KV)
            .map_err(|_| format!("Bind a KV namespace as {KV} (see edge-worker/wrangler.toml)."))?;
        let edge = Self {
            settings,
            store: Rc::new(store),
            hubs: env.durable_object(HUB).ok().map(Rc::new),
        };
        EDGE.set(Some(edge.clone()));
        Ok(edge)
    }

    pub(crate) fn kv(&self) -> Kv<'_> {
        Kv { settings: &self.settings, store: &self.store }
    }

    pub(crate) fn cache(&self) -> Cache<'_> {
        Cache(&self.settings)
    }

    pub(crate) fn origin(&self) -> Origin<'_> {
        Origin(&self.settings)
    }

    pub(crate) fn has_hub(&self) -> bool {
        self.hubs.is_some()
    }

    /// How often a key may be used in a minute.
    pub(crate) fn limit(&self, terms: &Terms) -> Option<u32> {
        let limits = [terms.requests_per_minute, self.settings.terms.requests_per_minute];
        limits.into_iter().flatten().min()
    }

    /// Whose pages may read what is answered to this origin: the environment says so, and this deployment.
    pub(crate) fn readers(&self, origin: Option<&str>) -> Readers {
        let held = snapshots::current(&self.settings, Kind::Edge);
        let ours = &self.settings.terms;
        let all = |terms: &Terms| terms.origins.is_empty();
        let theirs = held.as_ref().map(|held| &held.gate.terms);
        if all(ours) && theirs.is_none_or(all) {
            return Readers::Anybody;
        }
        Readers::Named(ours.allows(origin) && theirs.is_none_or(|terms| terms.allows(origin)))
    }

    /// The environment's Durable Object. A stub belongs to the request that got it.
    pub(crate) fn hub(&self) -> Option<Stub> {
        let name = hex(&self.settings.connection.environment);
        self.hubs.as_ref()?.get_by_name(&name).ok()
    }

    /// The snapshot to answer with. What is held is handed out at once and refreshed behind the answer; only an isolate
    /// that holds nothing waits.
    ///
    /// # Errors
    /// `no-snapshot` when no source has one.
    pub(crate) async fn snapshot(
        &self,
        kind: Kind,
        context: &Context,
    ) -> Result<Rc<Held>, Problem> {
        let held = match snapshots::current(&self.settings, kind) {
            Some(held) => Some(held),
            None => {
                let there = || snapshots::current(&self.settings, kind).is_some();
                self.load(kind, there, context).await;
                snapshots::current(&self.settings, kind)
            }
        };
        if held.is_some() && snapshots::claim_refresh(&self.settings, kind, now()) {
            let edge = self.clone();
            context.wait_until(async move {
                // A task of its own: the runtime sends the answer before it.
                Delay::from(Duration::ZERO).await;
                if let Some(storing) = edge.refresh(kind).await {
                    edge.store(storing).await;
                }
            });
        }
        held.ok_or_else(|| {
            Problem::new(
                503,
                "no-snapshot",
                "this edge has no snapshot yet and the control plane gave none; see /v1/status",
            )
            .error_code(ErrorCode::ProviderNotReady)
            .retry_after(RETRY_AFTER_S)
        })
    }

    /// As [`Self::snapshot`], after looking for the version that the caller has heard of.
    ///
    /// # Errors
    /// `no-snapshot` when no source has one at all.
    pub(crate) async fn snapshot_since(
        &self,
        kind: Kind,
        heard_of: (u32, u64),
        context: &Context,
    ) -> Result<Rc<Held>, Problem> {
        let there = || {
            snapshots::current(&self.settings, kind)
                .is_some_and(|held| (held.head.epoch, held.head.version) >= heard_of)
        };
        self.load(kind, there, context).await;
        self.snapshot(kind, context).await
    }

    /// Loads a kind from every source in turn until `there`, or until there is no more to be had. One caller at a time does
    /// it and the others wait for what it brings, so that a crowd costs the control plane one request.
    async fn load(&self, kind: Kind, there: impl Fn() -> bool, context: &Context) {
        let settings = &self.settings;
        let nothing = || snapshots::current(settings, kind).is_none();
        let arrived = now();
        while !there() && now() - arrived < LOAD_WAIT_MS {
            let rest = match snapshots::claim_load(settings, kind, now()) {
                Turn::Mine => {
                    if nothing() {
                        self.restore(kind).await;
                    }
                    if !there() {
                        let storing = self.refresh(kind).await;
                        self.store_behind(storing, context);
                    }
                    if nothing() {
                        self.unpack(kind).await;
                    }
                    snapshots::end_load(settings, kind);
                    0
                }
                Turn::Taken => LOOK_MS,
                // Whoever has nothing at all hears at once that the last attempt has just failed.
                Turn::Later(_) if nothing() => return,
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
            self.load(kind, || held().is_some(), context).await;
            if let Some(held) = held().filter(|held| may_read(holder, held.head.kind)) {
                return Ok(Some(bytes(held)));
            }
        }
        missing.map_or(Ok(None), Err)
    }

    pub(crate) fn note(&self, kind: Kind, failed: &Failed) {
        let (code, detail) = failed.told();
        snapshots::note(&self.settings, Failure { code, detail, kind, at: now() });
    }
}
