//! Bodies, chunks, contexts: whatever they are, an evaluation ends, in an outcome, and allocates nothing.

use pennon_core::context::Context;
use pennon_core::outcome::Reason;
use pennon_core::snapshot::{Kind, Snapshot, delta};

use crate::ground::{GROUND, NOW};
use crate::memory::peak_of;
use crate::seeds::{chunks_of, with_context};

/// Of one snapshot: each may take as long as a limit lets it.
const MOST_FLAGS: usize = 16;

/// Two bytes of length, a context, a body.
pub(super) fn body(bytes: &[u8]) {
    let (context, body) = with_context(bytes);
    let context = Context::decode(context).unwrap_or_default();
    for kind in Kind::ALL {
        if let Ok(snapshot) = Snapshot::open(body.to_vec(), kind) {
            every_flag(&snapshot, &context, NOW, true);
        }
    }
}

/// Two bytes of length, a context, then each chunk behind two bytes of length: laid out by a delta, so that the index is sound and
/// mutations reach what lies in it.
pub(super) fn chunks(bytes: &[u8]) {
    let (context, rest) = with_context(bytes);
    let context = Context::decode(context).unwrap_or_default();
    let Ok(body) = delta::apply(&GROUND.empty, &chunks_of(rest)) else { return };
    let snapshot = Snapshot::open(body, Kind::Server).expect("a body just laid out");
    every_flag(&snapshot, &context, NOW, true);
}

pub(super) fn context(bytes: &[u8]) {
    match Context::decode(bytes) {
        Ok(context) => {
            assert!(context.encoded() == bytes, "another encoding");
            every_flag(&GROUND.server, &context, NOW, true);
            every_flag(&GROUND.client, &context, NOW, false);
        }
        Err(error) => {
            let mut reused = GROUND.context.clone();
            assert_eq!(reused.replace(bytes), Err(error));
            assert!(reused.encoded().is_empty(), "something is left of what was refused");
        }
    }
    // As values for the names of another.
    let mut named = GROUND.flat.clone();
    match named.replace_values(bytes) {
        Ok(()) => every_flag(&GROUND.server, &named, NOW, true),
        Err(_) => assert!(named.encoded().is_empty(), "something is left of what was refused"),
    }
}

/// Evaluates every flag, at `now` and when it says that something may change.
pub(super) fn every_flag(snapshot: &Snapshot, context: &Context, now: i64, explain: bool) {
    for position in 0..snapshot.flag_count().min(MOST_FLAGS) {
        let mut instant = now;
        for _ in 0..3 {
            let (outcome, held) = peak_of(|| snapshot.evaluate_at(position, context, instant));
            assert_eq!(held, 0, "an evaluation allocated");
            assert_eq!(outcome.error.is_some(), outcome.reason == Reason::Error);
            assert!(outcome.error.is_none() || outcome.value().is_none(), "a value with an error");
            assert!(
                outcome.until.is_none_or(|until| until > instant),
                "it stood until it was over"
            );
            let json = outcome.to_json();
            if let Some(flag) = snapshot.flag_at(position) {
                let by_key = snapshot.evaluate(flag.key(), context, instant);
                // Of two chunks of one name, which only a hostile body has, the first is found.
                if snapshot.find(flag.key()) == Some(position) {
                    assert_eq!(by_key.to_json(), json);
                    if explain {
                        let (explained, trace) = snapshot.explain(flag.key(), context, instant);
                        assert_eq!(explained.to_json(), json, "explaining changes the outcome");
                        serde_json::from_str::<serde_json::Value>(&trace)
                            .unwrap_or_else(|error| panic!("{error}: {trace}"));
                    }
                }
            }
            match outcome.until {
                Some(until) => instant = until,
                None => break,
            }
        }
    }
}
