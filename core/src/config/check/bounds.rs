//! How deep and how costly an evaluation can become, segments and prerequisites counted wherever they are named.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use crate::config::{Condition, Configuration, Segment, uses};
use crate::limits::MAX_DEPTH;

/// The levels that a leaf takes once compiled: list operators become small trees.
pub(super) fn own_height(condition: &Condition) -> usize {
    match condition {
        Condition::NoneOf(list) => 4 + usize::from(list.ignore_case),
        Condition::AllOf(list) => 3 + usize::from(list.ignore_case),
        Condition::AnyOf(list) => 2 + usize::from(list.ignore_case),
        Condition::In(list) => 1 + usize::from(list.ignore_case),
        _ => 1,
    }
}
/// The most conditions and prerequisites that one evaluation of each flag can test, lists' elements aside.
pub(super) fn flag_costs(configuration: &Configuration) -> BTreeMap<&str, u64> {
    let mut segments: BTreeMap<&str, u64> = BTreeMap::new();
    let mut flags: BTreeMap<&str, u64> = BTreeMap::new();
    // Each round carries costs one level further, and no sound configuration has more levels.
    for _ in 0..=MAX_DEPTH {
        let costs = Costs { segments: &segments, flags: &flags };
        let next = configuration.segments.iter().map(|(key, segment)| {
            (key.as_str(), segment.when.as_ref().map_or(0, |when| costs.condition(when)))
        });
        segments = next.collect();
    }
    for _ in 0..=MAX_DEPTH {
        let costs = Costs { segments: &segments, flags: &flags };
        let next = configuration.flags.iter().map(|(key, flag)| {
            let rules = flag.rules.iter().map(|rule| costs.condition(&rule.when));
            let needed = flag.prerequisites.iter().map(|needed| costs.flag(&needed.flag));
            (key.as_str(), rules.chain(needed).fold(0, u64::saturating_add))
        });
        flags = next.collect();
    }
    flags
}

/// Costs known so far.
struct Costs<'a> {
    segments: &'a BTreeMap<&'a str, u64>,
    flags: &'a BTreeMap<&'a str, u64>,
}

impl Costs<'_> {
    fn flag(&self, key: &str) -> u64 {
        self.flags.get(key).copied().unwrap_or(0).saturating_add(1)
    }

    fn condition(&self, condition: &Condition) -> u64 {
        let inside = match condition {
            Condition::All(list) | Condition::Any(list) => {
                list.iter().map(|inner| self.condition(inner)).fold(0, u64::saturating_add)
            }
            Condition::Not(inner) => self.condition(inner),
            Condition::Some(some) => self.condition(&some.when),
            Condition::Segment(key) => self.segments.get(key.as_str()).copied().unwrap_or(0),
            Condition::Flag(flag) => self.flag(&flag.flag),
            Condition::AllOf(list) => 2 * list.values.len() as u64,
            leaf => own_height(leaf) as u64,
        };
        inside.saturating_add(1)
    }
}

/// Which flags depend on which; flags that depend on none are left out.
fn needs(configuration: &Configuration) -> BTreeMap<&str, BTreeSet<&str>> {
    configuration
        .flags
        .iter()
        .map(|(key, flag)| (key.as_str(), uses::of_flag(configuration, flag).flags))
        .filter(|(_, needs)| !needs.is_empty())
        .collect()
}

/// Flags whose prerequisites lead back to them, and those that lie between two such rings.
pub(super) fn cyclic_flags(configuration: &Configuration) -> BTreeSet<&str> {
    cyclic(needs(configuration))
}

/// Segments that contain themselves, and those that lie between two such rings.
pub(super) fn cyclic_segments(segments: &BTreeMap<String, Segment>) -> BTreeSet<&str> {
    let inside = segments.iter().filter_map(|(key, segment)| {
        let inside = uses::segments_within(segment.when.as_ref()?);
        (!inside.is_empty()).then_some((key.as_str(), inside))
    });
    cyclic(inside.collect())
}

type Edges<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// What is left without all that leads to no ring, and all that no ring leads to.
fn cyclic(edges: Edges<'_>) -> BTreeSet<&str> {
    reversed(&without_ends(reversed(&without_ends(edges)))).into_keys().collect()
}

fn reversed<'a>(edges: &Edges<'a>) -> Edges<'a> {
    let mut reversed = Edges::new();
    for (from, to) in edges {
        for to in to {
            reversed.entry(to).or_default().insert(from);
        }
    }
    reversed
}

/// Takes away what leads nowhere, again and again (Kahn, *Topological sorting of large networks*, 1962).
fn without_ends(mut edges: Edges<'_>) -> Edges<'_> {
    let users = reversed(&edges);
    let mut ends: Vec<&str> =
        users.keys().filter(|key| !edges.contains_key(*key)).copied().collect();
    while let Some(end) = ends.pop() {
        for user in users.get(end).into_iter().flatten() {
            if let Some(to) = edges.get_mut(user) {
                to.remove(end);
                if to.is_empty() {
                    edges.remove(user);
                    ends.push(user);
                }
            }
        }
    }
    edges
}

/// How many flags each flag depends on in a row; more than allowed for a cycle.
pub(super) fn flag_heights(configuration: &Configuration) -> BTreeMap<&str, usize> {
    let needs = needs(configuration);
    let mut heights: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..=MAX_DEPTH + 1 {
        let next = needs.iter().map(|(key, needs)| {
            let below = needs.iter().map(|need| heights.get(need).unwrap_or(&0) + 1);
            (*key, below.max().unwrap_or(0).min(MAX_DEPTH + 1))
        });
        heights = next.collect();
    }
    heights
}

/// How many levels each segment's condition has, segments within it included; one more than allowed for a cycle.
///
/// Each round carries heights one segment further, so that what is still rising after the last is too deep or a cycle.
pub(super) fn segment_heights(segments: &BTreeMap<String, Segment>) -> BTreeMap<&str, usize> {
    let mut heights: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..=MAX_DEPTH {
        let next = segments.iter().map(|(key, segment)| {
            let height = segment.when.as_ref().map_or(0, |when| height(when, 1, &heights));
            (key.as_str(), height)
        });
        heights = next.collect();
    }
    heights
}

fn height(condition: &Condition, level: usize, heights: &BTreeMap<&str, usize>) -> usize {
    if level > MAX_DEPTH {
        return level;
    }
    match condition {
        Condition::All(list) | Condition::Any(list) => {
            list.iter().map(|inner| height(inner, level + 1, heights)).fold(level, usize::max)
        }
        Condition::Not(inner) => height(inner, level + 1, heights),
        Condition::Segment(key) => {
            (level + heights.get(key.as_str()).unwrap_or(&0)).min(MAX_DEPTH + 1)
        }
        Condition::Some(some) => height(&some.when, level + 1, heights),
        leaf => level + own_height(leaf) - 1,
    }
}
