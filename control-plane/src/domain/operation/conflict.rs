//! Whether what an operation is about has changed since its author looked.

use pennon_core::config::Flag;
use pennon_core::context::TARGETING_KEY;
use serde_json::{Value, json};

use super::{Operation, Refusal};
use crate::domain::flag::Wrong;

/// What an operation reads or replaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Enabled,
    OffVariant,
    Fallthrough,
    /// By its id.
    Rule(String),
    /// The target of a unit's key.
    Target {
        unit: String,
        key: String,
    },
    /// By the flag's key.
    Prerequisite(String),
    Holdout,
    /// By its name.
    Metadata(String),
}

/// Whether every part that the operations are about is in `current` what it was in `seen`.
///
/// # Errors
/// The first part that is not, by name, with the operation's place.
pub fn changed_since(seen: &Flag, current: &Flag, operations: &[Operation]) -> Result<(), Refusal> {
    for (index, operation) in operations.iter().enumerate() {
        for part in operation.parts() {
            if part.of(seen) != part.of(current) {
                let detail = format!("{} was changed since you looked", part.words());
                let wrong = Wrong { field: String::new(), detail };
                return Err(Refusal::Conflict(wrong).within(index));
            }
        }
    }
    Ok(())
}

impl Operation {
    fn parts(&self) -> Vec<Part> {
        let serve = |rule: &Option<String>| match rule {
            Some(id) => vec![Part::Rule(id.clone())],
            None => vec![Part::Fallthrough],
        };
        match self {
            Self::TurnOn {} | Self::TurnOff {} => vec![Part::Enabled],
            Self::SetOffVariant { .. } => vec![Part::OffVariant],
            Self::SetFallthrough { .. } => vec![Part::Fallthrough],
            // A new rule touches nothing, and where a rule stands is nobody's: a rule moves relative to what is there now.
            Self::AddRule { .. } | Self::MoveRule { .. } => Vec::new(),
            Self::ReplaceRule { id, .. }
            | Self::RemoveRule { id }
            | Self::SetRuleServe { id, .. } => vec![Part::Rule(id.clone())],
            Self::SetWeights { rule, .. }
            | Self::StartRamp { rule, .. }
            | Self::AdjustRamp { rule, .. }
            | Self::StopRamp { rule } => serve(rule),
            Self::AddTargets { unit, keys, .. } | Self::RemoveTargets { unit, keys } => {
                let unit = unit.as_deref().unwrap_or(TARGETING_KEY);
                let target =
                    |key: &String| Part::Target { unit: unit.to_owned(), key: key.clone() };
                keys.iter().map(target).collect()
            }
            Self::SetPrerequisite { flag, .. } | Self::RemovePrerequisite { flag } => {
                vec![Part::Prerequisite(flag.clone())]
            }
            Self::SetHoldout { .. } => vec![Part::Holdout],
            Self::SetMetadata { name, .. } => vec![Part::Metadata(name.clone())],
        }
    }
}

impl Part {
    /// The part's value.
    fn of(&self, flag: &Flag) -> Value {
        match self {
            Self::Enabled => json!(flag.enabled),
            Self::OffVariant => json!(flag.off_variant),
            Self::Fallthrough => json!(flag.fallthrough),
            Self::Rule(id) => json!(flag.rules.iter().find(|rule| rule.id == *id)),
            Self::Target { unit, key } => {
                let targets = flag.targets.iter();
                let mut of =
                    targets.filter(|target| target.unit == *unit && target.keys.contains(key));
                json!(of.next().map(|target| (&target.variant, target.expires)))
            }
            Self::Prerequisite(key) => {
                json!(flag.prerequisites.iter().find(|prerequisite| prerequisite.flag == *key))
            }
            Self::Holdout => json!(flag.holdout),
            Self::Metadata(name) => json!(flag.metadata.get(name)),
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Enabled => "whether the flag is on".to_owned(),
            Self::OffVariant => "the off variant".to_owned(),
            Self::Fallthrough => "the fallthrough".to_owned(),
            Self::Rule(id) => format!("rule {id:?}"),
            Self::Target { key, .. } => format!("the target {key:?}"),
            Self::Prerequisite(flag) => format!("the prerequisite {flag:?}"),
            Self::Holdout => "the holdout".to_owned(),
            Self::Metadata(name) => format!("the metadata {name:?}"),
        }
    }
}
