//! Is a split fair, whatever the ids look like, and are two splits independent of each other?
//!
//! Seeds are fixed, so that a run says what the last one said. A p-value is the chance that a perfect hash does as badly. A single one
//! must not be below one in a million (some thirty are asked, so that a perfect hash fails in one choice of seeds in thirty thousand),
//! nor above its opposite, which would be too even to be chance; what is planted fails by far.

use serde_json::{Value, json};

use super::{bucket, part, split, user};

const LEAST_P: f64 = 1e-6;
/// 100,000 cells would want more units than a test has time for: five for each of 10,000 cells are the rule of thumb's least.
const UNITS: u64 = 50_000;
const PAIRS: usize = 200;
const SIDE: usize = 20;
/// Ten for each cell of a table.
const UNITS_OF_A_PAIR: u64 = 4_000;
/// Of the distance between the p-values of the pairs and a uniform distribution, 1.95 / sqrt(n) is reached by chance once in a thousand
/// (Kolmogorov's distribution).
const MOST_DISTANCE: f64 = 1.95;

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn salt(&mut self) -> String {
        format!("{:016x}{:016x}", self.next(), self.next())
    }
}

const NAMES: [&str; 12] =
    ["ada", "ben", "cleo", "dora", "emil", "finn", "gwen", "hugo", "iris", "jan", "kim", "lars"];

/// A shape of unit ids: its name, and the id of that number.
type Shape = (&'static str, fn(u64) -> Value);

/// Five shapes of ids, each of distinct ones.
const SHAPES: [Shape; 5] = [
    ("sequential integers", |n| json!(n)),
    ("UUIDs", |n| {
        let mut random = Random(n);
        let (high, low) = (random.next(), random.next());
        json!(format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | (low >> 48) & 0x3fff,
            low & 0xffff_ffff_ffff
        ))
    }),
    ("emails", |n| {
        let name = NAMES[n as usize % NAMES.len()];
        json!(format!("{name}.{}@example.com", n / NAMES.len() as u64))
    }),
    ("hexadecimal", |n| json!(format!("{n:016x}"))),
    ("short names", |n| {
        // Three to five letters: n in base 26.
        let mut name = String::new();
        let mut rest = n + 26 * 26;
        while rest > 0 {
            name.push(char::from(b'a' + (rest % 26) as u8));
            rest /= 26;
        }
        json!(name)
    }),
];

/// Pearson's: the sum of (observed - expected)^2 / expected.
fn chi_square(counts: &[u32], expected: impl Fn(usize) -> f64) -> f64 {
    let term = |(cell, count): (usize, &u32)| {
        let expected = expected(cell);
        (f64::from(*count) - expected).powi(2) / expected
    };
    counts.iter().enumerate().map(term).sum()
}

/// The chance of at least this much, by the approximation of Wilson and Hilferty (1931); good to 1 % at these degrees of freedom.
fn p_value(chi_square: f64, degrees: f64) -> f64 {
    let variance = 2.0 / (9.0 * degrees);
    let normal = ((chi_square / degrees).cbrt() - (1.0 - variance)) / variance.sqrt();
    upper_tail(normal)
}

/// Of the normal distribution (Abramowitz and Stegun 26.2.17; absolute error below 7.5e-8).
fn upper_tail(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * x.abs());
    let series = [1.330_274_429, -1.821_255_978, 1.781_477_937, -0.356_563_782, 0.319_381_530];
    let sum = series.iter().fold(0.0, |sum, coefficient| (sum + coefficient) * t);
    let tail = (-x * x / 2.0).exp() / (2.0 * core::f64::consts::PI).sqrt() * sum;
    if x >= 0.0 { tail } else { 1.0 - tail }
}

#[test]
fn the_arithmetic_is_that_of_the_tables() {
    // Critical values that tables print.
    for (chi_square, degrees, p) in [
        (123.225, 99.0, 0.05),
        (148.230, 99.0, 0.001),
        (10_232.7, 9_999.0, 0.05),
        (419.31, 361.0, 0.0185),
    ] {
        let found = p_value(chi_square, degrees);
        assert!((found - p).abs() < 0.03 * p, "{chi_square} at {degrees}: {found}");
    }
    assert!((upper_tail(1.959_964) - 0.025).abs() < 1e-6);
    assert!((upper_tail(-1.959_964) - 0.975).abs() < 1e-6);
}

/// P-values of a shape over 100 and over 10,000 cells.
fn fairness(buckets: &[u32]) -> [f64; 2] {
    [100, 10_000].map(|cells: u32| {
        let mut counts = vec![0; cells as usize];
        for bucket in buckets {
            counts[((u64::from(*bucket) * u64::from(cells)) >> 32) as usize] += 1;
        }
        let expected = buckets.len() as f64 / f64::from(cells);
        p_value(chi_square(&counts, |_| expected), f64::from(cells - 1))
    })
}

fn is_fair(p: f64) -> bool {
    (LEAST_P..=1.0 - LEAST_P).contains(&p)
}

