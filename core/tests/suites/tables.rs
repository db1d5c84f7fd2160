//! Tables of hashes and versions, through conditions that hold for one value alone.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use pennon_core::config::Configuration;
use pennon_core::import::{Import, Report};
use serde_json::{Map, Value, json};

use crate::frame::{Suite, Verdict, World};

/// Rows of the tables of MurmurHash3; small-data.csv beside them is of another hash.
const HASHES: usize = 2_252;
/// Buckets that tell almost all hashes apart.
const MANY: u32 = 2_147_483_647;
/// Buckets of the tables.
const PERCENT: u32 = 100;

pub(crate) fn suite(folder: &Path) -> Result<Suite, Box<dyn Error>> {
    let mut suite = Suite::new("tables");
    let mut rows = 0;
    for table in ["murmur3-sample-v3.csv", "murmur3-sample-v4.csv"] {
        let text = fs::read_to_string(folder.join("murmur3").join(table))?;
        let hashes = text.lines().map(Hash::parse).collect::<Result<Vec<_>, _>>()?;
        rows += hashes.len();
        suite.case(format!("murmur3 {table}"), murmur3(&hashes)?);
    }
    if rows != HASHES {
        return Err(
            format!("the tables of MurmurHash3 have {rows} rows instead of {HASHES}").into()
        );
    }
    let read = |table: &str| fs::read_to_string(folder.join("semver").join(table));
    suite.case("semver valid", valid(&read("valid-semantic-versions.csv")?)?);
    suite.case("semver invalid", invalid(&read("invalid-semantic-versions.csv")?)?);
    suite.case("semver equal", equal(&read("equal-to-semver.csv")?)?);
    suite.case("semver between", between(&read("between-semver.csv")?)?);
    Ok(suite)
}

/// Some tables write unsigned numbers, some signed ones.
struct Hash {
    seed: u32,
    key: String,
    hash: u32,
    bucket: u32,
}

impl Hash {
    fn parse(line: &str) -> Result<Self, Box<dyn Error>> {
        let wrong = || format!("not a row of hashes: {line}");
        // Keys hold commas.
        let (seed, rest) = line.split_once(',').ok_or_else(wrong)?;
        let (rest, bucket) = rest.rsplit_once(',').ok_or_else(wrong)?;
        let (key, hash) = rest.rsplit_once(',').ok_or_else(wrong)?;
        let bits = |text: &str| text.parse::<i64>().map(|number| number as u32);
        Ok(Self { seed: bits(seed)?, key: key.into(), hash: bits(hash)?, bucket: bucket.parse()? })
    }
}

/// A condition for each row that holds in one bucket of many, and in one of a hundred, and not in those beside.
fn murmur3(rows: &[Hash]) -> Result<Verdict, Box<dyn Error>> {
    let mut flags = BTreeMap::new();
    for (at, row) in rows.iter().enumerate() {
        let bucket = |kind: &str, size: u32, bucket: u32| {
            let hash = json!({ kind: { "prefix": "", "seed": row.seed, "size": size } });
            json!({ "bucket": { "by": { "hash": hash }, "from": bucket, "below": bucket + 1 } })
        };
        let scaled = ((u64::from(row.hash) * u64::from(MANY)) >> 32) as u32;
        let when = json!({ "all": [
            bucket("murmur3_modulo", MANY, row.hash % MANY),
            bucket("murmur3_modulo", PERCENT, row.bucket - 1),
            bucket("murmur3_scaled", MANY, scaled),
        ] });
        flags.insert(format!("row-{at}"), flag(&when));
    }
    let world = world(&json!({ "format": 1, "flags": flags }))?;
    let mut wrong = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        if !on(&world, &format!("row-{at}"), &json!({ "targetingKey": row.key }))? {
            wrong.push(&row.key);
        }
    }
    Ok(verdict(&wrong))
}

/// Rows of two versions, both valid, the first of them greater; a comment at the top.
fn valid(text: &str) -> Result<Verdict, Box<dyn Error>> {
    let mut wrong = Vec::new();
    for line in rows(text) {
        let (greater, lesser) = line.split_once(',').ok_or("not two versions")?;
        if !compares(greater, ">", lesser)? || !compares(lesser, "<", greater)? {
            wrong.push(line);
        }
    }
    Ok(verdict(&wrong))
}

fn invalid(text: &str) -> Result<Verdict, Box<dyn Error>> {
    let mut wrong = Vec::new();
    for line in rows(text) {
        if compares(line, ">=", "0.0.0-0")? || compares(line, "<", "0.0.0-0")? {
            wrong.push(line);
        }
    }
    Ok(verdict(&wrong))
}

/// Two versions and whether they are equal. In this table build metadata counts, which it does not in precedence, and leading zeros are
/// allowed, which they are not.
fn equal(text: &str) -> Result<Verdict, Box<dyn Error>> {
    let mut wrong = Vec::new();
    for line in rows(text) {
        let [left, right, expected] = line.split(',').collect::<Vec<_>>()[..] else {
            return Err(format!("not two versions: {line}").into());
        };
        let plain = |version: &str| version.split('+').next().map(str::to_owned);
        let by_metadata = plain(left) == plain(right) && left != right;
        let is_version = compares(left, ">=", "0.0.0-0")?;
        if compares(left, "=", right)? != (is_version && (expected == "true" || by_metadata)) {
            wrong.push(line);
        }
    }
    Ok(verdict(&wrong))
}

/// A version, one between and one above, and whether it is so.
fn between(text: &str) -> Result<Verdict, Box<dyn Error>> {
    let mut wrong = Vec::new();
    for line in rows(text) {
        let [low, version, high, expected] = line.split(',').collect::<Vec<_>>()[..] else {
            return Err(format!("not three versions: {line}").into());
        };
        let inside = compares(version, ">=", low)? && compares(version, "<=", high)?;
        if inside != (expected == "true") {
            wrong.push(line);
        }
    }
    Ok(verdict(&wrong))
}

fn rows(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn compares(left: &str, is: &str, right: &str) -> Result<bool, Box<dyn Error>> {
    let when = json!({ "semver": { "attribute": "version", "is": is, "value": right } });
    let world = world(&json!({ "format": 1, "flags": { "flag": flag(&when) } }))?;
    on(&world, "flag", &json!({ "version": left }))
}

fn flag(when: &Value) -> Value {
    json!({
        "type": "boolean",
        "enabled": true,
        "variants": [{ "key": "on", "value": true }, { "key": "off", "value": false }],
        "rules": [{ "id": "rule", "when": when, "serve": { "variant": "on" } }],
        "fallthrough": { "variant": "off" },
    })
}

fn world(configuration: &Value) -> Result<World, Box<dyn Error>> {
    let configuration: Configuration = serde_json::from_value(configuration.clone())?;
    World::open(Ok(Import { configuration, report: Report::default() }))
}

fn on(world: &World, flag: &str, context: &Value) -> Result<bool, Box<dyn Error>> {
    let outcome: Map<String, Value> = world.outcome(flag, context, 0)?;
    Ok(outcome.get("variant").is_some_and(|variant| variant == "on"))
}

fn verdict(wrong: &[impl std::fmt::Debug]) -> Verdict {
    if wrong.is_empty() { Verdict::Pass } else { Verdict::Wrong(format!("{wrong:?}")) }
}
