//! Random configurations, contexts and instants. Names and values come from small pools, so that they meet often.

use std::collections::BTreeMap;

use pennon_core::config::{
    Comparison, Condition, Configuration, Equals, Exists, FORMAT, Flag, In, NumberComparison, Rule,
    Scalar, Segment, SemverComparison, Serve, Split, Target, Texts, ValueType, Variant, Weight,
};
use pennon_core::limits::MAX_DEPTH;
use serde_json::{Map, Value, json};

/// SplitMix64 (Steele, Lea and Flood, 2014): the same numbers from the same seed on every machine.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `bound`, which is small: the bias does not matter here.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub(crate) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<'p, T>(&mut self, pool: &'p [T]) -> &'p T {
        &pool[self.below(pool.len())]
    }

    fn text(&mut self, pool: &[&str]) -> String {
        (*self.pick(pool)).to_owned()
    }

    fn list<T>(&mut self, most: usize, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(most + 1)).map(|_| one(self)).collect()
    }
}

const TOP_NAMES: [&str; 9] =
    ["plan", "country", "age", "version", "org", "beta", "a/b", "ключ", "targetingKey"];
const REFERENCES: [&str; 15] = [
    "targetingKey",
    "/targetingKey",
    "plan",
    "country",
    "age",
    "version",
    "beta",
    "org",
    "org.tier",
    "/org/tier",
    "/org/deep/plan",
    "/a~1b",
    "/a~1b/m~0n",
    "ключ",
    "nowhere",
];
const UNITS: [&str; 5] = ["targetingKey", "targetingKey", "/org/tier", "age", "plan"];
const WORDS: [&str; 16] = [
    "",
    "pro",
    "Pro",
    "protein",
    "free",
    "u1",
    "u2",
    "u3",
    "5",
    "-7",
    "9007199254740992",
    "true",
    "é",
    "e\u{301}",
    "a longer text that fills more than one block of the hash",
    "1.2.3",
];
const VERSIONS: [&str; 16] = [
    "1.2.3",
    "1.2.3+build.7",
    "1.2.3-0",
    "1.2.3-rc.1",
    "1.2.3-rc.11",
    "1.2.3-rc.2",
    "1.2.3-rc.2.x",
    "1.2.3-rc-x",
    "1.2.4",
    "1.10.0",
    "2.0.0",
    "18446744073709551615.0.0",
    "1.0.0--",
    "1.0.0-99999999999999999999999",
    "1.0.0-99999999999999999999998",
    "0.0.0",
];
const NO_VERSIONS: [&str; 10] = [
    "1.2",
    "1.2.3.4",
    "01.2.3",
    "1.2.3-01",
    "1.2.3-",
    "1.2.3+",
    "1.2.3-a..b",
    "v1.2.3",
    "18446744073709551616.0.0",
    "1.2.3 ",
];
const NUMBERS: [f64; 11] = [
    0.0,
    -0.0,
    5.0,
    -7.0,
    1.5,
    18.0,
    17.999,
    9_007_199_254_740_992.0,
    9_007_199_254_740_994.0,
    1e300,
    -1e-300,
];
/// Around which windows open and targets expire.
const INSTANTS: [i64; 6] = [0, 1, 1_000, 1_700_000_000_000, 1_700_000_001_000, -5];

/// A configuration that compiles.
pub(crate) fn configuration(random: &mut Random) -> Configuration {
    let mut segments = BTreeMap::new();
    // How many levels each segment's condition has: later segments may name earlier ones.
    let mut heights: Vec<(String, usize)> = Vec::new();
    for number in 0..random.below(5) {
        let key = format!("segment-{number}");
        let levels = 1 + random.below(MAX_DEPTH - 1);
        let (when, height) = condition(random, &heights, levels);
        let when = random.percent(80).then_some(when);
        let height = if when.is_some() { height } else { 0 };
        let segment = Segment {
            description: String::new(),
            unit: random.text(&UNITS),
            included: keys(random),
            excluded: keys(random),
            when,
        };
        segments.insert(key.clone(), segment);
        heights.push((key, height));
    }
    let flags = (0..1 + random.below(6))
        .map(|number| (format!("flag-{number}"), flag(random, &heights)))
        .collect();
    Configuration { schema: None, format: FORMAT, attributes: BTreeMap::new(), segments, flags }
}

