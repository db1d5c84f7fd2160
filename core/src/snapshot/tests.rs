#![cfg(all(feature = "compile", feature = "sign"))]

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::sign::{SigningKey, root_fingerprint, sign_head, sign_keyset};
use super::*;
use crate::config::{Configuration, compile};
use crate::context::{Context, ContextBuilder};
use crate::limits::MAX_CHUNK_BYTES;
use crate::outcome::{ErrorCode, Value};

const PROJECT: [u8; 16] = [1; 16];
const ENVIRONMENT: [u8; 16] = [2; 16];
const NOW: i64 = 1_700_000_000_000;
const DAY: i64 = 86_400_000;

/// A control plane in small: a root, an online key and keyset 1.
struct Signer {
    root: SigningKey,
    online: SigningKey,
    keyset: Keyset,
}

impl Signer {
    fn new() -> Self {
        let root = SigningKey::from_seed([10; 32]);
        let online = SigningKey::from_seed([20; 32]);
        let keyset = Keyset {
            number: 1,
            created: NOW,
            threshold: 1,
            roots: alloc::vec![root.public_key()],
            keys: alloc::vec![OnlineKey::for_environment(online.public_key(), ENVIRONMENT)],
        };
        Self { root, online, keyset }
    }

    fn keyset_bytes(&self) -> Vec<u8> {
        sign_keyset(&self.keyset, &[&self.root]).unwrap()
    }

    fn acceptance(&self, high_water: Option<HighWater>) -> Acceptance {
        let fingerprint = root_fingerprint(&self.keyset);
        let mut acceptance = Acceptance::new(fingerprint, ENVIRONMENT, Kind::Server, high_water);
        acceptance.accept_keyset(&self.keyset_bytes()).unwrap();
        acceptance
    }

    fn sign(&self, head: Head) -> Vec<u8> {
        sign_head(&head, &[&self.online])
    }
}

fn configuration() -> Configuration {
    serde_json::from_value(serde_json::json!({
        "format": 1,
        "segments": {"beta": {"included": ["u1"], "when": {"exists": {"attribute": "beta"}}}},
        "flags": {
            "broken": {"type": "boolean", "enabled": true,
                "variants": [{"key": "on", "value": true}], "fallthrough": {"variant": "on"}},
            "checkout": {"type": "string", "enabled": true, "clientVisible": true,
                "variants": [{"key": "a", "value": "A"}, {"key": "b", "value": "B"}],
                "targets": [{"variant": "b", "keys": ["u7"]}],
                "rules": [{"id": "r", "when": {"all": [{"segment": "beta"},
                    {"in": {"attribute": "country", "values": ["US", "CA", 5]}},
                    {"semver": {"attribute": "version", "is": ">=", "value": "1.2.3"}}]},
                    "serve": {"split": {"by": {"salt": "000102030405060708090a0b0c0d0e0f"},
                        "weights": [{"variant": "a", "weight": 50_000}, {"variant": "b", "weight": 50_000}]}}}],
                "fallthrough": {"variant": "a"}},
        },
    }))
    .unwrap()
}

fn body() -> Vec<u8> {
    compile(&configuration(), Kind::Server, &[]).unwrap()
}

fn head(body: &[u8]) -> Head {
    Head {
        kind: Kind::Server,
        project: PROJECT,
        environment: ENVIRONMENT,
        epoch: 1,
        version: 7,
        created: NOW,
        refresh_by: NOW + DAY,
        not_after: NOW + 30 * DAY,
        body_length: body.len() as u32,
        body_sha256: sha256(body),
        previous_head_sha256: [0; 32],
        keyset: 1,
        minimum_evaluator: 1,
        flags: 0,
    }
}

fn context() -> Context {
    ContextBuilder::new()
        .targeting_key("u1")
        .string("country", "US")
        .string("version", "2.0.0")
        .finish()
        .unwrap()
}

