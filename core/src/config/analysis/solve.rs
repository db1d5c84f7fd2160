//! Whether formulas can hold together, and a context and a time at which they do.
//!
//! A search over the choices of the formulas' `any` nodes that backs out as soon as an attribute, the time, a bucket or another flag cannot
//! be what it must be (Davis, Logemann and Loveland, *A machine program for theorem-proving*, 1962). What it finds the evaluator confirms;
//! "never" is answered only where each way out is closed for sure.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Map, Value};

use super::Options;
use super::domain::{Literal, Nodes};
use super::formula::{Atom, Atoms, Formula, cut};
use super::judge::{Operators, Rules};
use super::shared::Shared;
use super::text::{Folding, Language};
use crate::config::Flag;
use crate::config::finding::Witness;
use crate::context::{Context, TARGETING_KEY};

/// What an analysis of one flag may cost.
#[derive(Debug)]
pub(super) struct Limits {
    /// Choices in one question.
    choices: usize,
    /// Evaluations for one question.
    evaluations: usize,
    /// Values of one attribute that are kept.
    pub(super) values: usize,
}

const LIMITS: Limits = Limits { choices: 400, evaluations: 25_000, values: 32 };
/// Evaluations for all questions about one flag.
const MAX_EVALUATIONS: usize = 100_000;
/// Units that are tried to fall into a bucket.
const MAX_UNITS: usize = 20_000;
/// Tries over the chance of one: what has the chance is missed once in e^12 times.
const TRIES_PER_CHANCE: f64 = 12.0;
/// Levels of lists within lists.
const MAX_LEVELS: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Context,
    /// An element of a list.
    Element,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Holds,
    Never,
    Unknown,
}

/// An answer to a question.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Holds(Witness),
    /// And what it is that cannot be, if it is one thing.
    Never(Option<String>),
    Unknown,
}

type Cube = BTreeMap<usize, bool>;
type Clause<'f> = Vec<(&'f Formula, bool)>;
type Groups = BTreeMap<Vec<String>, Vec<Literal>>;

/// One flag's atoms, and what is known of them.
pub(super) struct Solver<'a> {
    flag: &'a Flag,
    options: &'a Options,
    rules: Option<Rules>,
    pub(super) atoms: Atoms<'a>,
    pub(super) operators: Operators,
    pub(super) nodes: Nodes,
    pub(super) languages: BTreeMap<usize, Option<Language>>,
    pub(super) folding: Folding,
    pub(super) limits: Limits,
    /// The element that the last search in one found.
    pub(super) element: Option<Value>,
    witness: Option<Witness>,
    /// The rules that must match at the witness, and those that must not.
    must: Vec<usize>,
    must_not: Vec<usize>,
    choices_left: usize,
    /// For this question, and for all that are to come.
    evaluations_left: usize,
    evaluations_in_all: usize,
    level: usize,
    conflict: Option<String>,
}

impl<'a> Solver<'a> {
    pub(super) fn new(
        shared: Rc<Shared<'a>>,
        key: &'a str,
        flag: &'a Flag,
        options: &'a Options,
    ) -> Self {
        Self {
            flag,
            options,
            rules: Rules::new(&shared, key),
            atoms: Atoms::new(shared),
            operators: Operators::default(),
            nodes: Nodes::new(),
            languages: BTreeMap::new(),
            folding: Folding::default(),
            limits: LIMITS,
            element: None,
            witness: None,
            must: Vec::new(),
            must_not: Vec::new(),
            choices_left: 0,
            evaluations_left: 0,
            evaluations_in_all: MAX_EVALUATIONS,
            level: 0,
            conflict: None,
        }
    }

