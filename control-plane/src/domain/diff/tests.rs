//! The sentences by example; that nothing is lost, by applying differences again.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::*;
use crate::ambient::Random;

fn base() -> Value {
    json!({
        "enabled": true,
        "offVariant": "off",
        "fallthrough": { "split": { "by": { "salt": "00" }, "weights": [{ "variant": "on", "weight": 10_000 }, { "variant": "off", "weight": 90_000 }] } },
        "targets": [
            { "variant": "on", "keys": ["user-1", "user-2", "user-3"] },
            { "variant": "off", "unit": "company", "keys": ["acme"], "expires": 0 },
        ],
        "prerequisites": [{ "flag": "login", "variants": ["on"] }],
        "rules": [
            { "id": "north-america", "when": { "all": [
                { "in": { "attribute": "country", "values": ["US", "CA"] } },
                { "equals": { "attribute": "plan", "value": "pro" } },
            ] }, "serve": { "variant": "on" } },
            { "id": "0123456789abcdef0123456789abcdef", "name": "Staff", "when": { "segment": "staff" },
              "serve": { "split": { "by": { "salt": "01" }, "weights": [{ "variant": "on", "weight": 10_000 }, { "variant": "off", "weight": 90_000 }] } } },
            { "id": "fedcba9876543210fedcba9876543210", "from": 0, "when": { "not": { "segment": "bots" } },
              "serve": { "ramp": { "by": { "salt": "02" }, "variants": ["on", "off"], "steps": [{ "at": 0, "weights": [0, 100_000] }, { "at": 60_000, "weights": [100_000, 0] }] } } },
        ],
        "variants": [{ "key": "on", "value": true }, { "key": "off", "value": { "deep": [1, 2] } }],
        "included": ["u1", "u2"],
        "metadata": { "owner": "ada" },
        "tags": ["a", "b"],
    })
}