#[test]
fn a_genuine_head_and_body_are_accepted_and_read_back() {
    let signer = Signer::new();
    let body = body();
    let signed = signer.sign(head(&body));
    assert_eq!(signed.len(), 235, "160 bytes and one Ed25519 signature record");
    assert_eq!(Head::parse(&signed), Ok(head(&body)));
    let mut acceptance = signer.acceptance(None);
    let accepted = acceptance.accept(&signed, body, NOW).unwrap();
    assert_eq!(accepted.snapshot.flag_count(), 2);
    let outcome = accepted.snapshot.evaluate("checkout", &context(), NOW);
    assert!(outcome.value().is_some() && outcome.rule() == Some("r"));
    let mark = acceptance.high_water().unwrap();
    assert_eq!((mark.epoch, mark.version, mark.keyset), (1, 7, 1));
    assert_eq!(HighWater::from_bytes(&mark.to_bytes()), Some(mark));
}

#[test]
fn every_flipped_bit_of_a_head_is_refused() {
    let signer = Signer::new();
    let body = body();
    let signed = signer.sign(head(&body));
    let acceptance = signer.acceptance(None);
    for bit in 0..signed.len() * 8 {
        let mut damaged = signed.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(acceptance.check_head(&damaged, NOW).is_err(), "bit {bit}");
    }
    for length in 0..signed.len() {
        assert!(acceptance.check_head(&signed[..length], NOW).is_err(), "cut to {length}");
    }
}

#[test]
fn every_flipped_bit_of_a_body_is_refused_as_its_hash() {
    let signer = Signer::new();
    let body = body();
    let signed = signer.sign(head(&body));
    let mut acceptance = signer.acceptance(None);
    for bit in (0..body.len() * 8).step_by(7) {
        let mut damaged = body.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let refused = acceptance.accept(&signed, damaged, NOW).err();
        assert_eq!(refused, Some(Refusal::BodyHash), "bit {bit}");
    }
    assert_eq!(
        acceptance.accept(&signed, body[1..].to_vec(), NOW).err(),
        Some(Refusal::BodyLength)
    );
    assert_eq!(acceptance.high_water(), None, "what is refused leaves no mark");
    assert!(acceptance.accept(&signed, body, NOW).is_ok());
}

#[test]
fn each_wrong_head_has_its_own_refusal() {
    let signer = Signer::new();
    let body = body();
    let good = head(&body);
    let mut acceptance = signer.acceptance(None);
    acceptance.accept(&signer.sign(good), body, NOW).unwrap();
    let cases = [
        ("another environment", Head { environment: [3; 16], ..good }, Refusal::WrongEnvironment),
        ("another kind", Head { kind: Kind::Client, ..good }, Refusal::WrongKind),
        ("a later keyset", Head { keyset: 2, ..good }, Refusal::KeysetNeeded),
        ("an earlier keyset", Head { keyset: 0, ..good }, Refusal::OlderVersion),
        ("an older version", Head { version: 6, ..good }, Refusal::OlderVersion),
        ("an older epoch", Head { epoch: 0, version: 99, ..good }, Refusal::OlderVersion),
        (
            "the version with another body",
            Head { body_sha256: [9; 32], ..good },
            Refusal::ConflictingBody,
        ),
        ("an earlier signature", Head { created: NOW - 1, ..good }, Refusal::OlderVersion),
        ("past its last date", Head { version: 8, not_after: NOW - 1, ..good }, Refusal::Expired),
        ("a newer evaluator", Head { minimum_evaluator: 2, ..good }, Refusal::EvaluatorTooOld),
        (
            "an endless body",
            Head { version: 8, body_length: u32::MAX, ..good },
            Refusal::OverLimits,
        ),
    ];
    for (name, head, expected) in cases {
        let refused = acceptance.check_head(&signer.sign(head), NOW).err();
        assert_eq!(refused, Some(expected), "{name}");
    }
    let stranger = SigningKey::from_seed([99; 32]);
    let mut forged = sign_head(&Head { version: 8, ..good }, &[&stranger]);
    assert_eq!(acceptance.check_head(&forged, NOW).err(), Some(Refusal::UnknownKey));
    forged[161..169].copy_from_slice(&signer.online.key_id());
    assert_eq!(acceptance.check_head(&forged, NOW).err(), Some(Refusal::BadSignature));
    let unsigned = sign_head(&Head { version: 8, ..good }, &[]);
    assert_eq!(acceptance.check_head(&unsigned, NOW).err(), Some(Refusal::UnknownKey));
    assert!(acceptance.check_head(&signer.sign(Head { version: 8, ..good }), NOW).is_ok());
}

