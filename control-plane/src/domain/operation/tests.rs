//! Each operation by example; that operations on different rules commute, by random ones.

use pennon_core::config::{Configuration, Segment, compile};
use pennon_core::context::Context;
use pennon_core::snapshot::Kind;
use serde_json::{Value, json};

use super::*;
use crate::domain::flag;

const NOW: i64 = 1_800_000_000_000;
const HOUR: i64 = 3_600_000;

fn flag_with(change: Value) -> Flag {
    let mut flag = json!({
        "type": "string", "enabled": false, "offVariant": "off",
        "variants": [{ "key": "on", "value": "on" }, { "key": "off", "value": "off" }, { "key": "new", "value": "new" }],
        "prerequisites": [{ "flag": "login", "variants": ["on"] }],
        "targets": [{ "variant": "on", "keys": ["u1", "u2"] }, { "variant": "off", "keys": ["u3"], "expires": 5 }],
        "rules": [
            { "id": "a", "when": { "segment": "s" }, "serve": { "variant": "on" } },
            { "id": "b", "when": { "segment": "s" }, "serve": { "split": { "by": { "unit": "company", "salt": "0b".repeat(16) },
              "weights": [{ "variant": "on", "weight": 10_000 }, { "variant": "off", "weight": 90_000 }] } } },
            { "id": "c", "when": { "segment": "s" }, "serve": { "variant": "off" } },
        ],
        "fallthrough": { "split": { "by": { "salt": "0f".repeat(16) }, "weights": [{ "variant": "on", "weight": 10_000 }, { "variant": "off", "weight": 90_000 }] } },
    });
    flag.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    serde_json::from_value(flag).unwrap()
}

fn flag() -> Flag {
    flag_with(json!({}))
}

fn operations(list: Value) -> Vec<Operation> {
    read_all(serde_json::from_value(list).unwrap()).unwrap()
}

fn applied(flag: &Flag, list: Value, now_ms: i64) -> Result<Value, Refusal> {
    let random = Random::seeded(1);
    apply(flag, &operations(list), &Ground { now_ms, random: &random }).map(|flag| json!(flag))
}

/// The part of the flag at the pointer after the operations.
#[track_caller]
fn becomes(list: Value, pointer: &str, expected: Value) {
    let flag = applied(&flag(), list, NOW).unwrap();
    assert_eq!(flag.pointer(pointer).cloned().unwrap_or_default(), expected);
}

fn parts(list: &[(&str, u32)]) -> Value {
    list.iter().map(|(variant, weight)| json!({ "variant": variant, "weight": weight })).collect()
}

