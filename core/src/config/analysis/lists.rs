//! What lists an attribute can be.

use alloc::collections::BTreeSet;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;

use super::domain::{Literal, Values, by_size};
use super::formula::{Formula, Test};
use super::solve::{Scope, Solver, Verdict};
use crate::config::Condition;

/// Elements of a list that is made up.
const MAX_ELEMENTS: usize = 100;

impl Solver<'_> {
    pub(super) fn lists(&mut self, path: &[String], literals: &[Literal]) -> Values {
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
            let mut open: Vec<(&Formula, bool)> = alloc::vec![(&**inside, true)];
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
