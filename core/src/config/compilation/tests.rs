//! However a configuration came to be, change by change: it compiles to the same bytes as the whole, or has the same problems.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::*;
use crate::config::{Access, compile, compile_admitting};

const FLAGS: u64 = 10;

/// Numbers that look random and are the same in each run (Marsaglia, *Xorshift RNGs*, 2003).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }

    fn key(&mut self) -> String {
        format!("flag-{}", self.below(FLAGS))
    }
}

fn documents() -> Value {
    let salt = "000102030405060708090a0b0c0d0e0f";
    let many: Vec<String> = (0..5_000).map(|number| format!("user-{number}")).collect();
    json!({
        "format": 1,
        "attributes": { "salary": { "type": "number", "private": true } },
        "segments": {
            "large": { "included": many, "excluded": ["x"] },
            "outer": { "when": { "any": [{ "segment": "inner" }, { "exists": { "attribute": "a" } }] } },
            "inner": { "when": { "equals": { "attribute": "b", "value": 1 } } },
            "by-flag": { "when": { "flag": { "flag": "flag-0", "variants": ["on"] } } },
            "unused": { "included": ["y"] },
        },
        "layers": { "layer": { "by": { "salt": salt } } },
        "holdouts": { "holdout": { "by": { "salt": salt, "unit": "company" }, "weight": 5_000 } },
    })
}

fn flag(numbers: &mut Numbers) -> Flag {
    let variant = |numbers: &mut Numbers| ["on", "off", "third"][numbers.below(3) as usize];
    let mut rules = Vec::new();
    for id in 0..numbers.below(3) {
        let when = match numbers.below(8) {
            0 => json!({ "segment": "large" }),
            1 => json!({ "segment": "outer" }),
            2 => json!({ "not": { "segment": "by-flag" } }),
            3 => json!({ "flag": { "flag": numbers.key(), "variants": [variant(numbers)] } }),
            4 if numbers.one_in(4) => json!({ "exists": { "attribute": "salary" } }),
            _ => json!({ "in": { "attribute": "country", "values": ["CH", "FR"] } }),
        };
        let mut rule = json!({ "id": format!("r{id}"), "when": when, "serve": { "variant": variant(numbers) } });
        if numbers.one_in(3) {
            rule["layer"] = json!({ "layer": "layer", "from": 0, "to": 1_000 });
        }
        rules.push(rule);
    }
    let mut flag = json!({
        "type": "boolean",
        "enabled": !numbers.one_in(4),
        "clientVisible": !numbers.one_in(3),
        "variants": [{ "key": "on", "value": true }, { "key": "off", "value": false }],
        "offVariant": "off",
        "rules": rules,
        "fallthrough": { "variant": "on" },
    });
    // Most flags have the third variant that some name.
    if !numbers.one_in(6) {
        flag["variants"].as_array_mut().unwrap().push(json!({ "key": "third", "value": true }));
    }
    if numbers.one_in(3) {
        flag["prerequisites"] = json!([{ "flag": numbers.key(), "variants": [variant(numbers)] }]);
    }
    if numbers.one_in(4) {
        flag["holdout"] = json!({ "holdout": "holdout", "variant": "off" });
    }
    if numbers.one_in(4) {
        flag["targets"] = json!([{ "variant": "off", "keys": ["somebody"] }]);
    }
    serde_json::from_value(flag).unwrap()
}

fn texts(problems: &[Problem]) -> BTreeSet<String> {
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn changes_compile_to_what_the_whole_compiles_to() {
    let keys = [Access { sha256: [7; 32], kind: Kind::Client }];
    let origins = ["https://shop.example".into()];
    let admission = Admission { keys: &keys, origins: &origins, requests_per_minute: Some(9) };
    let (mut sound, mut unsound, mut hidden) = (0, 0, 0);
    for seed in 1..=12 {
        let mut numbers = Numbers(seed * 0x9E37_79B9);
        let mut whole: Configuration = serde_json::from_value(documents()).unwrap();
        let mut compilation = Compilation::new(whole.clone());
        for step in 0..60 {
            let before = (whole.clone(), compilation.clone());
            let changes: Vec<(String, Option<Flag>)> = (0..=numbers.below(3))
                .map(|_| (numbers.key(), (!numbers.one_in(5)).then(|| flag(&mut numbers))))
                .collect();
            for (key, flag) in changes.clone() {
                match flag {
                    Some(flag) => drop(whole.flags.insert(key, flag)),
                    None => drop(whole.flags.remove(&key)),
                }
            }
            compilation.change(changes);
            assert_eq!(compilation.configuration(), whole);
            assert_eq!(compilation.flag_count(), whole.flags.len());
            let expected = problems(&whole);
            assert_eq!(texts(compilation.problems()), texts(&expected), "seed {seed} step {step}");
            for kind in Kind::ALL {
                let body = compilation.body(kind, admission);
                assert_eq!(compilation.fits(kind, admission), body.clone().map(drop));
                if expected.is_empty() {
                    let expected = compile_admitting(&whole, kind, admission).unwrap();
                    assert_eq!(body.as_ref(), Ok(&expected), "seed {seed} step {step} {kind:?}");
                    hidden += usize::from(
                        kind == Kind::Client && expected.windows(4).any(|at| at == b"\x01\x02\0\0"),
                    );
                } else {
                    assert!(matches!(body, Err(CompileError::Problems(_))));
                }
            }
            if expected.is_empty() {
                sound += 1;
            } else {
                unsound += 1;
                // As a refused change is: most of the time what was sound goes on.
                if !numbers.one_in(4) {
                    (whole, compilation) = before;
                }
            }
        }
    }
    // The walk has been to all kinds of places.
    assert!(sound > 100 && unsound > 100 && hidden > 30, "{sound} {unsound} {hidden}");
}

#[test]
fn what_is_too_large_is_named_as_in_the_whole() {
    let mut whole: Configuration = serde_json::from_value(documents()).unwrap();
    let mut flag = flag(&mut Numbers(1));
    whole.segments.remove("by-flag");
    let values: Vec<String> = (0..9_999).map(|number| format!("{number:0>40}")).collect();
    let when = json!({ "in": { "attribute": "a", "values": values } });
    let rule = json!({ "id": "r", "when": when, "serve": { "variant": "on" } });
    flag.rules = alloc::vec![serde_json::from_value(rule).unwrap()];
    let mut compilation = Compilation::new(whole.clone());
    compilation.change([("wide".to_string(), Some(flag.clone()))]);
    whole.flags.insert("wide".to_string(), flag);
    let error = compile(&whole, Kind::Server, &[]).unwrap_err();
    assert!(error.to_string().starts_with("/flags/wide: makes "), "{error}");
    assert_eq!(compilation.fits(Kind::Server, Admission::default()), Err(error.clone()));
    assert_eq!(compilation.body(Kind::Server, Admission::default()), Err(error));
}
