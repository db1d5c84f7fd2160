//! Keeps what is held fresh: compares it with the environment's Durable Object, the control plane and KV, takes what is newer, and
//! stores it.

use std::rc::Rc;

use pennon_core::limits::MAX_KEYSETS;
use pennon_core::protocol::access::Denied;
use pennon_core::snapshot::delta::apply;
use pennon_core::snapshot::{Head, Kind, Refusal, sha256};

use worker::Context;

use crate::edge::{Edge, now};
use crate::failed::Failed;
use crate::hub;
use crate::snapshots::{self, Held};
use crate::sources::SourceError;

/// Who said that there is a newer head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// The Durable Object: it has stored the snapshot already.
    Hub,
    Origin,
}

/// What was taken and is still to be stored and told of. Nobody who waits for an evaluation waits for that.
#[derive(Debug)]
pub(crate) struct Storing {
    kind: Kind,
    held: Rc<Held>,
    previous: Option<Rc<Held>>,
    /// The Durable Object has stored it everywhere but in the cache.
    said: Said,
}

impl Storing {
    pub(crate) fn pushed(kind: Kind, held: Rc<Held>, previous: Option<Rc<Held>>) -> Self {
        Self { kind, held, previous, said: Said::Origin }
    }
}

impl Edge {
    /// Asks the Durable Object, then the control plane, then KV; on any failure what is held stays.
    pub(crate) async fn refresh(&self, kind: Kind) -> Option<Storing> {
        let from = now();
        self.restore_from_kv(kind).await;
        let asked = match self.ask_hub(kind).await {
            Ok(asked) => asked,
            Err(failed) => {
                self.note(kind, &failed);
                (false, None)
            }
        };
        if asked.0 {
            snapshots::end_refresh(&self.settings, kind, true, from, now());
            return asked.1;
        }
        let (agreed, storing) = self.compare(kind).await;
        if !agreed {
            self.look_into_kv(kind).await;
        }
        storing.or(asked.1)
    }

    /// Whether the Durable Object has compared what is held here now with the control plane.
    async fn ask_hub(&self, kind: Kind) -> Result<(bool, Option<Storing>), Failed> {
        // A caller waits: the Durable Object would have to ask the control plane as well.
        if snapshots::current(&self.settings, kind).is_none() {
            return Ok((false, None));
        }
        let Some(stub) = self.hub() else { return Ok((false, None)) };
        let Some(newest) = hub::newest(&stub, kind).await? else { return Ok((false, None)) };
        let held = snapshots::current(&self.settings, kind);
        let order = snapshots::order(&Head::parse(&newest.head)?);
        if let Some(ahead) = held.filter(|held| held.order() > order) {
            // It missed what came here.
            self.tell_hub(&ahead).await;
            return Ok((false, None));
        }
        let storing = self.take_head(kind, &newest.head, Said::Hub).await?;
        Ok((newest.agreed, storing))
    }

    /// Compares with the control plane: whether it agrees with what is held now, and what was taken.
    pub(crate) async fn compare(&self, kind: Kind) -> (bool, Option<Storing>) {
        let from = now();
        let before = snapshots::high_water(&self.settings, kind);
        let compared = match self.origin().head(kind).await {
            Ok(head) => self.take_head(kind, &head, Said::Origin).await,
            Err(error) => Err(error.into()),
        };
        let outcome = match compared {
            // A push came in between: what was asked for before it is older by right.
            Err(Failed::Refused(Refusal::OlderVersion))
                if snapshots::high_water(&self.settings, kind) != before =>
            {
                Ok(None)
            }
            outcome => outcome,
        };
        if let Err(failed) = &outcome {
            self.note(kind, failed);
        }
        snapshots::end_refresh(&self.settings, kind, outcome.is_ok(), from, now());
        (outcome.is_ok(), outcome.ok().flatten())
    }

    /// Takes the snapshot that a head names, when it is newer than the one held.
    async fn take_head(
        &self,
        kind: Kind,
        head_bytes: &[u8],
        said: Said,
    ) -> Result<Option<Storing>, Failed> {
        let held = snapshots::current(&self.settings, kind);
        if held.is_some_and(|held| held.head_bytes == head_bytes) {
            return Ok(None);
        }
        let head = self.check_head(kind, head_bytes).await?;
        if snapshots::crashed(&self.settings, &head.body_sha256) {
            return Err(Failed::Crashed);
        }
        let previous = snapshots::current(&self.settings, kind);
        let held = match snapshots::renew(&self.settings, kind, head_bytes, head)? {
            Some(renewed) => renewed,
            None => {
                let body = self.load_body(kind, &head, said).await?;
                snapshots::accept(&self.settings, kind, head_bytes, body, now())?
            }
        };
        Ok(Some(Storing { kind, held, previous, said }))
    }

    /// Tells the Durable Object first, because streams wait for it, then stores.
    pub(crate) async fn store(&self, Storing { kind, held, previous, said }: Storing) {
        if said == Said::Origin {
            self.tell_hub(&held).await;
        }
        self.store_untold(Storing { kind, held, previous, said }).await;
    }

