use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::json;

use super::*;
use crate::config::{Bucketing, Configuration, compile};
use crate::context::ContextBuilder;
use crate::snapshot::{Kind, Snapshot};

/// Parts from a text such as `a 10, - 5, b 85`; a dash is unserved.
fn parts(text: &str) -> Vec<Weight> {
    let part = |text: &str| {
        let (variant, weight) = text.trim().split_once(' ').unwrap();
        let variant = (variant != "-").then(|| String::from(variant));
        Weight { variant, weight: weight.parse().unwrap() }
    };
    text.split(',').map(part).collect()
}

fn text(parts: &[Weight]) -> String {
    let part =
        |part: &Weight| format!("{} {}", part.variant.as_deref().unwrap_or("-"), part.weight);
    parts.iter().map(part).collect::<Vec<_>>().join(", ")
}

/// A split over `size` buckets.
fn split(weights: Vec<Weight>, size: u32) -> Split {
    let hash = json!({"murmur3_scaled": {"prefix": "", "size": size}});
    let by: Bucketing = serde_json::from_value(json!({"hash": hash})).unwrap();
    Split { by, weights }
}

#[test]
fn each_change_has_its_parts() {
    for (name, before, wanted, after, moved) in [
        ("nothing", "a 10, b 90", "a 10, b 90", "a 10, b 90", 0),
        ("the first grows", "a 10, b 90", "a 25, b 75", "a 25, b 75", 15),
        ("the first shrinks", "a 25, b 75", "a 10, b 90", "a 10, b 90", 15),
        ("to the whole", "a 10, b 90", "a 100, b 0", "a 100, b 0", 90),
        ("and back: the empty part was its place", "a 100, b 0", "a 10, b 90", "a 10, b 90", 90),
        ("from nothing, at its place", "a 0, b 100", "a 5, b 95", "a 5, b 95", 5),
        ("the order of the list does not count", "a 10, b 90", "b 75, a 25", "a 25, b 75", 15),
        ("twice in the list counts together", "a 10, b 90", "a 5, b 75, a 20", "a 25, b 75", 15),
        (
            "the outer ones move past a middle",
            "a 30, b 40, c 30",
            "a 40, b 40, c 20",
            "a 30, b 40, c 20, a 10",
            10,
        ),
        (
            "a middle gives to both sides",
            "a 30, b 40, c 30",
            "a 40, b 20, c 40",
            "a 40, b 20, c 40",
            20,
        ),
        (
            "a middle takes from both sides",
            "a 40, b 20, c 40",
            "a 30, b 40, c 30",
            "a 30, b 40, c 30",
            20,
        ),
        ("a middle that goes", "a 30, b 40, c 30", "a 50, c 50", "a 50, c 50", 40),
        ("a middle that stays empty", "a 30, b 40, c 30", "a 50, b 0, c 50", "a 50, b 0, c 50", 40),
        ("one that is new", "a 50, b 50", "a 45, b 45, c 10", "a 45, c 10, b 45", 10),
        ("one that is new and empty", "a 50, b 50", "a 50, b 50, c 0", "a 50, b 50, c 0", 0),
        (
            "a part of the right size passes on whole",
            "a 10, b 20, a 70",
            "a 70, b 20, c 10",
            "c 10, b 20, a 70",
            10,
        ),
        ("what comes together is one part", "a 20, b 30, a 50", "a 100", "a 100", 30),
        ("unserved grows", "a 50, - 50", "a 20, - 80", "a 20, - 80", 30),
        ("unserved is new", "a 50, b 50", "a 50, b 20, - 30", "a 50, b 20, - 30", 30),
        ("unserved goes", "a 50, - 20, b 30", "a 60, b 40", "a 60, b 40", 20),
    ] {
        let (before, wanted) = (parts(before), parts(wanted));
        let result = reallocate(&split(before, 100), &wanted).unwrap();
        assert_eq!((text(&result.weights).as_str(), result.moved), (after, moved), "{name}");
    }
}

