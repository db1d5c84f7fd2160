//! What targets need besides the bytes: a configuration with something of everything, its snapshots, keys. Made once.

use std::sync::LazyLock;

use pennon_core::config::{Configuration, compile};
use pennon_core::context::Context;
use pennon_core::snapshot::sign::{
    MINIMUM_EVALUATOR, SigningKey, root_fingerprint, sign_head, sign_keyset,
};
use pennon_core::snapshot::{
    Acceptance, Head, HighWater, Keyset, Kind, OnlineKey, Snapshot, sha256,
};
use serde_json::Value;

pub(crate) const ENVIRONMENT: [u8; 16] = [2; 16];
pub(crate) const NOW: i64 = 1_700_000_000_000;
const DAY: i64 = 86_400_000;

/// The sample project's environment, to which most kinds of flags belong.
const SAMPLE: &str = include_str!("../../examples/sample/config.json");

pub(crate) struct Ground {
    pub(crate) configuration: Configuration,
    pub(crate) server: Snapshot,
    pub(crate) client: Snapshot,
    pub(crate) empty: Snapshot,
    pub(crate) context: Context,
    /// One without lists and objects.
    pub(crate) flat: Context,
    pub(crate) keyset: Vec<u8>,
    pub(crate) head: Head,
    pub(crate) signed_head: Vec<u8>,
    /// Before it has a keyset, and after.
    pub(crate) fresh: Acceptance,
    pub(crate) acceptance: Acceptance,
}

pub(crate) static GROUND: LazyLock<Ground> = LazyLock::new(|| {
    let sample: Value = serde_json::from_str(SAMPLE).expect("the sample is JSON");
    let configuration: Configuration = serde_json::from_value(sample).expect("a configuration");
    let none = Configuration { flags: Default::default(), ..configuration.clone() };
    let none = Configuration { segments: Default::default(), ..none };
    let server = snapshot(&configuration, Kind::Server);
    let root = SigningKey::from_seed([10; 32]);
    let online = SigningKey::from_seed([20; 32]);
    let keyset = Keyset {
        number: 1,
        created: NOW,
        threshold: 1,
        roots: vec![root.public_key()],
        keys: vec![OnlineKey::for_environment(online.public_key(), ENVIRONMENT)],
    };
    let head = Head {
        kind: Kind::Server,
        project: [1; 16],
        environment: ENVIRONMENT,
        epoch: 1,
        version: 7,
        created: NOW,
        refresh_by: NOW + DAY,
        not_after: NOW + 30 * DAY,
        body_length: server.bytes().len() as u32,
        body_sha256: sha256(server.bytes()),
        previous_head_sha256: [0; 32],
        keyset: 1,
        minimum_evaluator: MINIMUM_EVALUATOR,
        flags: 0,
    };
    let signed_keyset = sign_keyset(&keyset, &[&root]).expect("two keys");
    let mark =
        HighWater { keyset: 1, epoch: 1, version: 6, created: NOW - 1, body_sha256: [3; 32] };
    let fresh = Acceptance::new(root_fingerprint(&keyset), ENVIRONMENT, Kind::Server, Some(mark));
    let mut acceptance = fresh.clone();
    acceptance.accept_keyset(&signed_keyset).expect("a genuine keyset");
    Ground {
        client: snapshot(&configuration, Kind::Client),
        empty: snapshot(&none, Kind::Server),
        server,
        configuration,
        context: Context::from_json(&serde_json::json!({
            "targetingKey": "user-1", "email": "ada@example.com", "country": "AT", "plan": "pro", "appVersion": "2.4.1",
            "groups": ["beta", 5, true, null], "org": {"id": "o1", "seats": 25}, "age": 36, "ip": "10.1.2.3",
            "signedUp": "2026-01-02T03:04:05Z", "staff": true,
        }))
        .expect("a context"),
        flat: Context::from_json(&serde_json::json!({"targetingKey": "user-1", "plan": "pro", "age": 36}))
            .expect("a context"),
        signed_head: sign_head(&head, &[&online]),
        head,
        keyset: signed_keyset,
        fresh,
        acceptance,
    }
});

pub(crate) fn snapshot(configuration: &Configuration, kind: Kind) -> Snapshot {
    let body = compile(configuration, kind, &[]).expect("a sound configuration");
    Snapshot::open(body, kind).expect("a body just compiled")
}

/// Makes it, so that no call has it on its account.
pub(crate) fn prepare() {
    LazyLock::force(&GROUND);
}
