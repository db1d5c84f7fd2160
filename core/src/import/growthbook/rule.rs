//! Rules: forced values, rollouts and experiments.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

use super::bucket::{Hash, Range, Version, in_range, ranges, unwritten};
use super::coercion::is_true;
use super::condition::unit;
use super::values::Values;
use super::{File, Object, Parent};
use crate::config::{Condition, Flag, Prerequisite, Rule, Serve, Split};
use crate::import::node;

/// One rule on its way into a flag.
pub(super) struct Translation<'a> {
    pub(super) file: &'a File<'a>,
    /// The feature's key, which seeds its rollouts.
    pub(super) feature: &'a str,
    pub(super) rule: &'a Object,
    pub(super) id: String,
    pub(super) values: &'a mut Values,
    pub(super) flag: &'a mut Flag,
    pub(super) notes: &'a mut Vec<String>,
}

impl<'a> Translation<'a> {
    /// Adds what the rule says; true when nothing can come after it.
    pub(super) fn run(mut self) -> Result<bool, String> {
        let mut when = match self.parents()? {
            Ok(when) => when,
            Err(stop) => return Ok(stop),
        };
        if when.iter().any(node::is_never) {
            return Ok(false);
        }
        let filters = self.list("filters")?;
        if let Some(filters) = filters {
            when.push(filtered(filters)?);
        }
        if let Some(force) = self.rule.get("force") {
            when.push(self.condition()?);
            when.push(self.rollout()?);
            let variant = self.values.key(force);
            return Ok(self.serve("", node::all(when), Serve::Variant(variant)));
        }
        let Some(variations) = variations(self.rule) else { return Ok(false) };
        let Value::Array(variations) = variations else {
            return Err("`variations` is no list".into());
        };
        if variations.len() < 2 {
            return Ok(false);
        }
        self.experiment(variations, when, filters.is_some())
    }

