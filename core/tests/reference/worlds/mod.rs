//! Random configurations, contexts and instants.

mod condition;
mod context;
mod pools;

use std::collections::{BTreeMap, BTreeSet};

use pennon_core::config::{
    Bucketing, Configuration, FORMAT, Flag, FnvPrefix, FnvSuffix, HeldOut, Holdout, Layer,
    LayerSlot, Murmur3, Prerequisite, Ramp, RampStep, Rule, Segment, Serve, Sha1Prefix, Split,
    Target, ValueType, Variant, VendorHash, Weight,
};
use pennon_core::limits::MAX_DEPTH;
use serde_json::{Value, json};

use condition::{condition, operator, prerequisite, scalar};
pub(crate) use context::context;
use pools::*;

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

    /// From `first` to `last`.
    pub(crate) fn between(&mut self, first: i64, last: i64) -> i64 {
        first + (self.next() % (last - first + 1) as u64) as i64
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

    /// Mostly one of a few.
    fn word(&mut self) -> String {
        let few = self.percent(60);
        self.text(if few { &WORDS[..COMMON_WORDS] } else { &WORDS })
    }

    fn list<T>(&mut self, most: usize, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(most + 1)).map(|_| one(self)).collect()
    }
}

/// What there is already, for conditions to name.
#[derive(Default)]
struct Ground {
    /// With the levels of its condition.
    segments: Vec<(String, usize)>,
    /// With its variants.
    flags: Vec<(String, Vec<String>)>,
    layers: BTreeMap<String, Layer>,
    holdouts: BTreeMap<String, Holdout>,
}

/// A configuration that compiles.
pub(crate) fn configuration(random: &mut Random) -> Configuration {
    let mut ground = Ground::default();
    for number in 0..random.below(3) {
        let by = bucketing(random);
        ground.layers.insert(format!("layer-{number}"), Layer { by });
        let by = bucketing(random);
        let weight = share(random, by.size());
        ground.holdouts.insert(format!("holdout-{number}"), Holdout { by, weight });
    }
    // Segments name flags, and flags segments. A flag names earlier ones: nine in a row are as many as may depend on each other.
    let chain = random.percent(4);
    let count = if chain { MAX_DEPTH + 1 } else { 1 + random.below(6) };
    let before_segments = random.below(count + 1);
    let (mut flags, mut segments) = (BTreeMap::new(), BTreeMap::new());
    for number in 0..count {
        if number == before_segments {
            segments = self::segments(random, &mut ground);
        }
        let mut flag = flag(random, &ground);
        let variants = flag.variants.iter().map(|variant| variant.key.clone()).collect();
        if let Some((key, variants)) = ground.flags.last().filter(|_| chain) {
            flag.enabled = true;
            let needed = Prerequisite { flag: key.clone(), variants: variants.clone() };
            flag.prerequisites = vec![needed];
        }
        let key = format!("flag-{number}");
        ground.flags.push((key.clone(), variants));
        flags.insert(key, flag);
    }
    Configuration {
        schema: None,
        format: FORMAT,
        attributes: BTreeMap::new(),
        segments,
        layers: ground.layers,
        holdouts: ground.holdouts,
        flags,
    }
}

/// Flags that ask one thing each, so that every operator meets many values.
pub(crate) fn operators(random: &mut Random) -> Configuration {
    let flag = |random: &mut Random| {
        let when = operator(random, MAX_DEPTH, false).0;
        let rule = Rule {
            id: "holds".to_owned(),
            name: String::new(),
            from: None,
            to: None,
            layer: None,
            when,
            serve: Serve::Variant("variant-0".to_owned()),
        };
        Flag {
            enabled: true,
            prerequisites: Vec::new(),
            targets: Vec::new(),
            holdout: None,
            rules: vec![rule],
            ..self::flag(random, &Ground::default())
        }
    };
    Configuration {
        schema: None,
        format: FORMAT,
        attributes: BTreeMap::new(),
        segments: BTreeMap::new(),
        layers: BTreeMap::new(),
        holdouts: BTreeMap::new(),
        flags: (0..20).map(|number| (format!("flag-{number}"), flag(random))).collect(),
    }
}

