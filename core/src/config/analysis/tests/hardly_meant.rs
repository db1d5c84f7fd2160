//! Configurations that compile and are hardly meant.

use alloc::vec;
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::{Case, NOW, SALT, case, chain, equals, flag, rules, split, with};

pub(super) fn hardly_meant() -> Vec<Case> {
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
                    json!({"bucket": {"by": {"unit": "tags", "salt": SALT}, "below": 50_000}}),
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

/// Two rules that serve different variants, and what is served else.
fn first_and_second(first: Value, second: Value) -> Value {
    let mut whole = rules(&[first, second]);
    whole["flags"]["f"]["rules"][1]["serve"]["variant"] = "off".into();
    whole
}

pub(super) fn about_rules() -> Vec<Case> {
    let in_values = |values: Value| json!({"in": {"attribute": "country", "values": values}});
    let over = |attribute: &str, number: i64| json!({"number": {"attribute": attribute, "is": ">", "value": number}});
    vec![
        case(
            "a rule behind one that takes all of it",
            first_and_second(over("age", 10), over("age", 18)),
            &["rule-shadowed /flags/f/rules/1"],
        ),
        case(
            "a list behind a longer one",
            first_and_second(in_values(json!(["US", "CA", "MX"])), in_values(json!(["CA", "US"]))),
            &["rule-shadowed /flags/f/rules/1"],
        ),
        case(
            "a rule behind two that together take all of it",
            {
                let mut whole = rules(&[
                    over("age", 18),
                    json!({"not": over("age", 18)}),
                    equals("plan", "pro"),
                ]);
                whole["flags"]["f"]["rules"][2]["serve"]["variant"] = "off".into();
                whole
            },
            &["rule-shadowed /flags/f/rules/2", "fallthrough-unreachable /flags/f/fallthrough"],
        ),
        case(
            "a window does not take all of it",
            {
                let mut whole = first_and_second(over("age", 10), over("age", 18));
                whole["flags"]["f"]["rules"][0]["to"] = (NOW + 5).into();
                whole
            },
            &["rules-overlap /flags/f/rules/1"],
        ),
        case(
            "a window that ends later does",
            {
                let mut whole = first_and_second(over("age", 10), over("age", 18));
                whole["flags"]["f"]["rules"][0]["to"] = (NOW + 5).into();
                whole["flags"]["f"]["rules"][1]["to"] = (NOW + 5).into();
                whole
            },
            &["rule-shadowed /flags/f/rules/1"],
        ),
        case(
            "a split that serves a part does not take all of it",
            {
                let mut whole = first_and_second(over("age", 10), over("age", 18));
                whole["flags"]["f"]["rules"][0]["serve"] = split(
                    json!([{"variant": "on", "weight": 50_000}, {"variant": null, "weight": 50_000}]),
                );
                whole
            },
            &["rules-overlap /flags/f/rules/1"],
        ),
        case(
            "a split does not take those without a unit",
            {
                let mut whole = first_and_second(over("age", 10), over("age", 18));
                whole["flags"]["f"]["rules"][0]["serve"] =
                    split(json!([{"variant": "on", "weight": 100_000}]));
                whole
            },
            &["rules-overlap /flags/f/rules/1"],
        ),
        case(
            "a slot of a layer does not take all of it, and another slot meets nobody of it",
            {
                let mut whole = first_and_second(over("age", 10), over("age", 18));
                whole["layers"] = json!({"l": {"by": {"salt": SALT}}});
                whole["flags"]["f"]["rules"][0]["layer"] =
                    json!({"layer": "l", "from": 0, "to": 50_000});
                whole["flags"]["f"]["rules"][1]["layer"] =
                    json!({"layer": "l", "from": 50_000, "to": 100_000});
                whole
            },
            &[],
        ),
        case(
            "segments are looked into",
            {
                let mut whole =
                    first_and_second(json!({"segment": "s"}), equals("targetingKey", "u1"));
                whole["segments"] = json!({"s": {"included": ["u1", "u2"]}});
                whole
            },
            &["rule-shadowed /flags/f/rules/1"],
        ),
        case(
            "excluded beats included",
            {
                let mut whole =
                    first_and_second(json!({"segment": "s"}), equals("targetingKey", "u1"));
                whole["segments"] = json!({"s": {"included": ["u2"], "excluded": ["u1"], "when": {"exists": {"attribute": "targetingKey"}}}});
                whole
            },
            &[],
        ),
        case(
            "a split that serves nobody",
            {
                let mut whole = rules(&[over("age", 10)]);
                whole["flags"]["f"]["rules"][0]["serve"] =
                    split(json!([{"variant": null, "weight": 100_000}]));
                whole
            },
            &["rule-serves-nobody /flags/f/rules/0"],
        ),
        case(
            "a window that is over",
            {
                let mut whole = rules(&[over("age", 10)]);
                whole["flags"]["f"]["rules"][0]["to"] = NOW.into();
                whole
            },
            &["window-over /flags/f/rules/0"],
        ),
        case(
            "two rules that match together",
            first_and_second(equals("country", "US"), equals("plan", "pro")),
            &["rules-overlap /flags/f/rules/1"],
        ),
        case(
            "two that do not",
            first_and_second(equals("country", "US"), in_values(json!(["CA", "MX"]))),
            &[],
        ),
        case(
            "a rule that waits for a flag that is off is left alone",
            {
                let mut whole = first_and_second(
                    json!({"flag": {"flag": "g", "variants": ["on"]}}),
                    equals("plan", "pro"),
                );
                whole["flags"]["g"] =
                    flag(|flag| flag["enabled"] = false.into())["flags"]["f"].clone();
                whole
            },
            &["prerequisite-off /flags/f/rules/0/when/flag"],
        ),
        case(
            "a variant that only a shadowed rule serves",
            {
                let mut whole = rules(&[over("age", 10), over("age", 18)]);
                whole["flags"]["f"]["variants"]
                    .as_array_mut()
                    .unwrap()
                    .push(json!({"key": "adult", "value": true}));
                whole["flags"]["f"]["rules"][1]["serve"]["variant"] = "adult".into();
                whole
            },
            &["rule-shadowed /flags/f/rules/1", "variant-never-served /flags/f/variants/2"],
        ),
        case(
            "what is beyond the analysis",
            rules(&[json!({"all": [
                {"semver": {"attribute": "v", "is": ">", "value": "1.0.0-rc.1"}},
                {"semver": {"attribute": "v", "is": "<", "value": "1.0.0-rc.1.0"}},
            ]})]),
            &["not-decided /flags/f/rules/0"],
        ),
    ]
}
