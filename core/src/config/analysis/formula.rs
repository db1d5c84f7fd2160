//! What a rule asks, as a formula over atoms: tests of attributes' values, times, buckets, other flags.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use super::shared::{Keys, List, Shared};
use crate::config::encode::{Writer, all_of, none_of};
use crate::config::literal::path;
use crate::config::{Bucketing, Comparison, Condition, In, Rule, Segment, Serve, Split};

/// Nodes of the formulas of one flag, segments counted wherever they are named; what is beyond is left open.
const MAX_NODES: usize = 20_000;

#[derive(Debug)]
pub(super) enum Formula {
    Atom(usize),
    Not(Box<Formula>),
    All(Vec<Formula>),
    Any(Vec<Formula>),
}

/// What is true or false of a context at a time.
#[derive(Clone, Debug)]
pub(super) enum Atom<'a> {
    /// A test of the value at a path; the path starts at the context, or, in a list's element, there.
    Value { path: Rc<Vec<String>>, test: usize },
    /// It is at least the one and before the other.
    Now { from: i128, to: i128 },
    /// The unit's bucket lies in this range. Asked only of contexts that have a unit.
    Bucket { by: usize, from: u64, to: u64 },
    /// Another flag serves one of the variants.
    Flag { flag: &'a str, variants: &'a [String] },
    /// Nothing is known about it.
    Open,
}

/// A test of one value. False of none.
#[derive(Clone, Debug)]
pub(super) enum Test<'a> {
    /// An operator, with the attribute that it is about.
    Operator(Rc<Condition>),
    /// The value is a unit that is listed.
    Keys(Rc<Keys<'a>>),
    /// The value is a unit.
    Unit,
    /// An element of the list meets a formula; the condition says the same.
    Some { inside: Rc<Formula>, whole: Rc<Condition> },
}

/// The atoms of the formulas of one flag.
#[derive(Debug)]
pub(super) struct Atoms<'a> {
    shared: Rc<Shared<'a>>,
    pub(super) atoms: Vec<Atom<'a>>,
    pub(super) tests: Vec<Test<'a>>,
    pub(super) bucketings: Vec<&'a Bucketing>,
    /// Atoms by what they say, so that one thing is one atom.
    known: BTreeMap<String, usize>,
    nodes: usize,
}

impl<'a> Atoms<'a> {
    pub(super) fn new(shared: Rc<Shared<'a>>) -> Self {
        Self {
            shared,
            atoms: Vec::new(),
            tests: Vec::new(),
            bucketings: Vec::new(),
            known: BTreeMap::new(),
            nodes: 0,
        }
    }

    /// Whether the rule matches: its window, its slot, its condition, and that it serves the unit something.
    pub(super) fn rule(&mut self, rule: &'a Rule) -> Formula {
        let mut all = Vec::new();
        if rule.from.is_some() || rule.to.is_some() {
            let from = rule.from.map_or(i128::MIN, i128::from);
            all.push(self.now(from, rule.to.map_or(i128::MAX, i128::from)));
        }
        let layers = &self.shared.configuration.layers;
        if let Some(slot) = &rule.layer
            && let Some(layer) = layers.get(&slot.layer)
        {
            all.push(self.bucket(&layer.by, &[(slot.from, slot.to)]));
        }
        all.push(self.condition(&rule.when, true));
        match &rule.serve {
            Serve::Variant(_) => {}
            Serve::Split(split) => all.push(self.bucket(&split.by, &served(split))),
            Serve::Ramp(ramp) => {
                all.push(self.unit(&ramp.by));
                if ramp.variants.iter().any(Option::is_none) {
                    all.push(self.open());
                }
            }
        }
        Formula::All(all)
    }

    /// Whether the test compares a value with the time.
    pub(super) fn is_about_time(&self, test: usize) -> bool {
        match self.tests.get(test) {
            Some(Test::Operator(condition)) => matches!(**condition, Condition::UnixTime(_)),
            _ => false,
        }
    }

    fn add(&mut self, key: String, atom: impl FnOnce(&mut Self) -> Atom<'a>) -> Formula {
        if let Some(at) = self.known.get(&key) {
            return Formula::Atom(*at);
        }
        let atom = atom(self);
        self.atoms.push(atom);
        self.known.insert(key, self.atoms.len() - 1);
        Formula::Atom(self.atoms.len() - 1)
    }

    fn open(&mut self) -> Formula {
        self.atoms.push(Atom::Open);
        Formula::Atom(self.atoms.len() - 1)
    }

    fn now(&mut self, from: i128, to: i128) -> Formula {
        self.add(format!("now {from} {to}"), |_| Atom::Now { from, to })
    }

    fn value(&mut self, key: String, reference: &str, test: Test<'a>) -> Formula {
        let path = if reference.is_empty() { Some(Vec::new()) } else { path(reference) };
        let Some(path) = path else { return self.open() };
        self.add(format!("value {path:?} {key}"), |atoms| {
            atoms.tests.push(test);
            Atom::Value { path: Rc::new(path), test: atoms.tests.len() - 1 }
        })
    }

    fn operator(&mut self, condition: Condition) -> Formula {
        let key = format!("{condition:?}");
        let attribute: String = condition.attribute().unwrap_or_default().into();
        self.value(key, &attribute, Test::Operator(Rc::new(condition)))
    }

    /// Whether one of the attributes holds a unit.
    fn unit(&mut self, by: &'a Bucketing) -> Formula {
        let units = [&by.unit].into_iter().chain(&by.fallback_units);
        Formula::Any(units.map(|unit| self.value("unit".into(), unit, Test::Unit)).collect())
    }

