use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};

use serde_json::{Value, json};

use super::{Options, findings, findings_of_flag};
use crate::config::{Configuration, Finding, Severity};

const SALT: &str = "000102030405060708090a0b0c0d0e0f";
const NOW: i64 = 1_000;

/// One flag, `f`, with a rule for each condition that serves `on`.
fn flag(change: impl FnOnce(&mut Value)) -> Value {
    let mut flag = json!({"type": "boolean", "enabled": true,
        "variants": [{"key": "on", "value": true}, {"key": "off", "value": false}],
        "offVariant": "off", "fallthrough": {"variant": "on"}});
    change(&mut flag);
    json!({"format": 1, "flags": {"f": flag}})
}

fn rules(conditions: &[Value]) -> Value {
    flag(|flag| {
        let rule = |(at, when): (usize, &Value)| json!({"id": format!("r{at}"), "when": when, "serve": {"variant": "on"}});
        flag["rules"] = conditions.iter().enumerate().map(rule).collect();
    })
}

/// As `rules`, of a configuration with these parts too.
fn with(parts: Value, conditions: &[Value]) -> Value {
    let mut whole = rules(conditions);
    for (name, part) in parts.as_object().unwrap() {
        whole[name] = part.clone();
    }
    whole
}

fn equals(attribute: &str, value: impl Into<Value>) -> Value {
    json!({"equals": {"attribute": attribute, "value": value.into()}})
}

fn split(weights: Value) -> Value {
    json!({"split": {"by": {"salt": SALT}, "weights": weights}})
}

fn parsed(configuration: &Value) -> Configuration {
    serde_json::from_value(configuration.clone()).unwrap()
}

fn found(configuration: &Value) -> Vec<Finding> {
    findings(&parsed(configuration), &Options { now: Some(NOW) })
}

fn named(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|found| format!("{} {}", found.code, found.place)).collect()
}

struct Case {
    name: &'static str,
    configuration: Value,
    /// Codes and places, in order, and no more.
    expected: Vec<&'static str>,
}

fn case(name: &'static str, configuration: Value, expected: &[&'static str]) -> Case {
    Case { name, configuration, expected: expected.to_vec() }
}

/// One flag more than levels that they may depend on each other.
fn chain(length: usize) -> Value {
    let mut whole = json!({"format": 1, "flags": {}});
    for at in 0..length {
        let mut one = flag(|_| ())["flags"]["f"].clone();
        if at + 1 < length {
            one["prerequisites"] = json!([{"flag": format!("f{}", at + 1), "variants": ["on"]}]);
        }
        whole["flags"][format!("f{at}")] = one;
    }
    whole
}

