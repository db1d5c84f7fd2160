//! Configurations of other products, with every unit in the bucket that it is in today (core/spec/config.md section 7).
//!
//! What cannot be expressed exactly is refused with a reason, never imported wrongly.

pub mod flagd;
pub mod growthbook;
mod javascript;
pub mod launchdarkly;
mod node;
mod pattern;
mod regexp;
pub mod unleash;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::Serialize;

use crate::config::{CompileError, Configuration, Problem, compile, uses};
use crate::snapshot::Kind;

/// What became of a file.
#[derive(Clone, Debug)]
pub struct Import {
    pub configuration: Configuration,
    pub report: Report,
}

/// Every flag of the file is in one of the first two lists.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    pub imported: Vec<String>,
    pub refused: Vec<Refused>,
    /// What is different from before in a way that somebody should know.
    pub notes: Vec<String>,
}

/// A flag that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    pub flag: String,
    pub reason: String,
}

/// The file is not of the product, or not as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportError(pub String);

impl fmt::Display for ImportError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl core::error::Error for ImportError {}

/// Takes out every flag that has a problem, and every flag that depends on one taken out; what is left compiles.
pub(crate) fn finish(mut configuration: Configuration, mut report: Report) -> Import {
    loop {
        refuse_dependents(&mut configuration, &mut report);
        let problems = match compile(&configuration, Kind::Server, &[]) {
            Err(CompileError::Problems(problems)) => problems,
            // Too large as a whole is no flag's fault: whoever compiles it is told.
            Ok(_) | Err(CompileError::OverLimits(_)) => Vec::new(),
        };
        if refuse_users_of_spoiled_segments(&mut configuration, &mut report, &problems) {
            continue;
        }
        let spoiled: BTreeSet<String> =
            problems.iter().filter_map(|problem| problem.flag.clone()).collect();
        if spoiled.is_empty() {
            break;
        }
        for flag in spoiled {
            let reasons: Vec<String> = problems
                .iter()
                .filter(|problem| problem.flag.as_ref() == Some(&flag))
                .map(|problem| format!("{problem}"))
                .collect();
            configuration.flags.remove(&flag);
            report.refused.push(Refused { flag, reason: reasons.join("; ") });
        }
    }
    for (key, flag) in &configuration.flags {
        let mut reasons = BTreeSet::new();
        flag.rules.iter().for_each(|rule| node::errors(&rule.when, &mut reasons));
        let notes = reasons.into_iter();
        report.notes.extend(
            notes.map(|why| format!("flag `{key}`: to some contexts it may be an error: {why}")),
        );
    }
    report.imported = configuration.flags.keys().cloned().collect();
    report.refused.sort_by(|left, right| left.flag.cmp(&right.flag));
    Import { configuration, report }
}

/// Takes out every segment that has a problem, and every flag that uses one; whether there was any.
fn refuse_users_of_spoiled_segments(
    configuration: &mut Configuration,
    report: &mut Report,
    problems: &[Problem],
) -> bool {
    let mut spoiled: BTreeMap<String, String> = BTreeMap::new();
    for problem in problems.iter().filter(|problem| problem.flag.is_none()) {
        let key = configuration.segments.keys().find(|key| {
            let place = format!("/segments{}", node::pointer([key.as_str()]));
            let within = problem.place.strip_prefix(&place);
            within.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        if let Some(key) = key {
            spoiled.entry(key.clone()).or_insert_with(|| format!("{problem}"));
        }
    }
    let users: Vec<Refused> = configuration
        .flags
        .iter()
        .filter_map(|(flag, definition)| {
            let uses = uses::of_flag(configuration, definition).segments;
            let (key, reason) = spoiled.iter().find(|(key, _)| uses.contains(key.as_str()))?;
            let reason = format!("uses segment `{key}`: {reason}");
            Some(Refused { flag: flag.clone(), reason })
        })
        .collect();
    for user in users {
        configuration.flags.remove(&user.flag);
        report.refused.push(user);
    }
    for (key, reason) in &spoiled {
        configuration.segments.remove(key);
        report.notes.push(format!("segment `{key}` was left out: {reason}"));
    }
    !spoiled.is_empty()
}

/// Takes out every flag that depends on one that was refused.
fn refuse_dependents(configuration: &mut Configuration, report: &mut Report) {
    let mut refused: BTreeSet<String> =
        report.refused.iter().map(|refused| refused.flag.clone()).collect();
    loop {
        let found = configuration.flags.iter().find_map(|(key, flag)| {
            let needs = uses::of_flag(configuration, flag).flags;
            let missing = needs.into_iter().find(|needed| refused.contains(*needed))?;
            Some((key.clone(), format!("depends on flag `{missing}`, which was refused")))
        });
        let Some((flag, reason)) = found else { return };
        configuration.flags.remove(&flag);
        refused.insert(flag.clone());
        report.refused.push(Refused { flag, reason });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn flag(value: &str, prerequisites: &Value) -> Value {
        json!({
            "type": "string", "enabled": true, "prerequisites": prerequisites,
            "variants": [{ "key": "v", "value": value }], "fallthrough": { "variant": "v" },
        })
    }

    #[test]
    fn a_flag_too_large_to_be_compiled_is_left_out_with_what_depends_on_it() {
        let configuration: Configuration = serde_json::from_value(json!({
            "format": 1,
            "flags": {
                "dependent": flag("small", &json!([{ "flag": "large", "variants": ["v"] }])),
                "large": flag(&"x".repeat(300_000), &json!([])),
                "small": flag("small", &json!([])),
            },
        }))
        .unwrap();
        let import = finish(configuration, Report::default());
        assert_eq!(import.report.imported, ["small"]);
        let refused: Vec<&str> =
            import.report.refused.iter().map(|refused| &*refused.flag).collect();
        assert_eq!(refused, ["dependent", "large"]);
        assert!(import.report.refused[1].reason.contains("262144"), "{:?}", import.report);
        assert!(compile(&import.configuration, Kind::Server, &[]).is_ok());
    }

    #[test]
    fn a_segment_with_a_long_key_is_left_out_with_the_flags_that_use_it() {
        let long = "x".repeat(2_000);
        let ruled = |segment: &str| {
            let mut flag = flag("v", &json!([]));
            let serve = json!({ "variant": "v" });
            flag["rules"] = json!([{ "id": "r", "when": { "segment": segment }, "serve": serve }]);
            flag
        };
        let configuration: Configuration = serde_json::from_value(json!({
            "format": 1,
            "segments": { &long: { "included": ["ada"] }, "good": { "included": ["ada"] } },
            "flags": { "spoiled": ruled(&long), "sound": ruled("good") },
        }))
        .unwrap();
        let import = finish(configuration, Report::default());
        assert_eq!(import.report.imported, ["sound"]);
        assert_eq!(import.report.refused.len(), 1);
        assert_eq!(import.configuration.segments.keys().collect::<Vec<_>>(), ["good"]);
        assert!(compile(&import.configuration, Kind::Server, &[]).is_ok());
    }
}
