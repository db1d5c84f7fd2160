//! Acceptance in two steps (core/spec/snapshot.md section 4): `offer_*` says what is to be verified, the host verifies it with WebCrypto,
//! `admit_*` takes the results and decides. One offer is open at a time; a new one replaces it.
//!
//! Answers are 0, or 1 + the position of the refusal in `Refusal::ALL`.

use alloc::vec::Vec;

use pennon_core::snapshot::{
    Head, HeadOffer, HighWater, KeysetOffer, Refusal, SignatureCheck, delta,
};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::pack::{instant, milliseconds};
use crate::{Evaluator, Exchange};

/// What waits for the host's results.
#[derive(Debug)]
pub(crate) enum Offer {
    None,
    Keyset(KeysetOffer),
    Head(HeadOffer),
    /// The signature held; the body is still to come.
    Body(Head),
}

/// Puts the stable name of a refusal, by its answer.
#[wasm_bindgen]
pub fn refusal_code(exchange: &mut Exchange, answer: u32) {
    exchange.put(refusal(answer).map_or("", Refusal::code).as_bytes());
}

/// Puts the same as a sentence for people.
#[wasm_bindgen]
pub fn refusal_sentence(exchange: &mut Exchange, answer: u32) {
    exchange.put(refusal(answer).map_or("", Refusal::sentence).as_bytes());
}

/// The number of the keyset that the head in the exchange names, before anything in it is trusted; 0 when it is no head.
#[wasm_bindgen]
pub fn keyset_of_head(exchange: &Exchange) -> u32 {
    Head::parse(exchange.bytes()).map_or(0, |head| head.keyset)
}

#[wasm_bindgen]
impl Evaluator {
    /// Of the keyset in the exchange.
    pub fn offer_keyset(&mut self, exchange: &Exchange) -> u32 {
        self.offer = Offer::None;
        let offered = self.acceptance.offer_keyset(exchange.bytes());
        answer(offered.map(|offer| self.offer = Offer::Keyset(offer)))
    }

    /// Of the head in the exchange. `held`: it lies in the host's own store, where only accepted heads go.
    pub fn offer_head(&mut self, exchange: &Exchange, now: f64, held: bool) -> u32 {
        self.offer = Offer::None;
        let offered = self.acceptance.offer_head(exchange.bytes(), instant(now), held);
        answer(offered.map(|offer| self.offer = Offer::Head(offer)))
    }

    /// Puts what the host has to hash with SHA-256 for the open offer of a keyset; may be empty.
    pub fn root_message(&self, exchange: &mut Exchange) {
        match &self.offer {
            Offer::Keyset(offer) => exchange.put(&offer.root_message),
            _ => exchange.put(&[]),
        }
    }

    /// How many Ed25519 signatures the host has to check for the open offer.
    pub fn check_count(&self) -> usize {
        self.checks().len()
    }

    /// Puts one of them: 32 bytes of public key, 64 bytes of signature, then the message.
    pub fn check(&self, exchange: &mut Exchange, position: usize) {
        exchange.put(&[]);
        if let Some(check) = self.checks().get(position) {
            exchange.add(&check.public_key);
            exchange.add(&check.signature);
            exchange.add(&check.message);
        }
    }

    /// In the exchange lies the root message's SHA-256, and then a 1 for each check that passed and a 0 for each other.
    pub fn admit_keyset(&mut self, exchange: &Exchange) -> u32 {
        let Offer::Keyset(offer) = self.take_offer() else {
            return answer(Err(Refusal::BadKeyset));
        };
        let Some((root, passed)) = exchange.bytes().split_first_chunk() else {
            return answer(Err(Refusal::WrongRoot));
        };
        answer(self.acceptance.admit_keyset(offer, *root, &results(passed)).map(drop))
    }

    /// In the exchange lies a 1 for each check that passed and a 0 for each other.
    pub fn admit_head(&mut self, exchange: &Exchange) -> u32 {
        let Offer::Head(offer) = self.take_offer() else {
            return answer(Err(Refusal::BadSignature));
        };
        let admitted = self.acceptance.admit_head(&offer, &results(exchange.bytes()));
        answer(admitted.map(|head| self.offer = Offer::Body(head)))
    }

    /// Puts the SHA-256 of the admitted head's body.
    pub fn body_sha256(&self, exchange: &mut Exchange) {
        match &self.offer {
            Offer::Body(head) => exchange.put(&head.body_sha256),
            _ => exchange.put(&[]),
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
        match (self.take_offer(), &mut self.held) {
            (Offer::Body(head), Some(held)) if renewal => {
                answer(self.acceptance.admit_renewal(head).map(|()| held.head = head))
            }
            _ => answer(Err(Refusal::BodyHash)),
        }
    }

    /// Opens the admitted head's body and puts it in the place of the one held. In the exchange lies the body, and then the SHA-256 that
    /// the host computed over it.
    pub fn admit_body(&mut self, exchange: &mut Exchange) -> u32 {
        let Offer::Body(head) = self.take_offer() else {
            return answer(Err(Refusal::BadSignature));
        };
        let mut body = exchange.take();
        let Some((_, &sha256)) = body.split_last_chunk() else {
            return answer(Err(Refusal::BodyHash));
        };
        body.truncate(body.len() - sha256.len());
        let admitted = self.acceptance.admit_body(head, body, sha256);
        answer(admitted.map(|accepted| self.held = Some(accepted)))
    }

    /// Puts the SHA-256 of the body held; nothing before the first.
    pub fn held_body_sha256(&self, exchange: &mut Exchange) {
        exchange.put(self.held.as_ref().map_or(&[], |held| &held.head.body_sha256));
    }

    /// Puts the body that the delta in the exchange makes of the one held, if it makes one. It is as good as one that was fetched: the host
    /// hashes it, and offers it to `admit_body`.
    pub fn apply_delta(&self, exchange: &mut Exchange) -> bool {
        let made =
            self.held.as_ref().and_then(|held| delta::apply(&held.snapshot, exchange.bytes()).ok());
        made.is_some_and(|body| {
            exchange.put(&body);
            true
        })
    }

    /// The number of the keyset in use; 0 before the first.
    pub fn keyset_number(&self) -> u32 {
        self.acceptance.keyset_number()
    }

    /// Puts what the host has to store next to the snapshot; nothing before the first.
    pub fn high_water(&self, exchange: &mut Exchange) {
        match self.acceptance.high_water() {
            Some(mark) => exchange.put(&HighWater::to_bytes(mark)),
            None => exchange.put(&[]),
        }
    }

    /// Of the head held: epoch, version, `refresh_by`, by their position here; NaN before the first.
    pub fn head_field(&self, field: u32) -> f64 {
        let Some(held) = &self.held else {
            return f64::NAN;
        };
        let head = &held.head;
        #[expect(clippy::cast_precision_loss, reason = "revisions are far below 2^53")]
        match field {
            0 => f64::from(head.epoch),
            1 => head.version as f64,
            2 => milliseconds(head.refresh_by),
            _ => f64::NAN,
        }
    }

    /// Puts the body held, for the host's store.
    pub fn body(&self, exchange: &mut Exchange) {
        exchange.put(self.held.as_ref().map_or(&[], |held| held.snapshot.bytes()));
    }
}

impl Evaluator {
    fn take_offer(&mut self) -> Offer {
        core::mem::replace(&mut self.offer, Offer::None)
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
