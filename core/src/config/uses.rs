//! What a flag depends on: attributes, segments, other flags.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use super::{Bucketing, Condition, Configuration, Flag, Segment, Serve};

/// Everything that is read while a flag is evaluated.
#[derive(Debug, Default)]
pub(crate) struct Uses<'a> {
    /// References as written; those inside of list elements are left out, their list stands for them.
    pub(super) attributes: BTreeSet<&'a str>,
    pub(crate) segments: BTreeSet<&'a str>,
    pub(crate) flags: BTreeSet<&'a str>,
}

/// What the flag itself, and every segment that it uses, reads.
pub(crate) fn of_flag<'a>(configuration: &'a Configuration, flag: &'a Flag) -> Uses<'a> {
    let mut uses = Uses::default();
    uses.flags.extend(flag.prerequisites.iter().map(|prerequisite| prerequisite.flag.as_str()));
    uses.attributes.extend(flag.targets.iter().map(|target| target.unit.as_str()));
    let holdout = flag.holdout.as_ref().and_then(|held| configuration.holdouts.get(&held.holdout));
    uses.bucketing(holdout.map(|holdout| &holdout.by));
    for rule in &flag.rules {
        let layer = rule.layer.as_ref().and_then(|slot| configuration.layers.get(&slot.layer));
        uses.bucketing(layer.map(|layer| &layer.by));
        uses.condition(&rule.when, true);
        uses.serve(&rule.serve);
    }
    uses.serve(&flag.fallthrough);
    uses.follow_segments(&configuration.segments);
    uses
}

/// What a segment and every segment within it reads.
pub(super) fn of_segment<'a>(configuration: &'a Configuration, key: &'a str) -> Uses<'a> {
    let mut uses = Uses::default();
    uses.segments.insert(key);
    uses.follow_segments(&configuration.segments);
    uses
}

/// The segments that a condition names.
pub(super) fn segments_within(condition: &Condition) -> BTreeSet<&str> {
    let mut uses = Uses::default();
    uses.condition(condition, true);
    uses.segments
}

impl<'a> Uses<'a> {
    fn bucketing(&mut self, by: Option<&'a Bucketing>) {
        if let Some(by) = by {
            self.attributes.insert(&by.unit);
            self.attributes.extend(by.fallback_units.iter().map(|unit| unit.as_str()));
        }
    }

    fn serve(&mut self, serve: &'a Serve) {
        match serve {
            Serve::Variant(_) => {}
            Serve::Split(split) => self.bucketing(Some(&split.by)),
            Serve::Ramp(ramp) => self.bucketing(Some(&ramp.by)),
        }
    }

    fn follow_segments(&mut self, segments: &'a BTreeMap<alloc::string::String, Segment>) {
        let mut open: Vec<&str> = self.segments.iter().copied().collect();
        let mut followed = BTreeSet::new();
        while let Some(key) = open.pop() {
            let Some(segment) = segments.get(key).filter(|_| followed.insert(key)) else {
                continue;
            };
            if !segment.included.is_empty() || !segment.excluded.is_empty() {
                self.attributes.insert(&segment.unit);
            }
            if let Some(condition) = &segment.when {
                self.condition(condition, true);
                open.extend(self.segments.difference(&followed));
            }
        }
    }

    /// `top`: names are attributes of the context, and not of a list's element.
    pub(super) fn condition(&mut self, condition: &'a Condition, top: bool) {
        match condition {
            Condition::All(list) | Condition::Any(list) => {
                list.iter().for_each(|inner| self.condition(inner, top));
            }
            Condition::Not(inner) => self.condition(inner, top),
            Condition::Segment(key) => drop(self.segments.insert(key)),
            Condition::Flag(flag) => drop(self.flags.insert(&flag.flag)),
            Condition::Some(some) => {
                self.attribute(&some.attribute, top);
                self.condition(&some.when, false);
            }
            Condition::Bucket(range) => self.bucketing(Some(&range.by)),
            Condition::Now(_) | Condition::Error(_) => {}
            leaf => {
                if let Some(attribute) = leaf.attribute() {
                    self.attribute(attribute, top);
                }
            }
        }
    }

    fn attribute(&mut self, attribute: &'a str, top: bool) {
        if top {
            self.attributes.insert(attribute);
        }
    }
}