#[test]
fn each_does_what_it_says() {
    let ids = |flag: &Value| -> Vec<String> {
        let rules = flag["rules"].as_array().unwrap().iter();
        rules.map(|rule| rule["id"].as_str().unwrap().to_owned()).collect()
    };
    becomes(json!([{ "op": "turnOn" }]), "/enabled", json!(true));
    becomes(json!([{ "op": "turnOn" }, { "op": "turnOff" }]), "/enabled", json!(false));
    becomes(json!([{ "op": "setOffVariant", "variant": null }]), "/offVariant", Value::Null);
    becomes(json!([{ "op": "setOffVariant", "variant": "new" }]), "/offVariant", json!("new"));
    becomes(
        json!([{ "op": "setFallthrough", "serve": { "variant": "new" } }]),
        "/fallthrough",
        json!({ "variant": "new" }),
    );
    let rule = json!({ "id": "x", "when": { "segment": "s" }, "serve": { "variant": "new" } });
    for (list, expected) in [
        (json!([{ "op": "addRule", "rule": rule }]), "abcx"),
        (json!([{ "op": "addRule", "rule": rule, "position": 0 }]), "xabc"),
        (json!([{ "op": "addRule", "rule": rule, "position": 3 }]), "abcx"),
        (json!([{ "op": "addRule", "rule": rule, "before": "c" }]), "abxc"),
        (json!([{ "op": "removeRule", "id": "b" }]), "ac"),
        (json!([{ "op": "moveRule", "id": "a" }]), "bca"),
        (json!([{ "op": "moveRule", "id": "a", "position": 1 }]), "bac"),
        (json!([{ "op": "moveRule", "id": "c", "before": "a" }]), "cab"),
        (
            json!([{ "op": "replaceRule", "id": "b", "rule": { "when": { "segment": "t" }, "serve": { "variant": "on" } } }]),
            "abc",
        ),
    ] {
        let flag = applied(&flag(), list.clone(), NOW).unwrap();
        assert_eq!(ids(&flag).concat(), expected, "{list}");
    }
    becomes(
        json!([{ "op": "setRuleServe", "id": "a", "serve": { "variant": "new" } }]),
        "/rules/0/serve/variant",
        json!("new"),
    );
    becomes(
        json!([{ "op": "addTargets", "variant": "on", "keys": ["u3", "u1", "u4", "u4"] }]),
        "/targets",
        json!([{ "variant": "on", "keys": ["u1", "u2", "u3", "u4"] }]),
    );
    becomes(
        json!([{ "op": "addTargets", "variant": "on", "keys": ["u1"], "expires": 9 }]),
        "/targets",
        json!([{ "variant": "on", "keys": ["u2"] }, { "variant": "off", "keys": ["u3"], "expires": 5 }, { "variant": "on", "keys": ["u1"], "expires": 9 }]),
    );
    becomes(
        json!([{ "op": "addTargets", "variant": "on", "unit": "company", "keys": ["u3"] }]),
        "/targets/2",
        json!({ "variant": "on", "unit": "company", "keys": ["u3"] }),
    );
    becomes(
        json!([{ "op": "removeTargets", "keys": ["u1", "u3", "nobody"] }]),
        "/targets",
        json!([{ "variant": "on", "keys": ["u2"] }]),
    );
    becomes(
        json!([{ "op": "setPrerequisite", "flag": "login", "variants": ["x"] }, { "op": "setPrerequisite", "flag": "other", "variants": ["y"] }]),
        "/prerequisites",
        json!([{ "flag": "login", "variants": ["x"] }, { "flag": "other", "variants": ["y"] }]),
    );
    becomes(
        json!([{ "op": "removePrerequisite", "flag": "login" }]),
        "/prerequisites",
        Value::Null,
    );
    let holdout = json!({ "holdout": "h", "variant": "off" });
    becomes(json!([{ "op": "setHoldout", "holdout": holdout }]), "/holdout", holdout);
    becomes(
        json!([{ "op": "setMetadata", "name": "n", "value": 1 }]),
        "/metadata",
        json!({ "n": 1.0 }),
    );
    becomes(
        json!([{ "op": "setMetadata", "name": "n", "value": 1 }, { "op": "setMetadata", "name": "n", "value": null }]),
        "/metadata",
        Value::Null,
    );
}

