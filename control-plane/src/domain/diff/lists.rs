//! Comparing lists.

use std::collections::HashSet;

use serde_json::Value;

/// The places of one longest rising run of `numbers`: what of a reordered list can be said to have stayed. (Patience sorting; the numbers
/// are distinct.)
pub(super) fn longest_rising(numbers: &[usize]) -> HashSet<usize> {
    // `ends[n]`: the place of the smallest number that ends a rising run of n + 1.
    let mut ends: Vec<usize> = Vec::new();
    let mut previous: Vec<Option<usize>> = Vec::with_capacity(numbers.len());
    for (place, number) in numbers.iter().enumerate() {
        let length = ends.partition_point(|end| numbers[*end] < *number);
        previous.push(length.checked_sub(1).map(|shorter| ends[shorter]));
        if length == ends.len() {
            ends.push(place);
        } else {
            ends[length] = place;
        }
    }
    let mut run = HashSet::new();
    let mut next = ends.last().copied();
    while let Some(place) = next {
        run.insert(place);
        next = previous[place];
    }
    run
}

/// What was taken out of a list of texts and what was put at its end. `None` when that is not all that happened: another order,
/// something in the middle, a text that stands twice, or no texts.
pub(super) fn keys(before: &[Value], after: &[Value]) -> Option<(Vec<Value>, Vec<Value>)> {
    let texts = |list: &[Value]| -> Option<HashSet<String>> {
        let set: HashSet<String> =
            list.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<_>>()?;
        (set.len() == list.len()).then_some(set)
    };
    let (old, new) = (texts(before)?, texts(after)?);
    let among =
        |set: &HashSet<String>, item: &Value| item.as_str().is_some_and(|text| set.contains(text));
    let removed: Vec<Value> = before.iter().filter(|item| !among(&new, item)).cloned().collect();
    let stayed = before.iter().filter(|item| among(&new, item));
    let count = before.len() - removed.len();
    let added = after.get(count..)?;
    let in_order = stayed.eq(&after[..count]) && added.iter().all(|item| !among(&old, item));
    in_order.then(|| (removed, added.to_vec()))
}

/// What is left of two lists between the items that are equal at their starts and at their ends: the common start, and both ends.
pub(super) fn middle(before: &[Value], after: &[Value]) -> (usize, usize, usize) {
    let start = before.iter().zip(after).take_while(|(old, new)| old == new).count();
    let tail = before[start..]
        .iter()
        .rev()
        .zip(after[start..].iter().rev())
        .take_while(|(old, new)| old == new)
        .count();
    (start, before.len() - tail, after.len() - tail)
}