    /// Whether the rules `must` match, and the rules `must_not` not, at once. `formulas` are those of all rules.
    pub(super) fn ask(
        &mut self,
        formulas: &[Rc<Formula>],
        must: &[usize],
        must_not: &[usize],
    ) -> Answer {
        self.must = must.to_vec();
        self.must_not = must_not.to_vec();
        self.choices_left = self.limits.choices;
        let evaluations = self.limits.evaluations.min(self.evaluations_in_all);
        self.evaluations_left = evaluations;
        self.conflict = None;
        self.level = 0;
        let open = must.iter().map(|rule| (rule, true));
        let open = open.chain(must_not.iter().map(|rule| (rule, false)));
        let open = open.filter_map(|(rule, holds)| Some((&**formulas.get(*rule)?, holds)));
        let verdict = self.search(open.collect(), Scope::Context);
        self.evaluations_in_all -= evaluations - self.evaluations_left;
        match verdict {
            Verdict::Holds => self.witness.take().map_or(Answer::Unknown, Answer::Holds),
            Verdict::Never => Answer::Never(self.conflict.take()),
            Verdict::Unknown => Answer::Unknown,
        }
    }

    /// Which of the rules match at a witness: none of those that end in an error.
    pub(super) fn matching(&self, witness: &Witness) -> Vec<Option<bool>> {
        let (Some(rules), Ok(context)) = (&self.rules, Context::from_json(&witness.context)) else {
            return Vec::new();
        };
        let all = 0..self.flag.rules.len();
        all.map(|rule| rules.matches(rule, &context, witness.now)).collect()
    }

    pub(super) fn search(&mut self, open: Clause<'_>, scope: Scope) -> Verdict {
        if self.level == MAX_LEVELS {
            return Verdict::Unknown;
        }
        self.level += 1;
        let verdict = self.decide(open, Vec::new(), Cube::new(), scope);
        self.level -= 1;
        verdict
    }