/// A change of the value at a JSON Pointer.
enum Do {
    Set(&'static str, Value),
    Remove(&'static str),
    Move(&'static str, usize, usize),
    Push(&'static str, Value),
    Insert(&'static str, usize, Value),
}

fn with(change: Do) -> Value {
    let mut value = base();
    match change {
        Do::Set(place, new) => {
            let (parent, name) = place.rsplit_once('/').unwrap();
            match value.pointer_mut(parent).unwrap() {
                Value::Object(fields) => drop(fields.insert(name.to_owned(), new)),
                Value::Array(items) => items[name.parse::<usize>().unwrap()] = new,
                _ => unreachable!(),
            }
        }
        Do::Remove(place) => {
            let (parent, name) = place.rsplit_once('/').unwrap();
            match value.pointer_mut(parent).unwrap() {
                Value::Object(fields) => drop(fields.remove(name).unwrap()),
                Value::Array(items) => drop(items.remove(name.parse().unwrap())),
                _ => unreachable!(),
            }
        }
        Do::Move(place, from, to) => {
            let items = value.pointer_mut(place).unwrap().as_array_mut().unwrap();
            let item = items.remove(from);
            items.insert(to, item);
        }
        Do::Push(place, new) => {
            value.pointer_mut(place).unwrap().as_array_mut().unwrap().push(new);
        }
        Do::Insert(place, at, new) => {
            value.pointer_mut(place).unwrap().as_array_mut().unwrap().insert(at, new);
        }
    }
    value
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap()
}

#[test]
fn sentences() {
    let rule = json!({ "id": "eu", "when": { "equals": { "attribute": "region", "value": "eu" } }, "serve": { "variant": "off" } });
    let weights =
        json!([{ "variant": "on", "weight": 25_000 }, { "variant": "off", "weight": 75_000 }]);
    let cases = [
        (Do::Set("/enabled", json!(false)), "turned off", "/enabled"),
        (Do::Set("/offVariant", json!("on")), "off variant: off -> on", "/offVariant"),
        (Do::Remove("/offVariant"), "off variant: no longer off", "/offVariant"),
        (
            Do::Set("/rules/1/serve/split/weights", weights.clone()),
            "rule 2 (\"Staff\"): weights 10/90 -> 25/75 (on/off)",
            "/rules/0123456789abcdef0123456789abcdef/serve/split/weights",
        ),
        (
            Do::Set("/fallthrough/split/weights", weights),
            "fallthrough: weights 10/90 -> 25/75 (on/off)",
            "/fallthrough/split/weights",
        ),
        (
            Do::Set("/fallthrough", json!({ "variant": "off" })),
            "fallthrough: serves 10 % on, 90 % off -> off",
            "/fallthrough",
        ),
        (
            Do::Set("/fallthrough/split/by/salt", json!("09")),
            "fallthrough: another salt: every unit gets another bucket",
            "/fallthrough/split/by/salt",
        ),
        (
            Do::Set("/rules/0/serve", json!({ "variant": "off" })),
            "rule 1 (\"north-america\"): serves on -> off",
            "/rules/north-america/serve/variant",
        ),
        (
            Do::Move("/rules", 0, 2),
            "rule \"north-america\" moved from 1 to 3",
            "/rules/north-america",
        ),
        (
            Do::Insert("/rules", 1, rule),
            "added rule \"eu\" at 2: if region is eu, serve off",
            "/rules/eu",
        ),
        (
            Do::Remove("/rules/0"),
            "removed rule \"north-america\": if country is one of US, CA and plan is pro, serve on",
            "/rules/north-america",
        ),
        (
            Do::Set("/rules/0/when/all/0/in/values", json!(["US", "CA", "MX"])),
            "rule 1 (\"north-america\"): part 1 if country is one of US, CA -> if country is one of US, CA, MX",
            "/rules/north-america/when/all/0",
        ),
        (
            Do::Push("/rules/0/when/all", json!({ "segment": "beta" })),
            "rule 1 (\"north-america\"): part 3 also: in segment beta",
            "/rules/north-america/when/all/2",
        ),
        (
            Do::Remove("/rules/0/when/all/1"),
            "rule 1 (\"north-america\"): part 2 no longer: plan is pro",
            "/rules/north-america/when/all/1",
        ),
        (
            Do::Set("/rules/2/when", json!({ "segment": "bots" })),
            "rule 3: if not in segment bots -> if in segment bots",
            "/rules/fedcba9876543210fedcba9876543210/when",
        ),
        (
            Do::Set("/rules/2/from", json!(60_000)),
            "rule 3: from: 1970-01-01 00:00 UTC -> 1970-01-01 00:01 UTC",
            "/rules/fedcba9876543210fedcba9876543210/from",
        ),
        (
            Do::Set("/rules/2/serve/ramp/steps/1/at", json!(120_000)),
            "rule 3: ramp: 2 steps from 1970-01-01 00:00 UTC to 1970-01-01 00:01 UTC -> 2 steps from 1970-01-01 00:00 UTC to 1970-01-01 00:02 UTC",
            "/rules/fedcba9876543210fedcba9876543210/serve/ramp/steps",
        ),
        (
            Do::Push("/targets/0/keys", json!("user-7")),
            "added target user-7 -> on",
            "/targets/on/keys",
        ),
        (Do::Remove("/targets/0/keys/1"), "removed target user-2 -> on", "/targets/on/keys"),
        (Do::Remove("/targets/1"), "removed target acme -> off", "/targets/off by company until 0"),
        (
            Do::Push("/prerequisites", json!({ "flag": "a/b", "variants": ["x", "y"] })),
            "added prerequisite: a/b serves x, y",
            "/prerequisites/a~1b",
        ),
        (
            Do::Set("/variants/1/value", json!({ "deep": [1, 3] })),
            "variant \"off\" value: {\"deep\":[1,2]} -> {\"deep\":[1,3]}",
            "/variants/off/value",
        ),
        (Do::Push("/included", json!("u3")), "included u3", "/included"),
        (Do::Remove("/included/0"), "no longer included: u1", "/included"),
        (
            Do::Set("/metadata/owner", json!("grace")),
            "metadata.owner: ada -> grace",
            "/metadata/owner",
        ),
        (Do::Set("/metadata/tier", json!(2.0)), "metadata.tier: now 2", "/metadata/tier"),
        (Do::Remove("/metadata"), "metadata: no longer owner = ada", "/metadata"),
        (
            Do::Set("/holdout", json!({ "holdout": "2027", "variant": "off" })),
            "holdout: now 2027, whose people get off",
            "/holdout",
        ),
        (
            Do::Set("/offVariant", json!("a\u{202e}b\0")),
            "off variant: off -> a\\u{202e}b\\u{0}",
            "/offVariant",
        ),
        (
            Do::Set("/offVariant", json!("\u{5e9}\u{5dc}")),
            "off variant: off -> \u{2068}\u{5e9}\u{5dc}\u{2069}",
            "/offVariant",
        ),
        // Nobody's name ends the sentence and begins another.
        (
            Do::Set("/rules/1/name", json!("a\") moved\n\\")),
            "rule 2 (\"a\\\") moved \\\\\"): name: Staff -> a\") moved \\",
            "/rules/0123456789abcdef0123456789abcdef/name",
        ),
        (Do::Push("/tags", json!("c")), "tags: added c", "/tags"),
        (Do::Set("/clientVisible", json!(true)), "visible to clients", "/clientVisible"),
    ];
    for (change, sentence, path) in cases {
        let after = with(change);
        let entries = diff(object(&base()), object(&after));
        let told: Vec<&str> = entries.iter().map(|entry| entry.sentence.as_str()).collect();
        assert_eq!(told, [sentence]);
        assert_eq!(entries[0].path, path);
    }
}

#[test]
fn created_and_deleted() {
    let told = |before: Option<&Value>, after: Option<&Value>| {
        let entries = diff_optional(before, after);
        entries.into_iter().map(|entry| entry.sentence).collect::<Vec<_>>()
    };
    assert_eq!(told(None, Some(&base())), ["created"]);
    assert_eq!(told(Some(&base()), None), ["deleted"]);
    assert!(told(None, None).is_empty() && told(Some(&base()), Some(&base())).is_empty());
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The second document, from the first and what changed. `after` tells only which lists were compared by name.
fn applied(before: &Value, after: &Value, path: &str, entries: &[Entry]) -> Value {
    let at = |path: &str, kind: Kind| {
        entries.iter().find(|entry| entry.path == path && entry.kind == kind)
    };
    if let Some(entry) = at(path, Kind::Changed) {
        assert_eq!(entry.before.as_ref(), Some(before));
        return entry.after.clone().unwrap();
    }
    match before {
        Value::Object(fields) => {
            let mut made = Map::new();
            for (name, value) in fields {
                let inner = format!("{path}/{}", escaped(name));
                if at(&inner, Kind::Removed).is_none() {
                    let then = after.get(name);
                    let value = applied(value, then.unwrap_or(&Value::Null), &inner, entries);
                    if then.is_some() || value != json!([]) || fields[name] == json!([]) {
                        made.insert(name.clone(), value);
                    }
                }
            }
            let within = |list: &str| {
                entries.iter().any(|entry| {
                    entry.path.starts_with(&format!("{list}/"))
                        || (entry.path == list && entry.kind == Kind::KeysAdded)
                })
            };
            let names = BTreeSet::from_iter(after.as_object().into_iter().flat_map(Map::keys));
            for name in names {
                let inner = format!("{path}/{}", escaped(name));
                if let Some(entry) = at(&inner, Kind::Added) {
                    made.insert(name.clone(), entry.after.clone().unwrap());
                } else if !fields.contains_key(name) && within(&inner) {
                    let items = applied_list(&[], &after[name], &inner, entries);
                    made.insert(name.clone(), Value::Array(items));
                }
            }
            Value::Object(made)
        }
        Value::Array(items) => Value::Array(applied_list(items, after, path, entries)),
        other => other.clone(),
    }
}

fn applied_list(items: &[Value], after: &Value, path: &str, entries: &[Entry]) -> Vec<Value> {
    let of = |kind: Kind| entries.iter().filter(move |entry| entry.kind == kind);
    let keys = |kind: Kind| -> Vec<Value> {
        let entry = of(kind).find(|entry| entry.path == path);
        let list = entry.and_then(|entry| entry.before.as_ref().or(entry.after.as_ref()));
        list.and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let (removed, added) = (keys(Kind::KeysRemoved), keys(Kind::KeysAdded));
    if !removed.is_empty() || !added.is_empty() {
        return items.iter().filter(|item| !removed.contains(item)).cloned().chain(added).collect();
    }
    let field = path.rsplit('/').next().unwrap();
    let names = |items: &[Value]| -> Option<Vec<String>> {
        let names: Vec<String> = items
            .iter()
            .map(|item| identity(field, item).map(|named| named.0))
            .collect::<Option<_>>()?;
        (names.iter().collect::<BTreeSet<_>>().len() == names.len()).then_some(names)
    };
    let newer = after.as_array().map_or(&[][..], Vec::as_slice);
    let both = names(items).zip(names(newer));
    let old_path = |index: usize| match &both {
        Some((old, _)) => format!("{path}/{}", escaped(&old[index])),
        None => format!("{path}/{index}"),
    };
    let new_path = |index: usize| match &both {
        Some((_, new)) => format!("{path}/{}", escaped(&new[index])),
        None => format!("{path}/{index}"),
    };
    let mut made = Vec::new();
    let mut inserted: Vec<(u64, Value)> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let inner = old_path(index);
        if of(Kind::Removed).any(|entry| entry.path == inner) {
            continue;
        }
        let then = (0..newer.len()).find(|index| new_path(*index) == inner);
        let then = then.map_or(&Value::Null, |index| &newer[index]);
        let value = applied(item, then, &inner, entries);
        match of(Kind::Moved).find(|entry| entry.path == inner) {
            Some(entry) => inserted.push((entry.after.as_ref().unwrap().as_u64().unwrap(), value)),
            None => made.push(value),
        }
    }
    for index in 0..newer.len() {
        let inner = new_path(index);
        if let Some(entry) = of(Kind::Added).find(|entry| entry.path == inner) {
            inserted.push((entry.position.unwrap() as u64, entry.after.clone().unwrap()));
        }
    }
    inserted.sort_by_key(|(position, _)| *position);
    for (position, value) in inserted {
        made.insert(position as usize, value);
    }
    made
}

fn below(random: &Random, bound: usize) -> usize {
    random.below(bound as u64).unwrap() as usize
}

/// Every place of the document.
fn places(value: &Value, path: String, all: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                places(value, format!("{path}/{}", escaped(name)), all);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                places(value, format!("{path}/{index}"), all);
            }
        }
        _ => {}
    }
    all.push(path);
}

/// Something else at a random place, whether it is a configuration afterwards or not.
fn mutate(document: &mut Value, random: &Random) {
    let mut all = Vec::new();
    places(document, String::new(), &mut all);
    all.retain(|place| !place.is_empty());
    if all.is_empty() {
        return;
    }
    let place = all[below(random, all.len())].clone();
    let other = document.pointer(&all[below(random, all.len())]).unwrap().clone();
    let text = ["x", "on", "user-9", "0", "a/b", "u1"][below(random, 6)];
    match document.pointer_mut(&place).unwrap() {
        Value::Array(items) if below(random, 4) > 0 => match below(random, 4) {
            0 if !items.is_empty() => drop(items.remove(below(random, items.len()))),
            1 if items.len() > 1 => {
                let item = items.remove(below(random, items.len()));
                items.insert(below(random, items.len() + 1), item);
            }
            2 => items.insert(below(random, items.len() + 1), other),
            _ => items.push(json!(text)),
        },
        Value::Object(fields) if below(random, 4) > 0 => match below(random, 2) {
            0 if !fields.is_empty() => {
                let name = fields.keys().nth(below(random, fields.len())).unwrap().clone();
                fields.remove(&name);
            }
            _ => drop(fields.insert(text.to_owned(), other)),
        },
        value => *value = if below(random, 2) == 0 { json!(below(random, 5)) } else { json!(text) },
    }
}

#[test]
fn nothing_is_lost() {
    let random = &Random::seeded(1);
    let (mut different, mut kinds) = (0, BTreeSet::new());
    for _ in 0..2_000 {
        let mut before = base();
        for _ in 0..below(random, 4) {
            mutate(&mut before, random);
        }
        let mut after = before.clone();
        for _ in 0..1 + below(random, 6) {
            mutate(&mut after, random);
        }
        let entries = diff(object(&before), object(&after));
        assert_eq!(entries.is_empty(), before == after, "{before} {after}");
        assert!(entries.iter().all(|entry| !entry.sentence.is_empty()));
        let made = applied(&before, &after, "", &entries);
        assert_eq!(made, after, "from {before}\nby {entries:#?}");
        different += usize::from(before != after);
        kinds.extend(entries.iter().map(|entry| format!("{:?}", entry.kind)));
    }
    assert!(different > 1_500 && kinds.len() == 6, "{different} {kinds:?}");
}
