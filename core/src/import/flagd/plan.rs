//! What an expression comes to: a list of branches, of which the first whose conditions hold decides.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::config::{Bucketing, Condition, ContextType, Scalar};
use crate::import::node;

/// An expression that needs more is refused.
const MAX_BRANCHES: usize = 1_000;
/// Conditions are joined by `any` up to this height.
const MAX_JOINED_HEIGHT: usize = 5;

/// A constant of JsonLogic.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Constant {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    /// A text or a number that names no variant.
    Unnamed,
    /// A list of one element, whose text is the list's.
    Listed(String),
    /// An empty list.
    Empty,
    /// Another list, or an object.
    Other,
    /// The engine gives up: the caller's default applies.
    Error,
}

impl Constant {
    pub(super) fn is_truthy(&self) -> bool {
        match self {
            Self::Null | Self::Empty | Self::Error => false,
            Self::Bool(value) => *value,
            Self::Number(number) => *number != 0.0 && !number.is_nan(),
            Self::Text(text) => !text.is_empty(),
            Self::Unnamed | Self::Listed(_) | Self::Other => true,
        }
    }

    /// As JavaScript writes it; none for what has no short text.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) | Self::Listed(text) => Some(text.clone()),
            Self::Bool(value) => Some(value.to_string()),
            Self::Number(number) if *number == 0.0 => Some("0".into()),
            Self::Number(number) if (1e-6..1e21).contains(&number.abs()) => {
                Some(number.to_string())
            }
            _ => None,
        }
    }
}

/// What a branch comes to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Leaf {
    Constant(Constant),
    /// Parts of the buckets. Without a unit the branch is passed over.
    Split {
        by: Bucketing,
        parts: Vec<(Constant, u32)>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Branch<L = Leaf> {
    /// All must hold.
    pub(super) when: Vec<Condition>,
    pub(super) leaf: L,
}

/// The last branch has no conditions.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan<L = Leaf>(pub(super) Vec<Branch<L>>);

/// Whether a branch of this leaf may be passed over although its conditions hold: a split without a unit.
pub(super) trait Passing {
    fn may_pass(&self) -> bool;
}

impl Passing for Leaf {
    fn may_pass(&self) -> bool {
        matches!(self, Self::Split { .. })
    }
}

impl<L: Clone + PartialEq + Passing> Plan<L> {
    pub(super) fn empty() -> Self {
        Self(Vec::new())
    }

    /// Adds a branch, unless an earlier one takes all that would come to it.
    pub(super) fn push(&mut self, when: Vec<Condition>, leaf: L) {
        let mut conditions: Vec<Condition> = Vec::new();
        match node::all(when) {
            Condition::All(list) => conditions.extend(list),
            one => conditions.push(one),
        }
        let mut unique: Vec<Condition> = Vec::new();
        for condition in conditions {
            if !unique.contains(&condition) {
                unique.push(condition);
            }
        }
        let never = unique.iter().any(node::is_never);
        let shadowed = |branch: &Branch<L>| {
            branch.when.iter().all(|condition| unique.contains(condition))
                && !branch.leaf.may_pass()
        };
        if !never && !self.0.iter().any(shadowed) {
            self.0.push(Branch { when: unique, leaf });
        }
    }

    /// Puts branches together that come to the same.
    pub(super) fn simplify(mut self) -> Self {
        let mut simple: Vec<Branch<L>> = Vec::new();
        if let Some(last) = self.0.pop() {
            while self.0.last().is_some_and(|branch| branch.leaf == last.leaf) {
                self.0.pop();
            }
            self.0.push(last);
        }
        for branch in self.0 {
            if let Some(before) = simple.last_mut()
                && before.leaf == branch.leaf
                && !branch.when.is_empty()
                && !branch.leaf.may_pass()
            {
                let either =
                    node::any([node::all(before.when.clone()), node::all(branch.when.clone())]);
                if height(&either) <= MAX_JOINED_HEIGHT {
                    before.when = alloc::vec![either];
                    continue;
                }
            }
            simple.push(branch);
        }
        Self(simple)
    }
}

impl Plan {
    pub(super) fn constant(constant: Constant) -> Self {
        let mut plan = Self::empty();
        plan.push(Vec::new(), Leaf::Constant(constant));
        plan
    }

    /// Adds a branch that comes to a constant.
    pub(super) fn case(&mut self, when: Vec<Condition>, constant: Constant) {
        self.push(when, Leaf::Constant(constant));
    }

    /// Adds a whole plan for those who meet the conditions.
    pub(super) fn append(&mut self, when: &[Condition], plan: Self) {
        for branch in plan.0 {
            self.push(when.iter().cloned().chain(branch.when).collect(), branch.leaf);
        }
    }

    /// Goes on from every constant; errors stay what they are.
    pub(super) fn then(
        &self,
        mut next: impl FnMut(&Constant) -> Result<Self, String>,
    ) -> Result<Self, String> {
        let mut whole = Self::empty();
        for branch in self.expanded().0 {
            let Leaf::Constant(constant) = &branch.leaf else { continue };
            if *constant == Constant::Error {
                whole.case(branch.when, Constant::Error);
                continue;
            }
            whole.append(&branch.when, next(constant)?);
            if whole.0.len() > MAX_BRANCHES {
                return Err(format!("comes to more than {MAX_BRANCHES} different cases"));
            }
        }
        Ok(whole.simplify())
    }

    /// With conditions on buckets in place of splits.
    pub(super) fn expanded(&self) -> Self {
        let mut whole = Self::empty();
        for branch in &self.0 {
            match &branch.leaf {
                Leaf::Constant(_) => whole.push(branch.when.clone(), branch.leaf.clone()),
                Leaf::Split { by, parts } => {
                    let mut from = 0;
                    for (constant, weight) in parts {
                        let below = from + weight;
                        let mut when = branch.when.clone();
                        when.push(node::bucket(by, from, below));
                        whole.case(when, constant.clone());
                        from = below;
                    }
                }
            }
        }
        whole
    }
}

/// Levels of a condition.
fn height(condition: &Condition) -> usize {
    match condition {
        Condition::All(list) | Condition::Any(list) => {
            1 + list.iter().map(height).max().unwrap_or(0)
        }
        Condition::Not(inner) => 1 + height(inner),
        Condition::Some(some) => 1 + height(&some.when),
        Condition::AnyOf(_) => 2,
        _ => 1,
    }
}

/// Whether conditions that must all hold exclude others that must all hold, by the types or the values of an attribute.
pub(super) fn exclude(left: &[Condition], right: &[Condition]) -> bool {
    let differ = |one: &Condition| {
        let other = |other: &Condition| {
            let values = listed(one).zip(listed(other));
            values.is_some_and(|((attribute, values), (same, others))| {
                attribute == same && !values.iter().any(|value| others.contains(value))
            })
        };
        right.iter().any(other)
    };
    if left.iter().any(differ) {
        return true;
    }
    let mut attributes: Vec<&str> = Vec::new();
    left.iter().for_each(|condition| mentioned(condition, &mut attributes));
    let types = |conditions: &[Condition], attribute| {
        conditions
            .iter()
            .fold(types::ALL, |types, condition| types & possible(condition, attribute))
    };
    attributes.iter().any(|attribute| types(left, attribute) & types(right, attribute) == 0)
}

/// The values of which the attribute must be one.
fn listed(condition: &Condition) -> Option<(&str, &[Scalar])> {
    match condition {
        Condition::Equals(equals) if !equals.ignore_case => {
            Some((&equals.attribute, core::slice::from_ref(&equals.value)))
        }
        Condition::In(list) if !list.ignore_case => Some((&list.attribute, &list.values)),
        _ => None,
    }
}

fn mentioned<'a>(condition: &'a Condition, attributes: &mut Vec<&'a str>) {
    match condition {
        Condition::All(list) | Condition::Any(list) => {
            list.iter().for_each(|inner| mentioned(inner, attributes));
        }
        Condition::Not(inner) => mentioned(inner, attributes),
        leaf => attributes.extend(leaf.attribute()),
    }
}

