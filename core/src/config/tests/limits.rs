//! Each named limit: what is at it compiles and opens, one over is refused where it is written, and a body that has it by force is refused
//! when it is opened, or spoils the one flag.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Map, Value, json};

use super::flag;
use crate::config::compile::{body, borrowed, chunks};
use crate::config::{Access, Admission, CompileError, Configuration, compile, pattern};
use crate::context::Context;
use crate::hash::name_hash;
use crate::limits::*;
use crate::outcome::ErrorCode;
use crate::snapshot::{Kind, Refusal, Snapshot, assemble};

const SALT: &str = "000102030405060708090a0b0c0d0e0f";

/// What a body does that is one over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    /// It is not opened.
    Refused,
    /// The flag that has it answers PARSE_ERROR, and the others as they should.
    Spoils,
    /// Nothing: it bounds what authors write, or is bounded by the bytes of the chunk; a prerequisite that lies too deep is unmet.
    Nothing,
}

struct Limit {
    name: &'static str,
    limit: usize,
    place: &'static str,
    over: Over,
    /// Flags `f` and `sound`, with so many of it.
    configuration: fn(usize) -> Value,
}

/// `f`, changed, and a flag that is sound.
fn changed(change: impl FnOnce(&mut Value)) -> Value {
    let mut whole = flag(change);
    whole["flags"]["sound"] = flag(|_| ())["flags"]["f"].clone();
    whole
}

fn ruled(when: Value) -> Value {
    changed(|flag| flag["rules"] = json!([{"id": "r", "when": when, "serve": {"variant": "on"}}]))
}

fn named(count: usize, prefix: &str, value: &Value) -> Value {
    let all = (0..count).map(|at| (format!("{prefix}{at}"), value.clone()));
    Value::Object(Map::from_iter(all))
}

fn keys(count: usize) -> Value {
    (0..count).map(|at| format!("k{at}")).collect()
}

fn nested(levels: usize) -> Value {
    (1..levels).fold(json!({"exists": {"attribute": "a"}}), |inner, _| json!({"not": inner}))
}

fn split_of(parts: usize) -> Value {
    let weights: Vec<Value> = (0..parts)
        .map(|at| json!({"variant": "on", "weight": if at == 0 { 100_001 - parts } else { 1 }}))
        .collect();
    json!({"split": {"by": {"salt": SALT}, "weights": weights}})
}

fn ramp_of(steps: usize, parts: usize) -> Value {
    let weights: Vec<usize> =
        (0..parts).map(|at| if at == 0 { 100_001 - parts } else { 1 }).collect();
    let steps: Vec<Value> = (0..steps).map(|at| json!({"at": at, "weights": weights})).collect();
    json!({"ramp": {"by": {"salt": SALT}, "variants": alloc::vec!["on"; parts], "steps": steps}})
}