fn unsound() -> Vec<Case> {
    vec![
        case("another format", json!({"format": 2, "flags": {}}), &["unknown-format /format"]),
        case(
            "a long description",
            flag(|flag| flag["description"] = "x".repeat(4_097).into()),
            &["over-limit /flags/f/description"],
        ),
        case("prerequisites too deep", chain(10), &["over-limit /flags/f0/prerequisites"]),
        case(
            "no variants",
            flag(|flag| {
                flag["variants"] = json!([]);
                flag["offVariant"] = Value::Null;
            }),
            &["wrong-count /flags/f/variants", "unknown-variant /flags/f/fallthrough/variant"],
        ),
        case(
            "an empty rule id",
            flag(|flag| {
                flag["rules"] =
                    json!([{"id": "", "when": {"all": []}, "serve": {"variant": "off"}}]);
                flag["fallthrough"] = json!({"variant": "off"});
                flag["variants"] = json!([{"key": "off", "value": false}]);
            }),
            &["bad-name /flags/f/rules/0/id"],
        ),
        case(
            "a bad escape",
            rules(&[equals("/a/~2", 1)]),
            &["bad-reference /flags/f/rules/0/when/equals/attribute"],
        ),
        case(
            "a salt that is none",
            flag(|flag| {
                flag["fallthrough"] = json!({"split": {"by": {"salt": "0g"},
                    "weights": [{"variant": "on", "weight": 100_000}]}});
            }),
            &["bad-bucketing /flags/f/fallthrough/split/by/salt"],
        ),
        case(
            "a range of buckets that ends before it begins",
            rules(&[json!({"bucket": {"by": {"salt": SALT}, "from": 2, "below": 1}})]),
            &["bad-bucket-range /flags/f/rules/0/when/bucket/below"],
        ),
        case(
            "no date",
            rules(&[json!({"datetime": {"attribute": "d", "is": "<", "value": "2026"}})]),
            &["bad-datetime /flags/f/rules/0/when/datetime/value"],
        ),
        case(
            "no network",
            rules(&[json!({"ip_in_cidr": {"attribute": "a", "values": ["10.0.0.0/33"]}})]),
            &["bad-network /flags/f/rules/0/when/ip_in_cidr/values/0"],
        ),
        case(
            "no pattern",
            rules(&[json!({"matches": {"attribute": "a", "pattern": "("}})]),
            &["bad-pattern /flags/f/rules/0/when/matches/pattern"],
        ),
        case(
            "no version",
            rules(&[json!({"semver": {"attribute": "v", "is": "<", "value": "1.0"}})]),
            &["bad-version /flags/f/rules/0/when/semver/value"],
        ),
        case(
            "two variants of one key",
            flag(|flag| {
                flag["variants"] = json!([{"key": "on", "value": true}, {"key": "off", "value": false}, {"key": "on", "value": true}]);
            }),
            &["duplicate-variant /flags/f/variants/2/key"],
        ),
        case(
            "two rules of one id",
            flag(|flag| {
                let rule = |plan: &str| json!({"id": "r", "when": equals("plan", plan), "serve": {"variant": "on"}});
                flag["rules"] = json!([rule("a"), rule("b")]);
            }),
            &["duplicate-rule /flags/f/rules/1/id"],
        ),
        case(
            "a slot that is empty",
            {
                let mut whole =
                    with(json!({"layers": {"l": {"by": {"salt": SALT}}}}), &[json!({"all": []})]);
                whole["flags"]["f"]["rules"][0]["layer"] =
                    json!({"layer": "l", "from": 5, "to": 5});
                whole
            },
            &["empty-layer-slot /flags/f/rules/0/layer"],
        ),
        case(
            "a fallthrough that leaves units out",
            flag(|flag| {
                flag["fallthrough"] = split(
                    json!([{"variant": "on", "weight": 50_000}, {"variant": null, "weight": 50_000}]),
                );
            }),
            &["fallthrough-unserved /flags/f/fallthrough"],
        ),
        case(
            "a number that JavaScript has not",
            flag(|flag| {
                flag["type"] = "number".into();
                flag["variants"] = json!([{"key": "on", "value": 9_007_199_254_740_993_u64}, {"key": "off", "value": 0}]);
            }),
            &["inexact-number /flags/f/variants/0/value"],
        ),
        case(
            "prerequisites that lead back",
            {
                let mut whole = chain(2);
                whole["flags"]["f1"]["prerequisites"] = json!([{"flag": "f0", "variants": ["on"]}]);
                whole
            },
            &[
                "prerequisite-cycle /flags/f0/prerequisites",
                "prerequisite-cycle /flags/f1/prerequisites",
            ],
        ),
        case(
            "a flag that waits for a ring is no part of it",
            {
                let mut whole = chain(3);
                whole["flags"]["f2"]["prerequisites"] = json!([{"flag": "f1", "variants": ["on"]}]);
                whole
            },
            &[
                "over-limit /flags/f0/prerequisites",
                "prerequisite-cycle /flags/f1/prerequisites",
                "prerequisite-cycle /flags/f2/prerequisites",
            ],
        ),
        case(
            "a segment within itself",
            with(
                json!({"segments": {"s": {"when": {"not": {"segment": "s"}}}}}),
                &[json!({"segment": "s"})],
            ),
            &[
                "segment-cycle /segments/s/when/not/segment",
                "segment-cycle /flags/f/rules/0/when/segment",
            ],
        ),
        case(
            "a private attribute",
            {
                let mut whole = with(
                    json!({"attributes": {"salary": {"type": "number", "private": true}}, "segments": {"rich": {"when": {"number": {"attribute": "salary", "is": ">", "value": 9}}}}}),
                    &[json!({"segment": "rich"})],
                );
                whole["flags"]["f"]["clientVisible"] = true.into();
                whole
            },
            &["private-attribute /flags/f"],
        ),
        case(
            "a private attribute behind a prerequisite",
            {
                let mut whole = with(
                    json!({"attributes": {"salary": {"type": "number", "private": true}}}),
                    &[json!({"number": {"attribute": "salary", "is": ">", "value": 9}})],
                );
                let mut seen =
                    flag(|flag| flag["clientVisible"] = true.into())["flags"]["f"].clone();
                seen["prerequisites"] = json!([{"flag": "f", "variants": ["on"]}]);
                whole["flags"]["seen"] = seen;
                whole
            },
            &["private-attribute /flags/f"],
        ),
        case(
            "steps in no order",
            flag(|flag| {
                let step = |at: i64| json!({"at": at, "weights": [50_000, 50_000]});
                flag["fallthrough"] = json!({"ramp": {"by": {"salt": SALT}, "variants": ["on", "off"], "steps": [step(5), step(5)]}});
            }),
            &["steps-out-of-order /flags/f/fallthrough/ramp/steps/1/at"],
        ),
        case(
            "a target listed twice",
            flag(|flag| flag["targets"] = json!([{"variant": "on", "keys": ["a", "a"]}])),
            &["target-listed-twice /flags/f/targets/0/keys"],
        ),
        case(
            "a prerequisite that is not there",
            flag(|flag| flag["prerequisites"] = json!([{"flag": "gone", "variants": ["on"]}])),
            &["unknown-flag /flags/f/prerequisites/0/flag"],
        ),
        case(
            "a holdout that is not there",
            flag(|flag| flag["holdout"] = json!({"holdout": "gone", "variant": "on"})),
            &["unknown-holdout /flags/f/holdout/holdout"],
        ),
        case(
            "a layer that is not there",
            {
                let mut whole = rules(&[equals("plan", "pro")]);
                whole["flags"]["f"]["rules"][0]["layer"] =
                    json!({"layer": "gone", "from": 0, "to": 5});
                whole
            },
            &["unknown-layer /flags/f/rules/0/layer/layer"],
        ),
        case(
            "a segment that is not there",
            rules(&[json!({"segment": "gone"})]),
            &["unknown-segment /flags/f/rules/0/when/segment"],
        ),
        case(
            "weights that do not sum",
            flag(|flag| flag["fallthrough"] = split(json!([{"variant": "on", "weight": 99_999}]))),
            &["weights-do-not-sum /flags/f/fallthrough/split/weights"],
        ),
        case(
            "a window that never opens",
            {
                let mut whole = rules(&[equals("plan", "pro")]);
                whole["flags"]["f"]["rules"][0]["from"] = 5_000.into();
                whole["flags"]["f"]["rules"][0]["to"] = 5_000.into();
                whole
            },
            &["window-never-opens /flags/f/rules/0/to"],
        ),
        case(
            "a value of another type",
            flag(|flag| flag["variants"][0]["value"] = "true".into()),
            &["wrong-value-type /flags/f/variants/0/value"],
        ),
    ]
}