    fn field(&self, name: &str) -> Option<&'a Value> {
        self.rule.get(name).filter(|value| is_true(value))
    }

    fn list(&self, name: &str) -> Result<Option<&'a Vec<Value>>, String> {
        match self.rule.get(name).filter(|value| is_true(value)) {
            None => Ok(None),
            Some(Value::Array(list)) => Ok(Some(list)),
            Some(_) => Err(format!("`{name}` is no list")),
        }
    }

    fn text(&self, name: &str) -> Result<Option<String>, String> {
        match self.field(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(format!("`{name}` is no text")),
        }
    }

    /// Adds a rule unless it never holds; true when it always does.
    fn serve(&mut self, suffix: &str, when: Condition, serve: Serve) -> bool {
        if node::is_never(&when) {
            return false;
        }
        if node::is_always(&when) && matches!(serve, Serve::Variant(_)) {
            self.flag.fallthrough = serve;
            return true;
        }
        self.flag.rules.push(Rule {
            id: format!("{}{suffix}", self.id),
            name: self.rule.get("name").and_then(Value::as_str).unwrap_or_default().into(),
            from: None,
            to: None,
            layer: None,
            when,
            serve,
        });
        false
    }

    /// What other flags must serve; or, when nothing of the rule can follow, whether no other rule can either.
    fn parents(&mut self) -> Result<Result<Vec<Condition>, bool>, String> {
        let parents = self.list("parentConditions")?.cloned().unwrap_or_default();
        let mut passed: Vec<Condition> = Vec::new();
        for (at, json) in parents.iter().enumerate() {
            let serves = match self.file.parent(json)? {
                Parent::Cyclic => {
                    let null = Serve::Variant(self.values.null());
                    return Ok(Err(self.serve(&format!("-parent-{at}"), node::all(passed), null)));
                }
                Parent::Serves(serves) => serves,
            };
            if json.get("gate").is_some_and(is_true) {
                // While nothing was served, a gate stands before the whole flag.
                let first = self.flag.rules.is_empty() && passed.is_empty();
                match &serves {
                    Condition::Flag(Prerequisite { flag, variants }) if first => {
                        self.flag
                            .prerequisites
                            .push(Prerequisite { flag: flag.clone(), variants: variants.clone() });
                        continue;
                    }
                    serves if node::is_always(serves) => continue,
                    serves => {
                        let when =
                            node::all(passed.iter().cloned().chain([node::not(serves.clone())]));
                        let null = Serve::Variant(self.values.null());
                        if self.serve(&format!("-parent-{at}"), when, null) {
                            return Ok(Err(true));
                        }
                    }
                }
            }
            passed.push(serves);
        }
        Ok(Ok(passed))
    }

    fn condition(&self) -> Result<Condition, String> {
        match self.field("condition") {
            Some(condition) => self.file.condition(condition),
            None => Ok(node::always()),
        }
    }

    /// None for a version of the hash that nobody knows.
    fn hash(&mut self, seed: &str) -> Result<Option<Hash>, String> {
        if let Some(fallback) = self.text("fallbackAttribute")?
            && self.field("disableStickyBucketing").is_none()
        {
            self.notes.push(format!("buckets are not sticky here, and `fallbackAttribute` `{fallback}`, which counts with sticky buckets alone, is not used"));
        }
        let attribute = self.text("hashAttribute")?;
        let seed = self.text("seed")?.unwrap_or_else(|| seed.to_string());
        let Some(version) = version(self.field("hashVersion"), Version::One) else {
            return Ok(None);
        };
        let unit = unit(attribute.as_deref().unwrap_or("id"))?;
        Ok(Some(Hash { unit, seed, version }))
    }

    /// `isIncludedInRollout`.
    fn rollout(&mut self) -> Result<Condition, String> {
        let range = self.field("range").map(range).transpose()?;
        let coverage = number(self.rule.get("coverage"), "coverage")?;
        if range.is_none() {
            match coverage {
                None => return Ok(node::always()),
                Some(0.0) => return Ok(node::never()),
                Some(_) => {}
            }
        }
        let Some(hash) = self.hash(self.feature)? else { return Ok(node::never()) };
        Ok(match (range, coverage) {
            (Some(range), _) => hash.within(|fraction| in_range(fraction, &range)),
            (None, Some(coverage)) => hash.within(|fraction| fraction <= coverage),
            (None, None) => node::always(),
        })
    }

    /// `runExperiment`.
    fn experiment(
        mut self,
        variations: &[Value],
        mut when: Vec<Condition>,
        filtered: bool,
    ) -> Result<bool, String> {
        let key = self.text("key")?.unwrap_or_else(|| self.feature.to_string());
        let meta = self.list("meta")?.cloned().unwrap_or_default();
        let passes =
            |at: usize| meta.get(at).and_then(|meta| meta.get("passthrough")).is_some_and(is_true);
        let keys: Vec<String> = variations.iter().map(|value| self.values.key(value)).collect();
        let served = |at: usize| keys.get(at).filter(|_| !passes(at)).cloned();

        if let Some(forced) = self.file.forced.and_then(|forced| forced.get(&key)) {
            let forced = forced.as_u64().and_then(|forced| usize::try_from(forced).ok());
            return Ok(match forced.and_then(served) {
                Some(variant) => self.serve("", node::all(when), Serve::Variant(variant)),
                None => false,
            });
        }

        let Some(hash) = self.hash(&key)? else { return Ok(false) };
        when.push(hash.has_unit());
        if !filtered && let Some(namespace) = self.list("namespace")? {
            when.push(in_namespace(&hash.unit, namespace)?);
        }
        when.push(self.condition()?);

        let coverage = number(self.rule.get("coverage"), "coverage")?.unwrap_or(1.0);
        let given = match self.list("ranges")? {
            Some(list) => Some(list.iter().map(range).collect::<Result<Vec<Range>, _>>()?),
            None => None,
        };
        let own = self.field("weights").map(weights).transpose()?;
        let chosen = |weights: Option<&[f64]>| {
            let ranges = match &given {
                Some(ranges) => ranges.clone(),
                None => ranges(variations.len(), coverage, weights),
            };
            move |fraction: f64| ranges.iter().position(|range| in_range(fraction, range))
        };
        // The leaves of a contextual bandit have weights of their own; the first whose condition holds decides.
        for (at, (leaf, weights)) in self.leaves()?.into_iter().enumerate() {
            let chosen = chosen(Some(&weights));
            let conditions = when.iter().cloned().chain([leaf.clone()]).collect();
            self.split(&format!("-leaf-{at}"), conditions, &hash, |fraction| {
                chosen(fraction).and_then(served)
            });
            when.push(node::not(leaf));
        }
        let chosen = chosen(own.as_deref());
        self.split("", when, &hash, |fraction| chosen(fraction).and_then(served));
        Ok(false)
    }

    /// Serves to each unit what is chosen by its fraction; the others are left to the next rule.
    fn split(
        &mut self,
        suffix: &str,
        when: Vec<Condition>,
        hash: &Hash,
        chosen: impl Fn(f64) -> Option<String>,
    ) {
        let Some(weights) = hash.weights(&chosen) else { return };
        let split = Split { by: hash.by(), weights };
        self.serve(suffix, node::all(when.iter().cloned()), Serve::Split(split));
        for (at, (is, fraction)) in hash.written().into_iter().enumerate() {
            if let Some(variant) = chosen(fraction) {
                let when = node::all(when.iter().cloned().chain([is]));
                self.serve(&format!("{suffix}-written-{at}"), when, Serve::Variant(variant));
            }
        }
        let unknown = hash.unknown();
        if !unknown.is_empty() {
            let declined = [node::any(unknown), unwritten()];
            let when = node::all(when.into_iter().chain(declined));
            let whatever = Serve::Variant(self.values.null_or_first());
            self.serve(&format!("{suffix}-unknown"), when, whatever);
        }
    }

    fn leaves(&self) -> Result<Vec<(Condition, Vec<f64>)>, String> {
        let Some(reference) = self.text("contextualBanditRef")? else { return Ok(Vec::new()) };
        let bandit = self.file.bandits.and_then(|bandits| bandits.get(&reference));
        let contexts = bandit.and_then(|bandit| bandit.get("contexts")).and_then(Value::as_array);
        let leaves = contexts.into_iter().flatten().map(|leaf| {
            let condition = match leaf.get("condition").filter(|condition| is_true(condition)) {
                Some(condition) => self.file.condition(condition)?,
                None => node::always(),
            };
            let weights = leaf.get("weights").map(weights).transpose()?;
            Ok((condition, weights.unwrap_or_default()))
        });
        leaves.collect()
    }
}

