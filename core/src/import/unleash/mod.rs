//! Unleash: the body of `GET /api/client/features`.
//!
//! Read against the vendor's engines, Yggdrasil and unleash-client for Node. Where these disagree about what a file says, the flag is
//! refused.

mod constraint;
mod strategy;
mod variants;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Map, Value};

use super::{Import, ImportError, Refused, Report, finish, node};
use crate::config::{
    Condition, Configuration, FORMAT, Flag, Prerequisite, Rule, Segment, Serve, ValueType,
};
use constraint::Met;
use variants::Variants;

type Object = Map<String, Value>;

/// Translates the file.
///
/// # Errors
/// When it is no body of `GET /api/client/features`.
pub fn import(json: &Value) -> Result<Import, ImportError> {
    let Some(features) = json.get("features").and_then(Value::as_array) else {
        let message =
            "not an answer of Unleash's `GET /api/client/features`: there is no list `features`";
        return Err(ImportError(message.into()));
    };
    let mut file = File {
        toggles: BTreeMap::new(),
        twice: BTreeSet::new(),
        segments: segments(json.get("segments")),
        report: Report::default(),
    };
    for (at, feature) in features.iter().enumerate() {
        let named = feature.as_object().and_then(|feature| Some((text(feature, "name")?, feature)));
        let Some((name, feature)) = named else {
            return Err(ImportError(format!("features[{at}] has no `name`")));
        };
        if file.toggles.insert(name, feature).is_some() {
            file.twice.insert(name);
        }
    }
    Ok(file.translate())
}

struct File<'a> {
    toggles: BTreeMap<&'a str, &'a Object>,
    /// Those that stand twice in the file.
    twice: BTreeSet<&'a str>,
    segments: BTreeMap<String, Result<Met, String>>,
    report: Report,
}

impl File<'_> {
    fn translate(mut self) -> Import {
        let mut flags = BTreeMap::new();
        for (name, toggle) in &self.toggles {
            let mut notes = Vec::new();
            match self.flag(name, toggle, &mut notes) {
                Ok(flag) => {
                    flags.insert(name.to_string(), flag);
                    let notes = notes.into_iter().map(|note| format!("{name}: {note}"));
                    self.report.notes.extend(notes);
                }
                Err(reason) => {
                    self.report.refused.push(Refused { flag: name.to_string(), reason });
                }
            }
        }
        let mut segments = BTreeMap::new();
        for (id, segment) in &self.segments {
            match segment {
                Ok(met) => {
                    segments.insert(segment_key(id), a_segment(met.condition.clone()));
                }
                Err(reason) => {
                    self.report.notes.push(format!("segment {id} was left out: {reason}"));
                }
            }
        }
        self.report.notes.push(
            "clients see no flag yet: set `clientVisible` for those that they may see".into(),
        );
        self.report.notes.push(
            "what Unleash's SDKs know by themselves, `appName` and `environment` for instance, must be in the context".into(),
        );
        let configuration = Configuration {
            schema: None,
            format: FORMAT,
            attributes: BTreeMap::new(),
            segments,
            layers: BTreeMap::new(),
            holdouts: BTreeMap::new(),
            flags,
        };
        finish(configuration, self.report)
    }

    fn flag(&self, name: &str, toggle: &Object, notes: &mut Vec<String>) -> Result<Flag, String> {
        if self.twice.contains(name) {
            return Err("stands twice in the file".into());
        }
        let Some(enabled) = toggle.get("enabled").and_then(Value::as_bool) else {
            return Err("`enabled` is neither true nor false".into());
        };
        let variants = Variants::of(toggle)?;
        let mut flag = Flag {
            flag_type: if variants.any() { ValueType::Json } else { ValueType::Boolean },
            description: text(toggle, "description").unwrap_or_default().into(),
            client_visible: false,
            enabled,
            off_variant: Some(variants.off.clone()),
            variants: variants.list.clone(),
            prerequisites: Vec::new(),
            targets: Vec::new(),
            holdout: None,
            rules: Vec::new(),
            fallthrough: Serve::Variant(variants.off.clone()),
            metadata: BTreeMap::new(),
        };
        if !self.dependencies(toggle, &variants, &mut flag, notes)? {
            return Ok(flag);
        }
        strategy::rules(self, name, toggle, &variants, &mut flag, notes)?;
        Ok(flag)
    }

    /// Adds what other toggles must serve; false when that can never be.
    fn dependencies(
        &self,
        toggle: &Object,
        variants: &Variants,
        flag: &mut Flag,
        notes: &mut Vec<String>,
    ) -> Result<bool, String> {
        for (at, dependency) in objects(toggle, "dependencies")?.into_iter().enumerate() {
            let place = format!("dependencies[{at}]");
            let Some(parent) = text(dependency, "feature") else {
                return Err(format!("{place} names no feature"));
            };
            let Some(parent_toggle) = self.toggles.get(parent) else {
                notes.push(format!(
                    "is always off: it depends on `{parent}`, which is not in the file"
                ));
                return Ok(false);
            };
            if !objects(parent_toggle, "dependencies")?.is_empty() {
                notes.push(format!(
                    "is always off: `{parent}`, on which it depends, depends on others itself"
                ));
                return Ok(false);
            }
            let on = dependency.get("enabled").and_then(Value::as_bool).unwrap_or(true);
            let wanted = strings(dependency, "variants")?;
            let parent_variants = Variants::of(parent_toggle)
                .map_err(|reason| format!("{place}: `{parent}`: {reason}"))?;
            let of_parent = |keep: &dyn Fn(&str) -> bool| -> Vec<String> {
                let keys = parent_variants.list.iter().map(|variant| &variant.key);
                keys.filter(|key| **key != parent_variants.off && keep(key)).cloned().collect()
            };
            if !on {
                if !wanted.is_empty() {
                    return Err(format!(
                        "{place}: Unleash's SDKs disagree about variants of a feature that must be off"
                    ));
                }
                flag.rules.push(Rule {
                    id: place,
                    name: format!("{parent} must be off"),
                    from: None,
                    to: None,
                    layer: None,
                    when: node::serves(parent, of_parent(&|_| true)),
                    serve: Serve::Variant(variants.off.clone()),
                });
                continue;
            }
            // To serve no variant is called `disabled`.
            let without = wanted.is_empty() || wanted.contains(&"disabled");
            if !without && strategy::may_serve_no_variant(parent_toggle)? {
                return Err(format!(
                    "{place}: `{parent}` may be on without a variant, and Unleash's SDKs disagree whether that meets a dependency on variants"
                ));
            }
            let served = of_parent(&|key| {
                if key == parent_variants.on {
                    without
                } else {
                    wanted.is_empty() || wanted.contains(&key)
                }
            });
            if served.is_empty() {
                notes.push(format!(
                    "is always off: `{parent}` has none of the variants that it depends on"
                ));
                return Ok(false);
            }
            flag.prerequisites.push(Prerequisite { flag: parent.into(), variants: served });
        }
        Ok(true)
    }

    /// What the strategy's segments ask.
    fn segments(&self, strategy: &Object, place: &str) -> Result<Vec<Met>, String> {
        let Some(ids) = strategy.get("segments").filter(|ids| !ids.is_null()) else {
            return Ok(Vec::new());
        };
        let Some(ids) = ids.as_array() else {
            return Err(format!("{place}.segments is not a list"));
        };
        let mut seen = BTreeSet::new();
        let mut list = Vec::new();
        for id in ids {
            let id = id.to_string();
            if !seen.insert(id.clone()) {
                continue;
            }
            list.push(match self.segments.get(&id) {
                None => Met::never(format!("{place} names segment {id}, which is not in the file")),
                Some(Err(reason)) => return Err(format!("{place}: segment {id}: {reason}")),
                Some(Ok(met)) => Met {
                    condition: if node::is_always(&met.condition) {
                        node::always()
                    } else {
                        Condition::Segment(segment_key(&id))
                    },
                    broken: met.broken.clone(),
                },
            });
        }
        Ok(list)
    }
}