#[test]
fn a_key_signs_for_its_environment_alone() {
    let mut signer = Signer::new();
    signer.keyset.keys =
        alloc::vec![OnlineKey::for_environment(signer.online.public_key(), [3; 16])];
    let acceptance = signer.acceptance(None);
    let signed = signer.sign(head(&body()));
    assert_eq!(acceptance.check_head(&signed, NOW).err(), Some(Refusal::UnknownKey));
}

#[test]
fn what_is_held_outlives_its_last_date() {
    let signer = Signer::new();
    let body = body();
    let signed = signer.sign(head(&body));
    let late = NOW + 31 * DAY;
    let mut acceptance = signer.acceptance(None);
    assert_eq!(acceptance.accept(&signed, body.clone(), late).err(), Some(Refusal::Expired));
    assert!(acceptance.accept_held(&signed, body, late).is_ok());
}

#[test]
fn a_head_without_its_body_is_a_mark_and_its_body_still_comes() {
    let signer = Signer::new();
    let body = body();
    let good = head(&body);
    let mut acceptance = signer.acceptance(None);
    let checked = acceptance.check_head(&signer.sign(Head { version: 8, ..good }), NOW).unwrap();
    let older = acceptance.check_head(&signer.sign(Head { version: 7, ..good }), NOW).unwrap();
    acceptance.admit_without_body(checked).unwrap();
    // One that was offered before is older by now.
    assert_eq!(acceptance.admit_without_body(older).err(), Some(Refusal::OlderVersion));
    assert_eq!(
        acceptance.admit_body(older, body.clone(), sha256(&body)).err(),
        Some(Refusal::OlderVersion)
    );
    let other = Head { version: 8, body_sha256: [9; 32], ..good };
    assert_eq!(acceptance.admit_without_body(other).err(), Some(Refusal::ConflictingBody));
    assert_eq!(acceptance.admit_body(checked, body.clone(), sha256(&body)).unwrap().head, checked);
}

#[test]
fn a_renewed_signature_is_taken_without_a_body() {
    let signer = Signer::new();
    let body = body();
    let mut acceptance = signer.acceptance(None);
    acceptance.accept(&signer.sign(head(&body)), body.clone(), NOW).unwrap();
    let renewed = Head { created: NOW + DAY, refresh_by: NOW + 2 * DAY, ..head(&body) };
    let checked = acceptance.check_head(&signer.sign(renewed), NOW).unwrap();
    acceptance.admit_renewal(checked).unwrap();
    let older = acceptance.check_head(&signer.sign(head(&body)), NOW).err();
    assert_eq!(older, Some(Refusal::OlderVersion));
}

#[test]
fn a_newer_keyset_beats_whatever_was_signed_under_an_older_one() {
    let signer = Signer::new();
    let mut acceptance = signer.acceptance(None);
    let stolen = Head { epoch: u32::MAX, version: u64::MAX, ..head(&body()) };
    acceptance.accept(&signer.sign(stolen), body(), NOW).unwrap();
    let fresh = SigningKey::from_seed([77; 32]);
    let second = Keyset {
        number: 2,
        keys: alloc::vec![OnlineKey::for_environment(fresh.public_key(), [0; 16])],
        ..signer.keyset.clone()
    };
    acceptance.accept_keyset(&sign_keyset(&second, &[&signer.root]).unwrap()).unwrap();
    let recovered = Head { keyset: 2, ..head(&body()) };
    let by_the_stolen = acceptance.check_head(&signer.sign(recovered), NOW).err();
    assert_eq!(by_the_stolen, Some(Refusal::UnknownKey));
    acceptance.accept(&sign_head(&recovered, &[&fresh]), body(), NOW).unwrap();
    let again = acceptance.check_head(&signer.sign(stolen), NOW).err();
    assert_eq!(again, Some(Refusal::OlderVersion));
    let older = Head { version: 6, ..recovered };
    let within = acceptance.check_head(&sign_head(&older, &[&fresh]), NOW).err();
    assert_eq!(within, Some(Refusal::OlderVersion));
}

