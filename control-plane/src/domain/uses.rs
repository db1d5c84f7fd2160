//! Which rules take which slots of a layer, and which flags hold people out: what a person sees before changing either.

use pennon_core::config::Configuration;
use schemars::JsonSchema;
use serde::Serialize;

/// A rule that takes a slot of a layer.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SlotTaken {
    /// The environment's key.
    pub environment: String,
    /// The flag's key.
    pub flag: String,
    /// Whether the flag is on there.
    pub enabled: bool,
    /// The rule's id.
    pub rule: String,
    /// The rule's name; empty without one.
    pub name: String,
    /// Thousandths of a percent: the slot's first and, not included, its last.
    pub from: u32,
    pub to: u32,
}

/// A flag that holds people out.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HoldoutUsed {
    /// The environment's key.
    pub environment: String,
    /// The flag's key.
    pub flag: String,
    /// Whether the flag is on there.
    pub enabled: bool,
    /// What whoever is held out gets.
    pub variant: String,
}

/// The rules that take slots of the layer, by flag and in their order.
pub fn of_layer(configuration: &Configuration, environment: &str, layer: &str) -> Vec<SlotTaken> {
    let mut taken = Vec::new();
    for (key, flag) in &configuration.flags {
        for rule in &flag.rules {
            let Some(slot) = rule.layer.as_ref().filter(|slot| slot.layer == layer) else {
                continue;
            };
            taken.push(SlotTaken {
                environment: environment.to_owned(),
                flag: key.clone(),
                enabled: flag.enabled,
                rule: rule.id.clone(),
                name: rule.name.clone(),
                from: slot.from,
                to: slot.to,
            });
        }
    }
    taken
}

/// The flags with this holdout.
pub fn of_holdout(
    configuration: &Configuration,
    environment: &str,
    holdout: &str,
) -> Vec<HoldoutUsed> {
    let with = configuration.flags.iter().filter_map(|(key, flag)| {
        let held = flag.holdout.as_ref().filter(|held| held.holdout == holdout)?;
        Some(HoldoutUsed {
            environment: environment.to_owned(),
            flag: key.clone(),
            enabled: flag.enabled,
            variant: held.variant.clone(),
        })
    });
    with.collect()
}