#[test]
fn what_cannot_be_done_is_named_and_nothing_is() {
    let rule = json!({ "id": "a", "when": { "segment": "s" }, "serve": { "variant": "on" } });
    let step = |hours: i64, weights: Value| json!({ "at": NOW + hours * HOUR, "weights": weights });
    let half = json!({ "on": 50_000, "off": 50_000 });
    for (operation, field, conflict) in [
        (json!({ "op": "removeRule", "id": "z" }), "id", true),
        (json!({ "op": "moveRule", "id": "a", "before": "z" }), "before", true),
        (json!({ "op": "moveRule", "id": "a", "position": 3 }), "position", true),
        (json!({ "op": "moveRule", "id": "a", "position": 0, "before": "b" }), "before", false),
        (json!({ "op": "addRule", "rule": rule }), "rule.id", true),
        (
            json!({ "op": "addRule", "rule": { "when": { "segment": 1 }, "serve": { "variant": "on" } } }),
            "rule.when.segment",
            false,
        ),
        (json!({ "op": "replaceRule", "id": "b", "rule": rule }), "rule.id", false),
        (json!({ "op": "setRuleServe", "id": "a", "serve": { "variants": "on" } }), "serve", false),
        (json!({ "op": "setWeights", "rule": "z", "weights": half }), "rule", true),
        (json!({ "op": "setWeights", "weights": { "on": 1 } }), "weights", false),
        (json!({ "op": "startRamp", "steps": [] }), "steps", false),
        (json!({ "op": "startRamp", "steps": [step(0, half.clone())] }), "steps[0].at", false),
        (
            json!({ "op": "startRamp", "steps": [step(2, half.clone()), step(1, half.clone())] }),
            "steps[1].at",
            false,
        ),
        (
            json!({ "op": "startRamp", "steps": [step(1, json!({ "on": 1 }))] }),
            "steps[0].weights",
            false,
        ),
        (json!({ "op": "adjustRamp", "steps": [step(1, half.clone())] }), "rule", true),
        (json!({ "op": "stopRamp" }), "rule", true),
        (json!({ "op": "addTargets", "variant": "on", "keys": [] }), "keys", false),
        (json!({ "op": "removePrerequisite", "flag": "z" }), "flag", true),
    ] {
        let refusal = applied(&flag(), json!([{ "op": "turnOn" }, operation]), NOW).unwrap_err();
        let (named, told) = match &refusal {
            Refusal::Wrong(wrong) => (wrong, false),
            Refusal::Conflict(wrong) => (wrong, true),
            Refusal::NoRandomness(error) => panic!("{error}"),
        };
        assert!(
            named.field.starts_with(&format!("operations[1].{field}")),
            "{named:?} for {operation}"
        );
        assert_eq!(told, conflict, "{named:?} for {operation}");
    }
    for unreadable in [
        json!([{ "op": "turnOn", "flag": 1 }]),
        json!([{ "op": "explode" }]),
        json!([{}]),
        json!([{ "op": "setWeights", "weights": { "on": -1 } }]),
        json!([{ "op": "removeRule" }]),
    ] {
        let wrong = flag::read::<Vec<Operation>>(unreadable.clone()).unwrap_err();
        assert!(wrong.field.starts_with("[0]"), "{wrong:?} for {unreadable}");
    }
}

#[test]
fn buckets_are_kept_unless_somebody_says_otherwise() {
    let salt = |list: Value| {
        let flag = applied(&flag(), list, NOW).unwrap();
        flag["rules"][1]["serve"]["split"]["by"].clone()
    };
    let weights = parts(&[("on", 20_000), ("off", 80_000)]);
    let kept = json!({ "unit": "company", "salt": "0b".repeat(16) });
    let serve = |split: Value| json!({ "split": split });
    let set = |split: Value| json!([{ "op": "setRuleServe", "id": "b", "serve": serve(split) }]);
    assert_eq!(salt(set(json!({ "weights": weights }))), kept);
    assert_eq!(salt(set(json!({ "by": { "unit": "company" }, "weights": weights }))), kept);
    let other = salt(set(json!({ "by": { "unit": "user" }, "weights": weights })));
    assert_eq!(other["unit"], json!("user"));
    assert!(other["salt"].as_str().unwrap().len() == 32 && other["salt"] != kept["salt"]);
    let given = json!({ "salt": "ab".repeat(16) });
    assert_eq!(salt(set(json!({ "by": given, "weights": weights }))), given);
    let rule = json!({ "when": { "segment": "t" }, "serve": serve(json!({ "weights": weights })) });
    assert_eq!(salt(json!([{ "op": "replaceRule", "id": "b", "rule": rule }])), kept);
    let added = applied(&flag(), json!([{ "op": "addRule", "rule": rule }]), NOW).unwrap();
    assert_eq!(added["rules"][3]["id"].as_str().unwrap().len(), 32);
    assert_ne!(added["rules"][3]["serve"]["split"]["by"]["salt"], kept["salt"]);
}

