//! Heads, keysets, deltas.

use pennon_core::limits::{MAX_BODY_BYTES, MAX_SIGNATURES};
use pennon_core::snapshot::{Head, Keyset, Refusal, Snapshot, delta as deltas};

use super::evaluation::every_flag;
use crate::ground::{GROUND, NOW};

pub(super) fn head(bytes: &[u8]) {
    let parsed = Head::parse(bytes);
    for held in [false, true] {
        let Ok(offer) = GROUND.acceptance.offer_head(bytes, NOW, held) else { continue };
        assert_eq!(parsed, Ok(offer.head), "an offer of what is no head");
        assert!((1..=MAX_SIGNATURES).contains(&offer.checks.len()));
        let failed = vec![false; offer.checks.len()];
        let unproved = GROUND.acceptance.admit_head(&offer, &failed);
        assert_eq!(unproved, Err(Refusal::BadSignature));
    }
    assert!(GROUND.fresh.offer_head(bytes, NOW, true).is_err(), "a head before its keyset");
}

pub(super) fn keyset(bytes: &[u8]) {
    let parsed = Keyset::parse(bytes);
    for acceptance in [&GROUND.fresh, &GROUND.acceptance] {
        let Ok(offer) = acceptance.offer_keyset(bytes) else { continue };
        assert!(parsed.is_ok(), "an offer of what is no keyset");
        let failed = vec![false; offer.checks.len()];
        let mut receiver = acceptance.clone();
        let before = receiver.keyset_number();
        assert!(receiver.admit_keyset(offer, [0; 32], &failed).is_err());
        assert_eq!(receiver.keyset_number(), before);
    }
}

pub(super) fn delta(bytes: &[u8]) {
    for base in [&GROUND.server, &GROUND.client, &GROUND.empty] {
        match deltas::apply(base, bytes) {
            Ok(body) => {
                assert!(body.len() <= MAX_BODY_BYTES);
                let snapshot = Snapshot::open(body, base.kind()).expect("what a delta makes opens");
                every_flag(&snapshot, &GROUND.context, NOW, false);
                let again = deltas::make(base, &snapshot).expect("of one kind");
                let body = deltas::apply(base, &again).expect("a delta of ours");
                assert!(body == snapshot.bytes(), "another body");
            }
            Err(Refusal::MalformedDelta | Refusal::OverLimits) => {}
            Err(refusal) => panic!("{refusal}"),
        }
    }
}
