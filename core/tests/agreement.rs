//! The evaluator against the reference interpreter, over random worlds: whole outcomes are compared.
//!
//! A run of `cargo test` makes 2,000 worlds with everything in them, each asked ten times and again at later instants, and 20,000
//! evaluations of flags that ask one thing each; PENNON_ROUNDS=n makes n times as many. `cargo xtask test agreement` makes 100,000 worlds,
//! optimised, and `cargo xtask soak` as many as one likes. A failure names its world: PENNON_WORLD=seed, or PENNON_OPERATORS=seed, runs that
//! one alone.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod reference;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;

use pennon_core::config::{Bucketing, Configuration, compile};
use pennon_core::context::Context;
use pennon_core::snapshot::{Kind, Snapshot};
use reference::Marks;
use reference::worlds::{self, Random};
use serde_json::{Map, Value, json};

const WORLDS_PER_ROUND: u64 = 2_000;
const EVALUATIONS_PER_WORLD: usize = 10;
/// The kinds of conditions, and five more turns of an evaluation that the reference marks.
const TURNS: usize = 29 + 5;
/// Instants at which an outcome is asked for again.
const LATER_INSTANTS: usize = 4;

/// What the worlds of a run led to, so that a generator which has gone dull is found out.
#[derive(Debug, Default)]
struct Seen {
    evaluations: usize,
    outcomes: BTreeMap<String, usize>,
    marks: Marks,
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().expect(name))
}

#[test]
fn agrees_with_the_reference_on_random_worlds() {
    let mut seen = Seen::default();
    if let Some(seed) = number("PENNON_WORLD") {
        world(seed, &mut seen);
        return;
    }
    let rounds = number("PENNON_ROUNDS").unwrap_or(1);
    let worlds = rounds * WORLDS_PER_ROUND;
    for seed in 1..=worlds {
        world(seed, &mut seen);
    }
    assert_eq!(seen.evaluations, worlds as usize * EVALUATIONS_PER_WORLD);
    println!("{} evaluations in {worlds} worlds: {:?}", seen.evaluations, seen.outcomes);
    for outcome in [
        "STATIC",
        "TARGETING_MATCH",
        "TARGETING_MATCH by a rule",
        "SPLIT",
        "SPLIT by a rule",
        "DISABLED",
        "DEFAULT",
        "FLAG_NOT_FOUND",
        "TARGETING_KEY_MISSING",
        "INVALID_CONTEXT",
        "PARSE_ERROR",
        "until",
        "metadata",
    ] {
        let count = seen.outcomes.get(outcome).copied().unwrap_or(0);
        assert!(count >= seen.evaluations / 1_000, "{count} outcomes say {outcome}");
    }
    println!("{:?}", seen.marks);
    assert_eq!(seen.marks.0.len(), TURNS, "kinds of conditions and other turns");
    for (turn, [no, yes]) in &seen.marks.0 {
        let fewest = seen.evaluations / 2_000;
        // An error is no answer.
        let no_enough = *no >= fewest || *turn == "error";
        assert!(no_enough && *yes >= fewest, "{turn}: {no} times no, {yes} times yes");
    }
}

fn world(seed: u64, seen: &mut Seen) {
    let mut random = Random::new(seed);
    let world = World::new("PENNON_WORLD", seed, worlds::configuration(&mut random));
    for _ in 0..EVALUATIONS_PER_WORLD {
        let key = worlds::flag_key(&mut random, &world.configuration);
        let context = worlds::context(&mut random);
        let now = worlds::now(&mut random);
        let found = world.agrees(&key, &context, now, &mut seen.marks);
        let decoded = Context::from_json(&context).ok();
        stands_until(&world.server, &key, decoded.as_ref(), now, &found, &mut random, seed);
        count(seen, &found);
    }
}