/// Of an experiment; contextual bandits carry them under another name.
pub(super) fn variations(rule: &Object) -> Option<&Value> {
    let contextual = rule.get("contextualVariations").filter(|variations| !variations.is_null());
    contextual.or_else(|| rule.get("variations")).filter(|variations| is_true(variations))
}

fn version(json: Option<&Value>, default: Version) -> Option<Version> {
    match json {
        None => Some(default),
        Some(json) if json.as_f64() == Some(1.0) => Some(Version::One),
        Some(json) if json.as_f64() == Some(2.0) => Some(Version::Two),
        Some(_) => None,
    }
}

/// None when it is not given.
fn number(json: Option<&Value>, name: &str) -> Result<Option<f64>, String> {
    match json {
        None => Ok(None),
        Some(json) => json.as_f64().map(Some).ok_or_else(|| format!("`{name}` is no number")),
    }
}

fn range(json: &Value) -> Result<Range, String> {
    let ends = json.as_array().map(Vec::as_slice).unwrap_or_default();
    match ends {
        [from, to] => match (from.as_f64(), to.as_f64()) {
            (Some(from), Some(to)) => Ok((from, to)),
            _ => Err(format!("`{json}` is no range")),
        },
        _ => Err(format!("`{json}` is no range")),
    }
}

fn weights(json: &Value) -> Result<Vec<f64>, String> {
    let list = json.as_array().and_then(|list| list.iter().map(Value::as_f64).collect());
    list.ok_or_else(|| format!("`{json}` are no weights"))
}

/// `isFilteredOut`, the other way round: in every filter the unit is in one of the ranges.
fn filtered(filters: &[Value]) -> Result<Condition, String> {
    let mut list = Vec::new();
    for filter in filters {
        let text = |name: &str| filter.get(name).and_then(Value::as_str);
        let Some(seed) = text("seed") else { return Err("a filter has no `seed`".into()) };
        let attribute = text("attribute").filter(|attribute| !attribute.is_empty());
        let given = filter.get("hashVersion").filter(|version| is_true(version));
        let Some(version) = version(given, Version::Two) else { return Ok(node::never()) };
        let hash = Hash { unit: unit(attribute.unwrap_or("id"))?, seed: seed.into(), version };
        let Some(ranges) = filter.get("ranges").and_then(Value::as_array) else {
            return Err("a filter has no `ranges`".into());
        };
        let mut inside = Vec::new();
        for json in ranges {
            let range = range(json)?;
            inside.push(hash.within(|fraction| in_range(fraction, &range)));
        }
        list.push(node::any(inside));
    }
    Ok(node::all(list))
}

/// `inNamespace`.
fn in_namespace(unit: &str, namespace: &[Value]) -> Result<Condition, String> {
    let [name, from, to] = namespace else { return Err("`namespace` has not three parts".into()) };
    let (Some(name), Some(from), Some(to)) = (name.as_str(), from.as_f64(), to.as_f64()) else {
        return Err("`namespace` is not a name and a range".into());
    };
    let hash = Hash { unit: unit.into(), seed: format!("__{name}"), version: Version::One };
    Ok(hash.within(|fraction| in_range(fraction, &(from, to))))
}
