//! The client kind: what of a configuration may reach browsers, and in which form (core/spec/config.md section 5).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::check::Problem;
use super::finding::Code;
use super::literal::{path, pointer};
use super::uses::of_flag;
use super::{Condition, Configuration, Flag, Serve};
use crate::limits::MAX_CLIENT_SEGMENT_KEYS;

/// A configuration for clients: flags that are not for clients are left out, or, where one that is depends on them, renamed.
pub(super) struct ForClients {
    pub(super) configuration: Configuration,
    /// New keys of the renamed flags.
    pub(super) hidden: BTreeSet<String>,
}

/// What may not reach a client: private attributes, and segments over the client's limit.
pub(super) fn problems(configuration: &Configuration) -> Vec<Problem> {
    // By their names: `/salary` is `salary`, and `/person/salary` lies within a private `person`.
    let private_paths: Vec<Vec<String>> = configuration
        .attributes
        .iter()
        .filter(|(_, attribute)| attribute.private)
        .filter_map(|(name, _)| path(name))
        .collect();
    let private = |attribute: &str| {
        let names = path(attribute).unwrap_or_default();
        private_paths.iter().any(|private| names.starts_with(private))
    };
    let mut problems = Vec::new();
    for (key, carried_by) in flags_carried(configuration) {
        let Some(flag) = configuration.flags.get(key).filter(|flag| flag.enabled) else { continue };
        let uses = of_flag(configuration, flag);
        let mut report = |code: Code, message: String| {
            let flag = Some(carried_by.to_string());
            problems.push(Problem { code, flag, place: pointer("/flags", key), message });
        };
        for name in &uses.segments {
            let listed = configuration
                .segments
                .get(*name)
                .map_or(0, |segment| segment.included.len().max(segment.excluded.len()));
            if listed > MAX_CLIENT_SEGMENT_KEYS {
                report(
                    Code::OverLimit,
                    format!(
                        "reaches clients and uses segment `{name}`, which lists more than {MAX_CLIENT_SEGMENT_KEYS} keys"
                    ),
                );
            }
        }
        for attribute in uses.attributes.into_iter().filter(|attribute| private(attribute)) {
            report(
                Code::PrivateAttribute,
                format!(
                    "reaches clients and reads the private attribute `{attribute}`: hide the flag from clients or make the attribute public"
                ),
            );
        }
    }
    problems
}

/// The flags that a client body carries, each with a client-visible flag that is the cause.
fn flags_carried(configuration: &Configuration) -> BTreeMap<&str, &str> {
    let visible = configuration.flags.iter().filter(|(_, flag)| flag.client_visible);
    let mut carried: BTreeMap<&str, &str> = BTreeMap::new();
    let mut open: Vec<(&str, &str)> =
        visible.map(|(key, _)| (key.as_str(), key.as_str())).collect();
    // Visible flags first, so that each is its own cause.
    open.reverse();
    while let Some((key, cause)) = open.pop() {
        let Some(flag) = configuration.flags.get(key) else { continue };
        if carried.contains_key(key) && key != cause {
            continue;
        }
        carried.insert(key, if flag.client_visible { key } else { cause });
        if flag.enabled {
            let needed = of_flag(configuration, flag).flags;
            open.extend(
                needed.into_iter().filter(|key| !carried.contains_key(key)).map(|key| (key, cause)),
            );
        }
    }
    carried
}

/// Leaves out and renames.
pub(super) fn for_clients(configuration: &Configuration) -> ForClients {
    let carried = flags_carried(configuration);
    let mut names: BTreeMap<&str, String> = BTreeMap::new();
    for key in carried.keys() {
        if configuration.flags.get(*key).is_some_and(|flag| !flag.client_visible) {
            // No authored key begins with NUL, and none is given away.
            names.insert(key, format!("\0{}", names.len()));
        }
    }
    let renaming = Renaming { configuration, names: &names };
    let mut segments_used: BTreeSet<&str> = BTreeSet::new();
    let mut flags = BTreeMap::new();
    for key in carried.keys() {
        let Some(flag) = configuration.flags.get(*key) else { continue };
        if flag.enabled {
            segments_used.extend(of_flag(configuration, flag).segments);
        }
        let mut flag = flag.clone();
        if names.contains_key(key) {
            renaming.hide(&mut flag);
        }
        for prerequisite in &mut flag.prerequisites {
            renaming.reference(&mut prerequisite.flag, &mut prerequisite.variants);
        }
        flag.rules.iter_mut().for_each(|rule| renaming.condition(&mut rule.when));
        flags.insert(names.get(key).cloned().unwrap_or_else(|| key.to_string()), flag);
    }
    let mut segments = BTreeMap::new();
    for key in segments_used {
        if let Some(mut segment) = configuration.segments.get(key).cloned() {
            segment.when.iter_mut().for_each(|condition| renaming.condition(condition));
            segments.insert(key.to_string(), segment);
        }
    }
    let hidden = names.values().cloned().collect();
    let configuration = Configuration {
        schema: None,
        format: configuration.format,
        attributes: BTreeMap::new(),
        segments,
        layers: configuration.layers.clone(),
        holdouts: configuration.holdouts.clone(),
        flags,
    };
    ForClients { configuration, hidden }
}

/// Flags that are not for clients by their new keys, and their variants by position.
struct Renaming<'a> {
    configuration: &'a Configuration,
    names: &'a BTreeMap<&'a str, String>,
}

impl Renaming<'_> {
    fn variant(flag: &Flag, variant: &str) -> Option<String> {
        flag.variants.iter().position(|known| known.key == variant).map(|at| at.to_string())
    }

    /// A flag's own mentions of its variants, and what people wrote into it.
    fn hide(&self, flag: &mut Flag) {
        let original = flag.clone();
        let rename = |variant: &mut String| {
            *variant = Self::variant(&original, variant).unwrap_or_default();
        };
        flag.variants.iter_mut().for_each(|variant| rename(&mut variant.key));
        flag.off_variant.iter_mut().for_each(rename);
        flag.targets.iter_mut().for_each(|target| rename(&mut target.variant));
        flag.holdout.iter_mut().for_each(|held| rename(&mut held.variant));
        for (at, rule) in flag.rules.iter_mut().enumerate() {
            rule.id = at.to_string();
        }
        let serves = flag.rules.iter_mut().map(|rule| &mut rule.serve);
        for serve in serves.chain([&mut flag.fallthrough]) {
            match serve {
                Serve::Variant(variant) => rename(variant),
                Serve::Split(split) => {
                    split
                        .weights
                        .iter_mut()
                        .filter_map(|part| part.variant.as_mut())
                        .for_each(rename);
                }
                Serve::Ramp(ramp) => ramp.variants.iter_mut().flatten().for_each(rename),
            }
        }
        flag.metadata.clear();
    }

    /// Another flag, and variants of it.
    fn reference(&self, flag: &mut String, variants: &mut [String]) {
        let Some(name) = self.names.get(flag.as_str()) else { return };
        if let Some(original) = self.configuration.flags.get(flag.as_str()) {
            for variant in variants {
                *variant = Self::variant(original, variant).unwrap_or_default();
            }
        }
        flag.clone_from(name);
    }

    fn condition(&self, condition: &mut Condition) {
        match condition {
            Condition::All(list) | Condition::Any(list) => {
                list.iter_mut().for_each(|inner| self.condition(inner));
            }
            Condition::Not(inner) => self.condition(inner),
            Condition::Some(some) => self.condition(&mut some.when),
            Condition::Flag(flag) => self.reference(&mut flag.flag, &mut flag.variants),
            _ => {}
        }
    }
}