    /// Stores: in the cache, in KV.
    pub(crate) async fn store_untold(&self, Storing { kind, held, previous, said }: Storing) {
        self.save_in_cache(kind, &held, previous.as_deref()).await;
        if said == Said::Hub {
            return;
        }
        match self.save(kind, &held, previous.as_deref()).await {
            Ok(()) => snapshots::set_stored(&self.settings, kind, held.order()),
            Err(error) => self.note(kind, &error.into()),
        }
    }

    /// The body of a verified head: out of KV where the Durable Object has stored it, else what a delta makes of the one that is held,
    /// else the whole of it.
    async fn load_body(&self, kind: Kind, head: &Head, said: Said) -> Result<Vec<u8>, SourceError> {
        let is_it = |body: &Vec<u8>| sha256(body) == head.body_sha256;
        if said == Said::Hub {
            match self.kv().body(kind, &head.body_sha256).await {
                Ok(stored) => {
                    if let Some(body) = stored.filter(is_it) {
                        return Ok(body);
                    }
                }
                Err(error) => self.note(kind, &error.into()),
            }
        }
        if let Some(held) = snapshots::current(&self.settings, kind) {
            match self.origin().delta(&held.head.body_sha256, head).await {
                Ok(None) => {}
                Ok(Some(delta)) => match apply(&held.snapshot, &delta) {
                    Ok(body) if is_it(&body) => {
                        snapshots::count_delta(&self.settings);
                        return Ok(body);
                    }
                    _ => self.note(kind, &Failed::Refused(Refusal::MalformedDelta)),
                },
                Err(error) => self.note(kind, &error.into()),
            }
        }
        self.origin().body(head).await
    }

    /// Verifies a head, following the chain of keysets when it names a newer one.
    async fn check_head(&self, kind: Kind, head_bytes: &[u8]) -> Result<Head, Failed> {
        match snapshots::check_head(&self.settings, kind, head_bytes, now()) {
            Err(Refusal::KeysetNeeded) => {}
            checked => return Ok(checked?),
        }
        self.follow_keysets(Head::parse(head_bytes)?.keyset).await?;
        Ok(snapshots::check_head(&self.settings, kind, head_bytes, now())?)
    }

    /// Asks for the keysets up to a number, one by one: each proves the next.
    pub(crate) async fn follow_keysets(&self, number: u32) -> Result<(), Failed> {
        let wanted = number.min(MAX_KEYSETS);
        while snapshots::keyset_number(&self.settings) < wanted {
            let next = snapshots::keyset_number(&self.settings) + 1;
            let keyset = self.origin().keyset(next).await?;
            snapshots::adopt_keyset(&self.settings, &keyset)?;
        }
        Ok(())
    }

    /// Why a key that the held snapshot does not admit is not admitted. The control plane is asked, seldom: it may have
    /// made the key a moment ago, in which case the snapshot is refreshed, and it knows those of other environments.
    pub(crate) async fn ask_about(
        &self,
        key: &str,
        kind: Kind,
        key_sha256: &[u8; 32],
        context: &Context,
    ) -> Denied {
        let settings = &self.settings;
        if let Some(denied) = snapshots::judged(settings, key_sha256, now()) {
            return denied;
        }
        if !snapshots::claim_judgement(settings, now()) {
            return Denied::KeyUnknown;
        }
        let denied = match self.origin().judge(key, kind).await {
            Ok(Some(denied)) => denied,
            Ok(None) => {
                let (_, storing) = self.compare(Kind::Edge).await;
                self.store_behind(storing, context);
                Denied::KeyUnknown
            }
            // Not remembered: without the control plane nothing is known about it.
            Err(_) => return Denied::KeyUnknown,
        };
        snapshots::judge(settings, *key_sha256, denied, now());
        denied
    }

    /// Stores behind the answer.
    pub(crate) fn store_behind(&self, storing: Option<Storing>, context: &Context) {
        let Some(storing) = storing else { return };
        let edge = self.clone();
        context.wait_until(async move { edge.store(storing).await });
    }

    /// The streams of every isolate hang on the Durable Object. Without it they hear of the head when it is asked next.
    pub(crate) async fn tell_hub(&self, held: &Held) {
        let Some(stub) = self.hub() else { return };
        if let Err(error) = hub::tell(&stub, held).await {
            self.note(held.head.kind, &error.into());
        }
    }

    pub(crate) async fn save_in_cache(&self, kind: Kind, held: &Held, previous: Option<&Held>) {
        let other = previous.filter(|old| old.head.body_sha256 != held.head.body_sha256);
        let keysets = snapshots::keysets(&self.settings);
        if let Err(error) = self.cache().save(kind, &keysets, held, other).await {
            self.note(kind, &error.into());
        }
    }

    /// Stores what was accepted. The body is written even when it is the held one under a renewed head: that takes back
    /// the expiry which another isolate, behind by a version, may have put on it.
    pub(crate) async fn save(
        &self,
        kind: Kind,
        held: &Held,
        previous: Option<&Held>,
    ) -> Result<(), SourceError> {
        let kv = self.kv();
        if snapshots::claim_keysets(&self.settings)
            && let Err(error) = kv.save_keysets(&snapshots::keysets(&self.settings)).await
        {
            snapshots::unclaim_keysets(&self.settings);
            return Err(error);
        }
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
        kv.save_previous(kind, &snapshots::keysets(&self.settings), old).await?;
        kv.retire_body(kind, &old.head.body_sha256, old.snapshot.bytes()).await
    }
}
