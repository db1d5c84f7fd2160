//! What the vectors cover: every numbered section of evaluation.md, and every operator with a missing attribute, a wrong type, a value for
//! which it holds, one for which it does not, and, where it compares, the operand itself under each sign.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use pennon_core::config::schema;
use serde_json::Value;

/// Sections that no configuration and context can show, and the tests that do: file and text in it.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("1.1", "core/tests/conformance.rs", "snapshot.explain(&case.flag, &context, case.now)"),
    ("1.4", "core/src/context/tests.rs", "fn refuses_what_is_no_context"),
    ("2.2", "npm/tests/client.test.mjs", "past refresh_by evaluation goes on and says STALE"),
    ("7", "core/src/snapshot/tests.rs", "fn a_spoiled_flag_spoils_only_itself"),
];

/// The types that the attribute of an operator may have; nothing for any. And whether it compares by a sign.
const OPERATORS: &[(&str, &[&str], bool)] = &[
    ("exists", &[], false),
    ("is_type", &[], false),
    ("deep_equals", &[], false),
    ("equals", &["string", "number", "boolean"], false),
    ("in", &["string", "number", "boolean"], false),
    ("contains", &["string"], false),
    ("starts_with", &["string"], false),
    ("ends_with", &["string"], false),
    ("matches", &["string"], false),
    ("ip_in_cidr", &["string"], false),
    ("text", &["string"], true),
    ("padded_version", &["string"], true),
    ("semver", &["string"], true),
    ("number", &["number"], true),
    ("datetime", &["string", "number"], true),
    ("any_of", &["list"], false),
    ("all_of", &["list"], false),
    ("none_of", &["list"], false),
    ("size", &["list"], true),
    ("unix_time", &["number"], true),
];
/// What is no operator on one attribute.
const TREES: &[&str] = &["all", "any", "not", "segment", "flag", "some", "bucket", "now", "error"];
const SIGNS: [&str; 6] = ["<", "<=", "=", ">=", ">", "!="];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every file of vectors.
fn vectors() -> Vec<Value> {
    let folder = root().join("core/spec/vectors");
    let entries = fs::read_dir(&folder).expect("core/spec/vectors");
    let read =
        |path: &Path| serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON");
    let files: Vec<Value> = entries.map(|entry| read(&entry.expect("an entry").path())).collect();
    assert!(!files.is_empty(), "no vectors in {}", folder.display());
    files
}

fn text<'v>(value: &'v Value, what: &str) -> &'v str {
    value.as_str().unwrap_or_else(|| panic!("{what} is no text: {value}"))
}

fn cases(file: &Value) -> &[Value] {
    file["cases"].as_array().expect("cases")
}

#[test]
fn there_are_at_least_a_thousand_cases_of_distinct_names() {
    let mut names = BTreeSet::new();
    let mut count = 0;
    for file in vectors() {
        for case in cases(&file) {
            count += 1;
            let name = format!("{}: {}", text(&file["name"], "name"), text(&case["name"], "name"));
            assert!(names.insert(name.clone()), "two cases are called {name}");
        }
    }
    assert!(count >= 1_000, "{count} cases");
}

/// `5.2` of `5.2 The leaves`, `6` of `## 6. Segments`.
fn numbered(line: &str) -> Option<&str> {
    let line = line.strip_prefix("## ").unwrap_or(line);
    let (number, _) = line.split_once(' ')?;
    let number = number.strip_suffix('.').unwrap_or(number);
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = number.split('.').collect();
    (parts.len() <= 2 && parts.iter().all(|part| digits(part))).then_some(number)
}

/// The sections of evaluation.md that have no sections themselves.
fn sections() -> BTreeSet<String> {
    let document =
        fs::read_to_string(root().join("core/spec/evaluation.md")).expect("the document");
    let mut after_blank = true;
    let mut sections = BTreeSet::new();
    for line in document.lines() {
        if after_blank && let Some(number) = numbered(line) {
            sections.insert(number.to_owned());
        }
        after_blank = line.trim().is_empty();
    }
    let whole = sections.clone();
    sections.retain(|section| !whole.iter().any(|other| other.starts_with(&format!("{section}."))));
    assert!(sections.len() > 20, "sections are recognised no more: {sections:?}");
    sections
}

#[test]
fn every_section_has_a_case() {
    let sections = sections();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for file in vectors() {
        for case in cases(&file) {
            // A case says its section where it differs from that of its file.
            let section = case.get("section").unwrap_or(&file["section"]);
            let section = text(section, "section");
            assert!(sections.contains(section), "{}: there is no section {section}", file["name"]);
            *counts.entry(section.to_owned()).or_default() += 1;
        }
    }
    for (section, file, shown_by) in ELSEWHERE {
        assert!(sections.contains(*section), "there is no section {section}");
        let text = fs::read_to_string(root().join(file)).unwrap_or_default();
        assert!(text.contains(shown_by), "section {section}: {file} has no `{shown_by}`");
        *counts.entry((*section).to_owned()).or_default() += 1;
    }
    let uncovered: Vec<_> =
        sections.iter().filter(|section| !counts.contains_key(*section)).collect();
    assert!(uncovered.is_empty(), "no case is about {uncovered:?}; there are {counts:?}");
}

