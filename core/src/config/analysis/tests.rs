mod conditions;
mod hardly_meant;
mod unsound;

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::{Options, findings, findings_of_flag};
use crate::config::{Configuration, Finding, Severity};
use hardly_meant::{about_rules, hardly_meant};
use unsound::unsound;

const SALT: &str = "000102030405060708090a0b0c0d0e0f";
const NOW: i64 = 1_000;

/// One flag, `f`, with a rule for each condition that serves `on`.
fn flag(change: impl FnOnce(&mut Value)) -> Value {
    let mut flag = json!({"type": "boolean", "enabled": true,
        "variants": [{"key": "on", "value": true}, {"key": "off", "value": false}],
        "offVariant": "off", "fallthrough": {"variant": "on"}});
    change(&mut flag);
    json!({"format": 1, "flags": {"f": flag}})
}

fn rules(conditions: &[Value]) -> Value {
    flag(|flag| {
        let rule = |(at, when): (usize, &Value)| json!({"id": format!("r{at}"), "when": when, "serve": {"variant": "on"}});
        flag["rules"] = conditions.iter().enumerate().map(rule).collect();
    })
}

/// As `rules`, of a configuration with these parts too.
fn with(parts: Value, conditions: &[Value]) -> Value {
    let mut whole = rules(conditions);
    for (name, part) in parts.as_object().unwrap() {
        whole[name] = part.clone();
    }
    whole
}

fn equals(attribute: &str, value: impl Into<Value>) -> Value {
    json!({"equals": {"attribute": attribute, "value": value.into()}})
}

fn split(weights: Value) -> Value {
    json!({"split": {"by": {"salt": SALT}, "weights": weights}})
}

fn parsed(configuration: &Value) -> Configuration {
    serde_json::from_value(configuration.clone()).unwrap()
}

fn found(configuration: &Value) -> Vec<Finding> {
    findings(&parsed(configuration), &Options { now: Some(NOW) })
}

fn named(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|found| format!("{} {}", found.code, found.place)).collect()
}

struct Case {
    name: &'static str,
    configuration: Value,
    /// Codes and places, in order, and no more.
    expected: Vec<&'static str>,
}

fn case(name: &'static str, configuration: Value, expected: &[&'static str]) -> Case {
    Case { name, configuration, expected: expected.to_vec() }
}

/// One flag more than levels that they may depend on each other.
fn chain(length: usize) -> Value {
    let mut whole = json!({"format": 1, "flags": {}});
    for at in 0..length {
        let mut one = flag(|_| ())["flags"]["f"].clone();
        if at + 1 < length {
            one["prerequisites"] = json!([{"flag": format!("f{}", at + 1), "variants": ["on"]}]);
        }
        whole["flags"][format!("f{at}")] = one;
    }
    whole
}

fn cases() -> impl Iterator<Item = Case> {
    let never = rules(&[json!({"any": []})]);
    let never = case("a rule that never matches", never, &["rule-never-matches /flags/f/rules/0"]);
    unsound().into_iter().chain(hardly_meant()).chain(about_rules()).chain([never])
}

#[test]
fn each_case_has_its_findings_and_no_more() {
    let mut wrong = Vec::new();
    for case in cases() {
        let found = named(&found(&case.configuration));
        if found != case.expected {
            wrong.push(format!("{}: {found:#?} instead of {:#?}", case.name, case.expected));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is an error does not compile, and what does not compile is an error.
#[test]
fn errors_are_what_does_not_compile() {
    use crate::config::compile;
    use crate::snapshot::Kind;
    let (mut sound, mut unsound_ones) = (0, 0);
    for case in cases() {
        let configuration = parsed(&case.configuration);
        let compiles = [Kind::Server, Kind::Client]
            .into_iter()
            .all(|kind| compile(&configuration, kind, &[]).is_ok());
        let errors =
            found(&case.configuration).iter().any(|found| found.severity == Severity::Error);
        assert_eq!(compiles, !errors, "{}", case.name);
        if compiles { sound += 1 } else { unsound_ones += 1 }
    }
    assert!(sound > 10 && unsound_ones > 25, "{sound} sound, {unsound_ones} unsound");
}

/// The findings of one flag are those that the whole has about it.
#[test]
fn one_flag_has_the_findings_that_it_has_among_all() {
    let mut compared = 0;
    for case in cases() {
        let configuration = parsed(&case.configuration);
        let options = Options { now: Some(NOW) };
        let whole = findings(&configuration, &options);
        for key in configuration.flags.keys() {
            let alone = findings_of_flag(&configuration, key, &options);
            let alone: Vec<_> = alone.iter().filter(|found| found.flag.is_some()).collect();
            let among: Vec<_> =
                whole.iter().filter(|found| found.flag.as_ref() == Some(key)).collect();
            compared += among.len();
            assert_eq!(alone, among, "{}: {key}", case.name);
        }
    }
    assert!(compared > 30, "{compared} findings");
}

/// The specification lists the codes that there are, each with its severity, and each is met by a case above.
#[test]
fn the_specification_lists_each_code() {
    let text = include_str!("../../../spec/config.md");
    let listed: BTreeSet<(String, String)> = text
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split(" | ");
            let code = cells.next()?.strip_suffix('`')?;
            Some((code.to_string(), cells.next()?.to_string()))
        })
        .collect();
    let met: BTreeSet<(String, String)> = cases()
        .flat_map(|case| found(&case.configuration))
        .map(|found| (found.code.to_string(), found.severity.to_string()))
        .collect();
    assert_eq!(listed, met);
}