#[test]
fn weights_move_the_fewest() {
    becomes(
        json!([{ "op": "setWeights", "weights": { "on": 25_000, "off": 75_000 } }]),
        "/fallthrough/split/weights",
        parts(&[("on", 25_000), ("off", 75_000)]),
    );
    let flag = applied(
        &flag(),
        json!([{ "op": "setWeights", "rule": "a", "weights": { "on": 60_000, "new": 40_000 } }]),
        NOW,
    )
    .unwrap();
    let split = &flag["rules"][0]["serve"]["split"];
    assert_eq!(split["weights"], parts(&[("on", 60_000), ("new", 40_000)]));
    assert_eq!(split["by"]["salt"].as_str().unwrap().len(), 32);
}

/// What each of many units gets from the flag's fallthrough.
fn served(flag: &Value, now_ms: i64) -> Vec<String> {
    let mut flag: Flag = serde_json::from_value(flag.clone()).unwrap();
    (flag.enabled, flag.rules, flag.targets, flag.prerequisites) =
        (true, Vec::new(), Vec::new(), Vec::new());
    let mut whole: Configuration = serde_json::from_value(json!({ "format": 1 })).unwrap();
    whole.flags.insert("f".to_owned(), flag);
    let body = compile(&whole, Kind::Server, &[]).unwrap();
    let snapshot = pennon_core::snapshot::Snapshot::open(body, Kind::Server).unwrap();
    (0..4_000)
        .map(|unit| {
            let context =
                Context::from_json(&json!({ "targetingKey": format!("u{unit}") })).unwrap();
            snapshot.evaluate("f", &context, now_ms).variant().unwrap_or_default().to_owned()
        })
        .collect()
}

fn differing(one: &[String], other: &[String]) -> usize {
    one.iter().zip(other).filter(|(one, other)| one != other).count()
}

#[test]
fn a_ramp_starts_where_the_split_is_and_moves_nobody_who_need_not() {
    let start = served(&json!(flag()), NOW);
    let step = |hours: i64, on: u32, off: u32, new: u32| json!({ "at": NOW + hours * HOUR, "weights": { "on": on, "off": off, "new": new } });
    // on 10 -> 40 -> 20, off 90 -> 30 -> 30, new 0 -> 30 -> 50.
    let steps = json!([step(1, 40_000, 30_000, 30_000), step(2, 20_000, 30_000, 50_000)]);
    let ramped = applied(&flag(), json!([{ "op": "startRamp", "steps": steps }]), NOW).unwrap();
    assert_eq!(served(&ramped, NOW), start);
    let (first, last) = (served(&ramped, NOW + HOUR), served(&ramped, NOW + 2 * HOUR));
    let share = |served: &[String], variant: &str| {
        served.iter().filter(|got| *got == variant).count() as f64 / served.len() as f64
    };
    for (served, on, new) in [(&first, 0.4, 0.3), (&last, 0.2, 0.5)] {
        assert!(
            (share(served, "on") - on).abs() < 0.03 && (share(served, "new") - new).abs() < 0.03
        );
    }
    // 60 % have to move in the first step, 20 % in the second.
    let total = start.len() as f64;
    assert!((differing(&start, &first) as f64 / total - 0.6).abs() < 0.03);
    assert!((differing(&first, &last) as f64 / total - 0.2).abs() < 0.03);
    // On the way each unit changes at most once a step.
    let mut before = start.clone();
    let mut changes = 0;
    for minute in (0..=60).step_by(5) {
        let now = served(&ramped, NOW + minute * HOUR / 60);
        changes += differing(&before, &now);
        before = now;
    }
    assert_eq!(changes, differing(&start, &first));

    // Stopped half-way, everybody keeps what they have, but for a thousandth of a percent.
    let half = NOW + HOUR / 2;
    let running: Flag = serde_json::from_value(ramped.clone()).unwrap();
    let stopped = applied(&running, json!([{ "op": "stopRamp" }]), half).unwrap();
    assert!(stopped["fallthrough"]["split"].is_object());
    assert!(differing(&served(&stopped, half), &served(&ramped, half)) <= 1);

    // Adjusted half-way, it goes on from there.
    let steps = json!([{ "at": half + HOUR, "weights": { "on": 100_000 } }]);
    let adjusted =
        applied(&running, json!([{ "op": "adjustRamp", "steps": steps }]), half).unwrap();
    assert!(differing(&served(&adjusted, half), &served(&ramped, half)) <= 1);
    assert!(served(&adjusted, half + HOUR).iter().all(|variant| variant == "on"));
    let again =
        applied(&running, json!([{ "op": "startRamp", "steps": steps }]), half).unwrap_err();
    assert!(matches!(again, Refusal::Conflict(_)));
    // One that has ended is a split like any other.
    let ended = applied(
        &running,
        json!([{ "op": "setWeights", "weights": { "on": 100_000 } }]),
        NOW + 3 * HOUR,
    );
    assert!(ended.is_ok(), "{ended:?}");
    let weights = json!([{ "op": "setWeights", "weights": { "on": 100_000 } }]);
    assert!(matches!(applied(&running, weights, half), Err(Refusal::Conflict(_))));
}

