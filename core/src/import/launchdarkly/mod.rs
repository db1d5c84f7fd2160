//! LaunchDarkly: the body of `GET /sdk/latest-all`, which its server SDKs read.
//!
//! The user context lies at the top of our context, its key is the targeting key; every other kind is an object under its name. Meanings
//! are those of LaunchDarkly's evaluation engines; where these disagree with each other, the flag is refused.

mod clause;
mod date;
mod payload;
mod reference;
mod rollout;
mod segment;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::Value;

use super::{Import, ImportError, Refused, Report, finish, node};
use crate::config::{
    Condition, Configuration, FORMAT, Flag, Prerequisite, Rule, Scalar, Serve, Target, ValueType,
    Variant,
};
use crate::context::TARGETING_KEY;
use payload::Kind;
use reference::kind_key;
use segment::Segments;

/// Makes a configuration of what LaunchDarkly serves to its server SDKs.
///
/// # Errors
/// The JSON is not that body.
pub fn import(json: &Value) -> Result<Import, ImportError> {
    let not_the_body =
        || ImportError("must be the body of GET /sdk/latest-all: {\"flags\": {...}}".into());
    let body = json.as_object().ok_or_else(not_the_body)?;
    let flags = body.get("flags").and_then(Value::as_object).ok_or_else(not_the_body)?;
    let nothing = serde_json::Map::new();
    let segments = match body.get("segments") {
        None | Some(Value::Null) => &nothing,
        Some(segments) => segments.as_object().ok_or_else(not_the_body)?,
    };

    let mut report = Report::default();
    let mut payload: BTreeMap<&String, payload::Flag> = BTreeMap::new();
    for (key, flag) in flags {
        match payload::Flag::deserialize(flag) {
            Ok(flag) if flag.deleted => {}
            Ok(mut flag) => {
                flag.key.get_or_insert_with(|| key.clone());
                payload.insert(key, flag);
            }
            Err(error) => report.refused.push(Refused {
                flag: key.clone(),
                reason: format!("is no flag of LaunchDarkly: {error}"),
            }),
        }
    }
    let mut kinds = BTreeSet::new();
    flags.values().chain(segments.values()).for_each(|item| collect_kinds(item, &mut kinds));
    let (segments, left_out) = Segments::read(segments, &kinds);
    for (segment, reason) in left_out {
        report.notes.push(format!("segment `{segment}` was left out: {reason}"));
    }

    let mut configuration = Configuration {
        schema: None,
        format: FORMAT,
        attributes: BTreeMap::new(),
        segments: BTreeMap::new(),
        layers: BTreeMap::new(),
        holdouts: BTreeMap::new(),
        flags: BTreeMap::new(),
    };
    for (key, flag) in &payload {
        let translation = Translation { flag, all: &payload, segments: &segments };
        match translation.flag() {
            Ok(translated) => {
                configuration.flags.insert((*key).clone(), translated);
            }
            Err(reason) => report.refused.push(Refused { flag: (*key).clone(), reason }),
        }
        if flag.prerequisites.iter().any(|one| translation.prerequisite(one).is_none()) {
            report.notes.push(format!(
                "flag `{key}`: a prerequisite can never be met, so that it serves what it serves when off"
            ));
        }
        if flag.runs_experiment() {
            report.notes.push(format!(
                "flag `{key}`: its experiment's variations are kept, its events not"
            ));
        }
    }
    refuse_dependents(&mut configuration, &mut report, &payload, &segments);
    configuration.segments = segments.translated;
    Ok(finish(configuration, report))
}

/// Refuses flags whose prerequisite may be an error, which LaunchDarkly passes on to the flag itself.
fn refuse_dependents(
    configuration: &mut Configuration,
    report: &mut Report,
    payload: &BTreeMap<&String, payload::Flag>,
    segments: &Segments<'_>,
) {
    loop {
        let reason_against = |flag: &payload::Flag| {
            flag.prerequisites.iter().find_map(|prerequisite| {
                let key = &prerequisite.key;
                match configuration.flags.get(key) {
                    None if payload.contains_key(key) => {
                        Some(format!("depends on flag `{key}`, which was refused"))
                    }
                    Some(needed)
                        if needed.rules.iter().any(|rule| segments.may_fail(&rule.when)) =>
                    {
                        Some(format!(
                            "its prerequisite `{key}` may be an error, which is then its own"
                        ))
                    }
                    _ => None,
                }
            })
        };
        let found = configuration
            .flags
            .keys()
            .find_map(|key| Some((key.clone(), reason_against(payload.get(key)?)?)));
        let Some((flag, reason)) = found else { return };
        configuration.flags.remove(&flag);
        report.refused.push(Refused { flag, reason });
    }
}

