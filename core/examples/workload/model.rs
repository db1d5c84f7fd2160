//! Flags as they are in the field: three rules of two conditions each, then a split over two to four variants.

use std::error::Error;

use pennon_core::config::Configuration;
use serde_json::{Map, Value, json};

/// SplitMix64: the same workload on every machine.
pub(crate) struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// `count` different names out of `pool`.
    fn sample(&mut self, name: fn(usize) -> String, pool: usize, count: usize) -> Vec<String> {
        let mut left: Vec<usize> = (0..pool).collect();
        (0..count).map(|_| left.swap_remove(self.below(left.len()))).map(name).collect()
    }
}

pub(crate) const COUNTRIES: usize = 50;
pub(crate) const LANGUAGES: usize = 20;
pub(crate) const CITIES: usize = 200;
pub(crate) const DOMAINS: usize = 10;
pub(crate) const PLANS: [&str; 5] = ["free", "starter", "team", "business", "enterprise"];
pub(crate) const PLATFORMS: [&str; 4] = ["ios", "android", "web", "desktop"];
const LIST: usize = 10;
/// Two letters.
pub(crate) fn country(number: usize) -> String {
    let letter = |number: usize| char::from(b'A' + (number % 26) as u8);
    [letter(number / 26), letter(number)].iter().collect()
}

pub(crate) fn language(number: usize) -> String {
    format!("lang-{number:02}")
}

pub(crate) fn city(number: usize) -> String {
    format!("city-{number:03}")
}

pub(crate) fn domain(number: usize) -> String {
    format!("@corp{number}.example.com")
}

pub(crate) fn user(number: usize) -> String {
    format!("user-{number:06}")
}

pub(crate) fn flag_key(number: usize) -> String {
    format!("flag-{number:04}")
}

pub(crate) fn configuration(flags: usize) -> Result<Configuration, Box<dyn Error>> {
    let mut random = Random(1);
    let flags: Map<String, Value> =
        (0..flags).map(|number| (flag_key(number), flag(&mut random))).collect();
    Ok(serde_json::from_value(json!({"format": 1, "flags": flags}))?)
}

fn flag(random: &mut Random) -> Value {
    let parts = 2 + random.below(3);
    let keys = ["r0", "r1", "r2", "v0", "v1", "v2", "v3"];
    let variants: Vec<_> =
        keys[..3 + parts].iter().map(|key| json!({"key": key, "value": key})).collect();
    let rules: Vec<_> = (0..3)
        .map(|number| {
            let first = random.below(9);
            let second = (first + 1 + random.below(8)) % 9;
            let when = [condition(random, first), condition(random, second)];
            let serve = json!({"variant": format!("r{number}")});
            json!({"id": format!("rule-{number}"), "when": {"all": when}, "serve": serve})
        })
        .collect();
    let mut left = 100_000;
    let weights: Vec<_> = (0..parts)
        .map(|part| {
            let share = 5_000 + random.below(left / (parts - part));
            let weight = if part + 1 == parts { left } else { share.min(left) };
            left -= weight;
            json!({"variant": format!("v{part}"), "weight": weight})
        })
        .collect();
    let salt = format!("{:016x}{:016x}", random.next(), random.next());
    json!({
        "type": "string", "enabled": true, "variants": variants, "offVariant": "v0", "rules": rules,
        "fallthrough": {"split": {"by": {"salt": salt}, "weights": weights}}
    })
}

fn condition(random: &mut Random, kind: usize) -> Value {
    let equals = |attribute, value| json!({"equals": {"attribute": attribute, "value": value}});
    let one_of = |attribute, values| json!({"in": {"attribute": attribute, "values": values}});
    let over =
        |attribute, value| json!({"number": {"attribute": attribute, "is": ">", "value": value}});
    match kind {
        0 => equals("plan", PLANS[random.below(PLANS.len())]),
        1 => equals("platform", PLATFORMS[random.below(PLATFORMS.len())]),
        2 => one_of("country", random.sample(country, COUNTRIES, LIST)),
        3 => one_of("language", random.sample(language, LANGUAGES, LIST)),
        4 => one_of("city", random.sample(city, CITIES, LIST)),
        5 => over("age", 25 + random.below(40)),
        6 => over("sessions", 200 + random.below(600)),
        7 => {
            let value = format!("{}.{}.0", 2 + random.below(3), random.below(20));
            json!({"semver": {"attribute": "appVersion", "is": ">", "value": value}})
        }
        _ => {
            json!({"ends_with": {"attribute": "email", "values": [domain(random.below(DOMAINS))]}})
        }
    }
}
