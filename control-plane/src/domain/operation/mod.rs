//! Named operations on what a flag does in one environment: what somebody meant, rather than the whole that they saw. Two people who
//! change different rules do not collide, because each operation names the rule that it is about.

mod conflict;
mod list;
mod rollout;
mod segment;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use pennon_core::config::{Flag, HeldOut, Prerequisite, Rule, Scalar, Serve};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::flag::{Wrong, read};
use crate::ambient::{NoRandomness, Random};

pub use conflict::{Part, changed_since};
pub use segment::{KeyList, SegmentOperation, apply_to_segment};

/// Operations of one change.
pub const MAX_OPERATIONS: usize = 100;

/// One operation. A rule is named by its id; places in the list of rules count from 0, as in the JSON.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
#[schemars(tag = "op")]
pub enum Operation {
    /// Turns the flag on.
    TurnOn {},
    /// Turns the flag off: everybody gets the off variant.
    TurnOff {},
    /// What off means; null: the caller's default.
    SetOffVariant { variant: Option<String> },
    /// What is served when no rule matches. Without a salt it keeps the one it has, and so everybody's bucket.
    SetFallthrough {
        #[schemars(with = "Serve")]
        serve: Map<String, Value>,
    },
    /// A new rule, at `position`, or before the rule `before`, or at the end. Without an id it is given one.
    AddRule {
        #[schemars(with = "Rule")]
        rule: Map<String, Value>,
        #[serde(default)]
        position: Option<usize>,
        #[serde(default)]
        before: Option<String>,
    },
    /// Another rule in the place of this one; it keeps the id.
    ReplaceRule {
        id: String,
        #[schemars(with = "Rule")]
        rule: Map<String, Value>,
    },
    /// Removes the rule.
    RemoveRule { id: String },
    /// Puts the rule at `position` of the list without it, or before the rule `before`, or at the end.
    MoveRule {
        id: String,
        #[serde(default)]
        position: Option<usize>,
        #[serde(default)]
        before: Option<String>,
    },
    /// What the rule serves. Without a salt it keeps the one it has, and so everybody's bucket.
    SetRuleServe {
        id: String,
        #[schemars(with = "Serve")]
        serve: Map<String, Value>,
    },
    /// The share of each variant, in thousandths of a percent (of another product's buckets, their number); those left out get nothing.
    /// The fewest units possible get another variant. Without a rule, of the fallthrough.
    SetWeights {
        #[serde(default)]
        rule: Option<String>,
        weights: BTreeMap<String, u32>,
    },
    /// Lets the weights move from what they are now, by straight lines, to those of each step.
    StartRamp {
        #[serde(default)]
        rule: Option<String>,
        steps: Vec<Step>,
    },
    /// Other steps for the ramp that runs, from where it stands now.
    AdjustRamp {
        #[serde(default)]
        rule: Option<String>,
        steps: Vec<Step>,
    },
    /// Keeps the weights that the ramp has reached now.
    StopRamp {
        #[serde(default)]
        rule: Option<String>,
    },
    /// Gives individuals a variant, whatever they were given before.
    AddTargets {
        variant: String,
        /// The attribute that `keys` are values of; without it, the targeting key.
        #[serde(default)]
        unit: Option<String>,
        keys: Vec<String>,
        /// Unix milliseconds from which on it counts no more.
        #[serde(default)]
        expires: Option<i64>,
    },
    /// Takes individuals out of the targets; those who are in none stay so.
    RemoveTargets {
        #[serde(default)]
        unit: Option<String>,
        keys: Vec<String>,
    },
    /// Another flag must serve one of these variants; replaces what was asked of that flag.
    SetPrerequisite { flag: String, variants: Vec<String> },
    /// Nothing is asked of that flag any more.
    RemovePrerequisite { flag: String },
    /// Which holdout's units get which variant; null: none.
    SetHoldout { holdout: Option<HeldOut> },
    /// A value that comes back with every outcome; null removes it.
    SetMetadata { name: String, value: Option<Scalar> },
}

/// A step of a ramp.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Unix milliseconds.
    pub at: i64,
    /// The share of each variant then, as in `setWeights`.
    pub weights: BTreeMap<String, u32>,
}

/// Why the operations were not applied; none of them was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The request is wrong whatever the flag is.
    #[error("{}: {}", .0.field, .0.detail)]
    Wrong(Wrong),
    /// What an operation names is not there, or not so any more.
    #[error("{}: {}", .0.field, .0.detail)]
    Conflict(Wrong),
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// What every operation of a list needs to know.
#[derive(Debug)]
pub struct Ground<'a> {
    /// Unix milliseconds: where ramps stand.
    pub now_ms: i64,
    /// Draws ids and salts.
    pub random: &'a Random,
}

