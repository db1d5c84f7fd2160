//! Acceptance in two steps (core/spec/snapshot.md section 4): `offer_*` says what is to be verified, the host verifies it with WebCrypto,
//! `admit_*` takes the results and decides. One offer is open at a time; a new one replaces it.
//!
//! Answers are 0, or 1 + the position of the refusal in `Refusal::ALL`.

use pennon_core::snapshot::{
    Head, HeadOffer, HighWater, KeysetOffer, Refusal, SignatureCheck, delta,
};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::Evaluator;
use crate::pack::{instant, milliseconds};

/// What waits for the host's results.
#[derive(Debug)]
pub(crate) enum Offer {
    None,
    Keyset(KeysetOffer),
    Head(HeadOffer),
    /// The signature held; the body is still to come.
    Body(Head),
}

/// The stable name of a refusal, by its answer.
#[wasm_bindgen]
pub fn refusal_code(answer: u32) -> String {
    refusal(answer).map(|refusal| refusal.code().into()).unwrap_or_default()
}

/// The same as a sentence for people.
#[wasm_bindgen]
pub fn refusal_sentence(answer: u32) -> String {
    refusal(answer).map(|refusal| refusal.to_string()).unwrap_or_default()
}

/// The number of the keyset that a head names, before anything in it is trusted; 0 when it is no head.
#[wasm_bindgen]
pub fn keyset_of_head(head: &[u8]) -> u32 {
    Head::parse(head).map_or(0, |head| head.keyset)
}

#[wasm_bindgen]
impl Evaluator {
    pub fn offer_keyset(&mut self, keyset: &[u8]) -> u32 {
        self.offer = Offer::None;
        answer(self.acceptance.offer_keyset(keyset).map(|offer| self.offer = Offer::Keyset(offer)))
    }

    /// `held`: it lies in the host's own store, where only accepted heads go.
    pub fn offer_head(&mut self, head: &[u8], now: f64, held: bool) -> u32 {
        self.offer = Offer::None;
        answer(
            self.acceptance
                .offer_head(head, instant(now), held)
                .map(|offer| self.offer = Offer::Head(offer)),
        )
    }

    /// What the host has to hash with SHA-256 for the open offer of a keyset; may be empty.
    pub fn root_message(&self) -> Vec<u8> {
        match &self.offer {
            Offer::Keyset(offer) => offer.root_message.clone(),
            _ => Vec::new(),
        }
    }

    /// How many Ed25519 signatures the host has to check for the open offer.
    pub fn check_count(&self) -> usize {
        self.checks().len()
    }

    /// One of them: 32 bytes of public key, 64 bytes of signature, then the message.
    pub fn check(&self, position: usize) -> Vec<u8> {
        let Some(check) = self.checks().get(position) else {
            return Vec::new();
        };
        [&check.public_key[..], &check.signature, &check.message].concat()
    }

    /// `passed` has a 1 for each check that passed and a 0 for each other.
    pub fn admit_keyset(&mut self, root_sha256: &[u8], passed: &[u8]) -> u32 {
        let Offer::Keyset(offer) = core::mem::replace(&mut self.offer, Offer::None) else {
            return answer(Err(Refusal::BadKeyset));
        };
        let Ok(root) = root_sha256.try_into() else {
            return answer(Err(Refusal::WrongRoot));
        };
        answer(self.acceptance.admit_keyset(offer, root, &results(passed)).map(drop))
    }

    pub fn admit_head(&mut self, passed: &[u8]) -> u32 {
        let Offer::Head(offer) = core::mem::replace(&mut self.offer, Offer::None) else {
            return answer(Err(Refusal::BadSignature));
        };
        answer(
            self.acceptance
                .admit_head(&offer, &results(passed))
                .map(|head| self.offer = Offer::Body(head)),
        )
    }

    /// The SHA-256 of the admitted head's body.
    pub fn body_sha256(&self) -> Vec<u8> {
        match &self.offer {
            Offer::Body(head) => head.body_sha256.to_vec(),
            _ => Vec::new(),
        }
    }

