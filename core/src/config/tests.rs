mod canaries;
mod limits;
#[cfg(feature = "schema")]
mod schema;

use alloc::string::String;
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::check::{MAX_MESSAGE_CHARACTERS, MAX_PROBLEMS_EACH};
use super::*;
use crate::context::Context;
use crate::outcome::ErrorCode;
use crate::snapshot::{Kind, Snapshot};

fn flag(change: impl FnOnce(&mut Value)) -> Value {
    let mut flag = json!({"type": "boolean", "enabled": true,
        "variants": [{"key": "on", "value": true}, {"key": "off", "value": false}],
        "offVariant": "off", "fallthrough": {"variant": "off"}});
    change(&mut flag);
    json!({"format": 1, "flags": {"f": flag}})
}

fn places(configuration: Value) -> Vec<String> {
    let configuration: Configuration = serde_json::from_value(configuration).unwrap();
    configuration.problems().into_iter().map(|problem| problem.place).collect()
}

fn rules(when: Value) -> Value {
    flag(|flag| flag["rules"] = json!([{"id": "r", "when": when, "serve": {"variant": "on"}}]))
}

#[test]
fn a_sound_configuration_has_no_problems() {
    assert_eq!(places(flag(|_| ())), Vec::<String>::new());
}

#[test]
fn each_problem_is_named_by_its_place() {
    let salt = "000102030405060708090a0b0c0d0e0f";
    let cases = [
        (flag(|flag| flag["offVariant"] = "gone".into()), "/flags/f/offVariant"),
        (flag(|flag| flag["variants"] = json!([])), "/flags/f/variants"),
        (flag(|flag| flag["variants"][1]["key"] = "on".into()), "/flags/f/variants/1/key"),
        (flag(|flag| flag["variants"][0]["value"] = "true".into()), "/flags/f/variants/0/value"),
        (
            flag(|flag| {
                flag["type"] = "json".into();
                flag["variants"][0]["value"] = json!([{"n": 9_007_199_254_740_993_u64}]);
            }),
            "/flags/f/variants/0/value",
        ),
        (
            flag(|flag| flag["fallthrough"] = json!({"variant": "x"})),
            "/flags/f/fallthrough/variant",
        ),
        (
            flag(|flag| {
                flag["fallthrough"] = json!({"split": {"by": {"salt": salt},
                "weights": [{"variant": "on", "weight": 99_999}]}});
            }),
            "/flags/f/fallthrough/split/weights",
        ),
        (
            flag(|flag| {
                flag["fallthrough"] = json!({"split": {"by": {"salt": "0g"},
                "weights": [{"variant": "on", "weight": 100_000}]}});
            }),
            "/flags/f/fallthrough/split/by/salt",
        ),
        (
            flag(|flag| flag["targets"] = json!([{"variant": "on", "keys": ["a", "a"]}])),
            "/flags/f/targets/0/keys",
        ),
        (rules(json!({"segment": "gone"})), "/flags/f/rules/0/when/segment"),
        (
            rules(json!({"semver": {"attribute": "v", "is": "<", "value": "1.0"}})),
            "/flags/f/rules/0/when/semver/value",
        ),
        (
            rules(json!({"any": [{"not": {"exists": {"attribute": "/a/~2"}}}]})),
            "/flags/f/rules/0/when/any/0/not/exists/attribute",
        ),
        (json!({"format": 2, "flags": {}}), "/format"),
        (
            rules(json!({"matches": {"attribute": "a", "pattern": "(a"}})),
            "/flags/f/rules/0/when/matches/pattern",
        ),
        (
            flag(|flag| {
                let targets = (0..65).map(
                    |n| json!({"variant": "on", "unit": alloc::format!("u{n}"), "keys": ["x"]}),
                );
                flag["targets"] = targets.collect();
            }),
            "/flags/f/targets",
        ),
    ];
    for (configuration, expected) in cases {
        let found = places(configuration.clone());
        assert!(found.iter().any(|place| place == expected), "{expected}: {found:?}");
    }
}