/// Reads operations as callers write them: each an object with its name in `op` and the rest beside that. (Serde's own reader of such objects
/// does not say where in one something is wrong.)
///
/// # Errors
/// With the field at fault, such as `operations[1].rule.when`.
pub fn read_all<O: DeserializeOwned>(written: Vec<Map<String, Value>>) -> Result<Vec<O>, Wrong> {
    let each = written.into_iter().enumerate().map(|(index, mut fields)| {
        let within = |field: &str, detail: String| {
            let dot = if field.is_empty() { "" } else { "." };
            Wrong { field: format!("operations[{index}]{dot}{field}"), detail }
        };
        let name = match fields.remove("op") {
            Some(Value::String(name)) => name,
            Some(_) => return Err(within("op", "must be a text".to_owned())),
            None => return Err(within("op", "missing field `op`".to_owned())),
        };
        let key = name.clone();
        read(json!({ key: fields })).map_err(|wrong| match wrong.field.strip_prefix(&name) {
            Some(inner) if !name.is_empty() => within(inner.trim_start_matches('.'), wrong.detail),
            _ => within("op", wrong.detail),
        })
    });
    each.collect()
}

/// Applies all of them in order, or none.
///
/// # Errors
/// [`Refusal`], with the field of the operation at fault, such as `operations[1].id`. Whether the outcome is sound is not asked here.
pub fn apply(flag: &Flag, operations: &[Operation], ground: &Ground<'_>) -> Result<Flag, Refusal> {
    let mut flag = flag.clone();
    for (index, operation) in operations.iter().enumerate() {
        operation.apply(&mut flag, ground).map_err(|refusal| refusal.within(index))?;
    }
    Ok(flag)
}

impl Refusal {
    fn wrong(field: &str, detail: impl Into<String>) -> Self {
        Self::Wrong(Wrong { field: field.to_owned(), detail: detail.into() })
    }

    fn conflict(field: &str, detail: impl Into<String>) -> Self {
        Self::Conflict(Wrong { field: field.to_owned(), detail: detail.into() })
    }

    /// Names the operation in front of the field.
    pub(super) fn within(self, index: usize) -> Self {
        let name = |wrong: Wrong| {
            let dot = if wrong.field.is_empty() { "" } else { "." };
            Wrong { field: format!("operations[{index}]{dot}{}", wrong.field), ..wrong }
        };
        match self {
            Self::Wrong(wrong) => Self::Wrong(name(wrong)),
            Self::Conflict(wrong) => Self::Conflict(name(wrong)),
            Self::NoRandomness(error) => Self::NoRandomness(error),
        }
    }
}