/// What the vectors ask an operator.
#[derive(Debug, Default)]
struct Asked {
    missing: usize,
    wrong_type: usize,
    holds: usize,
    holds_not: usize,
    /// By sign: with the operand itself, and with anything else.
    at: BTreeMap<String, usize>,
    beside: BTreeMap<String, usize>,
}

#[test]
fn the_table_has_every_operator() {
    let schema = schema();
    let variants = schema["$defs"]["Condition"]["oneOf"].as_array().expect("the conditions");
    let words: BTreeSet<&str> = variants
        .iter()
        .flat_map(|variant| variant["properties"].as_object().expect("one field").keys())
        .map(String::as_str)
        .collect();
    let table: BTreeSet<&str> =
        OPERATORS.iter().map(|(word, ..)| *word).chain(TREES.iter().copied()).collect();
    assert_eq!(words, table);
}

#[test]
fn every_operator_is_asked_everything() {
    let mut asked: BTreeMap<&str, Asked> = BTreeMap::new();
    for file in vectors() {
        for case in cases(&file) {
            ask(&file["config"], case, &mut asked);
        }
    }
    let mut lacking = Vec::new();
    for (operator, types, compares) in OPERATORS {
        let asked = asked.remove(operator).unwrap_or_default();
        let mut lack = |what: &str, count: usize| {
            if count == 0 {
                lacking.push(format!("{operator}: {what}"));
            }
        };
        lack("a missing attribute", asked.missing);
        lack("holds", asked.holds);
        lack("does not hold", asked.holds_not);
        if !types.is_empty() {
            lack("a wrong type", asked.wrong_type);
        }
        if *compares {
            for sign in SIGNS {
                let count =
                    |counts: &BTreeMap<String, usize>| counts.get(sign).copied().unwrap_or(0);
                lack(&format!("{sign} the operand itself"), count(&asked.at));
                lack(&format!("{sign} another value"), count(&asked.beside));
            }
        }
    }
    assert!(lacking.is_empty(), "no case asks of\n{}", lacking.join("\n"));
}

/// Counts a case whose flag has one rule and asks one operator.
fn ask(config: &Value, case: &Value, asked: &mut BTreeMap<&'static str, Asked>) {
    let flag = &config["flags"][text(&case["flag"], "flag")];
    let Some([rule]) = flag["rules"].as_array().map(Vec::as_slice) else { return };
    let when = rule["when"].as_object().expect("a condition");
    let Some((operator, types, compares)) =
        OPERATORS.iter().find(|(operator, ..)| when.contains_key(*operator))
    else {
        return;
    };
    let operand = &when[*operator];
    let asked = asked.entry(operator).or_default();
    let actual = attribute(&case["context"], text(&operand["attribute"], "attribute"));
    let holds = case["expect"].get("rule") == Some(&rule["id"]);
    let kind = match actual {
        Value::Null => "",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    };
    let fits = types.is_empty() || types.contains(&kind) || reads_text(operand, kind);
    if kind.is_empty() || !fits {
        assert!(!holds, "{}: holds for what is missing or of a wrong type", case["name"]);
        let count = if kind.is_empty() { &mut asked.missing } else { &mut asked.wrong_type };
        *count += 1;
        return;
    }
    *(if holds { &mut asked.holds } else { &mut asked.holds_not }) += 1;
    if *compares {
        let sign = text(&operand["is"], "a sign").to_owned();
        let at = match *operator {
            "size" => actual.as_array().map(|list| list.len() as f64) == operand["value"].as_f64(),
            "unix_time" => {
                let now = case["now"].as_i64().expect("a time").div_euclid(1_000);
                actual.as_f64() == Some(now as f64)
            }
            _ => {
                *actual == operand["value"]
                    || actual.as_f64().is_some() && actual.as_f64() == operand["value"].as_f64()
            }
        };
        *(if at { &mut asked.at } else { &mut asked.beside }).entry(sign).or_default() += 1;
    }
}

/// Operators that were imported may read a number out of a text.
fn reads_text(operand: &Value, kind: &str) -> bool {
    operand["parse"] == Value::Bool(true) && kind == "string"
}

fn attribute<'c>(context: &'c Value, reference: &str) -> &'c Value {
    if reference.starts_with('/') {
        context.pointer(reference).unwrap_or(&Value::Null)
    } else {
        &context[reference]
    }
}