#[test]
fn a_part_that_changed_since_is_named() {
    let rule =
        |variant: &str| json!({ "op": "setRuleServe", "id": "a", "serve": { "variant": variant } });
    let cases = [
        (rule("new"), rule("off"), Some("rule \"a\"")),
        (rule("new"), json!({ "op": "removeRule", "id": "a" }), Some("rule \"a\"")),
        (rule("new"), json!({ "op": "removeRule", "id": "b" }), None),
        (rule("new"), json!({ "op": "setFallthrough", "serve": { "variant": "on" } }), None),
        (json!({ "op": "turnOn" }), json!({ "op": "turnOff" }), Some("whether the flag is on")),
        (json!({ "op": "moveRule", "id": "a" }), rule("new"), None),
        (
            json!({ "op": "removeTargets", "keys": ["u1"] }),
            json!({ "op": "addTargets", "variant": "new", "keys": ["u1"] }),
            Some("the target \"u1\""),
        ),
        (
            json!({ "op": "removeTargets", "keys": ["u1"] }),
            json!({ "op": "addTargets", "variant": "new", "keys": ["u2"] }),
            None,
        ),
        (
            json!({ "op": "setMetadata", "name": "n", "value": 1 }),
            json!({ "op": "setMetadata", "name": "n", "value": 2 }),
            Some("the metadata \"n\""),
        ),
        (
            json!({ "op": "removePrerequisite", "flag": "login" }),
            json!({ "op": "setPrerequisite", "flag": "login", "variants": ["x"] }),
            Some("the prerequisite \"login\""),
        ),
    ];
    for (theirs, mine, named) in cases {
        let seen = flag();
        let current = applied(&seen, json!([theirs]), NOW).unwrap();
        let current: Flag = serde_json::from_value(current).unwrap();
        let told = changed_since(&seen, &current, &operations(json!([mine])));
        match (named, told) {
            (None, Ok(())) => {}
            (Some(named), Err(Refusal::Conflict(wrong))) => {
                assert_eq!(wrong.field, "operations[0]");
                assert!(wrong.detail.starts_with(named), "{wrong:?}");
            }
            (named, told) => panic!("{named:?} {told:?} for {theirs} and {mine}"),
        }
        assert_eq!(changed_since(&seen, &seen, &operations(json!([mine]))), Ok(()));
    }
}