mod types {
    pub(super) const MISSING: u8 = 1;
    pub(super) const BOOLEAN: u8 = 2;
    pub(super) const STRING: u8 = 4;
    pub(super) const NUMBER: u8 = 8;
    pub(super) const LIST: u8 = 16;
    pub(super) const OBJECT: u8 = 32;
    pub(super) const ALL: u8 = 63;
}

/// The types that the attribute may have where the condition holds.
fn possible(condition: &Condition, attribute: &str) -> u8 {
    let leaf = |types| if condition.attribute() == Some(attribute) { types } else { types::ALL };
    match condition {
        Condition::All(list) => {
            list.iter().fold(types::ALL, |types, inner| types & possible(inner, attribute))
        }
        Condition::Any(list) => {
            list.iter().fold(0, |types, inner| types | possible(inner, attribute))
        }
        Condition::Not(inner) => match inner.as_ref() {
            Condition::Exists(exists) if exists.attribute == attribute => types::MISSING,
            Condition::IsType(is) if is.attribute == attribute => {
                types::ALL & !named(is.value_type)
            }
            _ => types::ALL,
        },
        Condition::Exists(_) => leaf(types::ALL & !types::MISSING),
        Condition::IsType(is) => leaf(named(is.value_type)),
        Condition::Equals(equals) => leaf(scalar(&equals.value)),
        Condition::In(list) => leaf(list.values.iter().map(scalar).fold(0, |all, one| all | one)),
        Condition::Contains(_)
        | Condition::StartsWith(_)
        | Condition::EndsWith(_)
        | Condition::Text(_)
        | Condition::Matches(_) => leaf(types::STRING),
        Condition::Number(number) => {
            leaf(if number.parse { types::NUMBER | types::STRING } else { types::NUMBER })
        }
        Condition::AnyOf(_) | Condition::Size(_) => leaf(types::LIST),
        _ => types::ALL,
    }
}

fn named(value_type: ContextType) -> u8 {
    match value_type {
        ContextType::Boolean => types::BOOLEAN,
        ContextType::String => types::STRING,
        ContextType::Number => types::NUMBER,
        ContextType::List => types::LIST,
        ContextType::Object => types::OBJECT,
    }
}

fn scalar(value: &Scalar) -> u8 {
    match value {
        Scalar::Boolean(_) => types::BOOLEAN,
        Scalar::Number(_) => types::NUMBER,
        Scalar::String(_) => types::STRING,
    }
}
