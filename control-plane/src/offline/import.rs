//! `pennon import`: reads flags from a file, keeps those that are sound, and reports on each of them.

use std::path::Path;

use pennon_core::config::{Attribute, CompileError, Configuration, FORMAT, Flag, Segment, compile};
use pennon_core::import::{Refused, Report, flagd, growthbook, launchdarkly, unleash};
use pennon_core::snapshot::Kind;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::json::read_json;
use super::{Failed, write};
use crate::domain::flag;
use crate::domain::keys::{check_attribute, check_key};

/// The format of a file to import.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Format {
    /// A whole project, as `pennon export` writes it; for a server alone.
    Project,
    /// CONFIG.json.
    Pennon,
    /// The body of `GET /api/client/features`.
    Unleash,
    /// The payload of the SDK endpoint.
    Growthbook,
    /// A flags file.
    Flagd,
    /// The body of `GET /sdk/latest-all`.
    Launchdarkly,
}

/// Imports a file.
///
/// # Errors
/// When a file cannot be read or written, or is not of the format at all. A single unsound flag is no error: it is refused.
pub fn import(format: Format, from: &Path, out: &Path, report: &Path) -> Result<(), Failed> {
    let value = read_json(from)?;
    let imported = match format {
        Format::Project => {
            return Err(Failed(
                "a whole project is imported by a server: give --server".to_owned(),
            ));
        }
        Format::Pennon => None,
        Format::Unleash => Some(unleash::import(&value)),
        Format::Growthbook => Some(growthbook::import(&value)),
        Format::Flagd => Some(flagd::import(&value)),
        Format::Launchdarkly => Some(launchdarkly::import(&value)),
    };
    let (configuration, told) = match imported {
        None => sound_part(value).map_err(|why| Failed::at(from, why))?,
        Some(imported) => {
            let imported = imported.map_err(|why| Failed::at(from, why))?;
            (imported.configuration, imported.report)
        }
    };
    let json = |value: serde_json::Result<String>| value.map_err(|error| Failed(error.to_string()));
    write(out, (json(serde_json::to_string_pretty(&configuration))? + "\n").as_bytes())?;
    write(report, (json(serde_json::to_string_pretty(&told))? + "\n").as_bytes())
}

/// The part of a configuration that compiles.
///
/// # Errors
/// When it is not an object of the right format, or has a field of its own that does not exist.
pub fn sound_part(value: Value) -> Result<(Configuration, Report), String> {
    let Value::Object(mut whole) = value else { return Err("it is not a JSON object".to_owned()) };
    let format = whole.remove("format");
    if format != Some(Value::from(FORMAT)) {
        return Err(format!("`format` must be {FORMAT}"));
    }
    whole.remove("$schema");
    let mut report = Report::default();
    let attributes = take(&mut whole, "attributes")?;
    let segments = take(&mut whole, "segments")?;
    let layers = take(&mut whole, "layers")?;
    let holdouts = take(&mut whole, "holdouts")?;
    let flags = take(&mut whole, "flags")?;
    if let Some(name) = whole.keys().next() {
        return Err(format!("unknown field `{name}`"));
    }

    let mut configuration = flag::empty();
    for (name, value) in attributes {
        match parsed::<Attribute>(check_attribute(&name), value) {
            Ok(attribute) => {
                configuration.attributes.insert(name, attribute);
            }
            Err(reason) => report.notes.push(format!("attribute {name:?} was left out: {reason}")),
        }
    }
    for (key, value) in segments {
        match parsed::<Segment>(check_key(&key), value) {
            Ok(segment) => {
                configuration.segments.insert(key, segment);
            }
            Err(reason) => report.notes.push(format!("segment {key:?} was left out: {reason}")),
        }
    }
    for (key, value) in layers {
        match parsed(check_key(&key), value) {
            Ok(layer) => drop(configuration.layers.insert(key, layer)),
            Err(reason) => report.notes.push(format!("layer {key:?} was left out: {reason}")),
        }
    }
    for (key, value) in holdouts {
        match parsed(check_key(&key), value) {
            Ok(holdout) => drop(configuration.holdouts.insert(key, holdout)),
            Err(reason) => report.notes.push(format!("holdout {key:?} was left out: {reason}")),
        }
    }
    leave_out_unsound_segments(&mut configuration, &mut report);
    for (key, value) in flags {
        match parsed::<Flag>(check_key(&key), value) {
            Ok(flag) => {
                configuration.flags.insert(key, flag);
            }
            Err(reason) => report.refused.push(Refused { flag: key, reason }),
        }
    }
    refuse_unsound_flags(&mut configuration, &mut report)?;
    report.imported = configuration.flags.keys().cloned().collect();
    report.refused.sort_by(|one, other| one.flag.cmp(&other.flag));
    Ok((configuration, report))
}