/// The names of all kinds of context but `user`.
fn collect_kinds(item: &Value, kinds: &mut BTreeSet<String>) {
    match item {
        Value::Object(object) => {
            for (name, value) in object {
                if matches!(name.as_str(), "contextKind" | "rolloutContextKind")
                    && let Some(kind) = value.as_str().filter(|kind| *kind != Kind::USER)
                {
                    kinds.insert(kind.to_string());
                }
                collect_kinds(value, kinds);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| collect_kinds(value, kinds)),
        _ => {}
    }
}

/// One flag on its way.
struct Translation<'a> {
    flag: &'a payload::Flag,
    all: &'a BTreeMap<&'a String, payload::Flag>,
    segments: &'a Segments<'a>,
}

impl Translation<'_> {
    fn flag(&self) -> Result<Flag, String> {
        let flag = self.flag;
        let flag_type = common_type(&flag.variations);
        let variants = variant_keys(&flag.variations, flag_type)
            .into_iter()
            .zip(&flag.variations)
            .map(|(key, value)| Variant { key, value: value.clone(), description: String::new() })
            .collect();
        if flag.variations.is_empty() {
            return Err("has no variations".into());
        }
        let off_variant = match flag.off_variation {
            None => None,
            // Off, it is an error to everybody; on, only where a prerequisite fails.
            Some(index) if self.variant(index).is_none() && !flag.on => {
                return Ok(self.malformed(flag_type, variants));
            }
            Some(index) if self.variant(index).is_none() && !flag.prerequisites.is_empty() => {
                return Err(format!(
                    "offVariation: names variation {index}, which the flag does not have"
                ));
            }
            Some(index) => self.variant(index),
        };
        let (mut targets, mut rules) = self.targets().map_err(place("targets"))?;
        let mut ids = BTreeSet::new();
        for (at, rule) in flag.rules.iter().enumerate() {
            let named = rule.id.as_deref().filter(|id| !id.is_empty());
            let mut id = named.map_or_else(|| format!("rule-{at}"), ToString::to_string);
            if !ids.insert(id.clone()) {
                id = format!("{id}-{at}");
                ids.insert(id.clone());
            }
            let translated = self.rule(&id, rule).map_err(place(&format!("rules[{at}]")))?;
            rules.extend(translated);
        }
        let nothing = payload::Served::default();
        let served = flag.fallthrough.as_ref().unwrap_or(&nothing);
        let mut last =
            self.serving("fallthrough", Vec::new(), served).map_err(place("fallthrough"))?;
        // The last serves to all who are left, unless it is an error.
        let mut fallthrough = match last.pop_if(|rule| node::is_always(&rule.when)) {
            Some(rule) => rule.serve,
            None => self.whatever(),
        };
        rules.extend(last);

        let mut enabled = flag.on;
        let mut prerequisites = Vec::new();
        for prerequisite in &flag.prerequisites {
            match self.prerequisite(prerequisite) {
                Some(met) => prerequisites.push(met),
                // Never met, and so the flag is as if it were off, but to those that need it.
                None if !self.is_needed() => enabled = false,
                None => match &off_variant {
                    Some(off) => {
                        targets.clear();
                        rules.clear();
                        fallthrough = Serve::Variant(off.clone());
                    }
                    None => enabled = false,
                },
            }
        }
        Ok(Flag {
            flag_type,
            description: String::new(),
            client_visible: flag.client_visible(),
            enabled,
            variants,
            off_variant,
            prerequisites,
            targets,
            holdout: None,
            rules,
            fallthrough,
            metadata: BTreeMap::new(),
        })
    }

    /// None for a variation that the flag does not have, which is an error to whom it is served.
    fn variant(&self, index: i64) -> Option<String> {
        let keys = variant_keys(&self.flag.variations, common_type(&self.flag.variations));
        usize::try_from(index).ok().and_then(|index| keys.into_iter().nth(index))
    }

    /// What stands where nothing is served.
    fn whatever(&self) -> Serve {
        Serve::Variant(self.variant(0).unwrap_or_default())
    }

    /// An error to everybody.
    fn malformed(&self, flag_type: ValueType, variants: Vec<Variant>) -> Flag {
        Flag {
            flag_type,
            description: String::new(),
            client_visible: self.flag.client_visible(),
            enabled: true,
            variants,
            off_variant: None,
            prerequisites: Vec::new(),
            targets: Vec::new(),
            holdout: None,
            rules: alloc::vec![self.serves("off", Vec::new(), None)],
            fallthrough: self.whatever(),
            metadata: BTreeMap::new(),
        }
    }

    /// A rule that serves this to whom meets all the conditions; without a variant they get an error.
    fn serves(&self, id: &str, conditions: Vec<Condition>, variant: Option<String>) -> Rule {
        let error = variant.is_none().then(|| node::error("a variation that is not there"));
        Rule {
            id: id.to_string(),
            name: String::new(),
            from: None,
            to: None,
            layer: None,
            when: node::all(conditions.into_iter().chain(error)),
            serve: variant.map_or_else(|| self.whatever(), Serve::Variant),
        }
    }

    /// Whether another flag has it as a prerequisite.
    fn is_needed(&self) -> bool {
        let mut prerequisites = self.all.values().flat_map(|flag| &flag.prerequisites);
        prerequisites.any(|prerequisite| Some(&prerequisite.key) == self.flag.key.as_ref())
    }

    /// None when it can never be met.
    fn prerequisite(&self, prerequisite: &payload::Prerequisite) -> Option<Prerequisite> {
        let flag = self.all.get(&prerequisite.key)?;
        let keys = variant_keys(&flag.variations, common_type(&flag.variations));
        let variant = keys.into_iter().nth(usize::try_from(prerequisite.variation).ok()?)?;
        Some(Prerequisite { flag: prerequisite.key.clone(), variants: alloc::vec![variant] })
    }

    /// Individual targets; as rules where the order of kinds would be lost otherwise, and where one is an error.
    fn targets(&self) -> Result<(Vec<Target>, Vec<Rule>), String> {
        let mut targets: Vec<(Option<String>, Target)> = Vec::new();
        let mut targeted: BTreeSet<(String, &String)> = BTreeSet::new();
        for target in self.listed_targets()? {
            let unit = kind_key(&target.context_kind)?;
            let fresh = target.values.iter().filter(|key| targeted.insert((unit.clone(), *key)));
            let keys: Vec<String> = fresh.filter(|key| !key.is_empty()).cloned().collect();
            if keys.is_empty() {
                continue;
            }
            let found = self.variant(target.variation);
            let variant = found.clone().unwrap_or_default();
            targets.push((found, Target { variant, unit, keys, expires: None }));
        }
        let mut units: Vec<&String> = targets.iter().map(|(_, target)| &target.unit).collect();
        units.dedup();
        let ordered = units.len() == units.iter().collect::<BTreeSet<_>>().len();
        if ordered && targets.iter().all(|(variant, _)| variant.is_some()) {
            return Ok((targets.into_iter().map(|(_, target)| target).collect(), Vec::new()));
        }
        let rules = targets.into_iter().enumerate().map(|(at, (variant, target))| {
            let keys = target.keys.into_iter().map(Scalar::String).collect();
            let listed = node::one_of(&target.unit, keys, false);
            self.serves(&format!("target-{at}"), alloc::vec![listed], variant)
        });
        Ok((Vec::new(), rules.collect()))
    }

    /// In their order. Where `contextTargets` are used, a user's stand there empty, for their place.
    fn listed_targets(&self) -> Result<Vec<&payload::Target>, String> {
        let flag = self.flag;
        if flag.context_targets.is_empty() {
            return Ok(flag.targets.iter().collect());
        }
        let mut listed = Vec::new();
        for target in &flag.context_targets {
            if !target.context_kind.is_user() {
                listed.push(target);
                continue;
            }
            let mut same = flag.targets.iter().filter(|user| user.variation == target.variation);
            let first = same.next();
            if !target.values.is_empty() && first.is_none_or(|user| user.values != target.values) {
                return Err(
                    "lists users in contextTargets, which LaunchDarkly's engines read differently"
                        .into(),
                );
            }
            if same.next().is_some() {
                return Err("lists users of one variation twice".into());
            }
            listed.extend(first);
        }
        Ok(listed)
    }

    fn rule(&self, id: &str, rule: &payload::Rule) -> Result<Vec<Rule>, String> {
        let conditions = self.segments.clauses(&rule.clauses)?;
        self.serving(id, conditions, &rule.served)
    }
}

/// Names where something stands that cannot be expressed.
fn place(name: &str) -> impl FnOnce(String) -> String + '_ {
    move |reason| format!("{name}: {reason}")
}

fn common_type(variations: &[Value]) -> ValueType {
    if variations.iter().all(Value::is_boolean) {
        ValueType::Boolean
    } else if variations.iter().all(Value::is_string) {
        ValueType::String
    } else if variations.iter().all(Value::is_number) {
        ValueType::Number
    } else {
        ValueType::Json
    }
}

/// LaunchDarkly's variations have numbers for names here; `true` and `false` are clearer.
fn variant_keys(variations: &[Value], flag_type: ValueType) -> Vec<String> {
    let distinct = variations.len() == 2 && variations.first() != variations.get(1);
    let named = flag_type == ValueType::Boolean && distinct;
    variations
        .iter()
        .enumerate()
        .map(|(at, value)| if named { value.to_string() } else { at.to_string() })
        .collect()
}

/// The attribute that holds the key of the user context.
const USER_KEY: &str = TARGETING_KEY;
