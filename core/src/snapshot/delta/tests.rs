#![cfg(feature = "compile")]

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::*;
use crate::config::{Configuration, compile};
use crate::limits::{MAX_CHUNK_BYTES, MAX_CLIENT_BODY_BYTES};
use crate::snapshot::Kind;

/// A flag as people have them: two rules, a list, a segment, a split.
fn flag(number: usize, weight: u32) -> Value {
    let salt = format!("{:032x}", number as u128 * 0x9e37_79b9_7f4a_7c15);
    json!({
        "type": "string", "enabled": true, "clientVisible": number.is_multiple_of(2), "offVariant": "off",
        "variants": [{"key": "on", "value": format!("value of {number}")}, {"key": "off", "value": ""}],
        "targets": [{"variant": "on", "keys": [format!("user-{number}"), "tester"]}],
        "rules": [
            {"id": "staff", "when": {"segment": "staff"}, "serve": {"variant": "on"}},
            {"id": "some-countries", "when": {"all": [
                {"in": {"attribute": "country", "values": ["AT", "BE", "CH", "DE", "FR", "IT", "NL", "PL"]}},
                {"semver": {"attribute": "appVersion", "is": ">=", "value": "2.1.0"}},
            ]}, "serve": {"split": {"by": {"salt": salt}, "weights": [
                {"variant": "on", "weight": weight}, {"variant": "off", "weight": 100_000 - weight}]}}},
        ],
        "fallthrough": {"variant": "off"},
    })
}

fn environment(flags: usize) -> BTreeMap<String, Value> {
    (0..flags).map(|number| (format!("flag-{number:04}"), flag(number, 25_000))).collect()
}

fn body(flags: &BTreeMap<String, Value>, kind: Kind) -> Snapshot {
    let configuration: Configuration = serde_json::from_value(json!({
        "format": 1,
        "segments": {"staff": {"when": {"ends_with": {"attribute": "email", "values": ["@example.com"]}}}},
        "flags": flags,
    }))
    .unwrap();
    Snapshot::open(compile(&configuration, kind, &[]).unwrap(), kind).unwrap()
}

fn rebuilt(from: &Snapshot, to: &Snapshot) -> Vec<u8> {
    let delta = make(from, to).unwrap();
    let bytes = apply(from, &delta).unwrap();
    assert!(bytes == to.bytes(), "the delta leads to another body");
    delta
}

#[test]
fn leads_to_the_same_bytes_whatever_changed() {
    let before = environment(40);
    type Change = fn(&mut BTreeMap<String, Value>);
    let changes: [(&str, Change); 8] = [
        ("nothing", |_| {}),
        ("a weight", |flags| drop(flags.insert("flag-0007".into(), flag(7, 30_000)))),
        ("the first flag gone", |flags| drop(flags.remove("flag-0000"))),
        ("the last flag gone", |flags| drop(flags.remove("flag-0039"))),
        ("a flag at the start", |flags| drop(flags.insert("a".into(), flag(99, 1)))),
        ("a flag at the end", |flags| drop(flags.insert("z".into(), flag(99, 1)))),
        ("every flag", |flags| {
            flags.values_mut().for_each(|flag| flag["enabled"] = json!(false));
        }),
        ("all gone", BTreeMap::clear),
    ];
    for kind in [Kind::Server, Kind::Client, Kind::Edge] {
        let from = body(&before, kind);
        for (name, change) in changes {
            let mut after = before.clone();
            change(&mut after);
            let to = body(&after, kind);
            let delta = rebuilt(&from, &to);
            assert!(delta.len() < 10_000, "{name}: {} bytes", delta.len());
            rebuilt(&to, &from);
        }
    }
}

#[test]
fn two_of_a_thousand_flags_are_under_two_kilobytes() {
    let before = environment(1_000);
    let mut after = before.clone();
    after.insert("flag-0123".into(), flag(123, 50_000));
    if let Some(rules) = after.get_mut("flag-0900").and_then(|flag| flag["rules"].as_array_mut()) {
        rules.insert(0, json!({"id": "early", "when": {"any_of": {"attribute": "groups", "values": ["early", "beta"]}},
            "serve": {"variant": "on"}}));
    }
    let (from, to) = (body(&before, Kind::Server), body(&after, Kind::Server));
    let whole = to.bytes().len();
    assert!(whole > 400_000, "{whole} bytes of body");
    let delta = rebuilt(&from, &to);
    assert!(delta.len() < 512, "{} bytes before compression", delta.len());
    // Whole new flags are the most that two changes can be.
    after.insert("flag-0123".into(), flag(7_777, 50_000));
    after.insert("flag-0900a".into(), flag(8_888, 50_000));
    let delta = rebuilt(&from, &body(&after, Kind::Server));
    assert!(delta.len() < 2_048, "{} bytes before compression", delta.len());
}

#[test]
fn bodies_of_two_kinds_have_no_delta() {
    let flags = environment(2);
    let [server, client] = [Kind::Server, Kind::Client].map(|kind| body(&flags, kind));
    assert_eq!(make(&server, &client), Err(Refusal::WrongKind));
}

