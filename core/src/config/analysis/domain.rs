//! What value of one attribute passes some tests and fails others.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

use serde_json::{Value, json};

use super::formula::Test;
use super::order::{Bound, contradictory};
use super::references::accepted;
use super::solve::Solver;
use crate::config::{Condition, ContextType, Scalar};
use crate::evaluate::Moment;

/// Values of a finite set that are tried, and of a list of candidates.
const MAX_VALUES: usize = 20_000;
/// Numbers of a list that is to be avoided, beside which one is tried.
const MAX_BESIDE: usize = 100;
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
pub(super) type Values = (Vec<Value>, bool);

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
    pub(super) fn passing(
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

    pub(super) fn operator(&self, test: usize) -> Option<&Condition> {
        match self.atoms.tests.get(test)? {
            Test::Operator(condition) => Some(condition),
            _ => None,
        }
    }

    /// The values that whole values are compared with.
    pub(super) fn whole(&self, literals: &[Literal]) -> impl Iterator<Item = Value> + use<'a> {
        let whole: Vec<Value> = literals
            .iter()
            .filter_map(|(test, _)| match self.operator(*test)? {
                Condition::DeepEquals(leaf) => Some(leaf.value.clone()),
                _ => None,
            })
            .collect();
        whole.into_iter()
    }

    pub(super) fn bounds<T>(
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
        let tests: Vec<(Test<'_>, bool)> = literals
            .iter()
            .filter_map(|(test, holds)| Some((self.atoms.tests.get(*test)?.clone(), *holds)))
            .collect();
        let wanted = tests.iter().filter(|(_, holds)| *holds);
        let listed = wanted.filter_map(|(test, _)| finite(test));
        if let Some((_, smallest)) = listed.min_by_key(|(count, _)| *count) {
            return self.passing(path, literals, smallest.map(exact));
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
        for (_, listed) in tests.iter().filter_map(|(test, _)| finite(test)) {
            candidates.extend(listed.take(MAX_BESIDE).map(|number| number + 1.0));
        }
        let candidates: Vec<Value> =
            candidates.into_iter().filter(|number| number.is_finite()).map(exact).collect();
        let (values, _) = self.passing(path, literals, candidates);
        (values, false)
    }
}

/// The two zeros are one.
pub(super) fn by_size(left: &f64, right: &f64) -> Ordering {
    (left + 0.0).total_cmp(&(right + 0.0))
}

/// The numbers that pass a test, if they are listed: how many at most, and one after the other.
fn finite<'t>(test: &'t Test<'_>) -> Option<(usize, Box<dyn Iterator<Item = f64> + 't>)> {
    Some(match test {
        Test::Keys(keys) => (keys.numbers.len(), Box::new(keys.numbers.iter().copied())),
        Test::Operator(condition) => match &**condition {
            Condition::Equals(leaf) => (1, Box::new(number(&leaf.value).into_iter())),
            Condition::In(leaf) => {
                (leaf.values.len(), Box::new(leaf.values.iter().filter_map(number)))
            }
            Condition::DeepEquals(leaf) => (1, Box::new(leaf.value.as_f64().into_iter())),
            _ => return None,
        },
        _ => return None,
    })
}

fn number(value: &Scalar) -> Option<f64> {
    match value {
        Scalar::Number(number) => Some(*number),
        _ => None,
    }
}

/// A number as people write it.
pub(super) fn exact(number: f64) -> Value {
    let integer = number as i64;
    if integer as f64 == number && number.abs() <= EXACT { json!(integer) } else { json!(number) }
}

/// Nodes that have been worked out.
pub(super) type Nodes = BTreeMap<(Vec<Literal>, bool), Rc<Node>>;