fn segment_key(id: &str) -> String {
    format!("segment-{id}")
}

fn a_segment(when: Condition) -> Segment {
    Segment {
        description: String::new(),
        unit: crate::context::TARGETING_KEY.into(),
        included: Vec::new(),
        excluded: Vec::new(),
        when: Some(when),
    }
}

/// By the text of their ids.
fn segments(json: Option<&Value>) -> BTreeMap<String, Result<Met, String>> {
    let list = json.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut segments = BTreeMap::new();
    for segment in list.iter().filter_map(Value::as_object) {
        let Some(id) = segment.get("id").map(ToString::to_string) else { continue };
        let read = constraint::constraints(segment, "").map(Met::all);
        if segments.insert(id.clone(), read).is_some() {
            segments.insert(id, Err("stands twice in the file".into()));
        }
    }
    segments
}

/// The list of objects in `field`; none is an empty list.
fn objects<'a>(object: &'a Object, field: &str) -> Result<Vec<&'a Object>, String> {
    match object.get(field) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => {
            let objects = list.iter().map(|item| {
                item.as_object().ok_or_else(|| format!("{field} holds something that is no object"))
            });
            objects.collect()
        }
        Some(_) => Err(format!("{field} is not a list")),
    }
}

/// The list of texts in `field`; none is an empty list.
fn strings<'a>(object: &'a Object, field: &str) -> Result<Vec<&'a str>, String> {
    match object.get(field) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => {
            let texts = list.iter().map(|item| {
                item.as_str().ok_or_else(|| format!("{field} holds something that is no text"))
            });
            texts.collect()
        }
        Some(_) => Err(format!("{field} is not a list")),
    }
}

fn text<'a>(object: &'a Object, field: &str) -> Option<&'a str> {
    object.get(field)?.as_str()
}

#[cfg(test)]
mod tests;
