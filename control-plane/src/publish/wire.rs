//! Bodies and deltas as they go over the wire: made and compressed once for all who fetch them, and kept while there is room.

use std::io;
use std::sync::Arc;

use axum::body::Bytes;
use pennon_core::snapshot::{Snapshot, delta};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::sync::Semaphore;

use super::coding::Coding;
use super::memory::body_bytes;

/// All that is kept together.
const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// What an entry costs besides its bytes.
const ENTRY_BYTES: u64 = 256;
/// So few that the room is not divided: one entry may take a good part of it. There may be more of them.
const EXPECTED_ENTRIES: usize = 32;
/// What is made at the same time, so that a crowd after many things leaves some of the processor to the rest.
const MAX_AT_ONCE: usize = 2;

/// SHA-256 of a body.
type Sha256 = [u8; 32];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Form {
    Body(Sha256, Coding),
    Delta(Sha256, Sha256, Coding),
}

/// Bytes and how they are coded.
#[derive(Clone, Debug)]
pub struct Coded {
    pub coding: Coding,
    pub bytes: Bytes,
}

impl Coded {
    /// Coded if that makes it smaller.
    fn smaller(coding: Coding, plain: Bytes) -> io::Result<Self> {
        let coded = coding.encode(&plain)?;
        Ok(if coded.len() < plain.len() {
            Self { coding, bytes: coded.into() }
        } else {
            Self { coding: Coding::Identity, bytes: plain }
        })
    }
}

/// See [`Wire`].
#[derive(Clone, Debug)]
struct Weights;

impl Weighter<Form, Option<Coded>> for Weights {
    fn weight(&self, _: &Form, coded: &Option<Coded>) -> u64 {
        ENTRY_BYTES + coded.as_ref().map_or(0, |coded| coded.bytes.len() as u64)
    }
}

/// What was made lately. Whoever asks for what is being made waits for it.
#[derive(Debug)]
pub struct Wire {
    made: Cache<Form, Option<Coded>, Weights>,
    turns: Semaphore,
}

impl Default for Wire {
    fn default() -> Self {
        let made = Cache::with_weighter(EXPECTED_ENTRIES, MAX_BYTES, Weights);
        Self { made, turns: Semaphore::new(MAX_AT_ONCE) }
    }
}

impl Wire {
    /// A body, coded if that makes it smaller.
    ///
    /// # Errors
    /// When the encoder fails.
    pub async fn body(
        &self,
        sha256: Sha256,
        body: &Arc<Snapshot>,
        coding: Coding,
    ) -> io::Result<Coded> {
        let plain = body_bytes(body);
        if coding == Coding::Identity {
            return Ok(Coded { coding, bytes: plain });
        }
        let make = {
            let plain = plain.clone();
            move || Coded::smaller(coding, plain).map(Some)
        };
        let made = self.make(Form::Body(sha256, coding), make).await?;
        Ok(made.unwrap_or(Coded { coding: Coding::Identity, bytes: plain }))
    }

    /// What makes one body out of another; none where fetching it whole costs no more.
    ///
    /// # Errors
    /// When the encoder fails.
    pub async fn delta(
        &self,
        from: (Sha256, Arc<Snapshot>),
        to: (Sha256, Arc<Snapshot>),
        coding: Coding,
    ) -> io::Result<Option<Coded>> {
        let make = move || {
            let made = delta::make(&from.1, &to.1).map_err(io::Error::other)?;
            if made.len() >= to.1.bytes().len() / 2 {
                return Ok(None);
            }
            Coded::smaller(coding, made.into()).map(Some)
        };
        self.make(Form::Delta(from.0, to.0, coding), make).await
    }

    async fn make(
        &self,
        form: Form,
        make: impl FnOnce() -> io::Result<Option<Coded>> + Send + 'static,
    ) -> io::Result<Option<Coded>> {
        let making = async {
            let _turn = self.turns.acquire().await.map_err(io::Error::other)?;
            tokio::task::spawn_blocking(make).await.map_err(io::Error::other)?
        };
        self.made.get_or_insert_async(&form, making).await
    }
}

#[cfg(test)]
mod tests {
    use pennon_core::config::{Configuration, compile};
    use pennon_core::snapshot::{Kind, sha256};
    use serde_json::{Value, json};

    use super::*;

    fn flag(number: usize, weight: u32) -> Value {
        // As random as salts are, so that nothing here is smaller than in production.
        let salt: String =
            sha256(&number.to_le_bytes())[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        json!({
            "type": "boolean", "enabled": true, "clientVisible": true, "offVariant": "off",
            "variants": [{"key": "on", "value": true}, {"key": "off", "value": false}],
            "rules": [{"id": "some", "when": {"in": {"attribute": "country", "values": ["US", "CA", format!("X{number}")]}},
                "serve": {"split": {"by": {"salt": salt}, "weights": [
                    {"variant": "on", "weight": weight}, {"variant": "off", "weight": 100_000 - weight}]}}}],
            "fallthrough": {"variant": "off"},
        })
    }

    fn snapshot(
        change: impl FnOnce(&mut serde_json::Map<String, Value>),
    ) -> ([u8; 32], Arc<Snapshot>) {
        let mut flags =
            (0..1_000).map(|number| (format!("flag-{number:04}"), flag(number, 25_000))).collect();
        change(&mut flags);
        let configuration: Configuration =
            serde_json::from_value(json!({"format": 1, "flags": flags})).unwrap();
        let body = compile(&configuration, Kind::Client, &[]).unwrap();
        (sha256(&body), Arc::new(Snapshot::open(body, Kind::Client).unwrap()))
    }

    #[tokio::test]
    async fn two_changes_in_a_thousand_flags_are_less_than_two_kilobytes_on_the_wire() {
        let wire = Wire::default();
        let before = snapshot(|_| {});
        let after = snapshot(|flags| {
            flags.insert("flag-0123".to_owned(), flag(123, 60_000));
            // Another salt: as new a flag as can be under its name.
            flags.insert("flag-0877".to_owned(), flag(5_877, 10_000));
        });
        let whole = after.1.bytes().len();
        for coding in [Coding::Identity, Coding::Gzip, Coding::Zstd, Coding::Brotli] {
            let made = wire.delta(before.clone(), after.clone(), coding).await.unwrap().unwrap();
            println!("{coding:?}: {} bytes for a body of {whole}", made.bytes.len());
            assert!(made.bytes.len() < 2_000, "{coding:?}: {}", made.bytes.len());
        }
        let body = wire.body(after.0, &after.1, Coding::Brotli).await.unwrap();
        assert!(body.bytes.len() > 2_000, "the whole body alone would pass: {}", body.bytes.len());
    }

    #[tokio::test]
    async fn what_saves_nothing_is_not_offered() {
        let wire = Wire::default();
        let before = snapshot(|_| {});
        let other = snapshot(|flags| {
            *flags =
                (0..1_000).map(|number| (format!("other-{number}"), flag(number, 1))).collect();
        });
        assert!(wire.delta(before, other, Coding::Identity).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_crowd_has_it_made_once() {
        let wire = Arc::new(Wire::default());
        let (sha256, body) = snapshot(|_| {});
        let mut crowd = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let (wire, body) = (Arc::clone(&wire), Arc::clone(&body));
            crowd.spawn(async move { wire.body(sha256, &body, Coding::Brotli).await.unwrap() });
        }
        let all = crowd.join_all().await;
        let first = all[0].bytes.as_ptr();
        assert!(all.iter().all(|coded| coded.bytes.as_ptr() == first));
    }
}
