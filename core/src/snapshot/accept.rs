//! Acceptance: what a receiver takes for true (core/spec/snapshot.md section 4).
//!
//! The decisions are here and without I/O; the host computes SHA-256 and Ed25519, with WebCrypto or with `verify.rs`, between two
//! steps: `offer_*` says what to compute, `admit_*` takes the results.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::head::{DOMAIN, ED25519, EVALUATOR, HEAD_BYTES, Head, Kind, Signature, signatures};
use super::keyset::Keyset;
use super::{Refusal, Snapshot};
use crate::limits::{MAX_BODY_BYTES, MAX_CLIENT_BODY_BYTES};

/// One Ed25519 verification for the host to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureCheck {
    pub public_key: [u8; 32],
    pub signature: [u8; 64],
    /// One for all checks of an offer.
    pub message: Arc<[u8]>,
}

impl SignatureCheck {
    /// None for a signature by another key, and for an algorithm or a length that this program does not know: it counts for nothing.
    pub(crate) fn new(
        public_key: [u8; 32],
        signature: &Signature<'_>,
        message: &Arc<[u8]>,
    ) -> Option<Self> {
        let bytes = <[u8; 64]>::try_from(signature.bytes).ok()?;
        let known = signature.algorithm == ED25519 && public_key.starts_with(&signature.key_id);
        known.then(|| Self { public_key, signature: bytes, message: Arc::clone(message) })
    }
}

/// The newest thing accepted so far; kept by the host next to the snapshot, per root, environment and kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HighWater {
    pub keyset: u32,
    pub epoch: u32,
    pub version: u64,
    pub created: i64,
    pub body_sha256: [u8; 32],
}

impl HighWater {
    /// Length of [`HighWater::to_bytes`].
    pub const BYTES: usize = 56;

    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..4].copy_from_slice(&self.keyset.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.epoch.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.version.to_be_bytes());
        bytes[16..24].copy_from_slice(&self.created.to_be_bytes());
        bytes[24..].copy_from_slice(&self.body_sha256);
        bytes
    }

    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (keyset, rest) = bytes.split_first_chunk::<4>()?;
        let (epoch, rest) = rest.split_first_chunk::<4>()?;
        let (version, rest) = rest.split_first_chunk::<8>()?;
        let (created, rest) = rest.split_first_chunk::<8>()?;
        let body_sha256 = <[u8; 32]>::try_from(rest).ok()?;
        Some(Self {
            keyset: u32::from_be_bytes(*keyset),
            epoch: u32::from_be_bytes(*epoch),
            version: u64::from_be_bytes(*version),
            created: i64::from_be_bytes(*created),
            body_sha256,
        })
    }
}

/// A keyset that waits for the host's results.
#[derive(Clone, Debug)]
pub struct KeysetOffer {
    keyset: Keyset,
    /// SHA-256 of this is the root fingerprint; empty when the predecessor's roots decide.
    pub root_message: Vec<u8>,
    pub checks: Vec<SignatureCheck>,
}

/// A head that waits for the host's results.
#[derive(Clone, Debug)]
pub struct HeadOffer {
    pub head: Head,
    pub checks: Vec<SignatureCheck>,
}

/// What an accepted head and body come to.
#[derive(Debug)]
pub struct Accepted {
    pub head: Head,
    pub snapshot: Snapshot,
}

/// One receiver's trust: its root, its environment, its kind, and the newest thing it has accepted.
#[derive(Clone, Debug)]
pub struct Acceptance {
    root_fingerprint: [u8; 32],
    environment: [u8; 16],
    kind: Kind,
    keyset: Option<Keyset>,
    high_water: Option<HighWater>,
}

impl Acceptance {
    /// `root_fingerprint` and `environment` come from the connection string, `high_water` from the host's store.
    pub fn new(
        root_fingerprint: [u8; 32],
        environment: [u8; 16],
        kind: Kind,
        high_water: Option<HighWater>,
    ) -> Self {
        Self { root_fingerprint, environment, kind, keyset: None, high_water }
    }