#[test]
fn keysets_are_proved_by_the_fingerprint_and_then_by_their_predecessor() {
    let signer = Signer::new();
    let mut stranger = Acceptance::new([0; 32], ENVIRONMENT, Kind::Server, None);
    assert_eq!(stranger.accept_keyset(&signer.keyset_bytes()), Err(Refusal::WrongRoot));

    let mut acceptance = signer.acceptance(None);
    let new_root = SigningKey::from_seed([11; 32]);
    let second =
        Keyset { number: 2, roots: alloc::vec![new_root.public_key()], ..signer.keyset.clone() };
    let by = |roots: &[&SigningKey]| sign_keyset(&second, roots).unwrap();
    assert_eq!(
        acceptance.accept_keyset(&by(&[&new_root])),
        Err(Refusal::BadKeyset),
        "without the old root"
    );
    assert_eq!(
        acceptance.accept_keyset(&by(&[&signer.root])),
        Err(Refusal::BadKeyset),
        "without the new root"
    );
    assert_eq!(
        acceptance.accept_keyset(&by(&[&signer.online, &new_root])),
        Err(Refusal::BadKeyset),
        "by an online key"
    );
    let skipped = sign_keyset(&Keyset { number: 3, ..second.clone() }, &[&signer.root, &new_root]);
    assert_eq!(acceptance.accept_keyset(&skipped.unwrap()), Err(Refusal::KeysetNeeded));
    assert_eq!(acceptance.accept_keyset(&by(&[&signer.root, &new_root])), Ok(2));
    assert_eq!(acceptance.accept_keyset(&signer.keyset_bytes()), Err(Refusal::OlderKeyset));

    let mut damaged = signer.keyset_bytes();
    for at in 0..damaged.len() {
        damaged[at] ^= 4;
        let mut fresh =
            Acceptance::new(root_fingerprint(&signer.keyset), ENVIRONMENT, Kind::Server, None);
        assert!(fresh.accept_keyset(&damaged).is_err(), "byte {at}");
        damaged[at] ^= 4;
    }
}

#[test]
fn a_spoiled_flag_spoils_only_itself() {
    let mut body = body();
    let at = body.windows(6).position(|window| window == b"broken").unwrap() + 6;
    body[at] = 77;
    let snapshot = Snapshot::open(body, Kind::Server).unwrap();
    let outcome = snapshot.evaluate("broken", &context(), NOW);
    assert_eq!((outcome.error, outcome.value()), (Some(ErrorCode::ParseError), None));
    let outcome = snapshot.evaluate("checkout", &Context::empty(), NOW);
    assert_eq!((outcome.error, outcome.value()), (None, Some(Value::String("A"))));
}

/// A small generator (xorshift64*, Vigna 2016): the same bytes on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
}

/// Evaluates and reads everything there is.
fn exercise(snapshot: &Snapshot) {
    let context = context();
    for position in 0..snapshot.flag_count() {
        let outcome = snapshot.evaluate_at(position, &context, NOW);
        let _ = (outcome.value(), outcome.variant(), outcome.rule());
        if let Some(flag) = snapshot.flag_at(position) {
            let _ = (flag.flag_type(), flag.variant(0), flag.rule_id(0));
        }
    }
    for key in ["checkout", "broken", "absent"] {
        let _ = snapshot.evaluate(key, &context, NOW).value();
        let (_, trace) = snapshot.explain(key, &context, NOW);
        serde_json::from_str::<serde_json::Value>(&trace).unwrap();
    }
}

