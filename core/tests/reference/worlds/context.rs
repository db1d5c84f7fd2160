//! Random contexts.

use serde_json::{Map, Value, json};

use super::pools::*;
use super::{Random, user};

/// Mostly of the types that conditions expect; else anything that JSON can say.
pub(crate) fn context(random: &mut Random) -> Value {
    if random.percent(1) {
        return random.pick(&[json!(null), json!([]), json!("u1"), json!(7)]).clone();
    }
    let mut attributes = Map::new();
    for name in TOP_NAMES {
        if random.percent(25) {
            continue;
        }
        let wrong = if name == "targetingKey" { 8 } else { 15 };
        let value = if random.percent(wrong) { anything(random, 3) } else { usual(random, name) };
        attributes.insert(name.to_owned(), value);
    }
    if random.below(200) == 0 {
        // About the limits: 8 levels, the context's own among them, and 1,024 attributes.
        let levels = 6 + random.below(3);
        let deep = (0..levels).fold(json!(1), |inside, _| {
            if random.percent(50) { json!([inside]) } else { json!({"deep": inside}) }
        });
        attributes.insert("deep".to_owned(), deep);
        if random.percent(30) {
            let many = (0..1_000 + random.below(40)).map(|number| (number.to_string(), json!(1)));
            attributes.insert("many".to_owned(), Value::Object(many.collect()));
        }
    }
    Value::Object(attributes)
}

fn number(random: &mut Random) -> Value {
    if random.percent(10) { json!(*random.pick(&LARGE_NUMBERS)) } else { super::number(random) }
}

pub(super) fn usual(random: &mut Random, name: &str) -> Value {
    match name {
        "age" if random.percent(40) => json!(random.text(&NUMERALS)),
        "age" => number(random),
        "version" => {
            let pools: [&[&str]; 4] = [&VERSIONS, &VERSIONS, &PARTIAL_VERSIONS, &NO_VERSIONS];
            let pool = *random.pick(&pools);
            json!(random.text(pool))
        }
        "date" => match random.below(10) {
            0..4 => json!(random.text(&DATES)),
            4..6 => json!(random.text(&NO_DATES)),
            6 => number(random),
            // A fraction of a millisecond that binary64 holds exactly.
            7 => json!(random.below(64) as f64 / 32.0 - 1.0),
            8 => json!(*random.pick(&[-253_402_300_800_000_i64, 253_402_300_800_000, 1 << 60])),
            _ => json!(*random.pick(&INSTANTS)),
        },
        "address" => json!(random.text(&ADDRESSES)),
        "beta" => json!(random.percent(50)),
        "org" | "a/b" => object(random, 3),
        "tags" if random.percent(85) => random.list(4, scalar).into(),
        "tags" => random.list(3, |random| anything(random, 2)).into(),
        "orgs" => {
            let element = |random: &mut Random| {
                if random.percent(80) { object(random, 2) } else { anything(random, 2) }
            };
            random.list(3, element).into()
        }
        "targetingKey" if random.percent(20) => {
            json!(*random.pick(&[0i64, 5, -7, 1 << 53, (1 << 53) + 2]))
        }
        "targetingKey" if random.percent(50) => json!(user(random)),
        _ => json!(random.word()),
    }
}

fn object(random: &mut Random, depth: usize) -> Value {
    let mut attributes = Map::new();
    for name in ["tier", "deep", "plan", "m~n", "targetingKey", "tags"] {
        if random.percent(50) {
            let value = match name {
                "deep" if depth > 0 => object(random, depth - 1),
                "tags" => random.list(3, scalar).into(),
                _ if random.percent(60) => json!(random.word()),
                _ => anything(random, depth.saturating_sub(1)),
            };
            attributes.insert(name.to_owned(), value);
        }
    }
    Value::Object(attributes)
}

fn scalar(random: &mut Random) -> Value {
    match random.below(5) {
        0 => json!(random.percent(50)),
        1 | 2 => number(random),
        _ => json!(random.word()),
    }
}

fn anything(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth == 0 { 4 } else { 6 }) {
        0 => Value::Null,
        1 => json!(random.percent(50)),
        2 => number(random),
        3 => json!(random.word()),
        4 => random.list(3, |random| anything(random, depth - 1)).into(),
        _ => object(random, depth - 1),
    }
}
