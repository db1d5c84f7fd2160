//! Segments: included before excluded before rules.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::clause::clause;
use super::payload::{self, Clause, SegmentTarget};
use super::place;
use super::reference::kind_key;
use crate::config::{Condition, Configuration, FORMAT, Scalar, Segment};
use crate::import::node::{self, all, any, not};

/// Longer lists of other kinds than `user` become segments of their own.
const LONGEST_LIST: usize = 1_000;

/// The segments of a file.
pub(super) struct Segments<'a> {
    pub(super) kinds: &'a BTreeSet<String>,
    /// As they will stand in the configuration, with lists that became segments.
    pub(super) translated: BTreeMap<String, Segment>,
    /// Why the others do not.
    refused: BTreeMap<String, String>,
    /// Those whose test may be an error.
    may_fail: BTreeSet<String>,
}

impl<'a> Segments<'a> {
    /// Also answers which were left out, and why.
    pub(super) fn read(
        json: &Map<String, Value>,
        kinds: &'a BTreeSet<String>,
    ) -> (Self, Vec<(String, String)>) {
        let mut segments = Self {
            kinds,
            translated: BTreeMap::new(),
            refused: BTreeMap::new(),
            may_fail: BTreeSet::new(),
        };
        let mut payload = BTreeMap::new();
        for (key, segment) in json {
            match payload::Segment::deserialize(segment) {
                Ok(segment) if segment.deleted => {}
                Ok(segment) => drop(payload.insert(key.clone(), segment)),
                Err(error) => {
                    let reason = format!("is no segment of LaunchDarkly: {error}");
                    segments.refused.insert(key.clone(), reason);
                }
            }
        }
        // Those first that need no other.
        let mut open: BTreeMap<String, payload::Segment> = payload;
        loop {
            let ready: Vec<String> = open
                .iter()
                .filter(|(_, segment)| needs(segment).all(|need| !open.contains_key(need)))
                .map(|(key, _)| key.clone())
                .collect();
            if ready.is_empty() {
                break;
            }
            for key in ready {
                let Some(segment) = open.remove(&key) else { continue };
                if let Err(reason) = segments.add(&key, &segment) {
                    segments.refused.insert(key, reason);
                }
            }
        }
        for key in open.into_keys() {
            segments.refused.insert(key, "is, or needs, a segment that contains itself".into());
        }
        let left_out = segments.refused.clone().into_iter().collect();
        (segments, left_out)
    }

    fn add(&mut self, key: &str, segment: &payload::Segment) -> Result<(), String> {
        if segment.unbounded {
            return Err("is unbounded: its members are not in the file".into());
        }
        let mut lists = BTreeMap::new();
        let translated = self.translate(key, segment, &mut lists)?;
        lists.insert(key.to_string(), translated);
        // A segment that would not compile must not spoil the rest.
        let needed = self.translated.clone().into_iter().chain(lists.clone());
        let problems = Configuration {
            schema: None,
            format: FORMAT,
            attributes: BTreeMap::new(),
            segments: needed.collect(),
            layers: BTreeMap::new(),
            holdouts: BTreeMap::new(),
            flags: BTreeMap::new(),
        }
        .problems();
        if !problems.is_empty() {
            let problems: Vec<String> =
                problems.iter().map(|problem| problem.to_string()).collect();
            return Err(problems.join("; "));
        }
        if lists.values().filter_map(|list| list.when.as_ref()).any(|when| self.may_fail(when)) {
            self.may_fail.insert(key.to_string());
        }
        self.translated.extend(lists);
        Ok(())
    }

    /// Whether testing it may be an error there too.
    pub(super) fn may_fail(&self, condition: &Condition) -> bool {
        match condition {
            Condition::Error(why) => why != super::rollout::LARGE,
            Condition::Segment(key) => self.may_fail.contains(key),
            Condition::All(list) | Condition::Any(list) => {
                list.iter().any(|inner| self.may_fail(inner))
            }
            Condition::Not(inner) => self.may_fail(inner),
            other => node::may_fail(other),
        }
    }

    fn translate(
        &self,
        key: &str,
        segment: &payload::Segment,
        lists: &mut BTreeMap<String, Segment>,
    ) -> Result<Segment, String> {
        let included = Listed::of(&segment.included, &segment.included_contexts)?;
        let mut excluded = Listed::of(&segment.excluded, &segment.excluded_contexts)?;
        for (unit, keys) in &mut excluded.by_unit {
            if let Some(included) = included.by_unit.get(unit) {
                keys.retain(|key| !included.contains(key));
            }
        }
        let mut rules = Vec::new();
        for (at, rule) in segment.rules.iter().enumerate() {
            rules.push(self.rule(key, segment, rule).map_err(place(&format!("rules[{at}]")))?);
        }
        let mut translated = Segment {
            description: String::new(),
            unit: super::USER_KEY.to_string(),
            included: Vec::new(),
            excluded: Vec::new(),
            when: None,
        };
        let mut alternatives = Vec::new();
        if included.only_users() && excluded.only_users() {
            translated.included = included.users();
            translated.excluded = excluded.users();
        } else {
            let mut list = |part: &str, (unit, keys): (&String, &BTreeSet<String>)| {
                listed_condition(&format!("{key}#{part}{unit}"), unit, keys, lists)
            };
            alternatives.extend(included.parts().map(|part| list("included", part)));
            let outside: Vec<Condition> =
                excluded.parts().map(|part| not(list("excluded", part))).collect();
            for rule in &mut rules {
                *rule = outside.iter().cloned().chain(core::mem::take(rule)).collect();
            }
        }
        alternatives.extend(rules.into_iter().map(all));
        translated.when = Some(any(alternatives)).filter(|when| !node::is_never(when));
        Ok(translated)
    }