#[test]
fn operations_on_different_rules_commute() {
    let random = Random::seeded(7);
    let below = |bound: u64| random.below(bound).unwrap();
    let one = |rule: &str| {
        let on = 1_000 * below(101);
        let weights = json!({ "on": on, "off": 100_000 - on });
        let variant = ["on", "off", "new"][below(3) as usize];
        match below(6) {
            0 => json!({ "op": "setRuleServe", "id": rule, "serve": { "variant": variant } }),
            1 => json!({ "op": "setWeights", "rule": rule, "weights": weights }),
            2 => {
                json!({ "op": "startRamp", "rule": rule, "steps": [{ "at": NOW + HOUR, "weights": weights }] })
            }
            3 => {
                json!({ "op": "replaceRule", "id": rule, "rule": { "name": variant, "when": { "not": { "segment": "s" } }, "serve": { "variant": variant } } })
            }
            4 => json!({ "op": "removeRule", "id": rule }),
            _ => {
                json!({ "op": "setRuleServe", "id": rule, "serve": { "split": { "weights": [{ "variant": variant, "weight": 100_000 }] } } })
            }
        }
    };
    // Each author's salts are their own, whoever comes first.
    let run = |flag: &Flag, list: &[Operation], seed: u64| {
        let random = Random::seeded(seed);
        apply(flag, list, &Ground { now_ms: NOW, random: &random })
    };
    let mut changed = 0;
    for _ in 0..2_000 {
        let (mine, theirs) = (operations(json!([one("a")])), operations(json!([one("b")])));
        let first = run(&run(&flag(), &mine, 1).unwrap(), &theirs, 2).unwrap();
        let second = run(&run(&flag(), &theirs, 2).unwrap(), &mine, 1).unwrap();
        assert_eq!(first, second, "{mine:?} {theirs:?}");
        assert_eq!(changed_since(&flag(), &run(&flag(), &theirs, 2).unwrap(), &mine), Ok(()));
        changed += usize::from(first != flag());
    }
    assert!(changed > 1_900, "{changed}");
}

#[test]
fn what_cannot_be_read_is_named() {
    for (operation, field) in [
        (json!({}), "operations[1].op"),
        (json!({ "op": null }), "operations[1].op"),
        (json!({ "op": 7 }), "operations[1].op"),
        (json!({ "op": "" }), "operations[1].op"),
        (json!({ "op": "fly" }), "operations[1].op"),
        (json!({ "op": "turnOn", "when": 1 }), "operations[1].when"),
        (json!({ "op": "setFallthrough" }), "operations[1].serve"),
        (json!({ "op": "moveRule", "id": "a", "to": "b" }), "operations[1].to"),
    ] {
        let list: Vec<Map<String, Value>> =
            serde_json::from_value(json!([{ "op": "turnOff" }, operation])).unwrap();
        let wrong = read_all::<Operation>(list).unwrap_err();
        assert_eq!(wrong.field, field, "{operation}: {}", wrong.detail);
    }
}

#[test]
fn segments() {
    let segment: Segment =
        serde_json::from_value(json!({ "included": ["a", "b"], "excluded": ["x"] })).unwrap();
    let run = |list: Value| {
        let operations: Vec<SegmentOperation> =
            read_all(serde_json::from_value(list).unwrap()).unwrap();
        apply_to_segment(&segment, &operations).map(|segment| json!(segment))
    };
    let list = json!([
        { "op": "addKeys", "list": "included", "keys": ["c", "a", "c"] },
        { "op": "removeKeys", "list": "included", "keys": ["b", "nobody"] },
        { "op": "addKeys", "list": "excluded", "keys": ["y"] },
        { "op": "setCondition", "when": { "segment": "s" } },
        { "op": "setDescription", "description": "d" },
    ]);
    let expected = json!({ "included": ["a", "c"], "excluded": ["x", "y"], "when": { "segment": "s" }, "description": "d" });
    assert_eq!(run(list).unwrap(), expected);
    let refused = run(json!([{ "op": "removeKeys", "list": "excluded", "keys": [] }])).unwrap_err();
    assert!(matches!(refused, Refusal::Wrong(wrong) if wrong.field == "operations[0].keys"));
}
