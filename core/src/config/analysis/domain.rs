//! What value of one attribute passes some tests and fails others.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::{Value, json};

use super::formula::Test;
use super::order::{Bound, contradictory};
use super::references::accepted;
use super::solve::{Scope, Solver, Verdict};
use super::text::{self, Found, Language};
use crate::config::literal::network;
use crate::config::{Condition, ContextType, Scalar};
use crate::evaluate::{Moment, Version, padded_version_order};

/// Values of a finite set that are tried, and of a list of candidates.
const MAX_VALUES: usize = 20_000;
/// Elements of a list that is made up.
const MAX_ELEMENTS: usize = 100;
/// Beyond these there are no exact integers (core/spec/evaluation.md section 2.3).
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A test, and whether it is to hold.
pub(super) type Literal = (usize, bool);

/// What one attribute can be.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub(super) missing: bool,
    /// Values that pass, objects apart.
    pub(super) values: Vec<Value>,
    /// There is no other value either: `values` is empty, and that is proved.
    pub(super) nothing_else: bool,
    /// An object that passes.
    pub(super) object: Option<Value>,
    pub(super) no_object: bool,
}

impl Node {
    /// Whether it is proved that nothing passes.
    pub(super) fn impossible(&self) -> bool {
        !self.missing && self.values.is_empty() && self.nothing_else && self.no_object
    }
}

/// Some values, and whether there are, for sure, no others if these are none.
type Values = (Vec<Value>, bool);

impl<'a> Solver<'a> {
    /// `key_only`: it is the targeting key, a string or an integer.
    pub(super) fn node(
        &mut self,
        path: &[String],
        literals: &[Literal],
        key_only: bool,
    ) -> Rc<Node> {
        let key = (literals.to_vec(), key_only);
        if let Some(node) = self.nodes.get(&key) {
            return Rc::clone(node);
        }
        let mut node =
            Node { missing: literals.iter().all(|(_, holds)| !holds), ..Node::default() };
        node.nothing_else = true;
        let types: &[ContextType] = if key_only {
            &[ContextType::String, ContextType::Number]
        } else {
            &[ContextType::String, ContextType::Number, ContextType::Boolean, ContextType::List]
        };
        for value_type in types {
            let (mut values, none) = self.of_type(path, literals, *value_type);
            if key_only {
                values.retain(|value| {
                    value.as_f64().is_none_or(|n| n % 1.0 == 0.0 && n.abs() <= EXACT)
                });
            }
            node.nothing_else &= none;
            node.values.append(&mut values);
        }
        if key_only {
            node.no_object = true;
        } else {
            let (objects, none) = self.of_type(path, literals, ContextType::Object);
            node.no_object = none;
            node.object = objects.into_iter().next();
        }
        let node = Rc::new(node);
        self.nodes.insert(key, Rc::clone(&node));
        node
    }

    /// Whether the test passes whatever value of the type there is, or none of them.
    fn constant(&self, test: usize, value_type: ContextType) -> Option<bool> {
        match self.atoms.tests.get(test)? {
            Test::Unit | Test::Keys(_) => {
                let unit = matches!(value_type, ContextType::String | ContextType::Number);
                (!unit).then_some(false)
            }
            Test::Some { .. } => (value_type != ContextType::List).then_some(false),
            Test::Operator(condition) => match (&**condition, accepted(condition)) {
                (Condition::Exists(_), _) => Some(true),
                (Condition::IsType(is), _) => Some(is.value_type == value_type),
                (
                    Condition::Contains(texts)
                    | Condition::StartsWith(texts)
                    | Condition::EndsWith(texts)
                    | Condition::IpInCidr(texts),
                    _,
                ) if texts.values.is_empty() => Some(false),
                (_, Some(types)) if !types.contains(&value_type) => Some(false),
                _ => None,
            },
        }
    }

    fn of_type(
        &mut self,
        path: &[String],
        literals: &[Literal],
        value_type: ContextType,
    ) -> Values {
        let mut open = Vec::new();
        for (test, holds) in literals {
            match self.constant(*test, value_type) {
                Some(constant) if constant != *holds => return (Vec::new(), true),
                Some(_) => {}
                None => open.push((*test, *holds)),
            }
        }
        match value_type {
            ContextType::Boolean => self.passing(path, &open, [json!(true), json!(false)]),
            ContextType::Number => self.numbers(path, &open),
            ContextType::String => self.strings(path, &open),
            ContextType::List => self.lists(path, &open),
            ContextType::Object => {
                let mut objects = alloc::vec![json!({}), json!({ "any": true })];
                objects.extend(self.whole(&open).filter(Value::is_object));
                let (objects, _) = self.passing(path, &open, objects);
                (objects, false)
            }
        }
    }

