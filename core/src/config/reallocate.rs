//! New weights for a split that move the fewest units (core/spec/config.md section 8).

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::{Split, Weight};
use crate::limits::{MAX_SPLIT_PARTS, MAX_VARIANTS};

/// A split's parts after its weights were changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Reallocation {
    /// In order along the buckets.
    pub weights: Vec<Weight>,
    /// How much of the split serves something else than before, in the unit of its weights.
    pub moved: u64,
}

/// Why weights cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReallocateError {
    /// The wanted weights do not sum to the whole.
    Sum { wanted: u64, whole: u32 },
    /// The split as it is has too many parts, or they do not sum to the whole: it would not compile.
    Unsound,
    /// More variants are listed than a flag has, or more have a weight than a split has parts.
    TooManyVariants,
}

impl fmt::Display for ReallocateError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sum { wanted, whole } => write!(formatter, "sum to {wanted} instead of {whole}"),
            Self::Unsound => formatter.write_str("the split that they are for is unsound itself"),
            Self::TooManyVariants => write!(
                formatter,
                "give a weight to more than {MAX_SPLIT_PARTS} variants, which is as many parts as a split has"
            ),
        }
    }
}

impl core::error::Error for ReallocateError {}

/// Changes the parts of a split so that each variant has the weight that `wanted` gives it, and as few units as possible get another one.
///
/// `wanted` lists variants with their whole weights (twice the same one counts together). One that is not listed has none and goes; one
/// with a weight of 0 keeps its place along the buckets as an empty part. No variant that grows or stays loses a unit, and what moves is
/// the sum of what variants lose, which is the least there can be; only when that would take more than [`MAX_SPLIT_PARTS`] parts are
/// parts closed up until they fit, which moves more.
///
/// # Errors
/// [`ReallocateError`].
pub fn reallocate(split: &Split, wanted: &[Weight]) -> Result<Reallocation, ReallocateError> {
    let (parts, whole) = (split.weights.as_slice(), split.by.size());
    // Every variant, and the units that are not served.
    if wanted.len() > MAX_VARIANTS + 1 {
        return Err(ReallocateError::TooManyVariants);
    }
    if sum(wanted) != u64::from(whole) {
        return Err(ReallocateError::Sum { wanted: sum(wanted), whole });
    }
    if parts.len() > MAX_SPLIT_PARTS || sum(parts) != u64::from(whole) {
        return Err(ReallocateError::Unsound);
    }
    let mut plan = Plan::new(parts, wanted);
    let served = plan.wanted.values().filter(|weight| **weight > 0).count();
    if served > MAX_SPLIT_PARTS {
        return Err(ReallocateError::TooManyVariants);
    }
    while plan.shift_a_boundary() || plan.pass_on_a_part() {}
    plan.merge();
    plan.drop_empty_parts();
    while plan.parts.len() > MAX_SPLIT_PARTS && plan.close_up() {
        plan.merge();
    }
    let weights: Vec<Weight> = plan.parts.into_iter().map(Part::into_weight).collect();
    let moved = moved(parts, &weights);
    Ok(Reallocation { weights, moved })
}

/// How much of a split serves something else after its parts were replaced, in the unit of its weights.
pub fn moved(before: &[Weight], after: &[Weight]) -> u64 {
    let mut before = before.iter().map(|part| (&part.variant, u64::from(part.weight)));
    let mut after = after.iter().map(|part| (&part.variant, u64::from(part.weight)));
    let (mut left, mut right) = (before.next(), after.next());
    let mut moved = 0;
    while let (Some((old, old_weight)), Some((new, new_weight))) = (left, right) {
        let common = old_weight.min(new_weight);
        if old != new {
            moved += common;
        }
        left = if old_weight == common { before.next() } else { Some((old, old_weight - common)) };
        right = if new_weight == common { after.next() } else { Some((new, new_weight - common)) };
    }
    moved
}

fn sum(weights: &[Weight]) -> u64 {
    weights.iter().map(|part| u64::from(part.weight)).sum()
}

/// A range of the buckets.
#[derive(Clone, Copy, Debug)]
struct Part<'a> {
    variant: &'a Option<String>,
    weight: u64,
}

impl Part<'_> {
    fn into_weight(self) -> Weight {
        // No part is more than the whole, which is a `u32`.
        let weight = u32::try_from(self.weight).unwrap_or(u32::MAX);
        Weight { variant: self.variant.clone(), weight }
    }
}

/// Parts on their way to the wanted weights.
struct Plan<'a> {
    parts: Vec<Part<'a>>,
    /// What each variant is to have.
    wanted: BTreeMap<&'a Option<String>, u64>,
    /// What it has too much, or, below 0, too little.
    surplus: BTreeMap<&'a Option<String>, i64>,
}

impl<'a> Plan<'a> {
    fn new(parts: &'a [Weight], wanted: &'a [Weight]) -> Self {
        let mut surplus = BTreeMap::new();
        let mut totals = BTreeMap::new();
        for part in wanted {
            *totals.entry(&part.variant).or_default() += u64::from(part.weight);
            *surplus.entry(&part.variant).or_default() -= i64::from(part.weight);
        }
        for part in parts {
            *surplus.entry(&part.variant).or_default() += i64::from(part.weight);
        }
        let parts = parts
            .iter()
            .map(|part| Part { variant: &part.variant, weight: part.weight.into() })
            .collect();
        Self { parts, wanted: totals, surplus }
    }

    fn surplus(&self, variant: &Option<String>) -> i64 {
        self.surplus.get(variant).copied().unwrap_or(0)
    }