    fn decide<'f>(
        &mut self,
        mut open: Clause<'f>,
        mut clauses: Vec<Clause<'f>>,
        mut cube: Cube,
        scope: Scope,
    ) -> Verdict {
        loop {
            let mut touched = BTreeSet::new();
            while let Some((formula, holds)) = open.pop() {
                match (formula, holds) {
                    (Formula::Atom(atom), _) => match cube.insert(*atom, holds) {
                        Some(before) if before != holds => return self.closed(*atom),
                        Some(_) => {}
                        None => drop(touched.insert(*atom)),
                    },
                    (Formula::Not(inside), _) => open.push((inside, !holds)),
                    (Formula::All(list), true) | (Formula::Any(list), false) => {
                        open.extend(list.iter().rev().map(|inner| (inner, holds)));
                    }
                    (Formula::All(list), false) | (Formula::Any(list), true) => {
                        clauses.push(list.iter().map(|inner| (inner, holds)).collect());
                    }
                }
            }
            if !touched.is_empty() && self.impossible(&cube, &touched, scope) {
                return Verdict::Never;
            }
            // What is decided of the choices by what is known.
            let mut left = Vec::new();
            for mut clause in core::mem::take(&mut clauses) {
                let value = |(formula, holds): &(&Formula, bool)| {
                    truth(formula, &cube).map(|truth| truth == *holds)
                };
                if clause.iter().any(|choice| value(choice) == Some(true)) {
                    continue;
                }
                clause.retain(|choice| value(choice).is_none());
                match clause.len() {
                    0 => return Verdict::Never,
                    1 => open.append(&mut clause),
                    _ => left.push(clause),
                }
            }
            clauses = left;
            if open.is_empty() {
                break;
            }
        }
        let smallest = (0..clauses.len()).min_by_key(|at| clauses.get(*at).map_or(0, Vec::len));
        let Some(smallest) = smallest else { return self.confirm(&cube, scope) };
        let clause = clauses.swap_remove(smallest);
        let mut unknown = false;
        // Choices that are closed are closed for those behind them too.
        let mut not_these: Clause<'f> = Vec::new();
        for (formula, holds) in clause {
            let Some(left) = self.choices_left.checked_sub(1) else { return Verdict::Unknown };
            self.choices_left = left;
            let mut open = not_these.clone();
            open.push((formula, holds));
            match self.decide(open, clauses.clone(), cube.clone(), scope) {
                Verdict::Holds => return Verdict::Holds,
                Verdict::Never => not_these.push((formula, !holds)),
                Verdict::Unknown => unknown = true,
            }
        }
        if unknown { Verdict::Unknown } else { Verdict::Never }
    }

    /// One thing would have to be and not to be.
    fn closed(&mut self, atom: usize) -> Verdict {
        if let Some(Atom::Value { path, .. }) = self.atoms.atoms.get(atom) {
            let path = Rc::clone(path);
            self.blame(&path);
        }
        Verdict::Never
    }

    fn blame(&mut self, path: &[String]) {
        let name = match path {
            [name] => name.clone(),
            names => names.iter().map(|name| format!("/{name}")).collect(),
        };
        self.conflict.get_or_insert(name);
    }

    /// Whether what is touched cannot be as the cube says, for sure.
    fn impossible(&mut self, cube: &Cube, touched: &BTreeSet<usize>, scope: Scope) -> bool {
        let mut paths: BTreeSet<Rc<Vec<String>>> = BTreeSet::new();
        let (mut time, mut flags) = (false, false);
        let mut buckets = BTreeSet::new();
        for atom in touched {
            match self.atoms.atoms.get(*atom) {
                Some(Atom::Value { path, .. }) => drop(paths.insert(Rc::clone(path))),
                Some(Atom::Now { .. }) => time = true,
                Some(Atom::Bucket { by, .. }) => drop(buckets.insert(*by)),
                Some(Atom::Flag { .. }) => flags = true,
                Some(Atom::Open) | None => {}
            }
        }
        if time && self.times(cube).is_empty() {
            return true;
        }
        if buckets.into_iter().any(|by| self.no_bucket(cube, by)) || (flags && self.no_flag(cube)) {
            return true;
        }
        let groups = self.groups(cube);
        for path in paths {
            let literals = groups.get(&**path).map_or(&[][..], Vec::as_slice);
            if self.node(&path, literals, key_only(&path, scope)).impossible() {
                self.blame(&path);
                return true;
            }
        }
        false
    }

    fn groups(&self, cube: &Cube) -> Groups {
        let mut groups = Groups::new();
        for (atom, holds) in cube {
            if let Some(Atom::Value { path, test }) = self.atoms.atoms.get(*atom) {
                groups.entry((**path).clone()).or_default().push((*test, *holds));
            }
        }
        groups
    }

    /// The times that are left, as ranges from and to, and not at, an instant.
    fn times(&self, cube: &Cube) -> Vec<(i128, i128)> {
        let first = self.options.now.unwrap_or(i64::MIN);
        let mut left = alloc::vec![(i128::from(first), i128::from(i64::MAX) + 1)];
        for (atom, holds) in cube {
            if let Some(Atom::Now { from, to }) = self.atoms.atoms.get(*atom) {
                left = narrowed(&left, *from, *to, *holds);
            }
        }
        left
    }

    /// Where one range of buckets holds, all together must leave one.
    fn no_bucket(&self, cube: &Cube, wanted: usize) -> bool {
        let mut left = alloc::vec![(0i128, i128::from(u64::MAX) + 1)];
        let mut any = false;
        for (atom, holds) in cube {
            if let Some(Atom::Bucket { by, from, to }) = self.atoms.atoms.get(*atom)
                && *by == wanted
            {
                any |= holds;
                left = narrowed(&left, i128::from(*from), i128::from(*to), *holds);
            }
        }
        any && left.is_empty()
    }

    /// A flag serves one variant at a time.
    fn no_flag(&self, cube: &Cube) -> bool {
        let mut served: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let asked =
            |holds: bool| {
                cube.iter().filter(move |(_, held)| **held == holds).filter_map(|(atom, _)| {
                    match self.atoms.atoms.get(*atom) {
                        Some(Atom::Flag { flag, variants }) => Some((*flag, *variants)),
                        _ => None,
                    }
                })
            };
        for (flag, variants) in asked(true) {
            let listed: BTreeSet<&str> = variants.iter().map(String::as_str).collect();
            let left = served.entry(flag).or_insert_with(|| listed.clone());
            left.retain(|variant| listed.contains(variant));
        }
        for (flag, variants) in asked(false) {
            if let Some(left) = served.get_mut(flag) {
                left.retain(|variant| !variants.iter().any(|listed| listed == variant));
            }
        }
        served.values().any(BTreeSet::is_empty)
    }

    /// Makes a context of what is chosen, and asks the evaluator.
    fn confirm(&mut self, cube: &Cube, scope: Scope) -> Verdict {
        let groups = self.groups(cube);
        let root = match self.build(&[], &groups, scope, &BTreeMap::new()) {
            Built::Value(value) => value,
            Built::Never => return Verdict::Never,
            Built::Unknown => return Verdict::Unknown,
        };
        if scope == Scope::Element {
            self.element = Some(root.unwrap_or(Value::Null));
            return Verdict::Holds;
        }
        let times = self.times(cube);
        let Some(now) = times.first().map(|(from, to)| 0i128.clamp(*from, *to - 1) as i64) else {
            return Verdict::Never;
        };
        let context = root.unwrap_or_else(|| Value::Object(Map::new()));
        if self.confirmed(context, now) {
            return Verdict::Holds;
        }
        // Who falls into a bucket, and whom another flag serves what, is found by trying.
        let tried = self.tried(cube);
        if tried.is_empty() {
            return Verdict::Unknown;
        }
        for number in 0..self.units_to_try(cube) {
            let mut chosen = BTreeMap::new();
            for path in &tried {
                let literals = groups.get(path).map_or(&[][..], Vec::as_slice);
                let node = self.node(path, literals, key_only(path, scope));
                let value = match (node.values.get(number), node.values.first()) {
                    (Some(value), _) => Some(value.clone()),
                    (None, Some(Value::String(first))) => {
                        Some(Value::String(format!("{first}{number}")))
                    }
                    _ => None,
                };
                let value = value.unwrap_or_else(|| Value::String(format!("user-{number}")));
                chosen.insert(path.clone(), value);
            }
            for (at, time) in times.iter().enumerate() {
                if at > 0 && number > 0 {
                    break;
                }
                let now = 0i128.clamp(time.0, time.1 - 1) as i64;
                if let Built::Value(Some(context)) = self.build(&[], &groups, scope, &chosen)
                    && self.confirmed(context, now)
                {
                    return Verdict::Holds;
                }
            }
            if self.evaluations_left == 0 {
                break;
            }
        }
        Verdict::Unknown
    }

    /// So many that, if a unit falls where the cube asks with the chance that the buckets give, one does for all that is likely.
    fn units_to_try(&self, cube: &Cube) -> usize {
        let mut chance = 1.0;
        for (atom, holds) in cube {
            if let Some(Atom::Bucket { by, from, to }) = self.atoms.atoms.get(*atom)
                && let Some(by) = self.atoms.bucketings.get(*by)
            {
                let share = to.saturating_sub(*from) as f64 / cut(by, by.size()).max(1) as f64;
                chance *= if *holds { share } else { 1.0 - share };
            }
        }
        ((TRIES_PER_CHANCE / chance) as usize).min(MAX_UNITS)
    }

    /// The paths of units that the cube asks buckets of, and the targeting key where other flags decide.
    fn tried(&self, cube: &Cube) -> Vec<Vec<String>> {
        let mut paths = BTreeSet::new();
        for atom in cube.keys() {
            match self.atoms.atoms.get(*atom) {
                Some(Atom::Bucket { by, .. }) => {
                    let by = self.atoms.bucketings.get(*by);
                    paths.extend(by.and_then(|by| crate::config::literal::path(&by.unit)));
                }
                Some(Atom::Value { path, test }) if self.atoms.is_about_time(*test) => {
                    paths.insert((**path).clone());
                }
                Some(Atom::Flag { .. } | Atom::Open) => {
                    paths.insert(alloc::vec![TARGETING_KEY.to_string()]);
                }
                _ => {}
            }
        }
        paths.into_iter().collect()
    }

    fn confirmed(&mut self, context: Value, now: i64) -> bool {
        let Some(left) = self.evaluations_left.checked_sub(1) else { return false };
        self.evaluations_left = left;
        let (Some(rules), Ok(decoded)) = (&self.rules, Context::from_json(&context)) else {
            return false;
        };
        let is = |rule: &usize, matches| rules.matches(*rule, &decoded, now) == Some(matches);
        let confirmed = self.must.iter().all(|rule| is(rule, true))
            && self.must_not.iter().all(|rule| is(rule, false));
        if confirmed {
            self.witness = Some(Witness { context, now });
        }
        confirmed
    }

    /// A value for the path and all below it. `chosen` are tried as they are.
    fn build(
        &mut self,
        path: &[String],
        groups: &Groups,
        scope: Scope,
        chosen: &BTreeMap<Vec<String>, Value>,
    ) -> Built {
        if let Some(value) = chosen.get(path) {
            return Built::Value(Some(value.clone()));
        }
        let below = |other: &[String]| other.len() > path.len() && other.starts_with(path);
        let inside: Vec<&Vec<String>> =
            groups.keys().chain(chosen.keys()).filter(|other| below(other)).collect();
        let names: BTreeSet<&String> =
            inside.iter().filter_map(|other| other.get(path.len())).collect();
        let literals = groups.get(path).map_or(&[][..], Vec::as_slice);
        let context = path.is_empty() && scope == Scope::Context;
        let node = self.node(path, literals, key_only(path, scope));
        let needed = inside.iter().any(|other| {
            chosen.contains_key(*other)
                || groups.get(*other).is_some_and(|asked| asked.iter().any(|(_, holds)| *holds))
        });
        // Nothing below is asked for: what is no object will do.
        if !context && !needed {
            if node.missing && scope == Scope::Context {
                return Built::Value(None);
            }
            if let Some(value) = node.values.first() {
                return Built::Value(Some(value.clone()));
            }
            // An element that is null.
            if node.missing {
                return Built::Value(None);
            }
            if names.is_empty() {
                return match &node.object {
                    Some(object) => Built::Value(Some(object.clone())),
                    None if node.impossible() => Built::Never,
                    None => Built::Unknown,
                };
            }
        }
        let others_sure = context || needed || (node.nothing_else && !node.missing);
        if !context && node.no_object {
            return if others_sure { Built::Never } else { Built::Unknown };
        }
        let mut object = match &node.object {
            Some(Value::Object(object)) if !context && object.len() > 1 => object.clone(),
            _ => Map::new(),
        };
        for name in names {
            let mut inner = path.to_vec();
            inner.push(name.clone());
            match self.build(&inner, groups, scope, chosen) {
                Built::Value(Some(value)) => drop(object.insert(name.clone(), value)),
                Built::Value(None) => {}
                Built::Never if others_sure => return Built::Never,
                Built::Never | Built::Unknown => return Built::Unknown,
            }
        }
        Built::Value(Some(Value::Object(object)))
    }

    /// Whether the evaluator can be asked about the rules.
    pub(super) fn can_confirm(&self) -> bool {
        self.rules.is_some()
    }
}