/// Later ones may name earlier ones.
fn segments(random: &mut Random, ground: &mut Ground) -> BTreeMap<String, Segment> {
    let mut segments = BTreeMap::new();
    for number in 0..random.below(5) {
        let key = format!("segment-{number}");
        let levels = 1 + random.below(MAX_DEPTH - 1);
        let (when, height) = condition(random, ground, levels, false);
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
        ground.segments.push((key, height));
    }
    segments
}

fn flag(random: &mut Random, ground: &Ground) -> Flag {
    let flag_type =
        *random.pick(&[ValueType::Boolean, ValueType::String, ValueType::Number, ValueType::Json]);
    let variants: Vec<Variant> = (0..1 + random.below(4))
        .map(|place| Variant {
            key: format!("variant-{place}"),
            value: match flag_type {
                ValueType::Boolean => json!(random.percent(50)),
                ValueType::String => json!(random.word()),
                ValueType::Number => number(random),
                ValueType::Json => json!({"list": [place, null], "text": random.word()}),
            },
            description: String::new(),
        })
        .collect();
    let prerequisites = if random.percent(25) { random.below(3) } else { 0 };
    let holdout = random.percent(30).then(|| ground.holdouts.keys().next_back()).flatten();
    let metadata = if random.percent(20) {
        let names = random.list(3, |random| random.text(&TOP_NAMES));
        names.into_iter().map(|name| (name, scalar(random))).collect()
    } else {
        BTreeMap::new()
    };
    Flag {
        flag_type,
        description: String::new(),
        client_visible: random.percent(50),
        enabled: random.percent(92),
        off_variant: random.percent(70).then(|| variant(random, &variants)),
        prerequisites: (0..prerequisites).filter_map(|_| prerequisite(random, ground)).collect(),
        targets: if random.percent(50) { targets(random, &variants) } else { Vec::new() },
        holdout: holdout
            .map(|key| HeldOut { holdout: key.clone(), variant: variant(random, &variants) }),
        rules: random.list(4, |random| {
            let levels = if random.percent(10) { MAX_DEPTH } else { 1 + random.below(4) };
            rule(random, ground, &variants, levels)
        }),
        fallthrough: serve(random, &variants, false),
        metadata,
        variants,
    }
}

fn targets(random: &mut Random, variants: &[Variant]) -> Vec<Target> {
    let mut taken: BTreeSet<(String, String)> = BTreeSet::new();
    random.list(4, |random| {
        let unit = random.text(&UNITS);
        let mut keys = keys(random);
        keys.retain(|key| taken.insert((unit.clone(), key.clone())));
        let expires = random.percent(50).then(|| *random.pick(&INSTANTS));
        Target { variant: variant(random, variants), unit, keys, expires }
    })
}