    fn rule(
        &self,
        key: &str,
        segment: &payload::Segment,
        rule: &payload::SegmentRule,
    ) -> Result<Vec<Condition>, String> {
        let mut conditions = self.clauses(&rule.clauses)?;
        if let Some(weight) = rule.weight.filter(|weight| *weight >= 0.0) {
            let key = segment.key.as_deref().unwrap_or(key);
            let prefix = format!("{key}.{}.", segment.salt);
            let share = super::rollout::share(rule, weight, prefix, self.kinds)?;
            conditions.extend(share);
        }
        Ok(conditions)
    }

    /// What must hold for all of the clauses.
    pub(super) fn clauses(&self, clauses: &[Clause]) -> Result<Vec<Condition>, String> {
        let mut conditions: Vec<Condition> = Vec::new();
        for (at, one) in clauses.iter().enumerate() {
            let found = if one.op == "segmentMatch" {
                self.segment_match(one).map(|holds| alloc::vec![holds])
            } else {
                clause(one, self.kinds)
            };
            for condition in found.map_err(place(&format!("clauses[{at}]")))? {
                // Where another clause follows, some engines forget the error.
                if self.may_fail(&condition) && at + 1 < clauses.len() {
                    return Err(format!(
                        "clauses[{at}]: may be an error, which LaunchDarkly's engines treat differently"
                    ));
                }
                if !conditions.contains(&condition) {
                    conditions.push(condition);
                }
            }
        }
        Ok(conditions)
    }

    /// A segment that is not in the file has no members.
    fn segment_match(&self, clause: &Clause) -> Result<Condition, String> {
        let mut segments = Vec::new();
        for key in clause.values.iter().filter_map(Value::as_str) {
            if let Some(reason) = self.refused.get(key) {
                return Err(format!("segment `{key}`: {reason}"));
            }
            if self.translated.contains_key(key) {
                segments.push(Condition::Segment(key.to_string()));
            }
        }
        let inside = any(segments);
        Ok(if clause.negate { not(inside) } else { inside })
    }
}

fn needs(segment: &payload::Segment) -> impl Iterator<Item = &str> {
    let clauses = segment.rules.iter().flat_map(|rule| &rule.clauses);
    let about_segments = clauses.filter(|clause| clause.op == "segmentMatch");
    about_segments.flat_map(|clause| clause.values.iter().filter_map(Value::as_str))
}

/// Keys by the attribute that holds them.
struct Listed {
    by_unit: BTreeMap<String, BTreeSet<String>>,
}

impl Listed {
    fn of(users: &[String], contexts: &[SegmentTarget]) -> Result<Self, String> {
        let mut by_unit: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let user = [(super::USER_KEY.to_string(), users)];
        let contexts = contexts.iter().map(|target| {
            kind_key(&target.context_kind).map(|unit| (unit, target.values.as_slice()))
        });
        for listed in user.into_iter().map(Ok).chain(contexts) {
            let (unit, keys) = listed?;
            let keys = keys.iter().filter(|key| !key.is_empty()).cloned();
            by_unit.entry(unit).or_default().extend(keys);
        }
        Ok(Self { by_unit })
    }

    fn parts(&self) -> impl Iterator<Item = (&String, &BTreeSet<String>)> {
        self.by_unit.iter().filter(|(_, keys)| !keys.is_empty())
    }

    fn only_users(&self) -> bool {
        self.parts().all(|(unit, _)| unit == super::USER_KEY)
    }

    fn users(&self) -> Vec<String> {
        self.by_unit.get(super::USER_KEY).into_iter().flatten().cloned().collect()
    }
}

fn listed_condition(
    name: &str,
    unit: &str,
    keys: &BTreeSet<String>,
    lists: &mut BTreeMap<String, Segment>,
) -> Condition {
    if keys.len() > LONGEST_LIST {
        let segment = Segment {
            description: String::new(),
            unit: unit.to_string(),
            included: keys.iter().cloned().collect(),
            excluded: Vec::new(),
            when: None,
        };
        lists.insert(name.to_string(), segment);
        return Condition::Segment(name.to_string());
    }
    let values = keys.iter().cloned().map(Scalar::String).collect();
    node::one_of(unit, values, false)
}
