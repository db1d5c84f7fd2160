//! Every node of a condition, with its place.

use alloc::format;

use crate::config::Condition;

/// Calls `visit` with each node, its place, and whether its attribute is one of the context, and not of a list's element.
pub(super) fn conditions<'a>(
    place: &str,
    condition: &'a Condition,
    top: bool,
    visit: &mut dyn FnMut(&str, &'a Condition, bool),
) {
    visit(place, condition, top);
    let word = condition.word();
    match condition {
        Condition::All(list) | Condition::Any(list) => {
            for (at, inner) in list.iter().enumerate() {
                conditions(&format!("{place}/{word}/{at}"), inner, top, visit);
            }
        }
        Condition::Not(inner) => conditions(&format!("{place}/{word}"), inner, top, visit),
        Condition::Some(some) => {
            conditions(&format!("{place}/{word}/when"), &some.when, false, visit);
        }
        _ => {}
    }
}
