//! LaunchDarkly publishes no suite as data: these cases are ours, from its documentation, and its engines' published buckets.

use std::error::Error;

use pennon_core::import::launchdarkly::import;
use serde_json::{Map, Value, json};

use crate::frame::{Suite, Verdict, World, same};

const NOW: i64 = 1_700_000_000_000;

pub(crate) fn suite() -> Result<Suite, Box<dyn Error>> {
    let mut suite = Suite::new("launchdarkly");
    clauses(&mut suite)?;
    order(&mut suite)?;
    segments(&mut suite)?;
    rollouts(&mut suite)?;
    errors(&mut suite)?;
    refusals(&mut suite)?;
    Ok(suite)
}

/// A flag that is on, serves 0 unless a rule says otherwise, and is 9 when off.
fn flag(fields: Value) -> Value {
    let mut flag = json!({
        "key": "f", "version": 1, "on": true, "salt": "salt", "variations": [0, 1, 2, 9],
        "targets": [], "rules": [], "prerequisites": [], "fallthrough": { "variation": 0 },
        "offVariation": 3
    });
    merge(&mut flag, fields);
    flag
}

fn merge(into: &mut Value, fields: Value) {
    if let (Value::Object(into), Value::Object(fields)) = (into, fields) {
        into.extend(fields);
    }
}

fn file(flags: &[(&str, Value)], segments: Value) -> Value {
    let flags: Map<String, Value> = flags
        .iter()
        .map(|(key, flag)| {
            let mut flag = flag.clone();
            merge(&mut flag, json!({ "key": key }));
            ((*key).to_owned(), flag)
        })
        .collect();
    json!({ "flags": flags, "segments": segments })
}