#[test]
fn every_damaged_byte_is_refused_or_gives_some_other_body() {
    let before = environment(20);
    let mut after = before.clone();
    after.insert("flag-0007".into(), flag(7, 30_000));
    after.insert("new".into(), flag(70, 30_000));
    let (from, to) = (body(&before, Kind::Client), body(&after, Kind::Client));
    let delta = rebuilt(&from, &to);
    let (mut refused, mut other) = (0, 0);
    for at in 0..delta.len() {
        for bit in 0..8 {
            let mut damaged = delta.clone();
            damaged[at] ^= 1 << bit;
            match apply(&from, &damaged) {
                Ok(bytes) => {
                    // The copied part of a changed chunk may end elsewhere and come to the same bytes; the hash decides in the end.
                    other += usize::from(bytes != to.bytes());
                }
                Err(Refusal::MalformedDelta | Refusal::OverLimits) => refused += 1,
                Err(refusal) => panic!("{refusal}"),
            }
        }
    }
    assert!(refused > 100 && other > 100, "{refused} refused, {other} another body");
    for length in 0..delta.len() {
        assert!(apply(&from, &delta[..length]).is_err(), "cut at {length}");
    }
    let longer = [delta.as_slice(), &[0]].concat();
    assert_eq!(apply(&from, &longer), Err(Refusal::MalformedDelta));
}

/// A delta from its parts.
fn written(chunks: u32, content: u32, steps: &[Step<'_>]) -> Vec<u8> {
    let mut delta = MAGIC.to_vec();
    delta.extend_from_slice(&chunks.to_le_bytes());
    delta.extend_from_slice(&content.to_le_bytes());
    steps.iter().for_each(|step| step.write(&mut delta));
    delta
}

#[test]
fn hostile_deltas_are_refused_before_they_cost_anything() {
    let from = body(&environment(3), Kind::Client);
    let first = from.chunk(0).unwrap().len() as u32;
    let refused = |delta: &[u8]| apply(&from, delta).unwrap_err();
    let copy = |count| [Step::Copy { first: 0, count }];
    let large = alloc::vec![1; MAX_CHUNK_BYTES + 1];
    for (name, delta, expected) in [
        ("nothing", Vec::new(), Refusal::MalformedDelta),
        ("another magic", b"PNB1\0\0\0\0\0\0\0\0".to_vec(), Refusal::MalformedDelta),
        ("too long", alloc::vec![0; MAX_CLIENT_BODY_BYTES + 1], Refusal::OverLimits),
        ("a body over its limit", written(1, u32::MAX, &[]), Refusal::OverLimits),
        ("chunks over their limit", written(60_001, 0, &[]), Refusal::OverLimits),
        ("fewer chunks than announced", written(2, first, &copy(1)), Refusal::MalformedDelta),
        ("more chunks than announced", written(0, first, &copy(1)), Refusal::MalformedDelta),
        ("less content than announced", written(1, first + 1, &copy(1)), Refusal::MalformedDelta),
        ("more content than announced", written(1, first - 1, &copy(1)), Refusal::MalformedDelta),
        ("chunks without end", written(60_000, 0, &copy(usize::MAX)), Refusal::MalformedDelta),
        (
            "a chunk that is not there",
            written(1, first, &[Step::Copy { first: 9, count: 1 }]),
            Refusal::MalformedDelta,
        ),
        (
            "a start that is not there",
            written(
                1,
                1_000_000,
                &[Step::Patch { chunk: 0, head: 1_000_000, tail: 0, middle: &[] }],
            ),
            Refusal::MalformedDelta,
        ),
        (
            "an end that is not there",
            written(
                1,
                1_000_000,
                &[Step::Patch { chunk: 0, head: 0, tail: 1_000_000, middle: &[] }],
            ),
            Refusal::MalformedDelta,
        ),
        (
            "a chunk without a name",
            written(1, 2, &[Step::Patch { chunk: 0, head: 0, tail: 0, middle: &[1, 9] }]),
            Refusal::MalformedDelta,
        ),
        (
            "a chunk over its limit",
            written(
                1,
                large.len() as u32,
                &[Step::Patch { chunk: 0, head: 0, tail: 0, middle: &large }],
            ),
            Refusal::MalformedDelta,
        ),
        (
            "an unknown step",
            [written(0, 0, &[]), alloc::vec![3, 0, 0, 0, 0]].concat(),
            Refusal::MalformedDelta,
        ),
    ] {
        assert_eq!(refused(&delta), expected, "{name}");
    }
}

/// Sixty thousand times one name would each go round the table: 1.8 thousand million steps.
#[test]
fn names_that_collide_are_refused() {
    let from = body(&environment(1), Kind::Server);
    let length = from.chunk(0).unwrap().len() as u32;
    for (count, refused) in [(100, false), (10_000, true)] {
        let steps = alloc::vec![Step::Copy { first: 0, count: 1 }; count];
        let delta = written(count as u32, count as u32 * length, &steps);
        assert_eq!(apply(&from, &delta).is_err(), refused, "{count} chunks of one name");
    }
}