    /// Those of the candidates that pass; if they are all there are, then none means none.
    fn passing(
        &mut self,
        path: &[String],
        literals: &[Literal],
        candidates: impl IntoIterator<Item = Value>,
    ) -> Values {
        let mut sure = true;
        let mut values: Vec<Value> = Vec::new();
        for (at, value) in candidates.into_iter().enumerate() {
            if at == MAX_VALUES {
                return (values, false);
            }
            let mut passes = true;
            for (number, holds) in literals {
                let Some(test) = self.atoms.tests.get(*number) else { continue };
                match self.operators.passes(*number, test, path, &value) {
                    Some(passed) => passes &= passed == *holds,
                    None => sure = false,
                }
                if !passes {
                    break;
                }
            }
            if passes && !values.contains(&value) {
                values.push(value);
            }
            if values.len() == self.limits.values {
                break;
            }
        }
        let none = values.is_empty() && sure;
        (values, none)
    }

    fn operator(&self, test: usize) -> Option<&Condition> {
        match self.atoms.tests.get(test)? {
            Test::Operator(condition) => Some(condition),
            _ => None,
        }
    }

    /// The values that whole values are compared with.
    fn whole(&self, literals: &[Literal]) -> impl Iterator<Item = Value> + use<'a> {
        let whole: Vec<Value> = literals
            .iter()
            .filter_map(|(test, _)| match self.operator(*test)? {
                Condition::DeepEquals(leaf) => Some(leaf.value.clone()),
                _ => None,
            })
            .collect();
        whole.into_iter()
    }

    fn bounds<T>(
        &self,
        literals: &[Literal],
        read: impl Fn(&Condition) -> Option<(T, u8)>,
    ) -> Vec<Bound<T>> {
        literals
            .iter()
            .filter_map(|(test, holds)| {
                let (value, is) = read(self.operator(*test)?)?;
                Some(Bound { value, is, holds: *holds })
            })
            .collect()
    }

    fn numbers(&mut self, path: &[String], literals: &[Literal]) -> Values {
        let finite = |test: &Test<'_>| -> Option<Vec<f64>> {
            match test {
                Test::Keys(keys) => Some(keys.iter().filter_map(|key| key.parse().ok()).collect()),
                Test::Operator(condition) => match &**condition {
                    Condition::Equals(leaf) => Some(number(&leaf.value).into_iter().collect()),
                    Condition::In(leaf) => Some(leaf.values.iter().filter_map(number).collect()),
                    Condition::DeepEquals(leaf) => Some(leaf.value.as_f64().into_iter().collect()),
                    _ => None,
                },
                _ => None,
            }
        };
        let sets = literals
            .iter()
            .filter_map(|(test, holds)| Some((*holds, finite(self.atoms.tests.get(*test)?)?)));
        let sets: Vec<(bool, Vec<f64>)> = sets.collect();
        if let Some((_, smallest)) =
            sets.iter().filter(|(holds, _)| *holds).min_by_key(|(_, set)| set.len())
        {
            let candidates: Vec<Value> = smallest.iter().map(|number| exact(*number)).collect();
            return self.passing(path, literals, candidates);
        }
        let compared = self.bounds(literals, |condition| match condition {
            Condition::Number(leaf) => Some((leaf.value, leaf.is.bits())),
            _ => None,
        });
        let dates = self.bounds(literals, |condition| match condition {
            Condition::Datetime(leaf) => {
                Some((Moment::parse(leaf.value.as_bytes())?, leaf.is.bits()))
            }
            _ => None,
        });
        let between = by_size;
        // What is no date fails each comparison, so that one must hold.
        let date = dates.iter().any(|bound| bound.holds);
        if contradictory(&compared, between) || (date && contradictory(&dates, Ord::cmp)) {
            return (Vec::new(), true);
        }
        let dated = dates.iter().map(|bound| {
            bound.value.seconds as f64 * 1e3 + f64::from(bound.value.nanoseconds) / 1e6
        });
        let bounds: Vec<f64> = compared.iter().map(|bound| bound.value).chain(dated).collect();
        let mut candidates: Vec<f64> =
            bounds.iter().flat_map(|bound| [bound + 1.0, *bound, bound - 1.0]).collect();
        candidates.extend([1.0, 0.0, -1.0, 0.5]);
        candidates.extend(bounds.iter().flat_map(|bound| [bound.next_up(), bound.next_down()]));
        candidates.extend([1e15, -1e15, 1e300, -1e300]);
        for (_, set) in &sets {
            candidates.extend(set.iter().map(|number| number + 1.0));
        }
        let candidates: Vec<Value> =
            candidates.into_iter().filter(|number| number.is_finite()).map(exact).collect();
        let (values, _) = self.passing(path, literals, candidates);
        (values, false)
    }

    fn strings(&mut self, path: &[String], literals: &[Literal]) -> Values {
        let finite = |test: &Test<'_>| -> Option<Vec<String>> {
            match test {
                Test::Keys(keys) => Some(keys.iter().map(ToString::to_string).collect()),
                Test::Operator(condition) => match &**condition {
                    Condition::Equals(leaf) if !leaf.ignore_case => {
                        Some(string(&leaf.value).into_iter().collect())
                    }
                    Condition::In(leaf) if !leaf.ignore_case => {
                        Some(leaf.values.iter().filter_map(string).collect())
                    }
                    Condition::DeepEquals(leaf) => {
                        Some(leaf.value.as_str().map(ToString::to_string).into_iter().collect())
                    }
                    _ => None,
                },
                _ => None,
            }
        };
        let sets = literals.iter().filter(|(_, holds)| *holds);
        let sets = sets.filter_map(|(test, _)| finite(self.atoms.tests.get(*test)?));
        if let Some(smallest) = sets.min_by_key(Vec::len) {
            return self.passing(path, literals, smallest.into_iter().map(Value::String));
        }
        if self.no_version(literals) || self.no_date(literals) || self.no_numeral(literals) {
            return (Vec::new(), true);
        }
        let networks = self.bounds(literals, |condition| match condition {
            Condition::IpInCidr(leaf) => Some((leaf.values.clone(), 0)),
            _ => None,
        });
        let networks: Vec<(Vec<String>, bool)> =
            networks.into_iter().map(|bound| (bound.value, bound.holds)).collect();
        let mut candidates = addresses(&networks);
        if networks.iter().any(|(_, holds)| *holds) {
            // They begin and end only there: where none of these passes, no address does.
            let asked: Vec<Literal> = literals
                .iter()
                .filter(|(test, _)| matches!(self.operator(*test), Some(Condition::IpInCidr(_))))
                .copied()
                .collect();
            let found = self.passing(path, &asked, candidates.iter().cloned().map(Value::String));
            if found.1 {
                return (Vec::new(), true);
            }
        }
        match self.shortest(literals) {
            Found::Nothing => return (Vec::new(), true),
            Found::Texts(texts) => candidates.splice(0..0, texts).for_each(drop),
            Found::Undecided => {}
        }
        for (test, _) in literals {
            if let Some(condition) = self.operator(*test) {
                suggest(condition, &mut candidates);
            }
        }
        let (values, _) = self.passing(path, literals, candidates.into_iter().map(Value::String));
        (values, false)
    }

    /// The shortest texts as far as automata know them.
    fn shortest(&mut self, literals: &[Literal]) -> Found {
        for (test, _) in literals {
            if self.languages.contains_key(test) {
                continue;
            }
            let language = match self.atoms.tests.get(*test) {
                Some(Test::Keys(keys)) => Language::these(keys.iter().copied()),
                // A text that is not empty: see below.
                Some(Test::Unit) => Language::these(core::iter::once("")),
                Some(Test::Operator(condition)) => Language::of(condition, &mut self.folding),
                _ => None,
            };
            self.languages.insert(*test, language);
        }
        let known: Vec<(&Language, bool)> = literals
            .iter()
            .filter_map(|(test, holds)| {
                let unit = matches!(self.atoms.tests.get(*test), Some(Test::Unit));
                Some((self.languages.get(test)?.as_ref()?, holds ^ unit))
            })
            .collect();
        text::find(&known)
    }

    fn no_version(&self, literals: &[Literal]) -> bool {
        let parsed = |partial_too: bool| {
            self.bounds(literals, |condition| match condition {
                Condition::Semver(leaf) if partial_too || !leaf.partial => {
                    let text = leaf.value.clone();
                    Version::parse(text.as_bytes(), leaf.partial)?;
                    Some(((text, leaf.partial), leaf.is.bits()))
                }
                _ => None,
            })
        };
        let precedence = |left: &(String, bool), right: &(String, bool)| {
            let left = Version::parse(left.0.as_bytes(), left.1);
            let right = Version::parse(right.0.as_bytes(), right.1);
            match (left, right) {
                (Some(left), Some(right)) => left.precedence(&right),
                _ => Ordering::Equal,
            }
        };
        // What a strict one reads a partial one reads too, and not the other way round.
        let all = parsed(true);
        let strict = all.iter().any(|bound| bound.holds && !bound.value.1);
        if strict {
            return contradictory(&all, precedence);
        }
        let any = all.iter().any(|bound| bound.holds);
        let partial: Vec<_> =
            all.into_iter().filter(|bound| bound.holds || bound.value.1).collect();
        any && contradictory(&partial, precedence)
    }

    fn no_date(&self, literals: &[Literal]) -> bool {
        let dates = self.bounds(literals, |condition| match condition {
            Condition::Datetime(leaf) => {
                Some((Moment::parse(leaf.value.as_bytes())?, leaf.is.bits()))
            }
            _ => None,
        });
        dates.iter().any(|bound| bound.holds) && contradictory(&dates, Ord::cmp)
    }

    /// Of numbers in texts, and of versions that are padded.
    fn no_numeral(&self, literals: &[Literal]) -> bool {
        let numbers = self.bounds(literals, |condition| match condition {
            Condition::Number(leaf) if leaf.parse => Some((leaf.value, leaf.is.bits())),
            _ => None,
        });
        let padded = self.bounds(literals, |condition| match condition {
            Condition::PaddedVersion(leaf) => Some((leaf.value.clone(), leaf.is.bits())),
            _ => None,
        });
        let read = numbers.iter().any(|bound| bound.holds);
        (read && contradictory(&numbers, by_size))
            || contradictory(&padded, |left: &String, right| padded_version_order(left, right))
    }

    fn lists(&mut self, path: &[String], literals: &[Literal]) -> Values {
        let (mut wanted, mut unwanted) = (Vec::new(), Vec::new());
        let mut sizes = Vec::new();
        for (test, holds) in literals {
            match self.atoms.tests.get(*test) {
                Some(Test::Some { inside, .. }) if *holds => wanted.push(Rc::clone(inside)),
                Some(Test::Some { inside, .. }) => unwanted.push(Rc::clone(inside)),
                Some(Test::Operator(condition)) => {
                    if matches!(&**condition, Condition::Size(_)) {
                        sizes.push((*test, *holds));
                    }
                }
                _ => {}
            }
        }
        let mut candidates: Vec<Value> = self.whole(literals).filter(Value::is_array).collect();
        let mut elements: Vec<Value> = Vec::new();
        for inside in wanted.iter().take(MAX_ELEMENTS) {
            let mut open: Vec<(&super::formula::Formula, bool)> = alloc::vec![(&**inside, true)];
            open.extend(unwanted.iter().map(|inside| (&**inside, false)));
            match self.search(open, Scope::Element) {
                Verdict::Holds => {
                    let element = self.element.take().unwrap_or(Value::Null);
                    if !elements.contains(&element) {
                        elements.push(element);
                    }
                }
                Verdict::Never => return (Vec::new(), true),
                Verdict::Unknown => return self.passing_unsure(path, literals, candidates),
            }
        }
        // How long it may be. Sizes are told apart only at the bounds.
        let bounds = self.bounds(&sizes, |condition| match condition {
            Condition::Size(leaf) => Some((leaf.value, leaf.is.bits())),
            _ => None,
        });
        let mut lengths: BTreeSet<usize> = BTreeSet::from([elements.len(), 0, 1]);
        let mut sure = true;
        for bound in &bounds {
            for near in [-1.0, 0.0, 1.0, 2.0] {
                let length = bound.value as i64 as f64 + near;
                sure &= length < MAX_ELEMENTS as f64;
                if (0.0..MAX_ELEMENTS as f64).contains(&length) {
                    lengths.insert(length as usize);
                }
            }
        }
        let allowed: Vec<usize> = lengths
            .into_iter()
            .filter(|length| {
                bounds.iter().all(|bound| {
                    let order = by_size(&(*length as f64), &bound.value);
                    let bit = 1 << (order as i8 + 1);
                    (bound.is & bit != 0) == bound.holds
                })
            })
            .collect();
        if allowed.is_empty() {
            return (Vec::new(), sure);
        }
        if !wanted.is_empty() && allowed == [0] && sure {
            return (Vec::new(), true);
        }
        let filler = match elements.first() {
            Some(element) => Some(element.clone()),
            None => {
                let open = unwanted.iter().map(|inside| (&**inside, false)).collect();
                match self.search(open, Scope::Element) {
                    Verdict::Holds => self.element.take(),
                    _ => None,
                }
            }
        };
        for length in allowed {
            let mut list = elements.clone();
            list.truncate(length);
            if let Some(filler) = &filler {
                list.resize(length, filler.clone());
            }
            candidates.push(Value::Array(list));
        }
        self.passing_unsure(path, literals, candidates)
    }

    fn passing_unsure(
        &mut self,
        path: &[String],
        literals: &[Literal],
        candidates: Vec<Value>,
    ) -> Values {
        let (values, _) = self.passing(path, literals, candidates);
        (values, false)
    }
}