fn hardly_meant() -> Vec<Case> {
    vec![
        case("nothing", flag(|_| ()), &[]),
        case(
            "a variant that nobody gets",
            flag(|flag| {
                flag["variants"] = json!([{"key": "on", "value": true}, {"key": "off", "value": false}, {"key": "spare", "value": true}]);
                flag["fallthrough"] = split(
                    json!([{"variant": "on", "weight": 100_000}, {"variant": "spare", "weight": 0}]),
                );
            }),
            &["variant-never-served /flags/f/variants/2"],
        ),
        case(
            "a prerequisite that nobody meets",
            {
                let mut whole = chain(2);
                whole["flags"]["f0"]["prerequisites"][0]["variants"] = json!(["off"]);
                whole
            },
            &["prerequisite-never-met /flags/f0/prerequisites/0"],
        ),
        case(
            "a prerequisite's variant that nobody gets",
            {
                let mut whole = chain(2);
                whole["flags"]["f0"]["prerequisites"][0]["variants"] = json!(["on", "off"]);
                whole
            },
            &["prerequisite-variant-never-served /flags/f0/prerequisites/0/variants/1"],
        ),
        case(
            "a prerequisite that serves its off variant for want of its own",
            {
                let mut whole = chain(3);
                whole["flags"]["f0"]["prerequisites"][0]["variants"] = json!(["off"]);
                whole
            },
            &[],
        ),
        case(
            "a prerequisite that is off",
            {
                let mut whole = chain(2);
                whole["flags"]["f1"]["enabled"] = false.into();
                whole
            },
            &["prerequisite-off /flags/f0/prerequisites/0"],
        ),
        case(
            "a target that has expired",
            flag(|flag| {
                let target = |key: &str, expires: i64| json!({"variant": "on", "keys": [key], "expires": expires});
                flag["targets"] = json!([target("a", NOW), target("b", NOW + 1)]);
            }),
            &["target-expired /flags/f/targets/0"],
        ),
        case(
            "types that an operator never holds for",
            with(
                json!({"attributes": {"age": {"type": "number"}, "plan": {"type": "string"}, "tags": {"type": "list"}, "ip": {"type": "ip"}}}),
                &[
                    equals("age", "18"),
                    json!({"number": {"attribute": "plan", "is": ">", "value": 1}}),
                    json!({"starts_with": {"attribute": "tags", "values": ["a"]}}),
                    json!({"semver": {"attribute": "ip", "is": ">", "value": "1.0.0"}}),
                    json!({"in": {"attribute": "plan", "values": ["pro", 5]}}),
                    json!({"any_of": {"attribute": "tags", "values": [5]}}),
                    json!({"bucket": {"by": {"unit": "tags", "salt": SALT}, "below": 5}}),
                ],
            ),
            &[
                "wrong-type /flags/f/rules/0/when/equals/attribute",
                "wrong-type /flags/f/rules/1/when/number/attribute",
                "wrong-type /flags/f/rules/2/when/starts_with/attribute",
                "wrong-type /flags/f/rules/3/when/semver/attribute",
                "wrong-type /flags/f/rules/4/when/in/values/1",
                "wrong-type /flags/f/rules/6/when/bucket/by/unit",
            ],
        ),
        case(
            "attributes that nobody declared",
            with(
                json!({"attributes": {"org": {"type": "object"}, "plan": {"type": "string"}}}),
                &[
                    equals("plna", "pro"),
                    json!({"all": [equals("/org/tier", 1), equals("geo.country", "DE"), equals("targetingKey", "u"), equals("/plan", "pro")]}),
                ],
            ),
            &["unknown-attribute /flags/f/rules/0/when/equals/attribute"],
        ),
        case(
            "a segment that nobody uses",
            with(
                json!({"segments": {"s": {"when": {"segment": "inner"}}, "inner": {"included": ["a"]}, "spare": {"included": ["a"]}}}),
                &[json!({"segment": "s"})],
            ),
            &["unused-segment /segments/spare"],
        ),
        case(
            "attributes, layers and holdouts that nobody uses",
            json!({"format": 1, "flags": {}, "attributes": {"plan": {"type": "string"}},
                "layers": {"l": {"by": {"salt": SALT}}}, "holdouts": {"h": {"by": {"salt": SALT}, "weight": 1}}}),
            &[
                "unused-attribute /attributes/plan",
                "unused-layer /layers/l",
                "unused-holdout /holdouts/h",
            ],
        ),
        case(
            "keys that a segment lists twice",
            with(
                json!({"segments": {"s": {"included": ["a", "b", "a"], "excluded": ["b"]}}}),
                &[json!({"segment": "s"})],
            ),
            &[
                "key-listed-twice /segments/s/included",
                "key-included-and-excluded /segments/s/included",
            ],
        ),
    ]
}

