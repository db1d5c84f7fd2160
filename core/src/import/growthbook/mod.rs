//! GrowthBook: the SDK payload `{features, savedGroups}`.
//!
//! Read against the vendor's SDK for JavaScript without sticky buckets.

mod bucket;
mod coercion;
mod condition;
mod judge;
mod rule;
mod values;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Map, Value};

use super::{Import, ImportError, Refused, Report, finish, node};
use crate::config::{Condition, Configuration, FORMAT, Flag, Serve};
use crate::limits::MAX_DEPTH;
use condition::Scope;
use judge::Judge;
use values::Values;

type Object = Map<String, Value>;

/// Translates the file. Beside the payload's own fields it may hold `forcedVariations`, as GrowthBook's contexts do: variations by
/// experiment that everybody gets.
///
/// # Errors
/// When it is no SDK payload.
pub fn import(json: &Value) -> Result<Import, ImportError> {
    let Some(features) = json.get("features").and_then(Value::as_object) else {
        let message = if json.get("encryptedFeatures").is_some() {
            "the payload is encrypted: take that of an SDK connection without encryption, or decrypt it first"
        } else {
            "not an SDK payload of GrowthBook: there is no object `features`"
        };
        return Err(ImportError(message.into()));
    };
    let object = |field: &str| json.get(field).and_then(Value::as_object);
    let file = File {
        features,
        groups: object("savedGroups"),
        bandits: object("contextualBandits"),
        forced: object("forcedVariations"),
    };
    let mut report = Report::default();
    let mut flags = BTreeMap::new();
    for (id, feature) in features {
        let mut notes = Vec::new();
        match file.flag(id, feature, &mut notes) {
            Ok(flag) => {
                flags.insert(id.clone(), flag);
                report.notes.extend(notes.into_iter().map(|note| format!("{id}: {note}")));
            }
            Err(reason) => report.refused.push(Refused { flag: id.clone(), reason }),
        }
    }
    if json.get("experiments").and_then(Value::as_array).is_some_and(|list| !list.is_empty()) {
        report.notes.push(
            "visual experiments and redirects were left out: they are no feature flags".into(),
        );
    }
    report
        .notes
        .push("clients see no flag yet: set `clientVisible` for those that they may see".into());
    let configuration = Configuration {
        schema: None,
        format: FORMAT,
        attributes: BTreeMap::new(),
        segments: BTreeMap::new(),
        layers: BTreeMap::new(),
        holdouts: BTreeMap::new(),
        flags,
    };
    Ok(finish(configuration, report))
}

struct File<'a> {
    features: &'a Object,
    groups: Option<&'a Object>,
    bandits: Option<&'a Object>,
    forced: Option<&'a Object>,
}

/// What a rule asks of another flag.
enum Parent {
    /// It depends on itself whatever the context, and so does whoever asks for it.
    Cyclic,
    Serves(Condition),
}

