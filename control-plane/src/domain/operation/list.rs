//! Operations on individual targets.

use std::collections::HashSet;

use pennon_core::config::{Flag, Target};
use pennon_core::context::TARGETING_KEY;

use super::Refusal;

/// Takes the keys out of every target of the unit, then gives them the variant.
pub(super) fn add_targets(
    flag: &mut Flag,
    variant: &str,
    unit: Option<&str>,
    keys: &[String],
    expires: Option<i64>,
) -> Result<(), Refusal> {
    let unit = unit.unwrap_or(TARGETING_KEY);
    let mut seen = HashSet::new();
    let wanted: Vec<&String> = keys.iter().filter(|key| seen.insert(*key)).collect();
    // Whoever is where they should be stays at their place of the list.
    let is = |target: &Target| {
        target.variant == variant && target.unit == unit && target.expires == expires
    };
    let there: HashSet<String> = flag
        .targets
        .iter()
        .filter(|target| is(target))
        .flat_map(|target| target.keys.clone())
        .collect();
    let new: Vec<String> =
        wanted.into_iter().filter(|key| !there.contains(*key)).cloned().collect();
    remove_targets(flag, Some(unit), &new)?;
    if new.is_empty() {
        return if keys.is_empty() { Err(no_keys()) } else { Ok(()) };
    }
    match flag.targets.iter_mut().find(|target| is(target)) {
        Some(target) => target.keys.extend(new),
        None => flag.targets.push(Target {
            variant: variant.to_owned(),
            unit: unit.to_owned(),
            keys: new,
            expires,
        }),
    }
    Ok(())
}

/// Takes the keys out of every target of the unit; targets that are empty then go.
pub(super) fn remove_targets(
    flag: &mut Flag,
    unit: Option<&str>,
    keys: &[String],
) -> Result<(), Refusal> {
    let unit = unit.unwrap_or(TARGETING_KEY);
    let gone: HashSet<&String> = keys.iter().collect();
    for target in flag.targets.iter_mut().filter(|target| target.unit == unit) {
        target.keys.retain(|key| !gone.contains(key));
    }
    flag.targets.retain(|target| !target.keys.is_empty());
    Ok(())
}

fn no_keys() -> Refusal {
    Refusal::wrong("keys", "name at least one")
}