#[test]
fn impossible_weights_are_refused() {
    let many = |count: usize, weight: u32| -> Vec<Weight> {
        (0..count).map(|number| Weight { variant: Some(format!("v{number}")), weight }).collect()
    };
    let sound = split(parts("a 10, b 90"), 100);
    let of_65 = split(parts("a 65"), 65);
    for (split, wanted, expected) in [
        (&sound, parts("a 10, b 91"), ReallocateError::Sum { wanted: 101, whole: 100 }),
        (&sound, Vec::new(), ReallocateError::Sum { wanted: 0, whole: 100 }),
        (
            &sound,
            parts("a 4294967295, b 4294967295"),
            ReallocateError::Sum { wanted: 8_589_934_590, whole: 100 },
        ),
        (&split(parts("a 10, b 91"), 100), parts("a 100"), ReallocateError::Unsound),
        (&split(many(65, 1), 65), parts("a 65"), ReallocateError::Unsound),
        (&of_65, many(65, 1), ReallocateError::TooManyVariants),
        (&of_65, [many(65, 0), parts("a 65")].concat(), ReallocateError::TooManyVariants),
    ] {
        assert_eq!(reallocate(split, &wanted), Err(expected), "{}", text(&wanted));
    }
    // 64 variants and the unserved ones, of which one has no weight.
    let wanted = [many(64, 1), parts("- 0")].concat();
    let all = split(parts("v0 64"), 64);
    assert_eq!(reallocate(&all, &wanted).unwrap().weights.len(), 64);
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    /// Weights that sum to `size`, for some of `variants` and now and then for unserved units.
    fn weights(&mut self, variants: u64, size: u32) -> Vec<Weight> {
        let mut weights: Vec<Weight> = (0..variants)
            .filter(|_| self.below(4) > 0)
            .map(|number| Some(format!("v{number:02}")))
            .map(|variant| Weight { variant, weight: 0 })
            .collect();
        if weights.is_empty() || self.below(3) == 0 {
            weights.push(Weight { variant: None, weight: 0 });
        }
        let mut left = size;
        while left > 0 {
            let amount = 1 + self.below(u64::from(left.min(size / 8))) as u32;
            let at = self.below(weights.len() as u64) as usize;
            weights[at].weight += amount;
            left -= amount;
        }
        weights
    }

    /// What there is, but a little of one variant goes to another one.
    fn nudged(&mut self, parts: &[Weight]) -> Vec<Weight> {
        let mut weights: Vec<Weight> = totals(parts)
            .into_iter()
            .map(|(variant, weight)| Weight { variant: variant.clone(), weight })
            .collect();
        let [from, to] = [0; 2].map(|_| self.below(weights.len() as u64) as usize);
        let amount = self.below(u64::from(weights[from].weight.min(5)) + 1) as u32;
        weights[from].weight -= amount;
        weights[to].weight += amount;
        weights
    }
}

/// What each bucket is served.
fn buckets(parts: &[Weight]) -> Vec<&Option<String>> {
    parts.iter().flat_map(|part| (0..part.weight).map(|_| &part.variant)).collect()
}

fn totals(parts: &[Weight]) -> BTreeMap<&Option<String>, u32> {
    let mut totals = BTreeMap::new();
    parts.iter().for_each(|part| *totals.entry(&part.variant).or_default() += part.weight);
    totals
}