    pub fn high_water(&self) -> Option<HighWater> {
        self.high_water
    }

    pub fn environment(&self) -> [u8; 16] {
        self.environment
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The number of the keyset in use; 0 before the first.
    pub fn keyset_number(&self) -> u32 {
        self.keyset.as_ref().map_or(0, |keyset| keyset.number)
    }

    /// First step for a keyset: the first one is proved by the fingerprint of its roots, each later one by the roots of its
    /// predecessor and by its own. Keysets come one by one, without a gap.
    ///
    /// # Errors
    /// [`Refusal::BadKeyset`], [`Refusal::OlderKeyset`], or [`Refusal::KeysetNeeded`] for a gap.
    pub fn offer_keyset(&self, bytes: &[u8]) -> Result<KeysetOffer, Refusal> {
        let keyset = Keyset::parse(bytes)?;
        let (root_message, mut roots) = match &self.keyset {
            None if keyset.number == 1 => (keyset.root_message(), Vec::new()),
            None => return Err(Refusal::KeysetNeeded),
            Some(current) if keyset.number <= current.number => return Err(Refusal::OlderKeyset),
            Some(current) if keyset.number > current.number + 1 => {
                return Err(Refusal::KeysetNeeded);
            }
            Some(current) => (Vec::new(), current.roots.clone()),
        };
        roots.extend(keyset.roots.iter().copied());
        let checks = Keyset::checks(bytes, &roots)?;
        Ok(KeysetOffer { keyset, root_message, checks })
    }

    /// Second step: `root_sha256` of the offer's root message, and for each check whether it passed.
    ///
    /// # Errors
    /// [`Refusal::WrongRoot`] or [`Refusal::BadKeyset`].
    pub fn admit_keyset(
        &mut self,
        offer: KeysetOffer,
        root_sha256: [u8; 32],
        passed: &[bool],
    ) -> Result<u32, Refusal> {
        let signed_by_enough = |roots: &[[u8; 32]], threshold: u8| {
            let signers = roots.iter().filter(|root| {
                offer
                    .checks
                    .iter()
                    .zip(passed)
                    .any(|(check, &passed)| passed && check.public_key == **root)
            });
            signers.count() >= usize::from(threshold)
        };
        match &self.keyset {
            None if root_sha256 != self.root_fingerprint => return Err(Refusal::WrongRoot),
            Some(current) if !signed_by_enough(&current.roots, current.threshold) => {
                return Err(Refusal::BadKeyset);
            }
            None | Some(_) => {}
        }
        if !signed_by_enough(&offer.keyset.roots, offer.keyset.threshold) {
            return Err(Refusal::BadKeyset);
        }
        let number = offer.keyset.number;
        self.keyset = Some(offer.keyset);
        Ok(number)
    }

    /// First step for a head. `held` means that it lies in the host's own store and was accepted before: `not_after` then only makes
    /// it stale.
    ///
    /// # Errors
    /// Each reason short of the signature and the body.
    pub fn offer_head(&self, bytes: &[u8], now: i64, held: bool) -> Result<HeadOffer, Refusal> {
        let head = Head::parse(bytes)?;
        if head.environment != self.environment {
            return Err(Refusal::WrongEnvironment);
        }
        if head.kind != self.kind {
            return Err(Refusal::WrongKind);
        }
        if head.minimum_evaluator > EVALUATOR {
            return Err(Refusal::EvaluatorTooOld);
        }
        let keyset = self.keyset.as_ref().ok_or(Refusal::KeysetNeeded)?;
        if head.keyset > keyset.number {
            return Err(Refusal::KeysetNeeded);
        }
        self.compare(&head)?;
        if now > head.not_after && !held {
            return Err(Refusal::Expired);
        }
        let limit = if head.kind == Kind::Client { MAX_CLIENT_BODY_BYTES } else { MAX_BODY_BYTES };
        if head.body_length as usize > limit {
            return Err(Refusal::OverLimits);
        }
        let (signed, behind) = bytes.split_at_checked(HEAD_BYTES).ok_or(Refusal::MalformedHead)?;
        let count = signed.get(7).copied().unwrap_or(0);
        let list = signatures(behind, count).ok_or(Refusal::MalformedHead)?;
        let mut message = DOMAIN.to_vec();
        message.extend_from_slice(signed);
        let message: Arc<[u8]> = message.into();
        let checks: Vec<SignatureCheck> = keyset
            .keys
            .iter()
            .filter(|key| key.may_sign(head.kind, head.environment))
            .flat_map(|key| {
                list.iter().filter_map(|signature| {
                    SignatureCheck::new(key.public_key, signature, &message)
                })
            })
            .collect();
        if checks.is_empty() {
            return Err(Refusal::UnknownKey);
        }
        Ok(HeadOffer { head, checks })
    }

    /// Second step: for each check whether it passed. The head is then genuine; its body is still to come.
    ///
    /// # Errors
    /// [`Refusal::BadSignature`].
    pub fn admit_head(&self, offer: &HeadOffer, passed: &[bool]) -> Result<Head, Refusal> {
        if passed.len() == offer.checks.len() && passed.contains(&true) {
            Ok(offer.head)
        } else {
            Err(Refusal::BadSignature)
        }
    }

    /// Last step: the body of an admitted head, and the SHA-256 that the host computed over it. Raises the high-water mark.
    ///
    /// # Errors
    /// [`Refusal::BodyLength`], [`Refusal::BodyHash`], or why the body does not open.
    pub fn admit_body(
        &mut self,
        head: Head,
        body: Vec<u8>,
        sha256: [u8; 32],
    ) -> Result<Accepted, Refusal> {
        if body.len() != head.body_length as usize {
            return Err(Refusal::BodyLength);
        }
        if sha256 != head.body_sha256 {
            return Err(Refusal::BodyHash);
        }
        self.compare(&head)?;
        let snapshot = Snapshot::open(body, head.kind)?;
        self.raise(&head);
        Ok(Accepted { head, snapshot })
    }

    /// An admitted head whose body is not at hand: nothing older is taken from now on, and the body still is.
    ///
    /// # Errors
    /// [`Refusal::OlderVersion`] or [`Refusal::ConflictingBody`], when something newer was accepted since it was offered.
    pub fn admit_without_body(&mut self, head: Head) -> Result<(), Refusal> {
        self.compare(&head)?;
        self.raise(&head);
        Ok(())
    }

    /// An admitted head over the body that is already open: a signature renewed.
    ///
    /// # Errors
    /// [`Refusal::BodyHash`] when it names another body than the accepted one.
    pub fn admit_renewal(&mut self, head: Head) -> Result<(), Refusal> {
        self.compare(&head)?;
        if self.high_water.is_none_or(|mark| mark.body_sha256 != head.body_sha256) {
            return Err(Refusal::BodyHash);
        }
        self.raise(&head);
        Ok(())
    }

    /// Nothing goes back: neither keyset nor, under one keyset, (epoch, version), nor `created` within one version. A newer keyset beats
    /// everything signed under an older one: whoever had stolen a key may have signed the last version there is.
    fn compare(&self, head: &Head) -> Result<(), Refusal> {
        let Some(mark) = self.high_water.filter(|mark| head.keyset <= mark.keyset) else {
            return Ok(());
        };
        if head.keyset < mark.keyset || (head.epoch, head.version) < (mark.epoch, mark.version) {
            return Err(Refusal::OlderVersion);
        }
        if (head.epoch, head.version) == (mark.epoch, mark.version) {
            if head.body_sha256 != mark.body_sha256 {
                return Err(Refusal::ConflictingBody);
            }
            if head.created < mark.created {
                return Err(Refusal::OlderVersion);
            }
        }
        Ok(())
    }

    fn raise(&mut self, head: &Head) {
        self.high_water = Some(HighWater {
            keyset: head.keyset,
            epoch: head.epoch,
            version: head.version,
            created: head.created,
            body_sha256: head.body_sha256,
        });
    }
}