/// As worlds, but every flag asks one thing of one attribute.
#[test]
fn agrees_with_the_reference_on_operators() {
    let mut marks = Marks::default();
    let seeds = match number("PENNON_OPERATORS") {
        Some(seed) => seed..=seed,
        None => 1..=100 * number("PENNON_ROUNDS").unwrap_or(1),
    };
    for seed in seeds {
        let mut random = Random::new(seed);
        let world = World::new("PENNON_OPERATORS", seed, worlds::operators(&mut random));
        for _ in 0..10 {
            let context = worlds::context(&mut random);
            for key in world.configuration.flags.keys() {
                world.agrees(key, &context, 0, &mut marks);
            }
        }
    }
    println!("{marks:?}");
}

/// A configuration, compiled.
struct World {
    /// How to run it alone.
    name: String,
    configuration: Configuration,
    server: Snapshot,
    client: Snapshot,
}

impl World {
    fn new(variable: &str, seed: u64, configuration: Configuration) -> Self {
        let name = format!("{variable}={seed}");
        let snapshot = |kind| {
            let body = compile(&configuration, kind, &[]);
            let body = body.unwrap_or_else(|error| panic!("{name} does not compile: {error}"));
            Snapshot::open(body, kind).expect("a body just compiled")
        };
        let (server, client) = (snapshot(Kind::Server), snapshot(Kind::Client));
        Self { name, configuration, server, client }
    }

    /// Compares whole outcomes, and answers with the one that all agree on.
    fn agrees(
        &self,
        key: &str,
        context: &Value,
        now: i64,
        marks: &mut Marks,
    ) -> Map<String, Value> {
        let expected = reference::evaluate(&self.configuration, key, context, now, marks);
        let decoded = Context::from_json(context).ok();
        let found = evaluate(&self.server, key, decoded.as_ref(), now);
        // A client's snapshot says less, and nothing else.
        let flag = self.configuration.flags.get(key);
        let visible = flag.is_some_and(|flag| flag.client_visible);
        let for_client = visible.then(|| evaluate(&self.client, key, decoded.as_ref(), now));
        let agree = same(&Value::Object(found.clone()), &Value::Object(expected.clone()));
        if !agree || for_client.as_ref().is_some_and(|for_client| *for_client != found) {
            panic!(
                "{}: {key} at {now}\n  context   {context}\n  flag      {}\n  all of it {}\n  reference {}\n  evaluator {}\n  client    {}",
                self.name,
                json!(flag),
                json!(self.configuration),
                json!(expected),
                json!(found),
                json!(for_client),
            );
        }
        found
    }
}

/// An outcome stays as it is until the instant that it names, and for good where it names none.
fn stands_until(
    snapshot: &Snapshot,
    key: &str,
    context: Option<&Context>,
    now: i64,
    outcome: &Map<String, Value>,
    random: &mut Random,
    seed: u64,
) {
    let until = outcome.get("until").and_then(Value::as_i64);
    let last = until.map_or(1 << 50, |until| until - 1);
    let mut later = vec![last, random.between(now, last)];
    let turns = (0..).map(|_| worlds::turn(random)).take(4 * LATER_INSTANTS);
    later.extend(turns.filter(|turn| (now..=last).contains(turn)).take(LATER_INSTANTS));
    let timeless = |mut outcome: Map<String, Value>| {
        outcome.remove("until");
        outcome
    };
    for later in later {
        let found = evaluate(snapshot, key, context, later);
        assert_eq!(
            timeless(found),
            timeless(outcome.clone()),
            "PENNON_WORLD={seed}: {key} changes at {later}, before {until:?}, having been asked at {now}"
        );
    }
}

fn evaluate(
    snapshot: &Snapshot,
    key: &str,
    context: Option<&Context>,
    now: i64,
) -> Map<String, Value> {
    match context {
        Some(context) => snapshot.evaluate(key, context, now).to_json(),
        // What every host answers for a context that is none.
        None => {
            let outcome = json!({"reason": "ERROR", "errorCode": "INVALID_CONTEXT"});
            outcome.as_object().cloned().unwrap_or_default()
        }
    }
}

