//! 10,000 buckets that a SipHash on its own computed (core/spec/buckets/generate.py).

use std::collections::BTreeSet;

use serde_json::Value;

use super::{bucket, part, split, user};

const GOLDEN: &str = include_str!("../../spec/buckets/golden.json");

#[test]
fn ten_thousand_units_have_their_golden_buckets() {
    let golden: Value = serde_json::from_str(GOLDEN).expect("golden.json");
    let salts = golden["salts"].as_array().expect("salts");
    let thirds: Vec<_> =
        salts.iter().map(|salt| split(salt.as_str().expect("a salt"), 3)).collect();
    let cases = golden["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), 10_000);
    let mut buckets = BTreeSet::new();
    for case in cases {
        let (salt, unit, expected) = (&case[0], &case[1], &case[2]);
        let split = &thirds[salt.as_u64().expect("a number") as usize];
        let expected = expected.as_u64().expect("a bucket");
        let user = user(unit);
        assert_eq!(u64::from(bucket(split, &user)), expected, "{case}");
        // Cut points: floor(cumulative * 2^32 / 100,000) of 33,333 and 66,666.
        let third = [1_431_641_449, 2_863_282_899, 1 << 32].iter().position(|cut| expected < *cut);
        assert_eq!(Some(part(split, &user)), third, "{case}");
        buckets.insert(expected);
    }
    assert!(buckets.len() > 9_900, "they are {} different ones", buckets.len());
}