#[test]
fn no_bytes_whatsoever_make_it_panic() {
    let good = body();
    let mut random = Random(0x5EED);
    let mut opened = 0;
    for round in 0..20_000 {
        let mut bytes = good.clone();
        for _ in 0..=random.next() % 4 {
            let at = random.next() as usize % bytes.len();
            bytes[at] = random.next() as u8;
        }
        if round % 8 == 0 {
            bytes.truncate(random.next() as usize % (bytes.len() + 1));
        }
        if let Ok(snapshot) = Snapshot::open(bytes, Kind::Server) {
            opened += 1;
            exercise(&snapshot);
        }
    }
    assert!(opened > 5_000, "only {opened} of 20,000 were opened at all");
    for length in 0..300 {
        let bytes: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
        assert!(Snapshot::open(bytes.clone(), Kind::Server).is_err());
        assert!(Head::parse(&bytes).is_err());
        assert!(Keyset::parse(&bytes).is_err());
        let _ = Context::decode(&bytes);
    }
}

#[test]
fn a_client_body_holds_nothing_that_is_not_for_clients() {
    let mut configuration = configuration();
    let secret = |word: &str| format!("CANARY-{word}");
    for (key, flag) in &mut configuration.flags {
        flag.description = secret("description");
        for rule in &mut flag.rules {
            rule.name = secret("rule-name");
        }
        if key == "broken" {
            flag.variants[0].key = secret("hidden-variant");
            flag.fallthrough = crate::config::Serve::Variant(secret("hidden-variant"));
        }
    }
    let unused = serde_json::json!({"included": [secret("member")]});
    configuration.segments.insert("unused".into(), serde_json::from_value(unused).unwrap());
    let mut off = configuration.flags["checkout"].clone();
    off.enabled = false;
    off.off_variant = Some("a".into());
    off.targets[0].keys.push(secret("target"));
    configuration.flags.insert("off".into(), off);
    let text = |kind| {
        let body = compile(&configuration, kind, &[]).unwrap();
        String::from_utf8_lossy(&body).into_owned()
    };
    assert!(!text(Kind::Client).contains("CANARY"), "{}", text(Kind::Client));
    assert!(text(Kind::Server).contains("CANARY-member"), "the test can fail");
    let body = compile(&configuration, Kind::Client, &[]).unwrap();
    let snapshot = Snapshot::open(body, Kind::Client).unwrap();
    assert_eq!(snapshot.flag_count(), 2);
    assert_eq!(snapshot.evaluate("broken", &context(), NOW).error, Some(ErrorCode::FlagNotFound));
    assert_eq!(snapshot.evaluate("off", &context(), NOW).value(), Some(Value::String("A")));
}

#[test]
fn limits_are_checked_when_compiling_and_when_opening() {
    let mut configuration = configuration();
    let long = "x".repeat(MAX_CHUNK_BYTES);
    configuration.flags.get_mut("checkout").unwrap().variants[0].value = long.into();
    assert!(compile(&configuration, Kind::Server, &[]).is_err());

    let mut body = body();
    body[16..20].copy_from_slice(&10_001u32.to_le_bytes());
    assert_eq!(Snapshot::open(body, Kind::Server).err(), Some(Refusal::OverLimits));
    let endless = alloc::vec![0; crate::limits::MAX_BODY_BYTES + 1];
    assert_eq!(Snapshot::open(endless, Kind::Server).err(), Some(Refusal::OverLimits));
}

#[test]
fn a_client_flag_may_not_read_a_private_attribute() {
    let mut configuration = configuration();
    let attribute = serde_json::json!({"type": "string", "private": true});
    configuration.attributes.insert("country".into(), serde_json::from_value(attribute).unwrap());
    assert!(compile(&configuration, Kind::Server, &[]).is_ok());
    let refused = |configuration: &Configuration, attribute: &str| {
        let refused = format!("{}", compile(configuration, Kind::Client, &[]).unwrap_err());
        assert!(refused.contains(&format!("private attribute `{attribute}`")), "{refused}");
    };
    refused(&configuration, "country");
    for (declared, read) in [
        ("/country", "country"),
        ("country", "/country"),
        ("org", "/org/tier"),
        ("/org/tier", "/org/tier"),
    ] {
        let mut configuration = configuration.clone();
        let private = configuration.attributes.remove("country").unwrap();
        configuration.attributes.insert(declared.into(), private);
        let when = serde_json::json!({"not": {"exists": {"attribute": read}}});
        configuration.flags.get_mut("checkout").unwrap().rules[0].when =
            serde_json::from_value(when).unwrap();
        refused(&configuration, read);
    }
}