#[test]
fn nesting_is_bounded_and_a_segment_cannot_contain_itself() {
    let nested = |levels: usize| {
        (1..levels).fold(json!({"exists": {"attribute": "a"}}), |inner, _| json!({"not": inner}))
    };
    assert!(places(rules(nested(8))).is_empty());
    assert_eq!(places(rules(nested(9))).len(), 1);

    let mut cycle = rules(json!({"segment": "a"}));
    cycle["segments"] =
        json!({"a": {"when": {"segment": "b"}}, "b": {"when": {"not": {"segment": "a"}}}});
    assert!(!places(cycle).is_empty());

    let mut chain = rules(json!({"segment": "s0"}));
    for at in 0..7 {
        chain["segments"][alloc::format!("s{at}")] =
            json!({"when": {"segment": alloc::format!("s{}", at + 1)}});
    }
    chain["segments"]["s7"] = json!({"included": ["u1"]});
    assert!(places(chain.clone()).is_empty(), "{:?}", places(chain));
    chain["segments"]["s7"] = json!({"when": {"exists": {"attribute": "a"}}});
    assert!(!places(chain).is_empty());
}

#[test]
fn texts_for_people_are_bounded() {
    let (fits, long) = ("x".repeat(4_096), "x".repeat(4_097));
    let described = |text: &str| {
        let mut whole = rules(json!({"exists": {"attribute": "a"}}));
        let flag = &mut whole["flags"]["f"];
        flag["description"] = text.into();
        flag["variants"][0]["description"] = text.into();
        flag["rules"][0]["name"] = text.into();
        whole["segments"] = json!({"s": {"description": text}});
        whole["attributes"] = json!({"a": {"type": "string", "description": text}});
        whole
    };
    assert!(places(described(&fits)).is_empty());
    let expected = [
        "/attributes/a/description",
        "/segments/s/description",
        "/flags/f/description",
        "/flags/f/variants/0/description",
        "/flags/f/rules/0/name",
    ];
    assert_eq!(places(described(&long)), expected);
}

#[test]
fn of_each_that_has_problems_so_many_are_told() {
    let salt = "000102030405060708090a0b0c0d0e0f";
    let mut whole = flag(|flag| {
        let weights = alloc::vec![json!({"variant": "none", "weight": 0}); 2 * MAX_PROBLEMS_EACH];
        flag["fallthrough"] = json!({"split": {"by": {"salt": salt}, "weights": weights}});
    });
    whole["flags"]["g"] = flag(|flag| flag["offVariant"] = "none".into())["flags"]["f"].clone();
    whole["segments"] = json!({"s": {"included": [""]}});
    let places = places(whole);
    let of = |subject: &str| places.iter().filter(|place| place.starts_with(subject)).count();
    assert_eq!((of("/flags/f/"), of("/flags/g/"), of("/segments/s/")), (MAX_PROBLEMS_EACH, 1, 1));
}

#[test]
fn what_a_problem_quotes_is_cut_and_its_place_is_whole() {
    let long = "\u{e9}".repeat(10_000);
    let whole = flag(|flag| flag["offVariant"] = long.as_str().into());
    let configuration: Configuration = serde_json::from_value(whole).unwrap();
    let problems = configuration.problems();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].message.chars().count(), MAX_MESSAGE_CHARACTERS + 1);
    assert!(problems[0].message.ends_with('…'));

    // Whatever else is wrong below a long key, only the key is told of.
    let wrong = flag(|flag| flag["offVariant"] = "none".into())["flags"]["f"].clone();
    let by = json!({"salt": "none"});
    let mut whole = flag(|_| ());
    whole["flags"][&long] = wrong;
    whole["segments"][&long] = json!({"included": [""]});
    whole["layers"][&long] = json!({"by": by});
    whole["holdouts"][&long] = json!({"by": by, "weight": 1});
    let parts = ["layers", "holdouts", "segments", "flags"];
    assert_eq!(places(whole), parts.map(|part| alloc::format!("/{part}/{long}")));
}

#[test]
fn a_few_segments_cannot_cost_an_evaluation_seconds() {
    let many = |key: &str, count: usize| {
        let list: Vec<Value> = (0..count).map(|_| json!({"segment": key})).collect();
        json!({"when": {"any": list}})
    };
    let world = |count: usize| {
        let mut configuration = rules(json!({"segment": "a"}));
        configuration["segments"] = json!({"a": many("b", count), "b": many("c", count),
            "c": {"when": {"any": [{"exists": {"attribute": "x"}}]}}});
        configuration
    };
    assert!(places(world(200)).is_empty());
    assert_eq!(places(world(400)), ["/flags/f/rules"]);
}

