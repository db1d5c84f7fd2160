//! Configurations that do not compile.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::{Case, SALT, case, chain, equals, flag, rules, split, with};

pub(super) fn unsound() -> Vec<Case> {
    vec![
        case("another format", json!({"format": 2, "flags": {}}), &["unknown-format /format"]),
        case(
            "a long description",
            flag(|flag| flag["description"] = "x".repeat(4_097).into()),
            &["over-limit /flags/f/description"],
        ),
        case("a flag over a chunk's limit", texts(1, 300_000), &["over-limit /flags/f0"]),
        case("flags over what clients get", texts(5, 250_000), &["over-limit /flags"]),
        case("flags over what anybody gets", texts(42, 250_000), &["over-limit /flags"]),
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

/// So many flags for clients, of a text of so many bytes each.
fn texts(flags: usize, bytes: usize) -> Value {
    let flag = json!({"type": "string", "clientVisible": true, "enabled": true,
        "variants": [{"key": "v", "value": "x".repeat(bytes)}], "fallthrough": {"variant": "v"}});
    let flags = (0..flags).map(|number| (format!("f{number}"), flag.clone()));
    json!({"format": 1, "flags": flags.collect::<serde_json::Map<_, _>>()})
}