fn flag(random: &mut Random, heights: &[(String, usize)]) -> Flag {
    let flag_type =
        *random.pick(&[ValueType::Boolean, ValueType::String, ValueType::Number, ValueType::Json]);
    let variants: Vec<Variant> = (0..1 + random.below(4))
        .map(|place| Variant {
            key: format!("variant-{place}"),
            value: match flag_type {
                ValueType::Boolean => json!(random.percent(50)),
                ValueType::String => json!(random.text(&WORDS)),
                ValueType::Number => number(random),
                ValueType::Json => json!({"list": [place, null], "text": random.text(&WORDS)}),
            },
            description: String::new(),
        })
        .collect();
    let mut taken: Vec<(String, String)> = Vec::new();
    let targets = random.list(4, |random| {
        let unit = random.text(&UNITS);
        let mut keys = keys(random);
        keys.retain(|key| {
            let entry = (unit.clone(), key.clone());
            let free = !taken.contains(&entry);
            taken.push(entry);
            free
        });
        let expires = random.percent(50).then(|| *random.pick(&INSTANTS));
        Target { variant: variant(random, &variants), unit, keys, expires }
    });
    let rules = random.list(4, |random| {
        let from = random.percent(25).then(|| *random.pick(&INSTANTS));
        let to = random.percent(25).then(|| *random.pick(&INSTANTS));
        let to = to.filter(|to| from.is_none_or(|from| from < *to));
        let levels = if random.percent(10) { MAX_DEPTH } else { 1 + random.below(3) };
        let (when, _) = condition(random, heights, levels);
        let serve = serve(random, &variants);
        Rule { id: format!("rule-{:x}", random.next()), name: String::new(), from, to, when, serve }
    });
    Flag {
        flag_type,
        description: String::new(),
        client_visible: random.percent(50),
        enabled: random.percent(92),
        off_variant: random.percent(70).then(|| variant(random, &variants)),
        targets: if random.percent(50) { targets } else { Vec::new() },
        rules,
        fallthrough: serve(random, &variants),
        variants,
    }
}

fn number(random: &mut Random) -> Value {
    // With and without a fraction: JSON has one type of number and two ways to write it.
    let number = *random.pick(&NUMBERS);
    let integer = number as i64;
    if number.abs() < 1e15 && integer as f64 == number && random.percent(50) {
        json!(integer)
    } else {
        json!(number)
    }
}

fn variant(random: &mut Random, variants: &[Variant]) -> String {
    random.pick(variants).key.clone()
}

/// Distinct, none empty; now and then many.
fn keys(random: &mut Random) -> Vec<String> {
    let mut keys = random.list(8, |random| random.text(&WORDS));
    if random.percent(10) {
        keys.extend(random.list(300, user));
    }
    keys.retain(|key| !key.is_empty());
    keys.sort();
    keys.dedup();
    keys
}

/// One of more users than the small pools hold.
fn user(random: &mut Random) -> String {
    format!("user-{}", random.below(500))
}

fn serve(random: &mut Random, variants: &[Variant]) -> Serve {
    if random.percent(50) {
        return Serve::Variant(variant(random, variants));
    }
    let mut left = 100_000;
    let mut weights = Vec::new();
    for _ in 0..random.below(4) {
        let weight = [0, 1, 25_000, 33_333, random.below(left as usize + 1) as u32];
        let weight = (*random.pick(&weight)).min(left);
        left -= weight;
        weights.push(Weight { variant: variant(random, variants), weight });
    }
    weights.push(Weight { variant: variant(random, variants), weight: left });
    let salt = format!("{:016x}{:016X}", random.next(), random.next());
    Serve::Split(Split { unit: random.text(&UNITS), salt, weights })
}

/// A condition of at most `levels` levels, and how many it has, those of segments included.
fn condition(
    random: &mut Random,
    heights: &[(String, usize)],
    levels: usize,
) -> (Condition, usize) {
    let inner = levels.saturating_sub(1);
    let mut height = 0;
    let mut children = |random: &mut Random, most: usize| {
        random.list(most, |random| {
            let (child, tall) = condition(random, heights, inner);
            height = height.max(tall);
            child
        })
    };
    let node = match random.below(10) {
        0..2 if inner > 0 => Condition::All(children(random, 3)),
        2..4 if inner > 0 => Condition::Any(children(random, 3)),
        4 if inner > 0 => {
            let (child, tall) = condition(random, heights, inner);
            height = tall;
            Condition::Not(Box::new(child))
        }
        5 => {
            let fitting: Vec<_> = heights.iter().filter(|(_, tall)| *tall <= inner).collect();
            if fitting.is_empty() {
                operator(random)
            } else {
                let (key, tall) = *random.pick(&fitting);
                height = *tall;
                Condition::Segment(key.clone())
            }
        }
        _ => operator(random),
    };
    (node, height + 1)
}