#[test]
fn every_shape_of_ids_is_split_fairly() {
    let mut random = Random(4);
    for (shape, unit) in SHAPES {
        let split = split(&random.salt(), 1);
        let buckets: Vec<u32> = (0..UNITS).map(|n| bucket(&split, &user(&unit(n)))).collect();
        let p = fairness(&buckets);
        println!("{shape}: p {:.4} over 100 cells, {:.4} over 10,000", p[0], p[1]);
        assert!(p.into_iter().all(is_fair), "{shape}: {p:?}");
    }
}

#[test]
fn unfair_hashes_are_found_out() {
    type Hash = fn(&[u8]) -> u32;
    let hashes: [(&str, Hash, usize); 4] = [
        (
            "a sum of bytes",
            |id| id.iter().fold(0u32, |sum, byte| sum.wrapping_add(u32::from(*byte) << 22)),
            5,
        ),
        (
            "Java's, as it is",
            |id| {
                id.iter()
                    .fold(0u32, |hash, byte| hash.wrapping_mul(31).wrapping_add((*byte).into()))
            },
            // UUIDs are random enough for any hash that reads all of them.
            4,
        ),
        ("the last bytes", |id| id.iter().fold(0u32, |hash, byte| hash << 8 | u32::from(*byte)), 5),
        (
            "one that misses two percent",
            |id| {
                let even = id.iter().fold(14_695_981_039_346_656_037u64, |hash, byte| {
                    (hash ^ u64::from(*byte)).wrapping_mul(1_099_511_628_211)
                });
                let even = Random(even).next() >> 32;
                (even * 98 / 100) as u32
            },
            5,
        ),
    ];
    for (name, hash, expected) in hashes {
        let unfair = SHAPES.iter().filter(|(_, unit)| {
            let id = |n| match unit(n) {
                Value::String(text) => text,
                number => number.to_string(),
            };
            let buckets: Vec<u32> = (0..UNITS).map(|n| hash(id(n).as_bytes())).collect();
            !fairness(&buckets).into_iter().all(is_fair)
        });
        assert_eq!(unfair.count(), expected, "shapes that {name} is unfair to");
    }
}

/// The p-value of a 20 x 20 table of what two splits say of the same units: by its own margins, so that unfairness does not count.
fn independence(cells: impl Iterator<Item = (usize, usize)>) -> f64 {
    let mut table = vec![0; SIDE * SIDE];
    let (mut rows, mut columns, mut sum) = ([0.0; SIDE], [0.0; SIDE], 0.0);
    for (row, column) in cells {
        table[row * SIDE + column] += 1;
        rows[row] += 1.0;
        columns[column] += 1.0;
        sum += 1.0;
    }
    let expected = |cell: usize| rows[cell / SIDE] * columns[cell % SIDE] / sum;
    p_value(chi_square(&table, expected), ((SIDE - 1) * (SIDE - 1)) as f64)
}

/// The greatest distance between p-values and a uniform distribution, times the root of their number (Kolmogorov and Smirnov).
fn distance_from_uniform(mut p: Vec<f64>) -> f64 {
    p.sort_by(f64::total_cmp);
    let count = p.len() as f64;
    let distances = p.iter().enumerate().map(|(at, p)| {
        let (before, after) = (at as f64 / count, (at + 1) as f64 / count);
        (p - before).abs().max((after - p).abs())
    });
    distances.fold(0.0, f64::max) * count.sqrt()
}

#[test]
fn splits_with_other_salts_are_independent() {
    let mut random = Random(5);
    let users: Vec<_> = (0..UNITS_OF_A_PAIR).map(|n| user(&json!(format!("user-{n}")))).collect();
    let p: Vec<f64> = (0..PAIRS)
        .map(|_| {
            let [one, other] = [0; 2].map(|_| split(&random.salt(), SIDE as u32));
            independence(users.iter().map(|user| (part(&one, user), part(&other, user))))
        })
        .collect();
    let distance = distance_from_uniform(p.clone());
    println!(
        "{PAIRS} pairs: distance {distance:.3}, p from {:.4} to {:.4}",
        p.iter().copied().fold(1.0, f64::min),
        p.iter().copied().fold(0.0, f64::max)
    );
    assert!(distance < MOST_DISTANCE, "{distance}: {p:?}");
    assert!(p.iter().all(|p| *p > LEAST_P), "{p:?}");
}

#[test]
fn dependent_splits_are_found_out() {
    let mut random = Random(6);
    let one = split(&random.salt(), SIDE as u32);
    let users: Vec<_> = (0..UNITS_OF_A_PAIR).map(|n| user(&json!(format!("user-{n}")))).collect();
    let parts: Vec<usize> = users.iter().map(|user| part(&one, user)).collect();
    // As if the salt were added to the hash and not mixed into it.
    let shifted = |by: usize| parts.iter().map(move |part| (*part, (part + by) % SIDE));
    assert!(independence(shifted(7)) < LEAST_P);
    // A weak one: of one unit in sixteen the second split says what the first one says. Each table alone may pass; the p-values are not
    // uniform.
    let p: Vec<f64> = (0..20)
        .map(|_| {
            let other = split(&random.salt(), SIDE as u32);
            independence(users.iter().zip(&parts).enumerate().map(|(at, (user, first))| {
                (*first, if at % 16 == 0 { *first } else { part(&other, user) })
            }))
        })
        .collect();
    let distance = distance_from_uniform(p);
    assert!(distance > MOST_DISTANCE, "{distance}");
}