    /// Whether there is a unit, in one of these ranges of weights.
    fn bucket(&mut self, by: &'a Bucketing, ranges: &[(u32, u32)]) -> Formula {
        let known = self.bucketings.iter().position(|known| *known == by);
        let number = known.unwrap_or(self.bucketings.len());
        if known.is_none() {
            self.bucketings.push(by);
        }
        let ranges = ranges.iter().map(|(from, to)| {
            let (from, to) = (cut(by, *from), cut(by, *to));
            self.add(format!("bucket {number} {from} {to}"), |_| Atom::Bucket {
                by: number,
                from,
                to,
            })
        });
        let ranges = Formula::Any(ranges.collect());
        Formula::All(alloc::vec![self.unit(by), ranges])
    }

    /// `top`: references are to the context, and not to a list's element.
    fn condition(&mut self, condition: &'a Condition, top: bool) -> Formula {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return self.open();
        }
        let element = match condition {
            Condition::Some(some) => some.attribute.is_empty(),
            leaf => leaf.attribute().is_some_and(str::is_empty),
        };
        if top && element {
            // Outside of a list there is no element.
            return Formula::Any(Vec::new());
        }
        match condition {
            Condition::All(list) => {
                Formula::All(list.iter().map(|inner| self.condition(inner, top)).collect())
            }
            Condition::Any(list) => {
                Formula::Any(list.iter().map(|inner| self.condition(inner, top)).collect())
            }
            Condition::Not(inner) => Formula::Not(Box::new(self.condition(inner, top))),
            Condition::Flag(needed) => {
                let key = format!("flag {} {:?}", needed.flag, needed.variants);
                self.add(key, |_| Atom::Flag { flag: &needed.flag, variants: &needed.variants })
            }
            Condition::Now(instant) => {
                let at = i128::from(instant.value);
                let (from, to) = match instant.is {
                    Comparison::Less => (i128::MIN, at),
                    Comparison::LessOrEqual => (i128::MIN, at + 1),
                    Comparison::Equal | Comparison::NotEqual => (at, at + 1),
                    Comparison::GreaterOrEqual => (at, i128::MAX),
                    Comparison::Greater => (at + 1, i128::MAX),
                };
                let within = self.now(from, to);
                if instant.is == Comparison::NotEqual {
                    Formula::Not(Box::new(within))
                } else {
                    within
                }
            }
            // Of these, within an element, the attributes are the context's.
            Condition::Segment(_) | Condition::Bucket(_) if !top => self.open(),
            Condition::Segment(key) => match self.shared.configuration.segments.get(key) {
                Some(segment) => self.segment(key, segment),
                None => self.open(),
            },
            Condition::Bucket(range) => self.bucket(&range.by, &[(range.from, range.below)]),
            Condition::Error(_) => self.open(),
            Condition::Some(some) => {
                let inside = Rc::new(self.condition(&some.when, false));
                let test = Test::Some { inside, whole: Rc::new(condition.clone()) };
                self.value(format!("{condition:?}"), &some.attribute, test)
            }
            Condition::AnyOf(list) => self.any_of(list),
            Condition::AllOf(list) => self.list(&all_of(list)),
            Condition::NoneOf(list) => self.list(&none_of(list)),
            operator => self.operator(operator.clone()),
        }
    }

    fn any_of(&mut self, list: &In) -> Formula {
        let whole = Condition::AnyOf(list.clone());
        let element = In { attribute: String::new(), ..list.clone() };
        let inside = Rc::new(self.operator(Condition::In(element)));
        let test = Test::Some { inside, whole: Rc::new(whole) };
        self.value(format!("any_of {list:?}"), &list.attribute, test)
    }

    /// What a list operator is short for.
    fn list(&mut self, condition: &Condition) -> Formula {
        match condition {
            Condition::All(list) => {
                Formula::All(list.iter().map(|inner| self.list(inner)).collect())
            }
            Condition::Not(inner) => Formula::Not(Box::new(self.list(inner))),
            Condition::AnyOf(list) => self.any_of(list),
            operator => self.operator(operator.clone()),
        }
    }

    fn segment(&mut self, key: &'a str, segment: &'a Segment) -> Formula {
        let mut inside = Vec::new();
        if !segment.included.is_empty() {
            inside.push(self.keys(key, segment, List::Included));
        }
        inside.extend(segment.when.as_ref().map(|when| self.condition(when, true)));
        let mut all = alloc::vec![Formula::Any(inside)];
        if !segment.excluded.is_empty() {
            let excluded = self.keys(key, segment, List::Excluded);
            all.push(Formula::Not(Box::new(excluded)));
        }
        Formula::All(all)
    }

    fn keys(&mut self, key: &str, segment: &'a Segment, list: List) -> Formula {
        let keys = self.shared.keys(key, list);
        self.value(format!("{list:?} {key}"), &segment.unit, Test::Keys(keys))
    }
}

/// The ranges of weights that are served, neighbours joined.
fn served(split: &Split) -> Vec<(u32, u32)> {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    let mut from = 0u32;
    for part in &split.weights {
        let to = from.saturating_add(part.weight);
        if part.variant.is_some() && part.weight > 0 {
            match ranges.last_mut().filter(|last| last.1 == from) {
                Some(last) => last.1 = to,
                None => ranges.push((from, to)),
            }
        }
        from = to;
    }
    ranges
}

/// The first bucket that is not below the weight.
pub(super) fn cut(by: &Bucketing, weight: u32) -> u64 {
    let mut writer = Writer::default();
    writer.cut(by, weight);
    writer.bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
