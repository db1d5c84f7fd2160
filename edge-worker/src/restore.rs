//! What an isolate that holds nothing finds near itself: the cache, KV, and what was bundled at the deployment.

use futures_util::future::join;
use pennon_core::snapshot::Refusal::KeysetNeeded;
use pennon_core::snapshot::{Head, Kind};

use crate::edge::{Edge, now};
use crate::failed::Failed;
use crate::host;
use crate::snapshots;
use crate::sources::{MAX_CRASHED, SourceError, Stored, bundled};

impl Edge {
    /// Looks into the cache, then, when there is nothing, into KV.
    pub(crate) async fn restore(&self, kind: Kind) {
        let ((), newest) = join(self.recall_crashed(kind), self.cache().newest(kind)).await;
        if !self.take_found(kind, newest).await {
            let previous = self.cache().previous(kind).await;
            self.take_found(kind, previous).await;
        }
        if snapshots::current(&self.settings, kind).is_none() {
            self.restore_from_kv(kind).await;
        }
    }

    /// False when there was something that could not be taken.
    async fn take_found(&self, kind: Kind, found: Result<Option<Stored>, SourceError>) -> bool {
        let taken = match found {
            Ok(Some(stored)) => self.take_stored(kind, stored).await,
            Ok(None) => return true,
            Err(error) => Err(error.into()),
        };
        if let Err(failed) = &taken {
            self.note(kind, failed);
        }
        taken.is_ok()
    }

    /// Looks into KV, once in an isolate: what the cache had may be behind it, and what the control plane says must not be.
    pub(crate) async fn restore_from_kv(&self, kind: Kind) {
        let wanted = snapshots::wants_restore(&self.settings, kind);
        if !wanted || !snapshots::may_ask_kv(&self.settings, kind, now()) {
            return;
        }
        let taken = self.take_from_kv(kind).await;
        snapshots::asked_kv(&self.settings, kind, now());
        match taken {
            Ok(()) => snapshots::restored(&self.settings, kind),
            // On a failure of KV, or without the keysets, it is looked into again at the next request or refresh.
            Err(failed) => {
                if matches!(failed, Failed::Refused(refusal) if refusal != KeysetNeeded) {
                    snapshots::restored(&self.settings, kind);
                }
                self.note(kind, &failed);
            }
        }
    }

    async fn take_from_kv(&self, kind: Kind) -> Result<(), Failed> {
        let stored = self.kv().load(kind).await?;
        if let Some(head) = stored.head.as_deref().and_then(|bytes| Head::parse(bytes).ok())
            && stored.body.is_some()
        {
            snapshots::set_stored(&self.settings, kind, snapshots::order(&head));
        }
        match self.take_stored(kind, stored).await {
            Err(Failed::Crashed) => {
                self.note(kind, &Failed::Crashed);
                match self.kv().previous(kind).await? {
                    Some(before) => self.take_stored(kind, before).await,
                    None => Ok(()),
                }
            }
            taken => taken,
        }
    }

    /// Takes what was bundled at the deployment. It is the oldest of all, so it comes last.
    pub(crate) async fn unpack(&self, kind: Kind) {
        self.take_found(kind, Ok(bundled(kind))).await;
    }

    async fn take_stored(&self, kind: Kind, stored: Stored) -> Result<(), Failed> {
        for keyset in &stored.keysets {
            if let Err(refusal) = snapshots::adopt_keyset(&self.settings, keyset) {
                self.note(kind, &refusal.into());
                break;
            }
        }
        let Some(head_bytes) = stored.head else { return Ok(()) };
        // Where the stored keysets are damaged or behind, the control plane has them: without them the stored head could not be
        // verified, and without that it could not refuse an older one.
        if let Ok(head) = Head::parse(&head_bytes) {
            self.follow_keysets(head.keyset).await?;
            if snapshots::crashed(&self.settings, &head.body_sha256) {
                return Err(Failed::Crashed);
            }
        }
        let body = match stored.body {
            Some(body) => Some(host::hashed(body).await),
            None => None,
        };
        Ok(snapshots::restore(&self.settings, kind, &head_bytes, body, now())?)
    }

    /// Looks whether KV has a newer head than the one held: another isolate may have had a push, or reach the control plane.
    pub(crate) async fn look_into_kv(&self, kind: Kind) {
        if !snapshots::may_ask_kv(&self.settings, kind, now()) {
            return;
        }
        let newer = |bytes: &[u8]| {
            let held = snapshots::current(&self.settings, kind);
            Head::parse(bytes).is_ok_and(|head| {
                held.is_none_or(|held| held.order() < snapshots::order(&head))
                    && !snapshots::crashed(&self.settings, &head.body_sha256)
            })
        };
        let taken = match self.kv().head(kind).await {
            Ok(Some(head)) if newer(&head) => self.take_from_kv(kind).await,
            Ok(_) => Ok(()),
            Err(error) => Err(error.into()),
        };
        snapshots::asked_kv(&self.settings, kind, now());
        if let Err(failed) = taken {
            self.note(kind, &failed);
        }
    }

    /// Which bodies are not to be opened again: KV says so to an isolate that starts, and is told by the one that found it out.
    async fn recall_crashed(&self, kind: Kind) {
        let own = snapshots::remember_crashed(&self.settings, &[]);
        let recalled = async {
            let stored = self.kv().crashed().await?;
            let all = snapshots::remember_crashed(&self.settings, &stored);
            if own.iter().any(|body| !stored.contains(body)) {
                // The newest of this isolate, then as many others as there is room for.
                let others = all.iter().filter(|body| !own.contains(body));
                let kept: Vec<_> = own.iter().chain(others).take(MAX_CRASHED).copied().collect();
                self.kv().save_crashed(&kept).await?;
            }
            Ok::<(), SourceError>(())
        };
        if let Err(error) = recalled.await {
            // A caller waits: KV has had its time.
            snapshots::asked_kv(&self.settings, kind, now());
            self.note(kind, &error.into());
        }
    }
}