fn case(
    suite: &mut Suite,
    name: &str,
    file: &Value,
    context: &Value,
    expected: &Value,
) -> Result<(), Box<dyn Error>> {
    let world = World::open(import(file))?;
    let verdict = match world.refusal("f") {
        Some(reason) => Verdict::Wrong(format!("refused: {reason}")),
        None => {
            let outcome = world.outcome("f", context, NOW)?;
            let got = outcome.get("value").cloned().unwrap_or(Value::Null);
            if same(&got, expected) {
                Verdict::Pass
            } else {
                Verdict::Wrong(format!("expected {expected}, got {}", Value::Object(outcome)))
            }
        }
    };
    suite.case(name, verdict);
    Ok(())
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn clauses(suite: &mut Suite) -> Result<(), Box<dyn Error>> {
    let user = |value: Value| json!({ "targetingKey": "u1", "x": value });
    let date = "2024-02-29T12:00:00Z";
    let milliseconds = 1_709_208_000_000_i64;
    let table: Vec<(&str, Value, Value, bool)> = vec![
        // in: types and values are equal
        ("in", json!(["a", "b"]), user(json!("b")), true),
        ("in", json!(["a"]), user(json!("A")), false),
        ("in", json!([5]), user(json!(5.0)), true),
        ("in", json!([5]), user(json!("5")), false),
        ("in", json!([true]), user(json!(true)), true),
        ("in", json!([1]), user(json!(true)), false),
        ("in", json!([""]), user(json!("")), true),
        ("in", json!([]), user(json!("a")), false),
        ("in", json!(["a"]), user(json!(["b", "a"])), true),
        ("in", json!(["a"]), user(json!([])), false),
        ("in", json!(["a"]), user(json!([["a"]])), false),
        ("in", json!([null]), user(json!(null)), false),
        ("in", json!([null]), user(json!([null])), true),
        ("in", json!(["a"]), user(json!({ "a": 1 })), false),
        // texts
        ("startsWith", json!(["x", "ab"]), user(json!("abc")), true),
        ("startsWith", json!(["bc"]), user(json!("abc")), false),
        ("startsWith", json!([""]), user(json!("abc")), true),
        ("startsWith", json!([1]), user(json!("1a")), false),
        ("endsWith", json!(["bc"]), user(json!("abc")), true),
        ("endsWith", json!(["BC"]), user(json!("abc")), false),
        ("contains", json!(["b"]), user(json!("abc")), true),
        ("contains", json!(["b"]), user(json!(["xbx"])), true),
        ("contains", json!(["b"]), user(json!(5)), false),
        ("matches", json!(["^a.c$"]), user(json!("abc")), true),
        ("matches", json!(["b"]), user(json!("abc")), true),
        ("matches", json!(["\\d{2}"]), user(json!("a12")), true),
        ("matches", json!(["^b"]), user(json!("abc")), false),
        ("matches", json!([5]), user(json!("5")), false),
        // numbers
        ("lessThan", json!([5]), user(json!(4.9)), true),
        ("lessThan", json!([5]), user(json!(5)), false),
        ("lessThan", json!([5]), user(json!("4")), false),
        ("lessThan", json!(["5"]), user(json!(4)), false),
        ("lessThanOrEqual", json!([5]), user(json!(5)), true),
        ("greaterThan", json!([5]), user(json!(6)), true),
        ("greaterThan", json!([5, 1]), user(json!(2)), true),
        ("greaterThan", json!([5]), user(json!([1, 6])), true),
        ("greaterThanOrEqual", json!([5]), user(json!(5)), true),
        // dates
        ("before", json!([date]), user(json!("2024-02-29T12:59:59+01:00")), true),
        ("before", json!([date]), user(json!("2024-02-29T13:00:00+01:00")), false),
        ("before", json!([date]), user(json!(milliseconds - 1)), true),
        ("before", json!([milliseconds]), user(json!("2024-02-29T11:59:59.999Z")), true),
        ("before", json!([milliseconds]), user(json!(milliseconds)), false),
        ("before", json!([date]), user(json!("yesterday")), false),
        ("before", json!(["2024-02-29"]), user(json!(0)), false),
        ("after", json!([date]), user(json!(milliseconds + 1)), true),
        ("after", json!([0]), user(json!("1970-01-01T00:00:00.001Z")), true),
        ("after", json!([date]), user(json!(1_000_000_000_000_000_i64)), true),
        ("after", json!([date]), user(json!("2024-02-29T12:00:00Z")), false),
        // versions, with missing parts as 0
        ("semVerEqual", json!(["2.0.0"]), user(json!("2")), true),
        ("semVerEqual", json!(["2.1"]), user(json!("2.1.0")), true),
        ("semVerEqual", json!(["2.1.0"]), user(json!("2.1.0+build")), true),
        ("semVerEqual", json!(["2.0.0-rc"]), user(json!("2-rc")), true),
        ("semVerEqual", json!(["2.0.0"]), user(json!(2)), false),
        ("semVerEqual", json!(["2"]), user(json!("v2")), false),
        ("semVerEqual", json!(["2"]), user(json!("02")), false),
        ("semVerLessThan", json!(["2.0.0"]), user(json!("2.0.0-rc.1")), true),
        ("semVerLessThan", json!(["2.0.0-rc.2"]), user(json!("2.0.0-rc.11")), false),
        ("semVerLessThan", json!(["hello"]), user(json!("1.0.0")), false),
        ("semVerGreaterThan", json!(["2.9.1"]), user(json!("2.10")), true),
        ("semVerGreaterThan", json!(["2"]), user(json!("2.0.0.1")), false),
        // what no engine knows
        ("fuzzyMatch", json!(["a"]), user(json!("a")), false),
    ];
    for (at, (operator, values, context, holds)) in table.iter().enumerate() {
        for negate in [false, true] {
            let present = !context["x"].is_null();
            let expected = if negate { present && !holds } else { *holds };
            let clause =
                json!({ "attribute": "x", "op": operator, "values": values, "negate": negate });
            let name = format!("clause {at}: {operator} {values} negate {negate} for {context}");
            rule(suite, &name, &json!([clause]), context, expected)?;
        }
    }

    // attribute references, kinds of context
    let org = json!({ "targetingKey": "u1", "plan": "pro", "org": { "key": "acme", "tier": 2, "plan": "free" } });
    let nested =
        json!({ "targetingKey": "u1", "a": { "b": 1, "c/d": 2, "x~": 3 }, "a/b": 4, "/x": 5 });
    let is = |kind: Option<&str>, attribute: &str, value: Value, negate: bool| {
        let mut clause =
            json!({ "attribute": attribute, "op": "in", "values": [value], "negate": negate });
        if let Some(kind) = kind {
            merge(&mut clause, json!({ "contextKind": kind }));
        }
        json!([clause])
    };
    let anonymous = json!({ "targetingKey": "u1", "anonymous": true });
    let only_org = json!({ "org": { "key": "acme", "tier": 2 } });
    for (name, clauses, context, expected) in [
        ("pointer", is(Some("user"), "/a/b", json!(1), false), &nested, true),
        ("pointer with ~1", is(Some("user"), "/a/c~1d", json!(2), false), &nested, true),
        ("pointer with ~0", is(Some("user"), "/a/x~0", json!(3), false), &nested, true),
        ("pointer to one name", is(Some("user"), "/a~1b", json!(4), false), &nested, true),
        ("name with a slash inside", is(Some("user"), "a/b", json!(4), false), &nested, true),
        ("literal name without a kind", is(None, "/x", json!(5), false), &nested, true),
        ("literal name is no pointer", is(None, "/a/b", json!(1), false), &nested, false),
        ("pointer into a text", is(Some("user"), "/a/b/c", json!(1), false), &nested, false),
        ("pointer into nothing, negated", is(Some("user"), "/a/z", json!(1), true), &nested, false),
        ("key of the user", is(Some("user"), "key", json!("u1"), false), &org, true),
        ("key of another kind", is(Some("org"), "key", json!("acme"), false), &org, true),
        ("attribute of another kind", is(Some("org"), "tier", json!(2), false), &org, true),
        ("same name in two kinds", is(Some("org"), "plan", json!("free"), false), &org, true),
        ("user's by default", is(None, "plan", json!("pro"), false), &org, true),
        ("kind that is missing", is(Some("device"), "key", json!("d"), false), &org, false),
        ("kind that is missing, negated", is(Some("device"), "key", json!("d"), true), &org, false),
        (
            "kind without its key",
            is(Some("org"), "tier", json!(2), false),
            &json!({ "targetingKey": "u", "org": { "tier": 2 } }),
            false,
        ),
        ("no user", is(None, "key", json!("u1"), true), &only_org, false),
        ("kinds", is(None, "kind", json!("org"), false), &org, true),
        ("kinds, negated", is(None, "kind", json!("device"), true), &org, true),
        ("kinds without a user", is(None, "kind", json!("user"), false), &only_org, false),
        ("anonymous", is(None, "anonymous", json!(true), false), &anonymous, true),
        (
            "not anonymous where nothing is said",
            is(None, "anonymous", json!(false), false),
            &org,
            true,
        ),
        ("anonymous, negated", is(None, "anonymous", json!(true), true), &org, true),
        (
            "anonymous of a missing kind",
            is(Some("device"), "anonymous", json!(false), false),
            &org,
            false,
        ),
    ] {
        rule(suite, &format!("reference: {name}"), &clauses, context, expected)?;
    }
    let both = json!([
        { "attribute": "plan", "op": "in", "values": ["pro"] },
        { "contextKind": "org", "attribute": "tier", "op": "greaterThan", "values": [2] }
    ]);
    rule(suite, "all clauses must match", &both, &org, false)?;
    rule(suite, "no clauses match all", &json!([]), &org, true)
}

fn rule(
    suite: &mut Suite,
    name: &str,
    clauses: &Value,
    context: &Value,
    expected: bool,
) -> Result<(), Box<dyn Error>> {
    let fields = json!({ "rules": [{ "id": "r", "clauses": clauses, "variation": 1 }] });
    let file = file(&[("f", flag(fields))], json!({}));
    case(suite, name, &file, context, &json!(u8::from(expected)))
}

/// Off, prerequisites, targets, rules, fallthrough.
fn order(suite: &mut Suite) -> Result<(), Box<dyn Error>> {
    let everybody = json!([{ "id": "r", "clauses": [], "variation": 1 }]);
    let needs = |flag: &str, variation: i64| json!([{ "key": flag, "variation": variation }]);
    let user = json!({ "targetingKey": "u1" });
    let off = flag(json!({ "on": false }));
    let on = flag(json!({}));
    for (name, fields, expected) in [
        ("off", json!({ "on": false, "rules": everybody }), json!(9)),
        ("off without a variation", json!({ "on": false, "offVariation": null }), Value::Null),
        ("rule", json!({ "rules": everybody }), json!(1)),
        (
            "target before rule",
            json!({ "rules": everybody, "targets": [{ "values": ["u1"], "variation": 2 }] }),
            json!(2),
        ),
        (
            "first target",
            json!({ "targets": [{ "values": ["u1"], "variation": 2 }, { "values": ["u1"], "variation": 1 }] }),
            json!(2),
        ),
        (
            "prerequisite met",
            json!({ "prerequisites": needs("on", 0), "rules": everybody }),
            json!(1),
        ),
        (
            "prerequisite with another variation",
            json!({ "prerequisites": needs("on", 1), "rules": everybody }),
            json!(9),
        ),
        (
            "prerequisite that is off",
            json!({ "prerequisites": needs("off", 3), "rules": everybody }),
            json!(9),
        ),
        (
            "prerequisite that is missing",
            json!({ "prerequisites": needs("ghost", 0), "rules": everybody }),
            json!(9),
        ),
        (
            "prerequisite that is missing, and no off variation",
            json!({ "prerequisites": needs("ghost", 0), "offVariation": null }),
            Value::Null,
        ),
        (
            "prerequisite before target",
            json!({ "prerequisites": needs("on", 1), "targets": [{ "values": ["u1"], "variation": 2 }] }),
            json!(9),
        ),
        (
            "prerequisite that serves its off variation",
            json!({ "prerequisites": needs("unmet", 3) }),
            json!(0),
        ),
    ] {
        let unmet = flag(json!({ "prerequisites": needs("on", 1) }));
        let flags =
            [("f", flag(fields)), ("on", on.clone()), ("off", off.clone()), ("unmet", unmet)];
        case(suite, &format!("order: {name}"), &file(&flags, json!({})), &user, &expected)?;
    }
    let contexts = json!({
        "targets": [{ "values": ["u1"], "variation": 1 }, { "values": ["u2"], "variation": 2 }],
        "contextTargets": [
            { "contextKind": "user", "values": [], "variation": 1 },
            { "contextKind": "org", "values": ["acme"], "variation": 2 },
            { "contextKind": "user", "values": [], "variation": 2 }
        ]
    });
    for (name, context, expected) in [
        ("user before org", json!({ "targetingKey": "u1", "org": { "key": "acme" } }), 1),
        ("org before the next user", json!({ "targetingKey": "u2", "org": { "key": "acme" } }), 2),
        ("org alone", json!({ "org": { "key": "acme" } }), 2),
        ("nobody", json!({ "targetingKey": "u3" }), 0),
    ] {
        let file = file(&[("f", flag(contexts.clone()))], json!({}));
        case(suite, &format!("context targets: {name}"), &file, &context, &json!(expected))?;
    }
    Ok(())
}

fn segments(suite: &mut Suite) -> Result<(), Box<dyn Error>> {
    let segment = |fields: Value| {
        let mut segment = json!({ "key": "s", "included": [], "excluded": [], "rules": [], "salt": "salt", "version": 1 });
        merge(&mut segment, fields);
        segment
    };
    let pro = json!({ "clauses": [{ "attribute": "plan", "op": "in", "values": ["pro"] }] });
    let context = json!({ "targetingKey": "u1", "plan": "pro", "org": { "key": "acme" } });
    let of_org = |list: &str| json!([{ "contextKind": "org", "values": [list] }]);
    let mut inner = pro.clone();
    merge(&mut inner, json!({ "weight": 0 }));
    let mut whole = pro.clone();
    merge(&mut whole, json!({ "weight": 100_000 }));
    let mut missing_kind = pro.clone();
    merge(&mut missing_kind, json!({ "weight": 1, "rolloutContextKind": "device" }));
    let nested = json!({ "clauses": [{ "attribute": "", "op": "segmentMatch", "values": ["t"] }] });
    for (name, fields, expected) in [
        ("included", json!({ "included": ["u1"] }), true),
        ("included before excluded", json!({ "included": ["u1"], "excluded": ["u1"] }), true),
        ("excluded before rules", json!({ "excluded": ["u1"], "rules": [pro] }), false),
        ("rule", json!({ "rules": [pro] }), true),
        ("included context", json!({ "includedContexts": of_org("acme") }), true),
        (
            "included context before excluded user",
            json!({ "includedContexts": of_org("acme"), "excluded": ["u1"] }),
            true,
        ),
        (
            "excluded context before rules",
            json!({ "excludedContexts": of_org("acme"), "rules": [pro] }),
            false,
        ),
        ("other context", json!({ "includedContexts": of_org("other") }), false),
        ("weight 0", json!({ "rules": [inner] }), false),
        ("weight of all", json!({ "rules": [whole] }), true),
        ("missing kind has bucket 0", json!({ "rules": [missing_kind] }), true),
        ("segment in segment", json!({ "rules": [nested] }), true),
        ("empty", json!({}), false),
    ] {
        for negate in [false, true] {
            let clause = json!({ "attribute": "", "op": "segmentMatch", "values": ["ghost", "s"], "negate": negate });
            let fields_of_flag = json!({ "rules": [{ "clauses": [clause], "variation": 1 }] });
            let segments = json!({ "s": segment(fields.clone()), "t": segment(json!({ "rules": [pro.clone()] })) });
            let file = file(&[("f", flag(fields_of_flag))], segments);
            let name = format!("segment: {name}, negate {negate}");
            case(suite, &name, &file, &context, &json!(u8::from(expected != negate)))?;
        }
    }
    Ok(())
}

/// Buckets that LaunchDarkly's engines publish in their consistency tests: flag key `hashKey`, salt `saltyA`.
fn rollouts(suite: &mut Suite) -> Result<(), Box<dyn Error>> {
    let mut cases = Vec::new();
    for (key, seed, bucket) in [
        ("userKeyA", None, 42_157),
        ("userKeyB", None, 67_084),
        ("userKeyC", None, 10_343),
        ("userKeyA", Some(61), 9_801),
        ("userKeyB", Some(61), 14_483),
        ("userKeyC", Some(61), 92_426),
    ] {
        for (cut, expected) in [(bucket, 1), (bucket + 1, 0)] {
            let rollout = json!({ "variations": [
                { "variation": 0, "weight": cut }, { "variation": 1, "weight": 100_000 - cut }
            ], "seed": seed });
            cases.push((
                format!("{key} seed {seed:?} cut {cut}"),
                rollout,
                json!({ "targetingKey": key }),
                expected,
            ));
        }
    }
    let by = |fields: Value| {
        let mut rollout = json!({ "variations": [
            { "variation": 2, "weight": 0 }, { "variation": 0, "weight": 54_771 }, { "variation": 1, "weight": 45_229 }
        ] });
        merge(&mut rollout, fields);
        rollout
    };
    let with = |value: Value| json!({ "targetingKey": "userKeyD", "x": value });
    let x = || by(json!({ "bucketBy": "x" }));
    // An integer and its text share the bucket 0.54771423.
    cases.push(("by an integer".into(), x(), with(json!(33_333)), 1));
    cases.push(("by its text".into(), x(), with(json!("33333")), 1));
    cases.push(("by a fraction: bucket 0".into(), x(), with(json!(999.999)), 0));
    cases.push(("by a boolean: bucket 0".into(), x(), with(json!(true)), 0));
    cases.push(("by nothing: bucket 0".into(), x(), with(json!(null)), 0));
    let kind = by(json!({ "contextKind": "org" }));
    cases.push(("by a missing kind: bucket 0".into(), kind, with(json!(1)), 0));
    let experiment = by(json!({ "bucketBy": "x", "kind": "experiment", "seed": 61 }));
    cases.push((
        "an experiment goes by key".into(),
        experiment,
        json!({ "targetingKey": "userKeyC", "x": 33_333 }),
        1,
    ));
    let short =
        json!({ "variations": [{ "variation": 0, "weight": 1 }, { "variation": 1, "weight": 1 }] });
    cases.push((
        "the last has what is missing".into(),
        short,
        json!({ "targetingKey": "userKeyB" }),
        1,
    ));
    for (name, rollout, context, expected) in cases {
        for fallthrough in [true, false] {
            let served = json!({ "rollout": rollout });
            let mut fields = json!({ "salt": "saltyA" });
            if fallthrough {
                merge(&mut fields, json!({ "fallthrough": served }));
            } else {
                let mut rule = json!({ "id": "r", "clauses": [] });
                merge(&mut rule, served);
                merge(&mut fields, json!({ "rules": [rule], "fallthrough": { "variation": 3 } }));
            }
            let mut file = file(&[("f", flag(fields))], json!({}));
            file["flags"]["f"]["key"] = json!("hashKey");
            let name = format!("rollout: {name}, fallthrough {fallthrough}");
            case(suite, &name, &file, &context, &json!(expected))?;
        }
    }
    Ok(())
}

/// A malformed flag is an error there, to whom it reaches, and here.
fn errors(suite: &mut Suite) -> Result<(), Box<dyn Error>> {
    let rule = |clause: Value, served: Value| {
        let mut rule = json!({ "id": "r", "clauses": [clause] });
        merge(&mut rule, served);
        json!({ "rules": [rule] })
    };
    let is_x = json!({ "attribute": "x", "op": "in", "values": [1] });
    let nowhere = json!({ "attribute": "", "op": "in", "values": ["a"] });
    let parts = json!([{ "variation": 7, "weight": 42_157 }, { "variation": 1, "weight": 57_843 }]);
    let rollout = json!({ "rollout": { "variations": parts } });
    let by_nothing =
        json!({ "rollout": { "variations": parts, "bucketBy": "/", "contextKind": "user" } });
    let x = json!({ "targetingKey": "userKeyA", "x": 1 });
    let other = json!({ "targetingKey": "userKeyA", "x": 2 });
    let nobody = json!({ "targetingKey": "userKeyB", "x": 1 });
    for (name, fields, context, expected) in [
        ("no attribute", rule(nowhere, json!({ "variation": 1 })), &x, None),
        ("variation that is not there", rule(is_x.clone(), json!({ "variation": 7 })), &x, None),
        ("not reached", rule(is_x.clone(), json!({ "variation": 7 })), &other, Some(0)),
        ("negative variation", json!({ "fallthrough": { "variation": -1 } }), &x, None),
        ("neither variation nor rollout", json!({ "fallthrough": {} }), &x, None),
        ("no fallthrough", json!({ "fallthrough": null }), &x, None),
        ("empty rollout", json!({ "fallthrough": { "rollout": { "variations": [] } } }), &x, None),
        ("invalid bucketBy", json!({ "fallthrough": by_nothing }), &x, None),
        ("part beside it", rule(is_x.clone(), rollout.clone()), &nobody, Some(1)),
        ("target", json!({ "targets": [{ "variation": 7, "values": ["userKeyA"] }] }), &x, None),
        ("other target", json!({ "targets": [{ "variation": 7, "values": ["u"] }] }), &x, Some(0)),
        ("off", json!({ "on": false, "offVariation": 7 }), &x, None),
        ("off without a variation", json!({ "on": false, "offVariation": null }), &x, None),
    ] {
        let file = file(&[("f", flag(fields))], json!({}));
        let world = World::open(import(&file))?;
        let outcome = world.outcome("f", context, NOW)?;
        let got = outcome.get("value").and_then(Value::as_i64);
        let error = outcome.get("reason") == Some(&json!("ERROR"));
        let as_expected = got == expected
            && error == (expected.is_none() && name != "off without a variation")
            && world.refusal("f").is_none();
        let verdict = if as_expected {
            Verdict::Pass
        } else {
            Verdict::Wrong(format!("{:?} {}", world.refusal("f"), Value::Object(outcome)))
        };
        suite.case(format!("error: {name}"), verdict);
    }
    Ok(())
}

/// What cannot be said is refused, and so is what depends on it.
fn refusals(suite: &mut Suite) -> Result<(), Box<dyn Error>> {
    let clause = |clause: Value| json!({ "rules": [{ "clauses": [clause], "variation": 1 }] });
    let match_segment =
        |key: &str| clause(json!({ "attribute": "", "op": "segmentMatch", "values": [key] }));
    let segments = json!({
        "big": { "key": "big", "unbounded": true },
        "loop": { "key": "loop", "rules": [{ "clauses": [{ "attribute": "", "op": "segmentMatch", "values": ["loop"] }] }] }
    });
    for (name, fields, reason) in [
        ("unbounded segment", match_segment("big"), "unbounded"),
        ("segment in itself", match_segment("loop"), "contains itself"),
        (
            "list as a value",
            clause(json!({ "attribute": "x", "op": "in", "values": [["a"]] })),
            "a list or an object",
        ),
        (
            "flags that JavaScript does not know",
            clause(json!({ "attribute": "x", "op": "matches", "values": ["(?i)ABC"] })),
            "regular expression",
        ),
        (
            "escape that JavaScript's engine does not know",
            clause(
                json!({ "contextKind": "user", "attribute": "/a/~0", "op": "in", "values": [3] }),
            ),
            "attribute reference",
        ),
        (
            "day that is none",
            clause(json!({ "attribute": "x", "op": "before", "values": ["2024-02-30T00:00:00Z"] })),
            "a date",
        ),
        (
            "look-ahead",
            clause(json!({ "attribute": "x", "op": "matches", "values": ["a(?=b)"] })),
            "regular expression",
        ),
        (
            "flag that needs itself",
            json!({ "prerequisites": [{ "key": "f", "variation": 0 }] }),
            "lead back to the flag itself",
        ),
        (
            "prefix of kinds",
            clause(json!({ "attribute": "kind", "op": "startsWith", "values": ["o"] })),
            "kinds of context",
        ),
    ] {
        let dependent = flag(json!({ "prerequisites": [{ "key": "f", "variation": 0 }] }));
        let file = file(&[("f", flag(fields)), ("dependent", dependent)], segments.clone());
        let world = World::open(import(&file))?;
        let found = world.refusal("f").unwrap_or("not refused");
        let both = found.contains(reason) && world.refusal("dependent").is_some();
        let verdict = if both { Verdict::Pass } else { Verdict::Wrong(found.to_owned()) };
        suite.case(format!("refused: {name}"), verdict);
    }
    Ok(())
}