/// `a` needs `b` a hundred times, and so on for each pair; the last of a chain needs nothing.
fn needing_each_other(pairs: &[(&str, &str)]) -> Value {
    let plain = &flag(|_| ())["flags"]["f"];
    let mut flags = json!({});
    for (key, needed) in pairs {
        let needed_once = json!({"flag": needed, "variants": ["off"]});
        flags[*needed] = plain.clone();
        flags[*key] = plain.clone();
        flags[*key]["prerequisites"] = (0..100).map(|_| needed_once.clone()).collect();
    }
    json!({"format": 1, "flags": flags})
}

#[test]
fn flags_without_conditions_cost_too() {
    assert!(places(needing_each_other(&[("a", "b"), ("b", "c")])).is_empty());
    let refused = places(needing_each_other(&[("a", "b"), ("b", "d"), ("d", "e")]));
    assert_eq!(refused, ["/flags/a/prerequisites"]);

    // The same chain, made of a sound body by force.
    let configuration = needing_each_other(&[("a", "b"), ("b", "c"), ("d", "e")]);
    let configuration: Configuration = serde_json::from_value(configuration).unwrap();
    let mut body = compile(&configuration, Kind::Server, &[]).unwrap();
    let needed = |flag: &str| {
        let hash = crate::hash::name_hash(flag.as_bytes()).to_le_bytes();
        let header = [&[0, 1, 1, 0][..], &hash, flag.as_bytes()].concat();
        [&header[..], &[1, 3, 0], b"off"].concat()
    };
    let (honest, forced) = (needed("c"), needed("d"));
    let mut replaced = 0;
    while let Some(at) = body.windows(honest.len()).position(|bytes| bytes == honest) {
        body[at..at + honest.len()].copy_from_slice(&forced);
        replaced += 1;
    }
    assert_eq!(replaced, 100);
    let snapshot = Snapshot::open(body, Kind::Server).unwrap();
    let error = |key| snapshot.evaluate(key, &Context::empty(), 0).error;
    assert_eq!(error("b"), None);
    assert_eq!(error("a"), Some(ErrorCode::ParseError));
}

#[test]
fn unknown_fields_and_operators_are_refused_by_name() {
    for (configuration, word) in [
        (flag(|flag| flag["colour"] = 1.into()), "colour"),
        (rules(json!({"resembles": {"attribute": "a"}})), "resembles"),
        (
            rules(json!({"equals": {"attribute": "a", "value": []}})),
            "a string, a boolean, or a number",
        ),
        (
            rules(json!({"in": {"attribute": "a", "values": [9_007_199_254_740_993_u64]}})),
            "within 2^53",
        ),
        (rules(json!({"size": {"attribute": "a", "is": "<", "value": 1e17}})), "beyond 2^53"),
        (
            rules(
                json!({"number": {"attribute": "a", "is": "<", "value": -9_007_199_254_740_993_i64}}),
            ),
            "beyond 2^53",
        ),
    ] {
        let error = serde_json::from_value::<Configuration>(configuration).unwrap_err();
        assert!(alloc::format!("{error}").contains(word), "{error}");
    }
}

/// The same configuration compiles to the same bytes, in whatever order its maps were written.
#[test]
fn compiling_is_deterministic() {
    let one = r#"{"format":1,"flags":{"a":{"type":"json","enabled":true,"variants":[{"key":"x","value":{"p":1,"q":2}}],"fallthrough":{"variant":"x"}},
        "b":{"type":"json","enabled":true,"variants":[{"key":"x","value":{}}],"fallthrough":{"variant":"x"}}}}"#;
    let other = r#"{"flags":{"b":{"enabled":true,"type":"json","variants":[{"key":"x","value":{}}],"fallthrough":{"variant":"x"}},
        "a":{"type":"json","enabled":true,"variants":[{"value":{"q":2,"p":1},"key":"x"}],"fallthrough":{"variant":"x"}}},"format":1}"#;
    let body = |text| {
        let configuration: Configuration = serde_json::from_str(text).unwrap();
        compile(&configuration, crate::snapshot::Kind::Server, &[]).unwrap()
    };
    assert_eq!(body(one), body(other));
}

/// Every vector file is also an example of the format: the generated schema accepts it.
#[cfg(feature = "schema")]
#[test]
fn the_schema_names_every_part() {
    let schema = alloc::format!("{}", schema());
    for word in ["clientVisible", "starts_with", "weights", "additionalProperties", "<="] {
        assert!(schema.contains(word), "{word}");
    }
}
