//! Operations on what is served: weights by the minimum move, ramps that move the fewest.

use std::collections::BTreeMap;

use pennon_core::config::{Bucketing, Ramp, RampStep, Serve, Split, Weight, reallocate};
use pennon_core::limits::{MAX_RAMP_STEPS, MAX_SPLIT_PARTS};
use serde_json::{Map, Value, json};

use super::{Ground, Refusal, Step, read_within};
use crate::ambient::NoRandomness;
use crate::domain::flag;

/// Reads what is to be served. What it leaves out of its buckets it keeps from what was served until now.
pub(super) fn serve(
    field: &str,
    serve: &Map<String, Value>,
    current: Option<&Serve>,
    ground: &Ground<'_>,
) -> Result<Serve, Refusal> {
    let mut serve = Value::Object(serve.clone());
    complete(Some(&mut serve), current, ground)?;
    read_within(field, serve)
}

/// Gives a split or ramp that leaves out its unit or its salt what [`flag::keep_bucketing`] keeps of `current`; else a fresh salt.
pub(super) fn complete(
    serve: Option<&mut Value>,
    current: Option<&Serve>,
    ground: &Ground<'_>,
) -> Result<(), NoRandomness> {
    let Some(serve) = serve else { return Ok(()) };
    if let Some(current) = current {
        flag::keep_bucketing(serve, current);
    }
    let mut whole = Map::from_iter([("fallthrough".to_owned(), serve.take())]);
    flag::complete(&mut whole, ground.random)?;
    *serve = whole.remove("fallthrough").unwrap_or_default();
    Ok(())
}

/// Other weights for what is served; a single variant is a split in which it has everything.
pub(super) fn set_weights(
    serve: &Serve,
    weights: &BTreeMap<String, u32>,
    ground: &Ground<'_>,
) -> Result<Serve, Refusal> {
    let split = match serve {
        Serve::Ramp(ramp) if running(ramp, ground.now_ms) => {
            let detail = "a ramp is running here: stop it first, or adjust it";
            return Err(Refusal::conflict("rule", detail));
        }
        serve => standing(serve, ground)?,
    };
    let weights = moved("weights", &split, weights)?;
    Ok(Serve::Split(Split { weights, ..split }))
}

/// A ramp from what is served now.
pub(super) fn start_ramp(
    serve: &Serve,
    steps: &[Step],
    ground: &Ground<'_>,
) -> Result<Serve, Refusal> {
    if matches!(serve, Serve::Ramp(ramp) if running(ramp, ground.now_ms)) {
        return Err(Refusal::conflict("rule", "a ramp is running here already: adjust it"));
    }
    ramp(standing(serve, ground)?, steps, ground)
}

/// Other steps for a ramp that runs.
pub(super) fn adjust_ramp(
    serve: &Serve,
    steps: &[Step],
    ground: &Ground<'_>,
) -> Result<Serve, Refusal> {
    if !matches!(serve, Serve::Ramp(ramp) if running(ramp, ground.now_ms)) {
        return Err(Refusal::conflict("rule", "no ramp is running here: start one"));
    }
    ramp(standing(serve, ground)?, steps, ground)
}

/// The split at which a ramp stands now.
pub(super) fn stop_ramp(serve: &Serve, ground: &Ground<'_>) -> Result<Serve, Refusal> {
    match serve {
        Serve::Ramp(_) => Ok(Serve::Split(standing(serve, ground)?)),
        _ => Err(Refusal::conflict("rule", "there is no ramp here")),
    }
}

fn running(ramp: &Ramp, now_ms: i64) -> bool {
    ramp.steps.last().is_some_and(|last| now_ms < last.at)
}

/// What is served now, as a split.
fn standing(serve: &Serve, ground: &Ground<'_>) -> Result<Split, Refusal> {
    Ok(match serve {
        Serve::Split(split) => split.clone(),
        Serve::Ramp(ramp) => {
            Split { by: ramp.by.clone(), weights: standing_at(ramp, ground.now_ms) }
        }
        Serve::Variant(variant) => {
            let mut split = json!({ "split": {} });
            complete(Some(&mut split), None, ground)?;
            let by: Bucketing = read_within("serve", split["split"]["by"].take())?;
            let weight = by.size();
            Split { by, weights: vec![Weight { variant: Some(variant.clone()), weight }] }
        }
    })
}

/// The weights that a ramp has at an instant: evaluation.md section 4.6 in thousandths of a percent, so that each boundary is at most one
/// of them away from where the evaluator has it.
fn standing_at(ramp: &Ramp, now_ms: i64) -> Vec<Weight> {
    let current = ramp.steps.iter().rposition(|step| step.at <= now_ms);
    let first = ramp.steps.get(current.unwrap_or(0));
    let next = current.and_then(|current| ramp.steps.get(current + 1));
    let (mut low_sum, mut high_sum, mut from) = (0_u64, 0_u64, 0_u64);
    let mut weights = Vec::with_capacity(ramp.variants.len());
    for (index, variant) in ramp.variants.iter().enumerate() {
        let weight = |step: &RampStep| u64::from(step.weights.get(index).copied().unwrap_or(0));
        low_sum += first.map_or(0, weight);
        let cut = match (first, next) {
            (Some(first), Some(next)) => {
                high_sum += weight(next);
                let passed = u128::from(now_ms.abs_diff(first.at));
                let whole = u128::from(next.at.abs_diff(first.at)).max(1);
                let way = u128::from(low_sum.abs_diff(high_sum)) * passed / whole;
                let way = u64::try_from(way).unwrap_or(u64::MAX);
                if high_sum >= low_sum { low_sum + way } else { low_sum - way }
            }
            _ => low_sum,
        };
        let weight = u32::try_from(cut.saturating_sub(from)).unwrap_or(u32::MAX);
        weights.push(Weight { variant: variant.clone(), weight });
        from = cut;
    }
    weights
}