fn rule(random: &mut Random, ground: &Ground, variants: &[Variant], levels: usize) -> Rule {
    let from = random.percent(25).then(|| *random.pick(&INSTANTS));
    let to = random.percent(25).then(|| *random.pick(&INSTANTS));
    let to = to.filter(|to| from.is_none_or(|from| from < *to));
    let layers: Vec<_> = ground.layers.iter().filter(|_| random.percent(20)).collect();
    let layer = layers.first().map(|(key, layer)| {
        let size = layer.by.size();
        let ends = [share(random, size), share(random, size)];
        let from = ends[0].min(ends[1]).min(size - 1);
        LayerSlot { layer: (*key).clone(), from, to: ends[0].max(ends[1]).max(from + 1) }
    });
    let (when, _) = condition(random, ground, levels, false);
    let serve = serve(random, variants, true);
    let id = format!("rule-{:x}", random.next());
    Rule { id, name: String::new(), from, to, layer, when, serve }
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
    let mut keys = random.list(8, |random| random.word());
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

/// Only a rule may leave units unserved.
fn serve(random: &mut Random, variants: &[Variant], by_rule: bool) -> Serve {
    if random.percent(45) {
        return Serve::Variant(variant(random, variants));
    }
    let by = bucketing(random);
    let parts = 1 + random.below(4);
    let part = |random: &mut Random| {
        let unserved = by_rule && random.percent(25);
        (!unserved).then(|| variant(random, variants))
    };
    if random.percent(50) {
        let weights = weights(random, parts, by.size());
        let weights = weights.into_iter().map(|weight| Weight { variant: part(random), weight });
        return Serve::Split(Split { weights: weights.collect(), by });
    }
    let at: BTreeSet<i64> = (0..1 + random.below(4))
        .map(|_| *random.pick(&INSTANTS) + *random.pick(&DISTANCES))
        .collect();
    let steps =
        at.into_iter().map(|at| RampStep { at, weights: weights(random, parts, by.size()) });
    let steps = steps.collect();
    Serve::Ramp(Ramp { variants: (0..parts).map(|_| part(random)).collect(), steps, by })
}

/// As many as there are parts, with the sum of `size`.
fn weights(random: &mut Random, parts: usize, size: u32) -> Vec<u32> {
    let mut left = size;
    let mut weights: Vec<u32> = (1..parts)
        .map(|_| {
            let weight = share(random, left);
            left -= weight;
            weight
        })
        .collect();
    weights.insert(random.below(parts), left);
    weights
}

/// A part of `whole`, now and then none or all of it.
fn share(random: &mut Random, whole: u32) -> u32 {
    match random.below(6) {
        0 => 0,
        1 => whole.min(1),
        2 => whole / 3,
        3 => whole / 2,
        4 => whole,
        _ => random.between(0, whole.into()) as u32,
    }
}

fn bucketing(random: &mut Random) -> Bucketing {
    let text = random.text(&SALTS);
    let murmur = Murmur3 {
        prefix: text.clone(),
        seed: if random.percent(50) { 0 } else { random.next() as u32 },
        size: *random.pick(&[1, 7, 100, 1_000, 100_000, i32::MAX as u32]),
    };
    let hash = match random.below(12) {
        0 => Some(VendorHash::Murmur3Modulo(murmur)),
        1 => Some(VendorHash::Murmur3Scaled(murmur)),
        2 => Some(VendorHash::Fnv1a(FnvSuffix { suffix: text })),
        3 => Some(VendorHash::Fnv1aTwice(FnvPrefix { prefix: text })),
        4 => Some(VendorHash::Sha1(Sha1Prefix { prefix: text })),
        _ => None,
    };
    let salt = format!("{:016x}{:016X}", random.next(), random.next());
    Bucketing {
        unit: random.text(&UNITS),
        fallback_units: if random.percent(30) {
            random.list(2, |random| random.text(&UNITS))
        } else {
            Vec::new()
        },
        salt: hash.is_none().then_some(salt),
        hash,
    }
}

/// A flag that there is, or, rarely, one that there is not.
pub(crate) fn flag_key(random: &mut Random, configuration: &Configuration) -> String {
    let keys: Vec<&String> = configuration.flags.keys().collect();
    if random.percent(2) { "flag-99".to_owned() } else { (*random.pick(&keys)).clone() }
}

/// At, or a millisecond beside, the instants at which windows open, targets expire and ramps turn; or anywhere between.
pub(crate) fn now(random: &mut Random) -> i64 {
    match random.below(10) {
        0 => random.between(-10, 1_700_000_002_000),
        1 => random.between(1_700_000_000_000, 1_700_000_001_000),
        2 => random.between(0, 1_000),
        _ => turn(random),
    }
}

/// At, or beside, an instant at which something in a world may change.
pub(crate) fn turn(random: &mut Random) -> i64 {
    let distance = if random.percent(30) { *random.pick(&DISTANCES) } else { 0 };
    *random.pick(&INSTANTS) + distance + random.between(-1, 1)
}