#[test]
fn each_case_has_its_findings_and_no_more() {
    let mut wrong = Vec::new();
    for case in unsound().into_iter().chain(hardly_meant()) {
        let found = named(&found(&case.configuration));
        if found != case.expected {
            wrong.push(format!("{}: {found:#?} instead of {:#?}", case.name, case.expected));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is an error does not compile, and what does not compile is an error.
#[test]
fn errors_are_what_does_not_compile() {
    use crate::config::compile;
    use crate::snapshot::Kind;
    let (mut sound, mut unsound_ones) = (0, 0);
    for case in unsound().into_iter().chain(hardly_meant()) {
        let configuration = parsed(&case.configuration);
        let compiles = [Kind::Server, Kind::Client]
            .into_iter()
            .all(|kind| compile(&configuration, kind, &[]).is_ok());
        let errors =
            found(&case.configuration).iter().any(|found| found.severity == Severity::Error);
        assert_eq!(compiles, !errors, "{}", case.name);
        if compiles { sound += 1 } else { unsound_ones += 1 }
    }
    assert!(sound > 10 && unsound_ones > 25, "{sound} sound, {unsound_ones} unsound");
}

/// The findings of one flag are those that the whole has about it.
#[test]
fn one_flag_has_the_findings_that_it_has_among_all() {
    let mut compared = 0;
    for case in unsound().into_iter().chain(hardly_meant()) {
        let configuration = parsed(&case.configuration);
        let options = Options { now: Some(NOW) };
        let whole = findings(&configuration, &options);
        for key in configuration.flags.keys() {
            let alone = findings_of_flag(&configuration, key, &options);
            let alone: Vec<_> = alone.iter().filter(|found| found.flag.is_some()).collect();
            let among: Vec<_> =
                whole.iter().filter(|found| found.flag.as_ref() == Some(key)).collect();
            compared += among.len();
            assert_eq!(alone, among, "{}: {key}", case.name);
        }
    }
    assert!(compared > 30, "{compared} findings");
}

/// The specification lists the codes that there are, each with its severity, and each is met by a case above.
#[test]
fn the_specification_lists_each_code() {
    let text = include_str!("../../../spec/config.md");
    let listed: BTreeSet<(String, String)> = text
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split(" | ");
            let code = cells.next()?.strip_suffix('`')?;
            Some((code.to_string(), cells.next()?.to_string()))
        })
        .collect();
    let met: BTreeSet<(String, String)> = unsound()
        .into_iter()
        .chain(hardly_meant())
        .flat_map(|case| found(&case.configuration))
        .map(|found| (found.code.to_string(), found.severity.to_string()))
        .collect();
    assert_eq!(listed, met);
}