/// The two zeros are one.
fn by_size(left: &f64, right: &f64) -> Ordering {
    (left + 0.0).total_cmp(&(right + 0.0))
}

fn number(value: &Scalar) -> Option<f64> {
    match value {
        Scalar::Number(number) => Some(*number),
        _ => None,
    }
}

fn string(value: &Scalar) -> Option<String> {
    match value {
        Scalar::String(text) => Some(text.clone()),
        _ => None,
    }
}

/// A number as people write it.
pub(super) fn exact(number: f64) -> Value {
    let integer = number as i64;
    if integer as f64 == number && number.abs() <= EXACT { json!(integer) } else { json!(number) }
}

/// Texts that are likely to pass an operator, or just not to.
fn suggest(condition: &Condition, candidates: &mut Vec<String>) {
    match condition {
        Condition::Equals(leaf) => candidates.extend(string(&leaf.value)),
        Condition::In(leaf) => candidates.extend(leaf.values.iter().take(100).filter_map(string)),
        Condition::Semver(leaf) => {
            let text = &leaf.value;
            if let Some(version) = Version::parse(text.as_bytes(), leaf.partial) {
                let [major, minor, patch] = version.numbers;
                candidates.push(format!("{major}.{minor}.{patch}"));
                candidates.push(format!("{major}.{minor}.{patch}-0"));
                candidates.push(format!("{major}.{minor}.{}", patch.saturating_add(1)));
                candidates.push(format!("{major}.{minor}.{}-0", patch.saturating_add(1)));
                candidates.push(format!("{}.0.0", major.saturating_add(1)));
                if !version.prerelease.is_empty() {
                    candidates.push(format!("{}.0", text.split('+').next().unwrap_or(text)));
                }
            }
            candidates.extend([text.clone(), "0.0.0-0".into()]);
        }
        Condition::PaddedVersion(leaf) => {
            candidates.extend([leaf.value.clone(), "0".into(), "99999".into()]);
            candidates.push(format!("{}.1", leaf.value));
        }
        Condition::Datetime(leaf) => {
            candidates.push(leaf.value.clone());
            candidates.extend(["0001-01-01T00:00:00Z".into(), "9999-12-31T23:59:59Z".into()]);
            // Within the same second, after it.
            if let (Some(start), Some(zone)) = (leaf.value.get(..19), leaf.value.get(19..))
                && !zone.starts_with('.')
            {
                candidates.push(format!("{start}.5{zone}"));
            }
        }
        Condition::Number(leaf) if leaf.parse => {
            for number in [leaf.value, leaf.value + 1.0, leaf.value - 1.0, leaf.value + 0.5] {
                candidates.push(format!("{number}"));
            }
        }
        _ => {}
    }
}