fn operator(random: &mut Random) -> Condition {
    let attribute = random.text(&REFERENCES);
    let comparison = *random.pick(&[
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Equal,
        Comparison::GreaterOrEqual,
        Comparison::Greater,
        Comparison::NotEqual,
    ]);
    match random.below(8) {
        0 => Condition::Exists(Exists { attribute }),
        1 => Condition::Equals(Equals { attribute, value: scalar(random) }),
        2 if random.percent(20) => {
            let values = keys(random).into_iter().map(Scalar::String).collect();
            Condition::In(In { attribute, values })
        }
        2 => Condition::In(In { attribute, values: random.list(12, scalar) }),
        3 => Condition::Contains(texts(random, attribute)),
        4 => Condition::StartsWith(texts(random, attribute)),
        5 => Condition::EndsWith(texts(random, attribute)),
        6 => {
            let value = *random.pick(&NUMBERS);
            Condition::Number(NumberComparison { attribute, is: comparison, value })
        }
        _ => {
            let attribute = if random.percent(70) { "version".to_owned() } else { attribute };
            let value = random.text(&VERSIONS);
            Condition::Semver(SemverComparison { attribute, is: comparison, value })
        }
    }
}

fn texts(random: &mut Random, attribute: String) -> Texts {
    Texts { attribute, values: random.list(3, |random| random.text(&WORDS)) }
}

fn scalar(random: &mut Random) -> Scalar {
    match random.below(5) {
        0 => Scalar::Boolean(random.percent(50)),
        1 | 2 => Scalar::Number(*random.pick(&NUMBERS)),
        _ => Scalar::String(random.text(&WORDS)),
    }
}

/// A flag that there is, or, rarely, one that there is not.
pub(crate) fn flag_key(random: &mut Random, configuration: &Configuration) -> String {
    let keys: Vec<&String> = configuration.flags.keys().collect();
    if random.percent(2) { "flag-99".to_owned() } else { (*random.pick(&keys)).clone() }
}

/// At, or a millisecond beside, the instants at which windows open and targets expire.
pub(crate) fn now(random: &mut Random) -> i64 {
    *random.pick(&INSTANTS) + random.below(3) as i64 - 1
}

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
        let wrong = if name == "targetingKey" { 8 } else { 20 };
        let value = if random.percent(wrong) {
            anything(random, 3)
        } else {
            match name {
                "age" => number(random),
                "version" if random.percent(80) => json!(random.text(&VERSIONS)),
                "version" => json!(random.text(&NO_VERSIONS)),
                "beta" => json!(random.percent(50)),
                "org" | "a/b" => object(random, 3),
                "targetingKey" if random.percent(20) => {
                    json!(*random.pick(&[0i64, 5, -7, 1 << 53, (1 << 53) + 2]))
                }
                "targetingKey" if random.percent(30) => json!(user(random)),
                _ => json!(random.text(&WORDS)),
            }
        };
        attributes.insert(name.to_owned(), value);
    }
    Value::Object(attributes)
}

fn object(random: &mut Random, depth: usize) -> Value {
    let mut attributes = Map::new();
    for name in ["tier", "deep", "plan", "m~n", "targetingKey"] {
        if random.percent(50) {
            let value = match name {
                "deep" if depth > 0 => object(random, depth - 1),
                _ if random.percent(60) => json!(random.text(&WORDS)),
                _ => anything(random, depth.saturating_sub(1)),
            };
            attributes.insert(name.to_owned(), value);
        }
    }
    Value::Object(attributes)
}

fn anything(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth == 0 { 4 } else { 6 }) {
        0 => Value::Null,
        1 => json!(random.percent(50)),
        2 => number(random),
        3 => json!(random.text(&WORDS)),
        4 => random.list(3, |random| anything(random, depth - 1)).into(),
        _ => object(random, depth - 1),
    }
}