impl File<'_> {
    fn flag(&self, id: &str, feature: &Value, notes: &mut Vec<String>) -> Result<Flag, String> {
        let Value::Object(feature) = feature else { return Err("is no object".into()) };
        let mut values = Values::of(feature)?;
        let fallthrough = match feature.get("defaultValue") {
            Some(value) => values.key(value),
            None => values.null(),
        };
        let mut flag = Flag {
            flag_type: values.value_type(),
            description: String::new(),
            client_visible: false,
            enabled: true,
            variants: Vec::new(),
            off_variant: None,
            prerequisites: Vec::new(),
            targets: Vec::new(),
            holdout: None,
            rules: Vec::new(),
            fallthrough: Serve::Variant(fallthrough),
            metadata: BTreeMap::new(),
        };
        if self.is_cyclic(id) {
            notes.push("has no value: it depends on itself".into());
            flag.fallthrough = Serve::Variant(values.null());
        } else {
            if self.may_be_cyclic(id, &mut Vec::new())? {
                return Err("may depend on itself, by prerequisites that are asked for only for some contexts".into());
            }
            let mut ids = BTreeSet::new();
            for (at, rule) in rules(feature)?.into_iter().enumerate() {
                let place = format!("rules[{at}]");
                let given = rule.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
                let rule_id = match given {
                    Some(given) if ids.insert(given.to_string()) => given.to_string(),
                    _ => format!("rule-{at}"),
                };
                let translation = rule::Translation {
                    file: self,
                    feature: id,
                    rule,
                    id: rule_id,
                    values: &mut values,
                    flag: &mut flag,
                    notes,
                };
                if translation.run().map_err(|reason| format!("{place}: {reason}"))? {
                    break;
                }
            }
        }
        flag.flag_type = values.value_type();
        flag.variants = values.list;
        Ok(flag)
    }

    fn scope(&self, context: bool, numbers: Vec<f64>) -> Scope<'_> {
        Scope { groups: self.groups, context, numbers, visited: BTreeSet::new() }
    }

    /// A condition on the context.
    fn condition(&self, json: &Value) -> Result<Condition, String> {
        condition::condition(&self.scope(true, Vec::new()), json)
    }

    /// What `parentConditions` ask: which of the parent's values meet the condition is known now.
    fn parent(&self, json: &Value) -> Result<Parent, String> {
        let Some(id) = json.get("id").and_then(Value::as_str) else {
            return Err("a prerequisite names no feature".into());
        };
        if self.is_cyclic(id) {
            return Ok(Parent::Cyclic);
        }
        let empty = Value::Object(Map::new());
        let json = json.get("condition").filter(|json| coercion::is_true(json)).unwrap_or(&empty);
        let place = |reason: String| format!("prerequisite `{id}`: {reason}");
        let values = match self.features.get(id) {
            Some(Value::Object(parent)) => Some(Values::of(parent).map_err(place)?),
            Some(_) => return Err(format!("prerequisite `{id}` is no object")),
            None => None,
        };
        let numbers = values.iter().flat_map(|values| &values.list);
        let numbers = numbers.filter_map(|variant| variant.value.as_f64()).collect();
        let condition = condition::condition(&self.scope(false, numbers), json).map_err(place)?;
        if node::is_always(&condition) {
            return Ok(Parent::Serves(node::always()));
        }
        let judge = Judge::new(condition).map_err(place)?;
        let null = judge.holds(&Value::Null).map_err(place)?;
        let Some(values) = values else {
            return Ok(Parent::Serves(node::constant(null)));
        };
        let (mut met, mut unmet) = (Vec::new(), Vec::new());
        for variant in &values.list {
            if variant.value.is_null() {
                continue;
            }
            let holds = judge.holds(&variant.value).map_err(place)?;
            if holds { &mut met } else { &mut unmet }.push(variant.key.clone());
        }
        // Whatever else it serves is null.
        Ok(Parent::Serves(if null {
            node::not(node::serves(id, unmet))
        } else {
            node::serves(id, met)
        }))
    }

    /// Whether its prerequisites lead back to a flag above, without passing one that certainly does.
    fn may_be_cyclic<'f>(&'f self, id: &'f str, above: &mut Vec<&'f str>) -> Result<bool, String> {
        if above.contains(&id) {
            return Ok(true);
        }
        let Some(feature) = self.features.get(id).and_then(Value::as_object) else {
            return Ok(false);
        };
        if above.len() > MAX_DEPTH {
            return Err(format!("depends on flags more than {MAX_DEPTH} levels deep"));
        }
        above.push(id);
        for parent in parents(feature)? {
            if !self.is_cyclic(parent) && self.may_be_cyclic(parent, above)? {
                return Ok(true);
            }
        }
        above.pop();
        Ok(false)
    }

    /// Whether evaluating it comes back to a flag that is being evaluated, whatever the context: by prerequisites that are asked for first.
    fn is_cyclic(&self, id: &str) -> bool {
        let mut visited = BTreeSet::new();
        let mut current = id;
        while visited.insert(current) {
            let feature = self.features.get(current).and_then(Value::as_object);
            let first = feature
                .and_then(|feature| rules(feature).ok())
                .and_then(|rules| first_parent(&rules));
            match first {
                Some(parent) => current = parent,
                None => return false,
            }
        }
        true
    }
}

/// Every prerequisite.
fn parents(feature: &Object) -> Result<Vec<&str>, String> {
    let lists =
        rules(feature)?.into_iter().filter_map(|rule| rule.get("parentConditions")?.as_array());
    Ok(lists.flatten().filter_map(|parent| parent.get("id")?.as_str()).collect())
}

/// The first prerequisite, unless something may be served before.
fn first_parent<'a>(rules: &[&'a Object]) -> Option<&'a str> {
    for rule in rules {
        let parents = rule.get("parentConditions").and_then(Value::as_array);
        if let Some(parent) = parents.and_then(|parents| parents.first()) {
            return parent.get("id").and_then(Value::as_str);
        }
        if rule.contains_key("force") || rule::variations(rule).is_some() {
            return None;
        }
    }
    None
}

fn rules(feature: &Object) -> Result<Vec<&Object>, String> {
    match feature.get("rules") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => {
            let rules = list.iter().enumerate().map(|(at, rule)| {
                rule.as_object().ok_or_else(|| format!("rules[{at}] is no object"))
            });
            rules.collect()
        }
        Some(_) => Err("`rules` is no list".into()),
    }
}

#[cfg(test)]
mod tests;