    /// Whether the admitted head's body is the one already open, so that none has to be loaded.
    pub fn is_renewal(&self) -> bool {
        match (&self.offer, &self.held) {
            (Offer::Body(head), Some(held)) => head.body_sha256 == held.head.body_sha256,
            _ => false,
        }
    }

    pub fn admit_renewal(&mut self) -> u32 {
        let renewal = self.is_renewal();
        match (core::mem::replace(&mut self.offer, Offer::None), &mut self.held) {
            (Offer::Body(head), Some(held)) if renewal => {
                answer(self.acceptance.admit_renewal(head).map(|()| held.head = head))
            }
            _ => answer(Err(Refusal::BodyHash)),
        }
    }

    /// Opens the admitted head's body and puts it in the place of the one held. `sha256` is the host's, over `body`.
    pub fn admit_body(&mut self, body: Vec<u8>, sha256: &[u8]) -> u32 {
        let Offer::Body(head) = core::mem::replace(&mut self.offer, Offer::None) else {
            return answer(Err(Refusal::BadSignature));
        };
        let Ok(sha256) = sha256.try_into() else {
            return answer(Err(Refusal::BodyHash));
        };
        answer(
            self.acceptance
                .admit_body(head, body, sha256)
                .map(|accepted| self.held = Some(accepted)),
        )
    }

    /// The SHA-256 of the body held; empty before the first.
    pub fn held_body_sha256(&self) -> Vec<u8> {
        self.held.as_ref().map(|held| held.head.body_sha256.to_vec()).unwrap_or_default()
    }

    /// The body that a delta makes of the one held; nothing when it makes none. It is as good as one that was fetched: the host hashes it, and
    /// offers it to `admit_body`.
    pub fn apply_delta(&self, delta: &[u8]) -> Option<Vec<u8>> {
        delta::apply(&self.held.as_ref()?.snapshot, delta).ok()
    }

    /// The number of the keyset in use; 0 before the first.
    pub fn keyset_number(&self) -> u32 {
        self.acceptance.keyset_number()
    }

    /// What the host has to store next to the snapshot; empty before the first.
    pub fn high_water(&self) -> Vec<u8> {
        self.acceptance
            .high_water()
            .map(|mark| HighWater::to_bytes(mark).to_vec())
            .unwrap_or_default()
    }

    /// Of the head held: epoch, version, created, `refresh_by`, `not_after`; empty before the first.
    pub fn head_fields(&self) -> Vec<f64> {
        let Some(held) = &self.held else {
            return Vec::new();
        };
        let head = &held.head;
        #[expect(clippy::cast_precision_loss, reason = "revisions are far below 2^53")]
        let version = head.version as f64;
        vec![
            f64::from(head.epoch),
            version,
            milliseconds(head.created),
            milliseconds(head.refresh_by),
            milliseconds(head.not_after),
        ]
    }

    /// The body held, for the host's store.
    pub fn body(&self) -> Vec<u8> {
        self.held.as_ref().map(|held| held.snapshot.bytes().to_vec()).unwrap_or_default()
    }

    fn checks(&self) -> &[SignatureCheck] {
        match &self.offer {
            Offer::Keyset(offer) => &offer.checks,
            Offer::Head(offer) => &offer.checks,
            Offer::None | Offer::Body(_) => &[],
        }
    }
}

fn results(passed: &[u8]) -> Vec<bool> {
    passed.iter().map(|&passed| passed == 1).collect()
}

fn answer(result: Result<(), Refusal>) -> u32 {
    match result {
        Ok(()) => 0,
        Err(refused) => Refusal::ALL
            .iter()
            .zip(1..)
            .find_map(|(&refusal, answer)| (refusal == refused).then_some(answer))
            .unwrap_or(u32::MAX),
    }
}

fn refusal(answer: u32) -> Option<Refusal> {
    Refusal::ALL.get((answer as usize).checked_sub(1)?).copied()
}