/// Changes of changes, with `variants` variants, `anew` percent of them of all weights and the rest small ones. Answers how many moved more than need be, because the parts would not have fitted.
fn changes(variants: u64, rounds: usize, anew: u64) -> usize {
    const SIZE: u32 = 1_000;
    let mut random = Random(variants);
    let equal = |number| Weight {
        variant: Some(format!("v{number:02}")),
        weight: u64::from(SIZE).div_euclid(variants) as u32,
    };
    let mut before: Vec<Weight> = (0..variants).map(equal).collect();
    before[0].weight += SIZE - before.iter().map(|part| part.weight).sum::<u32>();
    let (mut closed_up, mut grown) = (0, 0);
    for round in 0..rounds {
        let all = random.below(100) < anew;
        let wanted = if all { random.weights(variants, SIZE) } else { random.nudged(&before) };
        let place = format!("round {round}: {} to {}", text(&before), text(&wanted));
        let result = reallocate(&split(before.clone(), SIZE), &wanted).unwrap();
        let after = &result.weights;
        assert_eq!(reallocate(&split(before.clone(), SIZE), &wanted).unwrap(), result, "{place}");

        let (old, new, asked) = (totals(&before), totals(after), totals(&wanted));
        for (variant, weight) in &asked {
            // At the limit an empty part is not kept.
            assert_eq!(new.get(variant).copied().unwrap_or(0), *weight, "{place}");
        }
        assert!(new.keys().all(|variant| asked.contains_key(variant)), "{place}");
        assert!(after.len() <= MAX_SPLIT_PARTS, "{place}");
        for pair in after.windows(2) {
            assert_ne!(pair[0].variant, pair[1].variant, "{place}: one part was cut in two");
        }

        let lost = |variant: &Option<String>| {
            let new = new.get(variant).copied().unwrap_or(0);
            old.get(variant).copied().unwrap_or(0).saturating_sub(new)
        };
        let least: u64 = old.keys().map(|variant| u64::from(lost(variant))).sum();
        let (from, to) = (buckets(&before), buckets(after));
        let counted = from.iter().zip(&to).filter(|(from, to)| from != to).count() as u64;
        assert_eq!(result.moved, counted, "{place}");
        if result.moved > least {
            // Only ever because more parts would have been too many.
            assert!(before.len() > MAX_SPLIT_PARTS / 2, "{place}");
            closed_up += 1;
        } else {
            assert_eq!(result.moved, least, "{place}");
            for (from, to) in from.iter().zip(&to).filter(|(from, _)| lost(from) == 0) {
                assert_eq!(from, to, "{place}: a variant that did not shrink lost a bucket");
                grown += 1;
            }
        }
        before = result.weights;
    }
    assert!(grown > 10 * rounds, "{grown} buckets of variants that did not shrink");
    closed_up
}

#[test]
fn the_fewest_units_move_and_growing_removes_nobody() {
    for variants in 2..=8 {
        assert_eq!(changes(variants, 300, 50), 0, "{variants} variants always fit");
    }
}

#[test]
fn at_the_limit_parts_are_closed_up() {
    let closed_up: usize = [30, 50, 60].into_iter().map(|variants| changes(variants, 200, 0)).sum();
    assert!(closed_up >= 30, "{closed_up} changes met the limit");
}

/// The property that people know: through the compiler and the evaluator, for users.
#[test]
fn a_rollout_that_grows_keeps_its_users() {
    let serve = |split: &Split| -> Vec<Option<String>> {
        let configuration: Configuration = serde_json::from_value(json!({"format": 1, "flags": {"f": {
            "type": "boolean", "enabled": true,
            "variants": [{"key": "on", "value": true}, {"key": "off", "value": false}, {"key": "new", "value": true}],
            "fallthrough": {"split": split},
        }}}))
        .unwrap();
        let body = compile(&configuration, Kind::Server, &[]).unwrap();
        let snapshot = Snapshot::open(body, Kind::Server).unwrap();
        let user = |number| {
            let user = format!("user-{number}");
            let context = ContextBuilder::new().targeting_key(&user).finish().unwrap();
            snapshot.evaluate("f", &context, 0).variant().map(String::from)
        };
        (0..2_000).map(user).collect()
    };
    let by: Bucketing =
        serde_json::from_value(json!({"salt": "000102030405060708090a0b0c0d0e0f"})).unwrap();
    let mut split = Split { by, weights: parts("off 30000, on 1000, off 69000") };
    let mut before = serve(&split);
    let mut served = BTreeSet::new();
    for (wanted, share) in [
        ("on 5000, off 95000", 4),
        ("on 5000, new 20000, off 75000", 20),
        ("on 25000, new 20000, off 55000", 20),
        ("on 80000, new 20000", 55),
    ] {
        let result = reallocate(&split, &parts(wanted)).unwrap();
        assert_eq!(result.moved, share * 1_000, "{wanted}");
        split.weights = result.weights;
        let after = serve(&split);
        let moved = before.iter().zip(&after).filter(|(before, after)| before != after);
        for (before, after) in moved.clone() {
            assert_eq!(before.as_deref(), Some("off"), "{wanted}: {before:?} became {after:?}");
            served.insert(after.clone());
        }
        // 2,000 users: four standard deviations are under 4.5 %.
        let percent = moved.count() as f64 / 20.0;
        assert!((percent - share as f64).abs() < 4.5, "{wanted}: {percent} % moved");
        before = after;
    }
    assert_eq!(served.len(), 2, "{served:?}");
}
