//! Static analysis: what a configuration says that its authors hardly mean (core/spec/config.md section 4).
//!
//! Pure and bounded: work that would go beyond a limit ends in a finding that says so. What it calls dead is dead: where it cannot decide,
//! it says nothing against a rule.

mod audience;
mod domain;
mod formula;
mod judge;
mod order;
mod references;
mod rules;
mod served;
mod solve;
mod text;
mod walk;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

pub use rules::examples;

use super::finding::{Code, Finding};
use super::literal::pointer;
use super::{Configuration, Flag, client, uses};

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
    report.problems();
    references::unused(&mut report);
    references::audiences(&mut report);
    audience::segments(&mut report);
    for (key, flag) in &configuration.flags {
        of_flag(&mut report, key, flag);
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
    report.problems();
    if let Some((key, flag)) = closure.flags.get_key_value(key) {
        of_flag(&mut report, key, flag);
    }
    let mut findings = report.finish();
    findings.retain(|finding| finding.flag.as_deref().is_none_or(|flag| flag == key));
    findings
}

fn of_flag<'a>(report: &mut Report<'a>, key: &'a str, flag: &'a Flag) {
    report.flag = Some(key);
    let place = pointer("/flags", key);
    references::of_flag(report, &place, flag);
    audience::targets(report, &place, flag);
    let unreached = rules::of_flag(report, &place, key, flag);
    served::of_flag(report, &place, flag, &unreached);
    report.flag = None;
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
    let mut segments: BTreeSet<&str> = BTreeSet::new();
    let mut open: Vec<&str> = alloc::vec![key];
    while let Some(key) = open.pop() {
        let Some(flag) = configuration.flags.get(key) else { continue };
        if closure.flags.insert(key.to_string(), flag.clone()).is_some() {
            continue;
        }
        let uses = uses::of_flag(configuration, flag);
        segments.extend(uses.segments);
        open.extend(uses.flags);
        let layers = flag.rules.iter().filter_map(|rule| Some(&rule.layer.as_ref()?.layer));
        copy(&configuration.layers, layers, &mut closure.layers);
        let holdout = flag.holdout.iter().map(|held| &held.holdout);
        copy(&configuration.holdouts, holdout, &mut closure.holdouts);
    }
    for key in segments {
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
    flag: Option<&'a str>,
    findings: Vec<Finding>,
}

impl<'a> Report<'a> {
    fn new(configuration: &'a Configuration, options: &'a Options) -> Self {
        Self { configuration, options, flag: None, findings: Vec::new() }
    }

    fn problems(&mut self) {
        let problems = self.configuration.problems();
        self.findings.extend(problems.into_iter().map(Finding::from));
        self.findings.extend(client::problems(self.configuration).into_iter().map(Finding::from));
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