fn limits() -> Vec<Limit> {
    use Over::{Nothing, Refused, Spoils};
    let limit =
        |name, limit, place, over, configuration| Limit { name, limit, place, over, configuration };
    alloc::vec![
        limit("MAX_FLAGS", MAX_FLAGS, "/flags", Refused, |count| {
            let mut whole = changed(|_| ());
            let more = named(count - 2, "g", &whole["flags"]["sound"]);
            whole["flags"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            whole
        }),
        limit("MAX_SEGMENTS", MAX_SEGMENTS, "/segments", Nothing, |count| {
            let mut whole = ruled(json!({"segment": "s0"}));
            whole["segments"] = named(count, "s", &json!({"included": ["k"]}));
            whole
        }),
        limit("MAX_LAYERS (layers)", MAX_LAYERS, "/layers", Nothing, |count| {
            let mut whole = changed(|_| ());
            whole["layers"] = named(count, "l", &json!({"by": {"salt": SALT}}));
            whole
        }),
        limit("MAX_LAYERS (holdouts)", MAX_LAYERS, "/holdouts", Nothing, |count| {
            let mut whole = changed(|_| ());
            whole["holdouts"] = named(count, "h", &json!({"by": {"salt": SALT}, "weight": 1}));
            whole
        }),
        limit("MAX_VARIANTS", MAX_VARIANTS, "/flags/f/variants", Spoils, |count| {
            changed(|flag| {
                let variants = (0..count).map(|at| json!({"key": format!("v{at}"), "value": true}));
                flag["variants"] = variants.collect();
                flag["offVariant"] = "v0".into();
                flag["fallthrough"] = json!({"variant": format!("v{}", count - 1)});
            })
        }),
        limit("MAX_RULES", MAX_RULES, "/flags/f/rules", Spoils, |count| {
            changed(|flag| {
                let rules = (0..count).map(|at| json!({"id": format!("r{at}"), "when": {"any": []}, "serve": {"variant": "on"}}));
                flag["rules"] = rules.collect();
            })
        }),
        limit(
            "MAX_SPLIT_PARTS",
            MAX_SPLIT_PARTS,
            "/flags/f/fallthrough/split/weights",
            Nothing,
            |count| { changed(|flag| flag["fallthrough"] = split_of(count)) }
        ),
        limit(
            "MAX_SPLIT_PARTS (ramp)",
            MAX_SPLIT_PARTS,
            "/flags/f/fallthrough/ramp/variants",
            Spoils,
            |count| { changed(|flag| flag["fallthrough"] = ramp_of(2, count)) }
        ),
        limit(
            "MAX_RAMP_STEPS",
            MAX_RAMP_STEPS,
            "/flags/f/fallthrough/ramp/steps",
            Spoils,
            |count| { changed(|flag| flag["fallthrough"] = ramp_of(count, 2)) }
        ),
        limit(
            "MAX_UNITS",
            usize::from(MAX_UNITS),
            "/flags/f/fallthrough/split/by/fallbackUnits",
            Spoils,
            |count| {
                changed(|flag| {
                    flag["fallthrough"] = split_of(1);
                    flag["fallthrough"]["split"]["by"]["fallbackUnits"] = keys(count - 1);
                })
            }
        ),
        limit("MAX_TARGET_UNITS", MAX_TARGET_UNITS, "/flags/f/targets", Nothing, |count| {
            changed(|flag| {
                let targets = (0..count)
                    .map(|at| json!({"variant": "on", "unit": format!("u{at}"), "keys": ["k"]}));
                flag["targets"] = targets.collect();
            })
        }),
        limit("MAX_PREREQUISITES", MAX_PREREQUISITES, "/flags/f/prerequisites", Nothing, |count| {
            changed(|flag| {
                flag["prerequisites"] =
                    (0..count).map(|_| json!({"flag": "sound", "variants": ["off"]})).collect();
            })
        }),
        limit("MAX_METADATA", MAX_METADATA, "/flags/f/metadata", Nothing, |count| {
            changed(|flag| flag["metadata"] = named(count, "m", &json!(1)))
        }),
        limit(
            "MAX_DESCRIPTION_BYTES",
            MAX_DESCRIPTION_BYTES,
            "/flags/f/description",
            Nothing,
            |count| { changed(|flag| flag["description"] = "x".repeat(count).into()) }
        ),
        limit(
            "MAX_TEXT_BYTES (equals)",
            MAX_TEXT_BYTES,
            "/flags/f/rules/0/when/equals/value",
            Nothing,
            |count| { ruled(json!({"equals": {"attribute": "a", "value": "x".repeat(count)}})) }
        ),
        limit(
            "MAX_TEXT_BYTES (contains)",
            MAX_TEXT_BYTES,
            "/flags/f/rules/0/when/contains/values/0",
            Nothing,
            |count| {
                ruled(json!({"contains": {"attribute": "a", "values": ["x".repeat(count)]}}))
            }
        ),
        limit(
            "MAX_TEXT_BYTES (hash)",
            MAX_TEXT_BYTES,
            "/flags/f/fallthrough/split/by/hash",
            Nothing,
            |count| {
                changed(|flag| {
                    flag["fallthrough"] = split_of(1);
                    flag["fallthrough"]["split"]["by"] =
                        json!({"hash": {"sha1": {"prefix": "x".repeat(count)}}});
                })
            }
        ),
        limit("MAX_LIST (values)", MAX_LIST, "/flags/f/rules/0/when/in/values", Nothing, |count| {
            ruled(json!({"in": {"attribute": "a", "values": keys(count)}}))
        }),
        limit("MAX_LIST (conditions)", MAX_LIST, "/flags/f/rules/0/when/any", Nothing, |count| {
            let any: Vec<Value> = alloc::vec![json!({"exists": {"attribute": "b"}}); count];
            ruled(json!({"any": any}))
        }),
        limit(
            "MAX_SEGMENT_KEYS (included)",
            MAX_SEGMENT_KEYS,
            "/segments/s/included",
            Nothing,
            |count| {
                let mut whole = ruled(json!({"segment": "s"}));
                whole["segments"] = json!({"s": {"included": keys(count)}});
                whole
            }
        ),
        limit(
            "MAX_SEGMENT_KEYS (excluded)",
            MAX_SEGMENT_KEYS,
            "/segments/s/excluded",
            Nothing,
            |count| {
                let mut whole = ruled(json!({"segment": "s"}));
                whole["segments"] = json!({"s": {"excluded": keys(count)}});
                whole
            }
        ),
        limit("MAX_NAME_BYTES (rule)", MAX_NAME_BYTES, "/flags/f/rules/0/id", Nothing, |count| {
            let mut whole = ruled(json!({"any": []}));
            whole["flags"]["f"]["rules"][0]["id"] = "x".repeat(count).into();
            whole
        }),
        limit(
            "MAX_NAME_BYTES (variant)",
            MAX_NAME_BYTES,
            "/flags/f/variants/0/key",
            Nothing,
            |count| { changed(|flag| flag["variants"][0]["key"] = "x".repeat(count).into()) }
        ),
        limit(
            "MAX_NAME_BYTES (attribute)",
            MAX_NAME_BYTES,
            "/flags/f/rules/0/when/exists/attribute",
            Nothing,
            |count| { ruled(json!({"exists": {"attribute": "x".repeat(count)}})) }
        ),
        limit(
            "MAX_NAME_BYTES (key)",
            MAX_NAME_BYTES,
            "/flags/f/targets/0/keys",
            Nothing,
            |count| {
                changed(|flag| {
                    flag["targets"] = json!([{"variant": "on", "keys": ["x".repeat(count)]}])
                })
            }
        ),
        limit(
            "MAX_PATH_NAMES",
            MAX_PATH_NAMES,
            "/flags/f/rules/0/when/exists/attribute",
            Spoils,
            |count| { ruled(json!({"exists": {"attribute": "/a".repeat(count)}})) }
        ),
        limit(
            "MAX_DEPTH (conditions)",
            MAX_DEPTH,
            "/flags/f/rules/0/when/not/not/not/not/not/not/not/not",
            Spoils,
            |count| { ruled(nested(count)) }
        ),
        limit("MAX_DEPTH (flags)", MAX_DEPTH, "/flags/f/prerequisites", Nothing, |count| {
            let mut whole = changed(|flag| {
                flag["prerequisites"] = json!([{"flag": "g1", "variants": ["off"]}])
            });
            for at in 1..=count {
                let mut one = whole["flags"]["sound"].clone();
                if at < count {
                    one["prerequisites"] =
                        json!([{"flag": format!("g{}", at + 1), "variants": ["off"]}]);
                }
                whole["flags"][format!("g{at}")] = one;
            }
            whole
        }),
        limit("MAX_CHUNK_BYTES", chunk_room(), "/flags/f", Refused, valued),
    ]
}

/// A value of so many bytes.
fn valued(bytes: usize) -> Value {
    changed(|flag| {
        flag["type"] = "string".into();
        flag["variants"] =
            json!([{"key": "on", "value": "x".repeat(bytes)}, {"key": "off", "value": ""}]);
    })
}

/// How long a value can be that makes a chunk of exactly its limit: all of its bytes but those of the rest.
fn chunk_room() -> usize {
    let length = |bytes: usize| {
        body(&parsed(valued(bytes)), Kind::Server, Admission::default()).unwrap().len()
    };
    let sound = changed(|_| ());
    let mut alone = sound.clone();
    alone["flags"].as_object_mut().unwrap().remove("f");
    // The index of two chunks has one offset and four slots more.
    let rest =
        length(0) - body(&parsed(alone), Kind::Server, Admission::default()).unwrap().len() - 20;
    MAX_CHUNK_BYTES - rest
}

fn parsed(configuration: Value) -> Configuration {
    serde_json::from_value(configuration).unwrap()
}

fn error(snapshot: &Snapshot, key: &str) -> Option<ErrorCode> {
    let context = json!({"targetingKey": "u", "a": "x"});
    snapshot.evaluate(key, &Context::from_json(&context).unwrap(), 0).error
}

#[test]
fn each_limit_is_checked_where_it_is_written_and_where_it_is_read() {
    let mut wrong: Vec<String> = Vec::new();
    let all = limits();
    for limit in &all {
        let at = parsed((limit.configuration)(limit.limit));
        match compile(&at, Kind::Server, &[]).map_err(|error| error.to_string()) {
            Err(error) => wrong.push(format!("{} at it: {error}", limit.name)),
            Ok(body) => match Snapshot::open(body, Kind::Server) {
                Err(refusal) => wrong.push(format!("{} at it: {refusal}", limit.name)),
                Ok(snapshot) => {
                    if let Some(error) = error(&snapshot, "f") {
                        wrong.push(format!("{} at it: {error:?}", limit.name));
                    }
                }
            },
        }
        let over = parsed((limit.configuration)(limit.limit + 1));
        match compile(&over, Kind::Server, &[]) {
            Err(CompileError::Problems(problems)) => {
                let places: Vec<&str> = problems.iter().map(|problem| &*problem.place).collect();
                if places != [limit.place] {
                    wrong.push(format!("{} one over: {places:?}", limit.name));
                }
            }
            other => {
                wrong.push(format!("{} one over: {:?}", limit.name, other.map(|body| body.len())))
            }
        }
        let opened = body(&over, Kind::Server, Admission::default())
            .ok()
            .and_then(|body| Snapshot::open(body, Kind::Server).ok());
        let found = match opened {
            None => Over::Refused,
            Some(snapshot) if error(&snapshot, "sound").is_some() => panic!("{}", limit.name),
            Some(snapshot) if error(&snapshot, "f") == Some(ErrorCode::ParseError) => Over::Spoils,
            Some(_) => Over::Nothing,
        };
        if found != limit.over {
            wrong.push(format!("{} one over, by force: {found:?}", limit.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(all.len() > 25);
}

#[test]
fn a_client_gets_smaller_bodies_and_segments() {
    let segment = |count: usize| {
        let mut whole = ruled(json!({"segment": "s"}));
        whole["flags"]["f"]["clientVisible"] = true.into();
        whole["segments"] = json!({"s": {"included": keys(count)}});
        compile(&parsed(whole), Kind::Client, &[])
    };
    assert!(segment(MAX_CLIENT_SEGMENT_KEYS).is_ok());
    let refused = segment(MAX_CLIENT_SEGMENT_KEYS + 1).unwrap_err().to_string();
    assert!(refused.starts_with("/flags/f: reaches clients and uses segment `s`"), "{refused}");

    // Five flags of 200 KiB each fit, and six do not; servers take fifty.
    let flags = |count: usize, kind: Kind| {
        let mut one = valued(200 * 1024)["flags"]["f"].clone();
        one["clientVisible"] = true.into();
        one["fallthrough"]["variant"] = "on".into();
        let whole = json!({"format": 1, "flags": named(count, "f", &one)});
        compile(&parsed(whole), kind, &[]).map_err(|error| error.to_string())
    };
    assert!(flags(5, Kind::Client).is_ok() && flags(50, Kind::Server).is_ok());
    let told = |kind: Kind| format!("the {} snapshot is over its limit in bytes", kind.as_str());
    assert_eq!(flags(6, Kind::Client), Err(told(Kind::Client)));
    assert_eq!(flags(52, Kind::Server), Err(told(Kind::Server)));
}

/// Keys whose name hashes have the same upper twelve bits, so that they share a page however many pages there are.
fn keys_of_one_page(count: usize) -> Vec<String> {
    let key = |number: usize| format!("{number:0>width$}", width = MAX_NAME_BYTES);
    (0..).map(key).filter(|key| name_hash(key.as_bytes()) >> 20 == 0).take(count).collect()
}

#[test]
fn a_page_of_keys_is_bounded_where_they_all_fall_on_one() {
    let keys = keys_of_one_page(MAX_PAGE_BYTES / MAX_NAME_BYTES);
    let whole = |count: usize| {
        let mut whole = ruled(json!({"segment": "s"}));
        whole["segments"] = json!({"s": {"included": keys[..count]}});
        parsed(whole)
    };
    let fits = |count: &usize| compile(&whole(*count), Kind::Server, &[]).is_ok();
    let most = (200..keys.len()).rev().find(fits).unwrap();
    let refused = compile(&whole(most + 1), Kind::Server, &[]).unwrap_err().to_string();
    assert!(refused.starts_with("/segments/s: a page of keys of 6"), "{refused}");
    assert!(refused.ends_with("bytes, more than 65536"), "{refused}");
    // By force it spoils the flag that asks for the page.
    for (count, spoiled) in [(most, None), (most + 1, Some(ErrorCode::ParseError))] {
        let made = chunks(&whole(count), Kind::Server);
        let made = made.iter().map(borrowed).collect();
        let snapshot = Snapshot::open(assemble(Kind::Server, made).unwrap(), Kind::Server).unwrap();
        let context = json!({"targetingKey": keys[0]});
        let outcome = snapshot.evaluate("f", &Context::from_json(&context).unwrap(), 0);
        assert_eq!(outcome.error, spoiled);
        assert_eq!(error(&snapshot, "sound"), None);
    }
}

#[test]
fn a_body_has_so_many_chunks() {
    let body = compile(&parsed(changed(|_| ())), Kind::Server, &[]).unwrap();
    let opened = |chunks: usize| {
        let mut body = body.clone();
        body[12..16].copy_from_slice(&(chunks as u32).to_le_bytes());
        Snapshot::open(body, Kind::Server).err()
    };
    // As many as the limit are too many for the bytes that are there, and one more is not even looked for.
    assert_eq!(opened(MAX_CHUNKS), Some(Refusal::MalformedBody));
    assert_eq!(opened(MAX_CHUNKS + 1), Some(Refusal::OverLimits));
}

#[test]
fn an_edge_admits_so_many_keys() {
    let configuration = parsed(changed(|_| ()));
    let admitted = |count: usize| {
        let key = |at: usize| {
            let mut sha256 = [0; 32];
            sha256[..8].copy_from_slice(&at.to_le_bytes());
            Access { sha256, kind: Kind::Server }
        };
        let access: Vec<Access> = (0..count).map(key).collect();
        compile(&configuration, Kind::Edge, &access)
    };
    assert!(admitted(MAX_SDK_KEYS).is_ok());
    assert_eq!(
        admitted(MAX_SDK_KEYS + 1).unwrap_err().to_string(),
        "an environment admits at most 1000 SDK keys"
    );
}

#[test]
fn a_pattern_is_as_large_as_its_automaton() {
    // Anchored: within a text that may begin anywhere the automaton would keep track of every beginning while it is built.
    let written = |letters: usize| format!("^{}", "a".repeat(letters));
    let size = |letters: usize| pattern::compile(&written(letters)).map(|bytes| bytes.len());
    let (mut fits, mut over) = (1, 12_000);
    while over - fits > 1 {
        let middle = usize::midpoint(fits, over);
        if size(middle).is_ok() { fits = middle } else { over = middle }
    }
    let largest = size(fits).unwrap();
    assert!((MAX_AUTOMATON_BYTES - 300..=MAX_AUTOMATON_BYTES).contains(&largest), "{largest}");
    let place = "/flags/f/rules/0/when/matches/pattern";
    let told = format!("{place}: makes an automaton over {MAX_AUTOMATON_BYTES} bytes");
    for (letters, expected) in [(fits, None), (over, Some(told.as_str()))] {
        let whole = ruled(json!({"matches": {"attribute": "a", "pattern": written(letters)}}));
        let refused =
            compile(&parsed(whole), Kind::Server, &[]).err().map(|error| error.to_string());
        let found = refused.as_deref().and_then(|refused| refused.split(": use a simpler").next());
        assert_eq!(found, expected);
    }
}
