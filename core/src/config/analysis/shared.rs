//! What the analyses of a configuration's flags share: worked out once, when the first of them asks.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::OnceCell;

use crate::config::compile::{Chunks, segment_chunks};
use crate::config::literal::path;
use crate::config::{Attribute, Configuration, Problem, Segment};

/// The keys that a segment lists.
#[derive(Debug, Default)]
pub(super) struct Keys<'a> {
    pub(super) texts: BTreeSet<&'a str>,
    /// Those that are numbers in decimal: of the other type that a unit has.
    pub(super) numbers: Vec<f64>,
}

impl<'a> Keys<'a> {
    fn new(keys: &'a [String]) -> Rc<Self> {
        let texts: BTreeSet<&str> = keys.iter().map(String::as_str).collect();
        let numbers = texts.iter().filter_map(|key| key.parse().ok()).collect();
        Rc::new(Self { texts, numbers })
    }
}

/// Which of a segment's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    Included,
    Excluded,
}

#[derive(Debug)]
pub(super) struct Shared<'a> {
    pub(super) configuration: &'a Configuration,
    pub(super) declared: Declared<'a>,
    segments: BTreeMap<&'a str, SharedSegment<'a>>,
    /// The flags that do not compile; none if that is because of the whole.
    spoiled: Option<BTreeSet<String>>,
}

#[derive(Debug)]
struct SharedSegment<'a> {
    segment: &'a Segment,
    included: OnceCell<Rc<Keys<'a>>>,
    excluded: OnceCell<Rc<Keys<'a>>>,
    chunks: OnceCell<Chunks>,
}

impl<'a> Shared<'a> {
    /// `problems`: what keeps the configuration from compiling.
    pub(super) fn new(configuration: &'a Configuration, problems: &[Problem]) -> Self {
        let segments = configuration.segments.iter().map(|(key, segment)| {
            let [included, excluded] = [OnceCell::new(), OnceCell::new()];
            let shared = SharedSegment { segment, included, excluded, chunks: OnceCell::new() };
            (key.as_str(), shared)
        });
        let segments = segments.collect();
        let spoiled = problems.iter().map(|problem| problem.flag.clone()).collect();
        Self { configuration, declared: Declared::new(configuration), segments, spoiled }
    }

    /// Whether a flag does not compile.
    pub(super) fn is_spoiled(&self, flag: &str) -> bool {
        self.spoiled.as_ref().is_none_or(|spoiled| spoiled.contains(flag))
    }

    /// The keys of one of a segment's lists.
    pub(super) fn keys(&self, segment: &str, list: List) -> Rc<Keys<'a>> {
        let Some(shared) = self.segments.get(segment) else { return Rc::default() };
        let (cell, keys) = match list {
            List::Included => (&shared.included, &shared.segment.included),
            List::Excluded => (&shared.excluded, &shared.segment.excluded),
        };
        Rc::clone(cell.get_or_init(|| Keys::new(keys)))
    }

    /// The chunks that a segment is compiled to.
    pub(super) fn chunks(&self, segment: &str) -> &Chunks {
        static NONE: Chunks = Chunks::new();
        self.segments.get_key_value(segment).map_or(&NONE, |(key, shared)| {
            shared.chunks.get_or_init(|| {
                let mut chunks = Chunks::new();
                segment_chunks(key, shared.segment, &mut chunks);
                chunks
            })
        })
    }
}

/// The attributes that are declared, by the names of their paths.
#[derive(Debug)]
pub(super) struct Declared<'a>(BTreeMap<Vec<String>, &'a Attribute>);

impl<'a> Declared<'a> {
    fn new(configuration: &'a Configuration) -> Self {
        let mut declared = BTreeMap::new();
        for (name, attribute) in &configuration.attributes {
            if let Some(names) = path(name) {
                declared.entry(names).or_insert(attribute);
            }
        }
        Self(declared)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The declaration of exactly this path.
    pub(super) fn of(&self, names: &[String]) -> Option<&'a Attribute> {
        self.0.get(names).copied()
    }

    /// Whether the path lies within one that is declared, or one that is declared within it.
    pub(super) fn touches(&self, names: &[String]) -> bool {
        touches(
            names,
            |within| self.0.contains_key(within),
            |from| self.0.range(from.to_vec()..).next().map(|(names, _)| names),
        )
    }
}

/// The same of a set of paths.
pub(super) fn touched(paths: &BTreeSet<Vec<String>>, names: &[String]) -> bool {
    touches(names, |within| paths.contains(within), |from| paths.range(from.to_vec()..).next())
}

fn touches<'p>(
    names: &[String],
    contains: impl Fn(&[String]) -> bool,
    first_from: impl Fn(&[String]) -> Option<&'p Vec<String>>,
) -> bool {
    (1..=names.len()).any(|length| names.get(..length).is_some_and(&contains))
        || first_from(names).is_some_and(|behind| behind.starts_with(names))
}