    fn lacks(&self, part: Part<'_>) -> bool {
        self.surplus(part.variant) < 0
    }

    /// What may go from the one's part to the other, at most.
    fn amount(&self, giver: Part<'_>, taker: &Option<String>) -> u64 {
        let surplus = self.surplus(giver.variant).max(0).unsigned_abs();
        let lack = self.surplus(taker).min(0).unsigned_abs();
        giver.weight.min(surplus).min(lack)
    }

    fn book(&mut self, giver: &'a Option<String>, taker: &'a Option<String>, amount: u64) {
        *self.surplus.entry(giver).or_default() -= amount as i64;
        *self.surplus.entry(taker).or_default() += amount as i64;
    }

    /// Moves the boundary between a variant that has too much and a neighbour that has too little: no part comes to be. Empty parts
    /// between them are no hindrance. False when there are no such neighbours.
    fn shift_a_boundary(&mut self) -> bool {
        for at in 0..self.parts.len() {
            let Some(giver) = self.parts.get(at).copied().filter(|part| part.weight > 0) else {
                continue;
            };
            let meets = |index: &usize| {
                self.parts.get(*index).is_some_and(|part| part.weight > 0 || self.lacks(*part))
            };
            let right = (at + 1..self.parts.len()).find(meets);
            let left = (0..at).rev().find(meets);
            for taker in left.into_iter().chain(right) {
                let Some(neighbour) = self.parts.get(taker).map(|part| part.variant) else {
                    continue;
                };
                let amount = self.amount(giver, neighbour);
                if amount > 0 {
                    self.add(at, amount, false);
                    self.add(taker, amount, true);
                    self.book(giver.variant, neighbour, amount);
                    return true;
                }
            }
        }
        false
    }

    fn add(&mut self, at: usize, amount: u64, more: bool) {
        if let Some(part) = self.parts.get_mut(at) {
            part.weight = if more { part.weight + amount } else { part.weight - amount };
        }
    }

    /// Gives a whole part, or else the end of one, to a variant that lacks weight and is nowhere its neighbour. False when no variant
    /// lacks any.
    fn pass_on_a_part(&mut self) -> bool {
        // The largest that fits as a whole, the first of equal ones; else whatever gives most.
        let mut best: Option<((bool, u64), usize, &'a Option<String>)> = None;
        for (at, giver) in self.parts.iter().enumerate() {
            for (taker, _) in self.surplus.iter().filter(|(_, surplus)| **surplus < 0) {
                let amount = self.amount(*giver, taker);
                let rank = (amount == giver.weight, amount);
                if amount > 0 && best.is_none_or(|(best, ..)| rank > best) {
                    best = Some((rank, at, *taker));
                }
            }
        }
        let Some(((whole, amount), at, taker)) = best else { return false };
        let Some(giver) = self.parts.get(at).map(|part| part.variant) else { return false };
        if whole {
            // The empty part stays beside it: it may have to mark the place.
            self.parts.insert(at + 1, Part { variant: giver, weight: 0 });
            if let Some(part) = self.parts.get_mut(at) {
                part.variant = taker;
            }
        } else {
            self.add(at, amount, false);
            self.parts.insert(at + 1, Part { variant: taker, weight: amount });
        }
        self.book(giver, taker, amount);
        true
    }

    /// Makes one part of neighbours with one variant. An empty part is left only where its variant is to stay and has no weight.
    fn merge(&mut self) {
        let mut merged: Vec<Part<'a>> = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let empty_before = merged.iter().rev().take_while(|before| before.weight == 0).count();
            let place = merged.len() - empty_before;
            match place.checked_sub(1).and_then(|place| merged.get_mut(place)) {
                Some(before) if part.weight > 0 && before.variant == part.variant => {
                    before.weight += part.weight;
                }
                _ if part.weight > 0 => merged.push(*part),
                _ => {
                    let stays = self.wanted.get(part.variant) == Some(&0);
                    if stays && !merged.iter().any(|other| other.variant == part.variant) {
                        merged.push(*part);
                    }
                }
            }
        }
        self.parts = merged;
    }

    /// Variants that are new and have no weight yet get an empty part at the end; and where there are too many parts, empty ones go.
    fn drop_empty_parts(&mut self) {
        for (variant, weight) in &self.wanted {
            if *weight == 0 && !self.parts.iter().any(|part| part.variant == *variant) {
                self.parts.push(Part { variant, weight: 0 });
            }
        }
        let mut excess = self.parts.len().saturating_sub(MAX_SPLIT_PARTS);
        while excess > 0 {
            let Some(last) = self.parts.iter().rposition(|part| part.weight == 0) else { break };
            self.parts.remove(last);
            excess -= 1;
        }
    }

    /// Adds a part to another one of its variant, and shifts what lies between: the pair for which that moves least. False if every
    /// variant has one part.
    fn close_up(&mut self) -> bool {
        let mut best: Option<(u64, usize, usize)> = None;
        for from in 0..self.parts.len() {
            for to in 0..self.parts.len() {
                let (Some(gone), Some(grown)) = (self.parts.get(from), self.parts.get(to)) else {
                    continue;
                };
                if from == to || gone.variant != grown.variant {
                    continue;
                }
                // Each boundary between them moves by the part's weight.
                let cost = gone.weight * from.abs_diff(to) as u64;
                if best.is_none_or(|(least, ..)| cost < least) {
                    best = Some((cost, from, to));
                }
            }
        }
        let Some((_, from, to)) = best else { return false };
        let weight = self.parts.get(from).map_or(0, |part| part.weight);
        self.add(to, weight, true);
        self.parts.remove(from);
        true
    }
}

#[cfg(test)]
mod tests;
