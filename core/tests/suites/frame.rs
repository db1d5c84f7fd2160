//! What the suites have in common: where they lie, declared refusals, and whole values compared.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use pennon_core::config::compile;
use pennon_core::context::Context;
use pennon_core::import::{Import, ImportError};
use pennon_core::snapshot::{Kind, Snapshot};
use serde_json::Value;

/// Where the suites should lie.
pub(crate) fn place() -> PathBuf {
    std::env::var_os("PENNON_SUITES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/suites"),
        PathBuf::from,
    )
}

/// Where they lie, if they do.
pub(crate) fn folder() -> Option<PathBuf> {
    Some(place()).filter(|place| place.join("README.md").is_file())
}

pub(crate) fn read_json(path: &Path) -> Result<Value, Box<dyn Error>> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?)
}

/// How a case came out.
pub(crate) enum Verdict {
    Pass,
    /// The importer did not take the flag, and says why.
    Refused(String),
    Wrong(String),
}

/// The cases of one vendor.
pub(crate) struct Suite {
    /// As the file in core/spec/known-gaps is called.
    vendor: &'static str,
    cases: Vec<(String, Verdict)>,
}

impl Suite {
    pub(crate) fn new(vendor: &'static str) -> Self {
        Self { vendor, cases: Vec::new() }
    }

    /// Adds a case. Names are unique.
    pub(crate) fn case(&mut self, name: impl Into<String>, verdict: Verdict) {
        self.cases.push((name.into(), verdict));
    }

    /// A test for each case, and one that every declared refusal is a case.
    pub(crate) fn trials(self) -> Result<Vec<Trial>, Box<dyn Error>> {
        let mut gaps = declared(self.vendor)?;
        let mut trials = Vec::new();
        let mut names = BTreeSet::new();
        for (name, verdict) in self.cases {
            if !names.insert(name.clone()) {
                return Err(format!("{}: two cases are called `{name}`", self.vendor).into());
            }
            let gap = gaps.remove(&name);
            let title = format!("{}: {name}", self.vendor);
            trials.push(Trial::test(title, move || match (verdict, gap) {
                (Verdict::Pass, None) | (Verdict::Refused(_), Some(_)) => Ok(()),
                (Verdict::Pass, Some(reason)) => {
                    Err(format!("passes: take it out of core/spec/known-gaps (declared: {reason})")
                        .into())
                }
                (Verdict::Refused(reason), None) => {
                    Err(format!("refused without being declared: {reason}").into())
                }
                (Verdict::Wrong(what), _) => Err(format!("wrong: {what}").into()),
            }));
        }
        let left: Vec<String> = gaps.into_keys().collect();
        trials.push(Trial::test(
            format!("{}: declared refusals are cases", self.vendor),
            move || {
                if left.is_empty() { Ok(()) } else { Err(format!("no such case: {left:?}").into()) }
            },
        ));
        Ok(trials)
    }
}

/// Name and reason of each refusal in core/spec/known-gaps: a line each, ` | ` between; lines that begin with `#` are for people.
fn declared(vendor: &str) -> Result<BTreeMap<String, String>, Box<dyn Error>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("spec/known-gaps/{vendor}.txt"));
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| match line.split_once(" | ") {
            Some((name, reason)) => Ok((name.to_owned(), reason.to_owned())),
            None => Err(format!("{}: no reason in `{line}`", path.display()).into()),
        })
        .collect()
}

/// An imported file, ready to be asked.
pub(crate) struct World {
    snapshot: Snapshot,
    import: Import,
}

impl World {
    pub(crate) fn open(import: Result<Import, ImportError>) -> Result<Self, Box<dyn Error>> {
        let import = import?;
        let body = compile(&import.configuration, Kind::Server, &[])?;
        Ok(Self { snapshot: Snapshot::open(body, Kind::Server)?, import })
    }

    /// Why the flag was refused, if it was.
    pub(crate) fn refusal(&self, flag: &str) -> Option<&str> {
        let refused = self.import.report.refused.iter().find(|refused| refused.flag == flag)?;
        Some(&refused.reason)
    }

    /// `{value?, variant?, reason, ...}`.
    pub(crate) fn outcome(
        &self,
        flag: &str,
        context: &Value,
        now: i64,
    ) -> Result<serde_json::Map<String, Value>, Box<dyn Error>> {
        let context = Context::from_json(context)?;
        Ok(self.snapshot.evaluate(flag, &context, now).to_json())
    }
}

/// As JSON values; 1 and 1.0 are one number.
pub(crate) fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(l, r)| same(l, r))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, l)| right.get(key).is_some_and(|r| same(l, r)))
        }
        _ => left == right,
    }
}
