//! Variants of a toggle, or of one of its strategies.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

use super::constraint::attribute;
use super::strategy::{Stickiness, Units, group};
use super::{Object, objects, strings, text};
use crate::config::{Condition, Scalar, Serve, Split, Variant, Weight};
use crate::import::node;

/// Unleash draws variants with a seed of their own (`VARIANT_NORMALIZATION_SEED`).
const SEED: u32 = 86_028_157;

/// All that a toggle can serve.
pub(super) struct Variants {
    /// The names of being off, and of being on without a variant.
    pub(super) off: String,
    pub(super) on: String,
    /// These two first.
    pub(super) list: Vec<Variant>,
}

impl Variants {
    pub(super) fn of(toggle: &Object) -> Result<Self, String> {
        let mut named: Vec<Variant> = Vec::new();
        let mut lists = Vec::from([objects(toggle, "variants")?]);
        for strategy in objects(toggle, "strategies")? {
            lists.push(objects(strategy, "variants")?);
        }
        for variant in lists.into_iter().flatten() {
            let key = name(variant)?.to_string();
            let value = payload(variant).map_err(|reason| format!("variant `{key}`: {reason}"))?;
            match named.iter().find(|other| other.key == key) {
                Some(other) if other.value == value => {}
                Some(_) => {
                    return Err(format!(
                        "two variants are called `{key}` and have different payloads"
                    ));
                }
                None => named.push(Variant { key, value, description: String::new() }),
            }
        }
        let taken: BTreeSet<&str> = named.iter().map(|variant| variant.key.as_str()).collect();
        let free = |word: &str| {
            let mut word = String::from(word);
            while taken.contains(word.as_str()) {
                word.push('_');
            }
            word
        };
        let (off, on) = (free("off"), free("on"));
        let plain = |key: &String, value: bool| Variant {
            key: key.clone(),
            value: value.into(),
            description: String::new(),
        };
        let mut list = Vec::from([plain(&off, false), plain(&on, true)]);
        list.extend(named);
        Ok(Self { off, on, list })
    }

    /// Whether there are any but off and on.
    pub(super) fn any(&self) -> bool {
        self.list.len() > 2
    }
}

fn name(variant: &Object) -> Result<&str, String> {
    text(variant, "name").ok_or_else(|| "a variant has no `name`".into())
}

/// `true` without one.
fn payload(variant: &Object) -> Result<Value, String> {
    let Some(payload) = variant.get("payload").filter(|payload| !payload.is_null()) else {
        return Ok(true.into());
    };
    let text = payload.get("value").and_then(Value::as_str);
    let (Some(kind), Some(text)) = (payload.get("type").and_then(Value::as_str), text) else {
        return Err("its payload has no `type` or no text `value`".into());
    };
    match kind {
        "string" | "csv" => Ok(text.into()),
        "json" => serde_json::from_str(text)
            .map_err(|_| "its payload is not the JSON that it says".into()),
        "number" => match serde_json::from_str(text) {
            Ok(Value::Number(number)) => Ok(Value::Number(number)),
            _ => Err(format!("its payload `{text}` is not the number that it says")),
        },
        _ => Err(format!("its payload is of the unknown type `{kind}`")),
    }
}

/// A list of variants to choose from.
pub(super) struct Choice<'a> {
    variants: Vec<&'a Object>,
    weights: Vec<u32>,
    /// Whose parameters hold stickiness and group; none for the toggle's own list.
    strategy: Option<&'a Object>,
}

impl<'a> Choice<'a> {
    /// None where nothing can be chosen.
    pub(super) fn of_strategy(strategy: &'a Object) -> Result<Option<Self>, String> {
        Self::of(strategy, Some(strategy))
    }

    /// None where nothing can be chosen.
    pub(super) fn of_feature(toggle: &'a Object) -> Result<Option<Self>, String> {
        Self::of(toggle, None)
    }

    fn of(object: &'a Object, strategy: Option<&'a Object>) -> Result<Option<Self>, String> {
        let variants = objects(object, "variants")?;
        if variants.is_empty() {
            return Ok(None);
        }
        let weights = variants.iter().map(|variant| {
            let weight = variant.get("weight").and_then(Value::as_u64);
            weight.and_then(|weight| u32::try_from(weight).ok())
        });
        let Some(weights) = weights.collect::<Option<Vec<u32>>>() else {
            return Err("a variant's `weight` is no whole number".into());
        };
        if weights.iter().all(|weight| *weight == 0) {
            return Err("Unleash's SDKs disagree about variants of which none has weight".into());
        }
        Ok(Some(Self { variants, weights, strategy }))
    }

    /// The split, and the variant for contexts that have nothing to go by; or the one variant that everybody gets.
    pub(super) fn split(
        &self,
        feature: Option<&str>,
    ) -> Result<Result<(Serve, String), String>, String> {
        let mut weighty =
            self.variants.iter().zip(&self.weights).filter(|(_, weight)| **weight > 0);
        let first = match weighty.next() {
            Some((variant, _)) => name(variant)?.to_string(),
            None => return Err("no variant has weight".into()),
        };
        if weighty.next().is_none() {
            return Ok(Err(first));
        }
        let of_first = self.variants.first().and_then(|variant| text(variant, "stickiness"));
        let stickiness = match self.strategy {
            None => Stickiness::of(of_first)?,
            Some(strategy) => {
                let of_strategy =
                    strategy.get("parameters").and_then(|parameters| parameters.get("stickiness"));
                let of_strategy = of_strategy.and_then(Value::as_str).unwrap_or("default");
                if of_first.is_some_and(|word| !word.is_empty() && word != of_strategy) {
                    return Err("Unleash's SDKs disagree about variants that are sticky otherwise than their strategy".into());
                }
                Stickiness::of_parameters(strategy)?
            }
        };
        let units = match stickiness {
            Stickiness::Random => {
                return Err(
                    "chooses a variant at random, which the same context would not get twice"
                        .into(),
                );
            }
            Stickiness::Default => Units::default_ones(true),
            Stickiness::Field(unit) => Units { unit, fallback_units: Vec::new() },
        };
        let group = match (feature, self.strategy) {
            (Some(feature), _) => feature.into(),
            (None, Some(strategy)) => group(strategy)?,
            (None, None) => return Err("has no group".into()),
        };
        let Some(size) = self.weights.iter().try_fold(0u32, |sum, weight| sum.checked_add(*weight))
        else {
            return Err("the weights of its variants sum to too much".into());
        };
        let mut weights = Vec::new();
        for (variant, weight) in self.variants.iter().zip(&self.weights) {
            weights.push(Weight { variant: Some(name(variant)?.into()), weight: *weight });
        }
        let split = Split { by: units.by(&group, SEED, size), weights };
        Ok(Ok((Serve::Split(split), first)))
    }

    /// Who gets which variant whatever its weight.
    pub(super) fn overrides(&self) -> Result<Vec<(Condition, String)>, String> {
        let mut list = Vec::new();
        for variant in &self.variants {
            for (at, over) in objects(variant, "overrides")?.into_iter().enumerate() {
                let name = name(variant)?;
                let field = text(over, "contextName").ok_or_else(|| {
                    format!("variant `{name}`: overrides[{at}] has no `contextName`")
                })?;
                let values = strings(over, "values")?;
                let values = values.into_iter().map(|value| Scalar::String(value.into())).collect();
                let condition = node::one_of(&attribute(field)?, values, false);
                if !node::is_never(&condition) {
                    list.push((condition, name.to_string()));
                }
            }
        }
        Ok(list)
    }
}
