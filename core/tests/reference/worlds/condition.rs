//! Random conditions.

use pennon_core::config::{
    BucketRange, Comparison, Condition, ContextType, DatetimeComparison, DeepEquals, Equals,
    Exists, In, Instant, IsType, Matches, NumberComparison, Prerequisite, Scalar, SemverComparison,
    SomeElement, TextComparison, Texts, TimeComparison,
};

use serde_json::{Value, json};

use super::pools::*;
use super::{Ground, Random, bucketing, keys, share};

/// A condition of at most `levels` levels, and how many it has, those of segments included. `inside` of an element of a list, names are
/// the element's.
pub(super) fn condition(
    random: &mut Random,
    ground: &Ground,
    levels: usize,
    inside: bool,
) -> (Condition, usize) {
    let inner = levels.saturating_sub(1);
    let mut height = 0;
    let mut child = |random: &mut Random, inside: bool| {
        let (child, tall) = condition(random, ground, inner, inside);
        height = height.max(tall);
        child
    };
    let node = match random.below(20) {
        0..4 if inner > 0 => Condition::All(random.list(3, |random| child(random, inside))),
        4..8 if inner > 0 => Condition::Any(random.list(3, |random| child(random, inside))),
        8..10 if inner > 0 => Condition::Not(Box::new(child(random, inside))),
        10..12 if inner > 0 => {
            let lists = ["tags", "orgs", "orgs", "/org/deep"];
            let pool: &[&str] = if inside { &ELEMENT_REFERENCES } else { &lists };
            let attribute = random.text(pool);
            let when = child(random, true);
            Condition::Some(Box::new(SomeElement { attribute, when }))
        }
        12 => {
            let fitting: Vec<_> =
                ground.segments.iter().filter(|(_, tall)| *tall <= inner).collect();
            if fitting.is_empty() {
                return operator(random, levels, inside);
            }
            let (key, tall) = *random.pick(&fitting);
            height = *tall;
            Condition::Segment(key.clone())
        }
        13 => match prerequisite(random, ground) {
            Some(prerequisite) => Condition::Flag(prerequisite),
            None => return operator(random, levels, inside),
        },
        14 if random.percent(70) => {
            let by = bucketing(random);
            let ends = [share(random, by.size()), share(random, by.size())];
            let (from, below) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
            Condition::Bucket(BucketRange { by, from, below })
        }
        15 if random.percent(40) => Condition::Error("an error there too".to_owned()),
        14 => Condition::Now(Instant { is: comparison(random), value: *random.pick(&INSTANTS) }),
        _ => return operator(random, levels, inside),
    };
    (node, height + 1)
}

/// Another flag, one of those that there are already, and some of its variants.
pub(super) fn prerequisite(random: &mut Random, ground: &Ground) -> Option<Prerequisite> {
    if ground.flags.is_empty() {
        return None;
    }
    let (flag, variants) = random.pick(&ground.flags).clone();
    let mut variants: Vec<String> = variants.into_iter().filter(|_| random.percent(60)).collect();
    if variants.is_empty() {
        variants.push("variant-0".to_owned());
    }
    Some(Prerequisite { flag, variants })
}

