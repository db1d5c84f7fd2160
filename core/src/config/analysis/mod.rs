//! Static analysis: what a configuration says that its authors hardly mean (core/spec/config.md section 4).
//!
//! Pure and bounded: work that would go beyond a limit ends in a finding that says so. What it calls dead is dead: where it cannot decide,
//! it says nothing against a rule.

mod audience;
mod domain;
mod formula;
mod judge;
mod lists;
mod order;
mod references;
mod rules;
mod served;
mod shared;
mod solve;
mod strings;
mod text;
mod walk;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

pub use rules::examples;

use super::finding::{Code, Finding, Severity};
use super::literal::pointer;
use super::{Admission, CompileError, Configuration, Flag, Problem, client, compile, uses};
use crate::snapshot::{ChunkType, Kind};
use rules::Unreached;
use shared::Shared;

/// What an analysis goes by.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Unix milliseconds: what is over by then is found, and only times from then on count. Without it all times count.
    pub now: Option<i64>,
}

/// Everything that there is to say about a configuration: what keeps it from compiling, for servers or for clients, and what is hardly
/// meant. What concerns all of it comes first, then flag by flag.
pub fn findings(configuration: &Configuration, options: &Options) -> Vec<Finding> {
    let mut report = Report::new(configuration, options);
    report.sizes();
    references::unused(&mut report);
    references::audiences(&mut report);
    audience::segments(&mut report);
    let spoiled = report.spoiled();
    for (key, flag) in &configuration.flags {
        of_flag(&mut report, key, flag, spoiled.as_ref());
    }
    report.finish()
}

/// The same about one flag, in the context of what it depends on. Much cheaper than all of a large configuration.
pub fn findings_of_flag(
    configuration: &Configuration,
    key: &str,
    options: &Options,
) -> Vec<Finding> {
    let closure = closure(configuration, key);
    let mut report = Report::new(&closure, options);
    report.size_of_flag(key);
    if let Some((key, flag)) = closure.flags.get_key_value(key) {
        let spoiled = report.spoiled();
        of_flag(&mut report, key, flag, spoiled.as_ref());
    }
    let mut findings = report.finish();
    findings.retain(|finding| finding.flag.as_deref().is_none_or(|flag| flag == key));
    findings
}

/// `spoiled`: the flags about which there are errors, none if these are about the whole.
fn of_flag<'a>(
    report: &mut Report<'a>,
    key: &'a str,
    flag: &'a Flag,
    spoiled: Option<&BTreeSet<String>>,
) {
    report.flag = Some(key);
    let place = pointer("/flags", key);
    references::of_flag(report, &place, flag);
    audience::targets(report, &place, flag);
    let sound = spoiled.is_some_and(|spoiled| !spoiled.contains(key));
    let unreached =
        if sound { rules::of_flag(report, &place, key, flag) } else { Unreached::default() };
    served::of_flag(report, &place, flag, &unreached);
    report.flag = None;
}

/// The keys of flags and segments.
#[derive(Debug, Default)]
struct Needs<'a> {
    flags: BTreeSet<&'a str>,
    segments: BTreeSet<&'a str>,
}

/// The flag and all that it depends on.
fn needs<'a>(configuration: &'a Configuration, key: &str) -> Needs<'a> {
    let mut needs = Needs::default();
    let mut open: Vec<&str> = alloc::vec![key];
    while let Some(key) = open.pop() {
        let Some((key, flag)) = configuration.flags.get_key_value(key) else { continue };
        if needs.flags.insert(key) {
            let uses = uses::of_flag(configuration, flag);
            needs.segments.extend(uses.segments);
            open.extend(uses.flags);
        }
    }
    needs
}

/// The flag and all that it depends on, under the names that they have.
fn closure(configuration: &Configuration, key: &str) -> Configuration {
    let mut closure = Configuration {
        schema: None,
        format: configuration.format,
        attributes: configuration.attributes.clone(),
        segments: BTreeMap::new(),
        layers: BTreeMap::new(),
        holdouts: BTreeMap::new(),
        flags: BTreeMap::new(),
    };
    let needs = needs(configuration, key);
    for key in needs.flags {
        let Some(flag) = configuration.flags.get(key) else { continue };
        let layers = flag.rules.iter().filter_map(|rule| Some(&rule.layer.as_ref()?.layer));
        copy(&configuration.layers, layers, &mut closure.layers);
        let holdout = flag.holdout.iter().map(|held| &held.holdout);
        copy(&configuration.holdouts, holdout, &mut closure.holdouts);
        closure.flags.insert(key.to_string(), flag.clone());
    }
    for key in needs.segments {
        if let Some(segment) = configuration.segments.get(key) {
            closure.segments.insert(key.to_string(), segment.clone());
        }
    }
    closure
}

fn copy<'a, T: Clone>(
    from: &BTreeMap<String, T>,
    keys: impl Iterator<Item = &'a String>,
    to: &mut BTreeMap<String, T>,
) {
    for key in keys {
        if let Some(value) = from.get(key) {
            to.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
}

/// Findings under way.
struct Report<'a> {
    configuration: &'a Configuration,
    options: &'a Options,
    shared: Rc<Shared<'a>>,
    flag: Option<&'a str>,
    findings: Vec<Finding>,
}

impl<'a> Report<'a> {
    /// Begins with what keeps the configuration from compiling.
    fn new(configuration: &'a Configuration, options: &'a Options) -> Self {
        let problems = configuration.problems();
        let shared = Rc::new(Shared::new(configuration, &problems));
        let mut report = Self { configuration, options, shared, flag: None, findings: Vec::new() };
        report.extend(problems);
        report.extend(client::problems(configuration));
        report
    }

    fn extend(&mut self, problems: impl IntoIterator<Item = Problem>) {
        self.findings.extend(problems.into_iter().map(Finding::from));
    }

    /// What is too large for its chunk, or all together for a body. Told only by compiling it, which takes that nothing else is wrong.
    fn sizes(&mut self) {
        for kind in [Kind::Server, Kind::Client] {
            if !self.findings.is_empty() {
                return;
            }
            match compile::body(self.configuration, kind, Admission::default()) {
                Ok(_) => {}
                Err(CompileError::Problems(problems)) => self.extend(problems),
                Err(CompileError::OverLimits(message)) => {
                    let message = format!("do not fit into a body with their segments: {message}");
                    self.add(Code::OverLimit, "/flags", message);
                }
            }
        }
    }

    /// The same of one flag by itself.
    fn size_of_flag(&mut self, key: &str) {
        if let Some(flag) = self.configuration.flags.get(key)
            && self.findings.is_empty()
        {
            let payload = compile::flag_payload(self.configuration, flag, false);
            self.extend(compile::too_large((ChunkType::Flag, key.as_bytes(), &payload)));
        }
    }

    /// The errors' flags; none when something is wrong with the whole.
    fn spoiled(&self) -> Option<BTreeSet<String>> {
        let errors = self.findings.iter().filter(|found| found.severity == Severity::Error);
        errors.map(|found| found.flag.clone()).collect()
    }

    /// Adds a finding that holds for every context.
    fn add(&mut self, code: Code, place: &str, message: impl Into<String>) -> &mut Finding {
        self.findings.push(Finding {
            code,
            severity: code.severity(),
            flag: self.flag.map(ToString::to_string),
            place: place.to_string(),
            message: message.into(),
            exact: true,
            other: None,
            witness: None,
        });
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }

    fn finish(mut self) -> Vec<Finding> {
        self.findings.sort_by(|left, right| left.flag.cmp(&right.flag));
        self.findings
    }
}

#[cfg(test)]
mod tests;