/// Leaves out every flag that does not compile, for servers or for clients.
fn refuse_unsound_flags(
    configuration: &mut Configuration,
    report: &mut Report,
) -> Result<(), String> {
    let mut refuse = |configuration: &mut Configuration, flag: String, reason: String| {
        if configuration.flags.remove(&flag).is_some() {
            report.refused.push(Refused { flag, reason });
        }
    };
    for kind in [Kind::Server, Kind::Client] {
        loop {
            let before = configuration.flags.len();
            match compile(configuration, kind, &[]) {
                Ok(_) => break,
                Err(CompileError::Problems(problems)) => {
                    for problem in &problems {
                        if let Some(flag) = &problem.flag {
                            refuse(configuration, flag.clone(), problem.to_string());
                        }
                    }
                    if configuration.flags.len() == before {
                        return Err(problems.first().map(ToString::to_string).unwrap_or_default());
                    }
                }
                Err(CompileError::OverLimits(limit)) => {
                    // Which one it is, it does not say: each alone, with what it may refer to.
                    let flags = std::mem::take(&mut configuration.flags);
                    let mut wrong = Vec::new();
                    for (key, flag) in &flags {
                        configuration.flags = [(key.clone(), flag.clone())].into();
                        if let Err(reason) = flag::check(configuration, Some(key)) {
                            wrong.push((key.clone(), reason.sentence()));
                        }
                    }
                    configuration.flags = flags;
                    if wrong.is_empty() {
                        return Err(limit);
                    }
                    for (key, reason) in wrong {
                        refuse(configuration, key, reason);
                    }
                }
            }
        }
    }
    Ok(())
}

/// A segment that does not compile, or refers to one that does not, would spoil every flag beside it.
fn leave_out_unsound_segments(configuration: &mut Configuration, report: &mut Report) {
    while let Some(problem) = configuration.problems().into_iter().next() {
        let mut parts = problem.place.split('/').skip(1);
        let (list, key) = (parts.next(), parts.next().map(unescape));
        let removed = match (list, key) {
            (Some("segments"), Some(key)) => {
                configuration.segments.remove(&key).map(|_| ("segment", key))
            }
            (Some("attributes"), Some(key)) => {
                configuration.attributes.remove(&key).map(|_| ("attribute", key))
            }
            (Some("layers"), Some(key)) => {
                configuration.layers.remove(&key).map(|_| ("layer", key))
            }
            (Some("holdouts"), Some(key)) => {
                configuration.holdouts.remove(&key).map(|_| ("holdout", key))
            }
            _ => None,
        };
        match removed {
            Some((what, key)) => {
                report.notes.push(format!("{what} {key:?} was left out: {}", problem.message))
            }
            // Not one of ours to leave out: the flags will be refused for it.
            None => return,
        }
    }
}

fn unescape(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

fn take(whole: &mut Map<String, Value>, name: &str) -> Result<Map<String, Value>, String> {
    match whole.remove(name) {
        None => Ok(Map::new()),
        Some(Value::Object(map)) => Ok(map),
        Some(_) => Err(format!("`{name}` is not an object")),
    }
}

fn parsed<T: DeserializeOwned>(key: Result<(), String>, value: Value) -> Result<T, String> {
    key?;
    flag::read(value).map_err(|wrong| wrong.sentence())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn refuses_single_flags_and_imports_the_rest() {
        let variants = json!([{ "key": "on", "value": true }, { "key": "off", "value": false }]);
        let flag = |fallthrough: &str| json!({ "type": "boolean", "enabled": true, "variants": variants, "fallthrough": { "variant": fallthrough } });
        let (configuration, report) = sound_part(json!({
            "format": 1,
            "segments": { "good": { "included": ["u1"] }, "bad": { "when": { "segment": "nowhere" } } },
            "flags": {
                "good": flag("on"),
                "unsound": flag("nowhere"),
                "unreadable": { "type": "boolean" },
                "UPPER": flag("on"),
            },
        }))
        .unwrap();
        assert_eq!(report.imported, ["good"]);
        assert_eq!(configuration.flags.len(), 1);
        assert_eq!(configuration.segments.keys().collect::<Vec<_>>(), ["good"]);
        let refused: Vec<_> = report.refused.iter().map(|refused| refused.flag.as_str()).collect();
        assert_eq!(refused, ["UPPER", "unreadable", "unsound"]);
        assert!(report.refused.iter().all(|refused| !refused.reason.is_empty()));
        assert_eq!(report.notes.len(), 1, "{:?}", report.notes);
        assert_eq!(flag::check(&configuration, None), Ok(()));
    }

    #[test]
    fn another_format_is_no_configuration() {
        assert!(sound_part(json!({ "format": 2 })).is_err());
        assert!(sound_part(json!({ "format": 1, "flag": {} })).unwrap_err().contains("flag"));
        assert!(sound_part(json!([])).is_err());
    }
}