fn count(seen: &mut Seen, outcome: &Map<String, Value>) {
    let word = |name: &str| outcome.get(name).and_then(Value::as_str).unwrap_or_default();
    let by_rule = if outcome.contains_key("rule") { " by a rule" } else { "" };
    let what = if word("errorCode").is_empty() {
        word("reason").to_owned() + by_rule
    } else {
        word("errorCode").to_owned()
    };
    *seen.outcomes.entry(what).or_default() += 1;
    if outcome.contains_key("until") {
        *seen.outcomes.entry("until".to_owned()).or_default() += 1;
    }
    if outcome.contains_key("metadata") {
        *seen.outcomes.entry("metadata".to_owned()).or_default() += 1;
    }
    seen.evaluations += 1;
}

/// The bucket that equals a cut point is the first of the next part; random worlds rarely meet it.
#[test]
fn a_cut_point_belongs_to_the_part_behind_it() {
    for by in [
        json!({"salt": "000102030405060708090a0b0c0d0e0f"}),
        json!({"hash": {"murmur3_modulo": {"prefix": "flag:", "size": 100_000}}}),
        json!({"hash": {"murmur3_scaled": {"prefix": "flag:", "seed": 7, "size": 100_000}}}),
        json!({"hash": {"fnv1a": {"suffix": "flag"}}}),
        json!({"hash": {"fnv1a_twice": {"prefix": "flag"}}}),
    ] {
        let bucketing: Bucketing = serde_json::from_value(by.clone()).expect("buckets");
        let (user, weight) = reference::unit_at_a_cut_point(&bucketing);
        let whole = u64::from(bucketing.size());
        for (first, expected) in [(weight, "behind"), (weight + 1, "before")] {
            let configuration: Configuration = serde_json::from_value(json!({
                "format": 1,
                "flags": {"split": {
                    "type": "boolean",
                    "enabled": true,
                    "variants": [{"key": "before", "value": true}, {"key": "behind", "value": false}],
                    "fallthrough": {"split": {"by": by, "weights": [
                        {"variant": "before", "weight": first},
                        {"variant": "behind", "weight": whole - first},
                    ]}},
                }},
            }))
            .expect("a configuration");
            let body = compile(&configuration, Kind::Server, &[]).expect("it compiles");
            let snapshot = Snapshot::open(body, Kind::Server).expect("a body just compiled");
            let context = Context::from_json(&json!({"targetingKey": user})).ok();
            let outcome = evaluate(&snapshot, "split", context.as_ref(), 0);
            assert_eq!(outcome["variant"], expected, "{user} at a first weight of {first}: {by}");
        }
    }
}

/// The judge is judged by the cases whose expectations come from elsewhere.
#[test]
fn reference_answers_every_vector() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("spec/vectors");
    let mut cases = 0;
    for entry in fs::read_dir(&folder).expect("core/spec/vectors") {
        let path = entry.expect("an entry").path();
        let file: Value = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("JSON");
        let configuration: Configuration =
            serde_json::from_value(file["config"].clone()).expect("a configuration");
        for case in file["cases"].as_array().expect("cases") {
            let (key, now) = (&case["flag"], &case["now"]);
            let (Some(key), Some(now)) = (key.as_str(), now.as_i64()) else {
                panic!("{}: {case}", path.display());
            };
            let mut marks = Marks::default();
            let found = reference::evaluate(&configuration, key, &case["context"], now, &mut marks);
            assert!(
                same(&Value::Object(found.clone()), &case["expect"]),
                "{}: {}: {}",
                path.display(),
                case["name"],
                json!(found)
            );
            cases += 1;
        }
    }
    assert!(cases > 0, "no vectors in {}", folder.display());
}

/// As JSON values; 1 and 1.0 are one number.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(l, r)| same(l, r))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, l)| right.get(key).is_some_and(|r| same(l, r)))
        }
        _ => left == right,
    }
}