/// One question about an attribute, and how many levels it has.
pub(super) fn operator(random: &mut Random, levels: usize, inside: bool) -> (Condition, usize) {
    let ignore_case = random.percent(35);
    // What list operators become when they are compiled counts as levels too.
    let compiled = |height: usize| height + usize::from(ignore_case);
    let likely: &[&str] = match random.below(4) {
        _ if inside => &ELEMENT_REFERENCES,
        0 => &REFERENCES,
        _ => &[],
    };
    let attribute = |random: &mut Random, usual: &[&str]| {
        random.text(if likely.is_empty() { usual } else { likely })
    };
    let words: &[&str] = &["plan", "country", "/org/tier", "ключ", "targetingKey"];
    let node = match random.below(28) {
        0 => Condition::Exists(Exists { attribute: random.text(&REFERENCES) }),
        1 => {
            let value_type = *random.pick(&[
                ContextType::Boolean,
                ContextType::String,
                ContextType::Number,
                ContextType::List,
                ContextType::Object,
            ]);
            let attribute = attribute(random, &["org", "tags", "age", "beta", "plan", "orgs"]);
            Condition::IsType(IsType { attribute, value_type })
        }
        2..4 => Condition::Equals(Equals {
            attribute: attribute(random, &["plan", "country", "age", "beta"]),
            value: scalar(random),
            ignore_case,
        }),
        4..6 if levels >= compiled(1) => {
            let many = random.percent(20);
            let values = if many {
                keys(random).into_iter().map(Scalar::String).collect()
            } else {
                random.list(12, scalar)
            };
            let list = In { attribute: attribute(random, words), values, ignore_case };
            return (Condition::In(list), compiled(1));
        }
        6 => Condition::Contains(texts(random, attribute, words, ignore_case)),
        7 => Condition::StartsWith(texts(random, attribute, words, ignore_case)),
        8 => Condition::EndsWith(texts(random, attribute, words, ignore_case)),
        // An automaton takes a while to build.
        9 if random.percent(60) => Condition::Matches(Matches {
            attribute: attribute(random, words),
            pattern: random.text(&PATTERNS),
        }),
        10 => Condition::Text(TextComparison {
            attribute: attribute(random, words),
            is: comparison(random),
            value: random.word(),
        }),
        11..13 => Condition::Number(NumberComparison {
            attribute: attribute(random, &["age"]),
            is: comparison(random),
            value: *random.pick(&NUMBERS),
            parse: random.percent(60),
        }),
        13..15 => Condition::Datetime(DatetimeComparison {
            attribute: attribute(random, &["date"]),
            is: comparison(random),
            value: random.text(&DATES),
        }),
        15..17 => {
            let partial = random.percent(50);
            let pool: &[&str] =
                if partial && random.percent(50) { &PARTIAL_VERSIONS } else { &VERSIONS };
            Condition::Semver(SemverComparison {
                attribute: attribute(random, &["version"]),
                is: comparison(random),
                value: random.text(pool),
                partial,
            })
        }
        17 => {
            let pools: [&[&str]; 3] = [&VERSIONS, &PARTIAL_VERSIONS, &NO_VERSIONS];
            let pool = *random.pick(&pools);
            Condition::PaddedVersion(TextComparison {
                attribute: attribute(random, &["version"]),
                is: comparison(random),
                value: random.text(pool),
            })
        }
        18 => Condition::IpInCidr(Texts {
            attribute: attribute(random, &["address"]),
            values: random.list(3, |random| random.text(&NETWORKS)),
            ignore_case,
        }),
        19 => Condition::Size(NumberComparison {
            attribute: attribute(random, &["tags", "orgs"]),
            is: comparison(random),
            value: *random.pick(&[0.0, 1.0, 1.5, 2.0, -1.0]),
            parse: false,
        }),
        20..22 if levels >= compiled(2) => {
            let list = list(random, attribute, ignore_case);
            return (Condition::AnyOf(list), compiled(2));
        }
        22..24 if levels >= compiled(3) => {
            let list = list(random, attribute, ignore_case);
            return (Condition::AllOf(list), compiled(3));
        }
        24 if levels >= compiled(4) => {
            let list = list(random, attribute, ignore_case);
            return (Condition::NoneOf(list), compiled(4));
        }
        25..27 => {
            let attribute = attribute(random, &["org", "tags", "beta", "/org/tier"]);
            Condition::DeepEquals(DeepEquals { attribute, value: whole(random) })
        }
        27 => Condition::UnixTime(TimeComparison {
            attribute: attribute(random, &["age", "date"]),
            is: comparison(random),
            parse: random.percent(50),
        }),
        _ => Condition::Equals(Equals {
            attribute: attribute(random, words),
            value: Scalar::String(random.word()),
            ignore_case,
        }),
    };
    (node, 1)
}

fn comparison(random: &mut Random) -> Comparison {
    *random.pick(&[
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Equal,
        Comparison::GreaterOrEqual,
        Comparison::Greater,
        Comparison::NotEqual,
    ])
}

fn texts(
    random: &mut Random,
    attribute: impl Fn(&mut Random, &[&str]) -> String,
    usual: &[&str],
    ignore_case: bool,
) -> Texts {
    let values = random.list(3, |random| {
        // A part of a word is found more often than a word.
        let word = random.word();
        let characters: Vec<char> = word.chars().collect();
        let from = random.below(characters.len() + 1);
        let to = from + random.below(characters.len() - from + 1);
        let whole = random.percent(50);
        if whole { word } else { characters[from..to].iter().collect() }
    });
    Texts { attribute: attribute(random, usual), values, ignore_case }
}

fn list(
    random: &mut Random,
    attribute: impl Fn(&mut Random, &[&str]) -> String,
    ignore_case: bool,
) -> In {
    let values = random.list(3, scalar);
    In { attribute: attribute(random, &["tags", "tags", "orgs"]), values, ignore_case }
}

/// What a context may hold: as contexts have it, or of a few words.
fn whole(random: &mut Random) -> Value {
    loop {
        let name = *random.pick(&["org", "tags", "orgs", "a/b", "age", "plan"]);
        let value = match random.below(4) {
            0 => super::context::usual(random, name),
            1 => random.list(2, |random| json!(random.word())).into(),
            2 => json!({ "tier": random.word() }),
            _ => json!(random.percent(50)),
        };
        if !value.is_null() && bounded(&value) {
            return value;
        }
    }
}

/// Without integers that a configuration refuses.
fn bounded(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_f64().is_some_and(|number| number.abs() < 1e15),
        Value::Array(list) => list.iter().all(bounded),
        Value::Object(object) => object.values().all(bounded),
        _ => true,
    }
}

pub(super) fn scalar(random: &mut Random) -> Scalar {
    match random.below(5) {
        0 => Scalar::Boolean(random.percent(50)),
        1 => Scalar::Number(*random.pick(&NUMBERS[..5])),
        2 => Scalar::Number(*random.pick(&NUMBERS)),
        _ => Scalar::String(random.word()),
    }
}