enum Built {
    /// None: it is missing.
    Value(Option<Value>),
    Never,
    Unknown,
}

/// Whether the path is the targeting key's, which is a string or an integer.
fn key_only(path: &[String], scope: Scope) -> bool {
    scope == Scope::Context && matches!(path, [name] if name == TARGETING_KEY)
}

/// What the formula is by the atoms that are known alone.
fn truth(formula: &Formula, cube: &Cube) -> Option<bool> {
    match formula {
        Formula::Atom(atom) => cube.get(atom).copied(),
        Formula::Not(inside) => truth(inside, cube).map(|truth| !truth),
        Formula::All(list) => {
            let mut all = Some(true);
            for inner in list {
                match truth(inner, cube) {
                    Some(false) => return Some(false),
                    Some(true) => {}
                    None => all = None,
                }
            }
            all
        }
        Formula::Any(list) => {
            let mut any = Some(false);
            for inner in list {
                match truth(inner, cube) {
                    Some(true) => return Some(true),
                    Some(false) => {}
                    None => any = None,
                }
            }
            any
        }
    }
}

/// What is left of ranges within, or outside of, another.
fn narrowed(ranges: &[(i128, i128)], from: i128, to: i128, within: bool) -> Vec<(i128, i128)> {
    let parts = if within {
        alloc::vec![(from, to)]
    } else {
        alloc::vec![(i128::MIN, from), (to, i128::MAX)]
    };
    let mut left = Vec::new();
    for range in ranges {
        for part in &parts {
            let (from, to) = (range.0.max(part.0), range.1.min(part.1));
            if from < to {
                left.push((from, to));
            }
        }
    }
    left
}
