//! What texts an attribute can be.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::Value;

use super::domain::{Literal, Values, by_size};
use super::formula::Test;
use super::order::contradictory;
use super::solve::Solver;
use super::text::{self, Found, Language};
use crate::config::literal::network;
use crate::config::{Condition, Scalar};
use crate::evaluate::{Moment, Version, padded_version_order};

impl Solver<'_> {
    pub(super) fn strings(&mut self, path: &[String], literals: &[Literal]) -> Values {
        let tests = literals.iter().filter(|(_, holds)| *holds);
        let tests: Vec<Test<'_>> =
            tests.filter_map(|(test, _)| self.atoms.tests.get(*test).cloned()).collect();
        let listed = tests.iter().filter_map(finite);
        if let Some((_, smallest)) = listed.min_by_key(|(count, _)| *count) {
            return self.passing(path, literals, smallest.map(Value::from));
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
                Some(Test::Keys(keys)) => Language::these(keys.texts.iter().copied()),
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
}

/// The texts that pass a test, if they are listed: how many at most, and one after the other.
fn finite<'t>(test: &'t Test<'_>) -> Option<(usize, Box<dyn Iterator<Item = &'t str> + 't>)> {
    Some(match test {
        Test::Keys(keys) => (keys.texts.len(), Box::new(keys.texts.iter().copied())),
        Test::Operator(condition) => match &**condition {
            Condition::Equals(leaf) if !leaf.ignore_case => {
                (1, Box::new(string(&leaf.value).into_iter()))
            }
            Condition::In(leaf) if !leaf.ignore_case => {
                (leaf.values.len(), Box::new(leaf.values.iter().filter_map(string)))
            }
            Condition::DeepEquals(leaf) => (1, Box::new(leaf.value.as_str().into_iter())),
            _ => return None,
        },
        _ => return None,
    })
}

fn string(value: &Scalar) -> Option<&str> {
    match value {
        Scalar::String(text) => Some(text),
        _ => None,
    }
}

/// Texts that are likely to pass an operator, or just not to.
fn suggest(condition: &Condition, candidates: &mut Vec<String>) {
    match condition {
        Condition::Equals(leaf) => candidates.extend(string(&leaf.value).map(String::from)),
        Condition::In(leaf) => {
            candidates.extend(leaf.values.iter().take(100).filter_map(string).map(String::from));
        }
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