/// The split's parts with other weights.
fn moved(
    field: &str,
    split: &Split,
    weights: &BTreeMap<String, u32>,
) -> Result<Vec<Weight>, Refusal> {
    let wanted = weights
        .iter()
        .map(|(variant, weight)| Weight { variant: Some(variant.clone()), weight: *weight });
    let wanted: Vec<Weight> = wanted.collect();
    reallocate(split, &wanted)
        .map(|reallocation| reallocation.weights)
        .map_err(|error| Refusal::wrong(field, error.to_string()))
}

/// A ramp from a split by way of `steps`, in which nobody changes who need not.
///
/// Each step's weights are reached from the ones before by the minimum move. Where in all these states lies a boundary, the buckets are
/// cut into pieces; a piece that changes its variant is a part for each of its variants, of which the newer one grows from the piece's
/// start. So boundaries of pieces stand still, and only what has to move does, in a straight line.
fn ramp(split: Split, steps: &[Step], ground: &Ground<'_>) -> Result<Serve, Refusal> {
    if steps.is_empty() || steps.len() >= MAX_RAMP_STEPS {
        return Err(Refusal::wrong("steps", format!("give 1 to {} steps", MAX_RAMP_STEPS - 1)));
    }
    let mut states = vec![(ground.now_ms, split.weights.clone())];
    let mut last = split;
    for (index, step) in steps.iter().enumerate() {
        if states.last().is_some_and(|(before, _)| step.at <= *before) {
            let detail = "steps are in the order of their times, and after now";
            return Err(Refusal::wrong(&format!("steps[{index}].at"), detail));
        }
        last.weights = moved(&format!("steps[{index}].weights"), &last, &step.weights)?;
        states.push((step.at, last.weights.clone()));
    }
    let parts = pieces(&states);
    if parts.len() > MAX_SPLIT_PARTS {
        let detail = format!(
            "the ramp would have {} parts and at most {MAX_SPLIT_PARTS} are possible: give fewer steps",
            parts.len()
        );
        return Err(Refusal::wrong("steps", detail));
    }
    let step = |(index, (at, _)): (usize, &(i64, Vec<Weight>))| RampStep {
        at: *at,
        weights: parts.iter().map(|part| part.weights[index]).collect(),
    };
    let steps = states.iter().enumerate().map(step).collect();
    let variants = parts.iter().map(|part| part.variant.clone()).collect();
    Ok(Serve::Ramp(Ramp { by: last.by, variants, steps }))
}

/// A part of a ramp: a variant, and its weight in each state.
struct Part {
    variant: Option<String>,
    weights: Vec<u32>,
}

fn pieces(states: &[(i64, Vec<Weight>)]) -> Vec<Part> {
    let mut left: Vec<Vec<Weight>> =
        states.iter().map(|(_, weights)| weights.iter().rev().cloned().collect()).collect();
    let mut parts: Vec<Part> = Vec::new();
    loop {
        for state in &mut left {
            while state.last().is_some_and(|part| part.weight == 0) {
                state.pop();
            }
        }
        let heads: Option<Vec<&Weight>> = left.iter().map(|state| state.last()).collect();
        let Some(heads) = heads else { return merged(parts) };
        let Some(width) = heads.iter().map(|part| part.weight).min() else { return merged(parts) };
        let variants: Vec<Option<String>> = heads.iter().map(|part| part.variant.clone()).collect();
        // The newest first: what takes over a piece grows from its start.
        let mut state = variants.len();
        while let Some(end) = state.checked_sub(1) {
            let start = (0..end).rev().take_while(|at| variants[*at] == variants[end]).last();
            let start = start.unwrap_or(end);
            let held = |at: usize| if (start..=end).contains(&at) { width } else { 0 };
            let weights = (0..variants.len()).map(held).collect();
            parts.push(Part { variant: variants[end].clone(), weights });
            state = start;
        }
        for state in &mut left {
            if let Some(part) = state.last_mut() {
                part.weight -= width;
            }
        }
    }
}

/// Makes one part of neighbours with one variant: the boundary between them says nothing.
fn merged(parts: Vec<Part>) -> Vec<Part> {
    let mut merged: Vec<Part> = Vec::with_capacity(parts.len());
    for part in parts {
        match merged.last_mut() {
            Some(last) if last.variant == part.variant => {
                for (sum, weight) in last.weights.iter_mut().zip(&part.weights) {
                    *sum += weight;
                }
            }
            _ => merged.push(part),
        }
    }
    merged
}