impl Operation {
    fn apply(&self, flag: &mut Flag, ground: &Ground<'_>) -> Result<(), Refusal> {
        match self {
            Self::TurnOn {} => flag.enabled = true,
            Self::TurnOff {} => flag.enabled = false,
            Self::SetOffVariant { variant } => flag.off_variant = variant.clone(),
            Self::SetFallthrough { serve } => {
                flag.fallthrough = rollout::serve("serve", serve, Some(&flag.fallthrough), ground)?;
            }
            Self::AddRule { rule, position, before } => {
                let rule = new_rule(rule, ground)?;
                if flag.rules.iter().any(|other| other.id == rule.id) {
                    let detail = format!("there is a rule {:?} already", rule.id);
                    return Err(Refusal::conflict("rule.id", detail));
                }
                let at = place(flag, *position, before.as_deref())?;
                flag.rules.insert(at, rule);
            }
            Self::ReplaceRule { id, rule } => {
                let at = find(flag, "id", id)?;
                flag.rules[at] = replacing(rule, &flag.rules[at], ground)?;
            }
            Self::RemoveRule { id } => {
                let at = find(flag, "id", id)?;
                flag.rules.remove(at);
            }
            Self::MoveRule { id, position, before } => {
                let from = find(flag, "id", id)?;
                let rule = flag.rules.remove(from);
                let at = place(flag, *position, before.as_deref())?;
                flag.rules.insert(at, rule);
            }
            Self::SetRuleServe { id, serve } => {
                let at = find(flag, "id", id)?;
                let rule = &mut flag.rules[at];
                rule.serve = rollout::serve("serve", serve, Some(&rule.serve), ground)?;
            }
            Self::SetWeights { rule, weights } => {
                let serve = served(flag, rule.as_deref())?;
                *serve = rollout::set_weights(serve, weights, ground)?;
            }
            Self::StartRamp { rule, steps } => {
                let serve = served(flag, rule.as_deref())?;
                *serve = rollout::start_ramp(serve, steps, ground)?;
            }
            Self::AdjustRamp { rule, steps } => {
                let serve = served(flag, rule.as_deref())?;
                *serve = rollout::adjust_ramp(serve, steps, ground)?;
            }
            Self::StopRamp { rule } => {
                let serve = served(flag, rule.as_deref())?;
                *serve = rollout::stop_ramp(serve, ground)?;
            }
            Self::AddTargets { variant, unit, keys, expires } => {
                list::add_targets(flag, variant, unit.as_deref(), keys, *expires)?;
            }
            Self::RemoveTargets { unit, keys } => {
                list::remove_targets(flag, unit.as_deref(), keys)?;
            }
            Self::SetPrerequisite { flag: needed, variants } => {
                let new = Prerequisite { flag: needed.clone(), variants: variants.clone() };
                match flag.prerequisites.iter_mut().find(|old| old.flag == *needed) {
                    Some(old) => *old = new,
                    None => flag.prerequisites.push(new),
                }
            }
            Self::RemovePrerequisite { flag: needed } => {
                let at = flag.prerequisites.iter().position(|old| old.flag == *needed);
                let missing = || {
                    Refusal::conflict("flag", format!("{needed:?} is no prerequisite of this flag"))
                };
                flag.prerequisites.remove(at.ok_or_else(missing)?);
            }
            Self::SetHoldout { holdout } => flag.holdout = holdout.clone(),
            Self::SetMetadata { name, value } => match value {
                Some(value) => drop(flag.metadata.insert(name.clone(), value.clone())),
                None => drop(flag.metadata.remove(name)),
            },
        }
        Ok(())
    }
}

/// The place of the rule with this id.
fn find(flag: &Flag, field: &str, id: &str) -> Result<usize, Refusal> {
    let at = flag.rules.iter().position(|rule| rule.id == id);
    at.ok_or_else(|| Refusal::conflict(field, format!("there is no rule {id:?} (any more)")))
}

/// Where a rule goes.
fn place(flag: &Flag, position: Option<usize>, before: Option<&str>) -> Result<usize, Refusal> {
    match (position, before) {
        (Some(_), Some(_)) => {
            Err(Refusal::wrong("before", "give `position` or `before`, not both"))
        }
        (None, Some(id)) => find(flag, "before", id),
        (None, None) => Ok(flag.rules.len()),
        (Some(position), None) if position <= flag.rules.len() => Ok(position),
        (Some(_), None) => {
            let detail = format!("there are {} rules: give 0 to that", flag.rules.len());
            Err(Refusal::conflict("position", detail))
        }
    }
}

/// What the rule, or without one the fallthrough, serves.
fn served<'f>(flag: &'f mut Flag, rule: Option<&str>) -> Result<&'f mut Serve, Refusal> {
    match rule {
        None => Ok(&mut flag.fallthrough),
        Some(id) => {
            let at = find(flag, "rule", id)?;
            Ok(&mut flag.rules[at].serve)
        }
    }
}

fn new_rule(rule: &Map<String, Value>, ground: &Ground<'_>) -> Result<Rule, Refusal> {
    let mut rule = rule.clone();
    if !rule.contains_key("id") {
        rule.insert("id".to_owned(), Value::String(ground.random.id()?));
    }
    rollout::complete(rule.get_mut("serve"), None, ground)?;
    read_within("rule", Value::Object(rule))
}

fn replacing(rule: &Map<String, Value>, old: &Rule, ground: &Ground<'_>) -> Result<Rule, Refusal> {
    let mut rule = rule.clone();
    let id = Value::String(old.id.clone());
    if *rule.entry("id").or_insert_with(|| id.clone()) != id {
        let detail = "a rule keeps its id: leave it out, or remove this rule and add another";
        return Err(Refusal::wrong("rule.id", detail));
    }
    rollout::complete(rule.get_mut("serve"), Some(&old.serve), ground)?;
    read_within("rule", Value::Object(rule))
}

/// Reads a value and names the field at fault, as it is in the operation.
fn read_within<T: serde::de::DeserializeOwned>(field: &str, value: Value) -> Result<T, Refusal> {
    read(value).map_err(|wrong| {
        let inner = match wrong.field.as_str() {
            "" => field.to_owned(),
            inner => format!("{field}.{inner}"),
        };
        Refusal::wrong(&inner, wrong.detail)
    })
}
