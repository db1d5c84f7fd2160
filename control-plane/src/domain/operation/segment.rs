//! Operations on a segment: single keys of lists that may have a hundred thousand.

use std::collections::HashSet;

use pennon_core::config::{Condition, Segment};
use pennon_core::limits::MAX_SEGMENT_KEYS;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Refusal;

/// One of a segment's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum KeyList {
    Included,
    Excluded,
}

/// One operation on a segment.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
#[schemars(tag = "op")]
pub enum SegmentOperation {
    /// Puts keys at the end of a list; those that are in it stay where they are.
    AddKeys { list: KeyList, keys: Vec<String> },
    /// Takes keys out of a list; those that are not in it stay so.
    RemoveKeys { list: KeyList, keys: Vec<String> },
    /// Who else is in it; null: nobody.
    SetCondition { when: Option<Condition> },
    /// What people read of it.
    SetDescription { description: String },
}

/// Applies all of them in order, or none.
///
/// # Errors
/// With the field at fault, such as `operations[1].keys`.
pub fn apply_to_segment(
    segment: &Segment,
    operations: &[SegmentOperation],
) -> Result<Segment, Refusal> {
    let mut segment = segment.clone();
    for (index, operation) in operations.iter().enumerate() {
        match operation {
            SegmentOperation::AddKeys { list, keys } => {
                let list = segment_list(&mut segment, *list);
                let known: HashSet<&String> = list.iter().collect();
                let mut seen = HashSet::new();
                let new = keys.iter().filter(|key| !known.contains(*key) && seen.insert(*key));
                let new: Vec<String> = new.cloned().collect();
                list.extend(new);
            }
            SegmentOperation::RemoveKeys { list, keys } => {
                let gone: HashSet<&String> = keys.iter().collect();
                segment_list(&mut segment, *list).retain(|key| !gone.contains(key));
            }
            SegmentOperation::SetCondition { when } => segment.when.clone_from(when),
            SegmentOperation::SetDescription { description } => {
                segment.description.clone_from(description);
            }
        }
        let (SegmentOperation::AddKeys { keys, .. } | SegmentOperation::RemoveKeys { keys, .. }) =
            operation
        else {
            continue;
        };
        if !(1..=MAX_SEGMENT_KEYS).contains(&keys.len()) {
            let detail = format!("name 1 to {MAX_SEGMENT_KEYS}");
            return Err(Refusal::wrong("keys", detail).within(index));
        }
    }
    Ok(segment)
}

fn segment_list(segment: &mut Segment, list: KeyList) -> &mut Vec<String> {
    match list {
        KeyList::Included => &mut segment.included,
        KeyList::Excluded => &mut segment.excluded,
    }
}
