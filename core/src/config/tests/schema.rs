//! The JSON Schema and what the program reads.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
extern crate std;

use jsonschema::Validator;
use serde_json::{Value, json};

use super::{flag, rules};
use crate::config::{Configuration, schema};

fn validator() -> Validator {
    jsonschema::validator_for(&schema()).expect("a schema")
}

fn read(configuration: &Value) -> Result<Configuration, String> {
    serde_json::from_value(configuration.clone()).map_err(|error| error.to_string())
}

/// The configurations of all vectors, and the sample.
fn written() -> Vec<(String, Value)> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let parse = |path: &std::path::Path| -> Value {
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    };
    let sample = parse(&root.join("../examples/sample/config.json"));
    let mut written = alloc::vec![("sample".to_string(), sample)];
    for entry in std::fs::read_dir(root.join("spec/vectors")).unwrap() {
        let path = entry.unwrap().path();
        written.push((path.display().to_string(), parse(&path)["config"].take()));
    }
    assert!(written.len() > 20, "{} configurations", written.len());
    written
}

#[test]
fn what_is_written_is_valid() {
    let validator = validator();
    for (name, configuration) in written() {
        let wrong: Vec<String> = validator
            .iter_errors(&configuration)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(wrong.is_empty(), "{name}: {wrong:?}");
        assert!(read(&configuration).is_ok(), "{name}");
    }
}

#[test]
fn what_is_no_configuration_is_refused_by_both() {
    let validator = validator();
    let text = |word: &str, operand: Value| rules(json!({word: operand}));
    let cases = [
        ("no object", json!([])),
        ("no format", json!({"flags": {}})),
        ("a format in words", json!({"format": "1", "flags": {}})),
        ("an unknown part", json!({"format": 1, "flags": {}, "more": 1})),
        ("flags as a list", json!({"format": 1, "flags": [1]})),
        ("an unknown field", flag(|flag| flag["colour"] = 1.into())),
        ("an unknown type", flag(|flag| flag["type"] = "colour".into())),
        ("no type", flag(|flag| drop(flag.as_object_mut().unwrap().remove("type")))),
        ("no fallthrough", flag(|flag| drop(flag.as_object_mut().unwrap().remove("fallthrough")))),
        ("on in words", flag(|flag| flag["enabled"] = "yes".into())),
        ("a variant without a value", flag(|flag| flag["variants"] = json!([{"key": "on"}]))),
        (
            "a negative weight",
            flag(|flag| {
                flag["fallthrough"] =
                    json!({"split": {"by": {}, "weights": [{"variant": "on", "weight": -1}]}});
            }),
        ),
        (
            "half a weight",
            flag(|flag| {
                flag["fallthrough"] =
                    json!({"split": {"by": {}, "weights": [{"variant": "on", "weight": 0.5}]}});
            }),
        ),
        (
            "two things to serve",
            flag(|flag| flag["fallthrough"] = json!({"variant": "on", "split": {}})),
        ),
        ("nothing to serve", flag(|flag| flag["fallthrough"] = json!({}))),
        ("metadata that is a list", flag(|flag| flag["metadata"] = json!({"a": []}))),
        ("an unknown operator", text("resembles", json!({"attribute": "a"}))),
        ("two operators", rules(json!({"all": [], "any": []}))),
        ("an operator with more", text("exists", json!({"attribute": "a", "value": 1}))),
        ("an operator without its attribute", text("equals", json!({"value": 1}))),
        ("an unknown comparison", text("number", json!({"attribute": "a", "is": "~", "value": 1}))),
        ("a number in words", text("number", json!({"attribute": "a", "is": "<", "value": "1"}))),
        ("a value that is an object", text("equals", json!({"attribute": "a", "value": {}}))),
        ("texts that are one", text("contains", json!({"attribute": "a", "values": "x"}))),
        (
            "a type that contexts have not",
            text("is_type", json!({"attribute": "a", "type": "semver"})),
        ),
    ];
    for (name, configuration) in cases {
        assert!(!validator.is_valid(&configuration), "{name} passes the schema");
        assert!(read(&configuration).is_err(), "{name} is read");
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }
}

/// One place, anywhere in the value.
fn place<'v>(value: &'v mut Value, random: &mut Random) -> &'v mut Value {
    let inside = match value {
        Value::Array(list) => list.len(),
        Value::Object(object) => object.len(),
        _ => 0,
    };
    if inside == 0 || random.below(8) == 0 {
        return value;
    }
    let at = random.below(inside);
    match value {
        Value::Array(list) => place(&mut list[at], random),
        Value::Object(object) => place(object.values_mut().nth(at).unwrap(), random),
        other => other,
    }
}

/// Changes one thing.
fn mutate(value: &mut Value, random: &mut Random) {
    let place = place(value, random);
    let others = [
        json!(null),
        json!(true),
        json!(""),
        json!("on"),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!(4_294_967_296_u64),
        json!(9_007_199_254_740_993_u64),
        json!({}),
        json!({"variant": "on"}),
    ];
    match place {
        Value::Object(object) if !object.is_empty() && random.below(3) > 0 => {
            let key = object.keys().nth(random.below(object.len())).unwrap().clone();
            let taken = object.remove(&key);
            match random.below(3) {
                0 => {}
                1 => drop(object.insert(format!("{key}x"), taken.unwrap_or_default())),
                _ => {
                    object.insert(key, taken.unwrap_or_default());
                    object.insert("more".into(), others[random.below(others.len())].clone());
                }
            }
        }
        Value::Array(list) if !list.is_empty() && random.below(2) == 0 => {
            list.push(others[random.below(others.len())].clone());
        }
        other => *other = others[random.below(others.len())].clone(),
    }
}

/// What the schema refuses is not read either. The other way round the program is stricter: it refuses integers that JavaScript has not,
/// and numbers that are written with a fraction or an exponent where integers belong.
#[test]
fn what_the_schema_refuses_is_not_read() {
    let validator = validator();
    let mut random = Random(7);
    let (mut both, mut neither, mut stricter) = (0, 0, 0);
    for (name, configuration) in written() {
        for _ in 0..100 {
            let mut mutated = configuration.clone();
            mutate(&mut mutated, &mut random);
            match (validator.is_valid(&mutated), read(&mutated)) {
                (true, Ok(_)) => both += 1,
                (false, Err(_)) => neither += 1,
                (false, Ok(_)) => {
                    let why: Vec<String> = validator
                        .iter_errors(&mutated)
                        .map(|error| format!("{}: {error}", error.instance_path()))
                        .collect();
                    panic!("{name}: read in spite of {why:?}");
                }
                (true, Err(why)) => {
                    let number = ["2^53", "floating point", "invalid value: integer"];
                    assert!(number.iter().any(|word| why.contains(word)), "{name}: {why}");
                    stricter += 1;
                }
            }
        }
    }
    assert!(both > 100 && neither > 500 && stricter > 5, "{both} {neither} {stricter}");
}