/// The addresses at which a network begins, or is over.
fn addresses(networks: &[(Vec<String>, bool)]) -> Vec<String> {
    let mut edges: BTreeSet<(bool, u128)> = BTreeSet::new();
    for (address, prefix) in networks.iter().flat_map(|(texts, _)| texts).filter_map(|t| network(t))
    {
        let six = address.len() == 16;
        let bits = if six { 128 } else { 32 };
        let number = address.iter().fold(0u128, |number, byte| number << 8 | u128::from(*byte));
        let host = bits - u32::from(prefix);
        let mask = if host == 128 { u128::MAX } else { (1 << host) - 1 };
        let (first, last) = (number & !mask, number | mask);
        edges.extend([(six, first), (six, 0)]);
        let largest = if six { u128::MAX } else { u128::from(u32::MAX) };
        if last < largest {
            edges.insert((six, last + 1));
        }
    }
    edges
        .into_iter()
        .map(|(six, number)| {
            let address = if six {
                IpAddr::V6(Ipv6Addr::from_bits(number))
            } else {
                IpAddr::V4(Ipv4Addr::from_bits(number as u32))
            };
            address.to_string()
        })
        .collect()
}

/// Nodes that have been worked out.
pub(super) type Nodes = BTreeMap<(Vec<Literal>, bool), Rc<Node>>;
