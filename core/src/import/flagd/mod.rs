//! flagd: a flags file with targeting in JsonLogic.
//!
//! Where flagd's own engines disagree, about coercions that is, the meaning is that of the one for JavaScript. Where it gives up, and where
//! there is no default variant, the caller's default applies.

mod compare;
mod fractional;
mod logic;
mod plan;
mod version;

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Map, Value};

use super::{Import, ImportError, Refused, Report, finish, node};
use crate::config::{
    Bucketing, Condition, Configuration, FORMAT, Flag, Murmur3, Rule, Serve, Split, ValueType,
    Variant, VendorHash, Weight,
};
use crate::limits::MAX_SPLIT_PARTS;
use logic::{Logic, missing_evaluator, unknown_operator};
use plan::{Branch, Constant, Leaf, Passing, Plan, exclude};

/// An attribute that no context has: the targeting key is a text or a number.
const NOWHERE: &str = "/targetingKey/none";

/// Makes a configuration of a flags file.
///
/// # Errors
/// The JSON is no such file.
pub fn import(json: &Value) -> Result<Import, ImportError> {
    let flags = json.get("flags").and_then(Value::as_object);
    let flags = flags
        .ok_or_else(|| ImportError("must be a flags file of flagd: {\"flags\": {...}}".into()))?;
    let evaluators = json.get("$evaluators").and_then(Value::as_object);
    let shared = json.get("metadata").and_then(Value::as_object);
    let mut report = Report::default();
    let mut configuration = Configuration {
        schema: None,
        format: FORMAT,
        attributes: BTreeMap::new(),
        segments: BTreeMap::new(),
        layers: BTreeMap::new(),
        holdouts: BTreeMap::new(),
        flags: BTreeMap::new(),
    };
    for (key, flag) in flags {
        match translate(key, flag, evaluators) {
            Ok(mut translated) => {
                let own = flag.get("metadata").and_then(Value::as_object);
                for (name, value) in shared.into_iter().chain(own).flatten() {
                    match logic::constant(value).ok().as_ref().and_then(compare::scalar) {
                        Some(value) => drop(translated.metadata.insert(name.clone(), value)),
                        None => report.notes.push(format!(
                            "flag `{key}`: metadata `{name}` is no text, number or boolean and was left out"
                        )),
                    }
                }
                let targeting = flag.get("targeting");
                if let Some(name) = targeting.and_then(|one| missing_evaluator(one, evaluators)) {
                    report.notes.push(format!(
                        "flag `{key}`: refers to the evaluator `{name}`, which is not there: the caller's default always applies"
                    ));
                }
                if let Some(operator) = targeting.and_then(unknown_operator) {
                    report.notes.push(format!(
                        "flag `{key}`: has the operator `{operator}`, which flagd does not know either: it is an error here too"
                    ));
                }
                configuration.flags.insert(key.clone(), translated);
            }
            Err(reason) => report.refused.push(Refused { flag: key.clone(), reason }),
        }
    }
    Ok(finish(configuration, report))
}

fn translate(
    key: &str,
    flag: &Value,
    evaluators: Option<&Map<String, Value>>,
) -> Result<Flag, String> {
    let enabled = match flag.get("state").and_then(Value::as_str) {
        Some("ENABLED") => true,
        Some("DISABLED") => false,
        _ => return Err("state: must be ENABLED or DISABLED".into()),
    };
    let variants = flag.get("variants").and_then(Value::as_object).ok_or("has no variants")?;
    let default = match flag.get("defaultVariant") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) if name.is_empty() => None,
        Some(Value::String(name)) if variants.contains_key(name) => Some(name.as_str()),
        Some(other) => return Err(format!("defaultVariant: there is no variant {other}")),
    };
    let targeting = flag.get("targeting").filter(|targeting| match targeting {
        Value::Null => false,
        Value::Object(object) => !object.is_empty(),
        _ => true,
    });
    let outcomes = match targeting {
        None => {
            let mut plan = Plan::empty();
            plan.push(Vec::new(), default.map_or(Outcome::None, Outcome::variant));
            plan
        }
        Some(targeting) if missing_evaluator(targeting, evaluators).is_some() => {
            let mut plan = Plan::empty();
            plan.push(Vec::new(), Outcome::None);
            plan
        }
        Some(targeting) if unknown_operator(targeting).is_some() => {
            let mut plan = Plan::empty();
            plan.push(Vec::new(), Outcome::Error);
            plan
        }
        Some(targeting) => {
            let names = variants.keys().map(String::as_str).collect();
            let logic = Logic { flag: key, variants: names, evaluators, interpreted: false };
            let plan = logic.value(targeting).map_err(|reason| format!("targeting: {reason}"))?;
            outcomes(&plan, variants, default)
        }
    };
    let (rules, fallthrough) = rules(outcomes.simplify(), variants);
    let values: Vec<&Value> = variants.values().collect();
    Ok(Flag {
        flag_type: common_type(&values),
        description: String::new(),
        client_visible: false,
        enabled,
        variants: variants
            .iter()
            .map(|(key, value)| Variant {
                key: key.clone(),
                value: value.clone(),
                description: String::new(),
            })
            .collect(),
        off_variant: None,
        prerequisites: Vec::new(),
        targets: Vec::new(),
        holdout: None,
        rules,
        fallthrough,
        metadata: BTreeMap::new(),
    })
}

/// What a flag serves.
#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    Variant(String),
    Split(Split),
    /// The caller's default.
    None,
    /// The caller's default, and an error to everybody.
    Error,
}

impl Outcome {
    fn variant(name: &str) -> Self {
        Self::Variant(name.to_string())
    }
}

impl Passing for Outcome {
    fn may_pass(&self) -> bool {
        matches!(self, Self::Split(_))
    }
}

/// Constants become the variants that they name.
fn outcomes(plan: &Plan, variants: &Map<String, Value>, default: Option<&str>) -> Plan<Outcome> {
    let named = |constant: &Constant| match constant {
        Constant::Null => default.map_or(Outcome::None, Outcome::variant),
        constant => match constant.text() {
            Some(name) if variants.contains_key(&name) => Outcome::Variant(name),
            _ => Outcome::None,
        },
    };
    let mut outcomes = Plan::empty();
    for branch in &plan.0 {
        let (by, parts) = match &branch.leaf {
            Leaf::Constant(constant) => {
                outcomes.push(branch.when.clone(), named(constant));
                continue;
            }
            Leaf::Split { by, parts } => (by, parts),
        };
        let weights: Vec<Weight> = parts
            .iter()
            .filter_map(|(constant, weight)| match named(constant) {
                Outcome::Variant(name) => Some(Weight { variant: Some(name), weight: *weight }),
                _ => None,
            })
            .collect();
        if weights.len() == parts.len() && weights.len() <= MAX_SPLIT_PARTS {
            let split = Outcome::Split(Split { by: by.clone(), weights });
            outcomes.push(branch.when.clone(), split);
            continue;
        }
        let alone = Plan(alloc::vec![branch.clone()]).expanded();
        for Branch { when, leaf } in alone.0 {
            if let Leaf::Constant(constant) = leaf {
                outcomes.push(when, named(&constant));
            }
        }
    }
    outcomes
}

/// Rules in order. The caller's default can only stand at the end, and so those who get it are kept out of what stands between.
fn rules(plan: Plan<Outcome>, variants: &Map<String, Value>) -> (Vec<Rule>, Serve) {
    let mut rules = Vec::new();
    let mut nobody: Vec<Vec<Condition>> = Vec::new();
    for Branch { when, leaf } in plan.0 {
        if leaf == Outcome::None {
            nobody.push(when);
            continue;
        }
        let last = when.is_empty();
        let mut conditions = when;
        for others in &nobody {
            let guards = outside(&conditions, others);
            conditions.extend(guards);
        }
        let serve = match leaf {
            Outcome::Variant(name) if last && conditions.is_empty() => {
                return (rules, Serve::Variant(name));
            }
            Outcome::Variant(name) => Serve::Variant(name),
            Outcome::Split(split) => Serve::Split(split),
            Outcome::Error => {
                conditions.push(node::error("an operator that flagd does not know either"));
                callers_default(variants)
            }
            Outcome::None => continue,
        };
        rules.push(Rule {
            id: format!("rule-{}", rules.len() + 1),
            name: String::new(),
            from: None,
            to: None,
            layer: None,
            when: node::all(conditions),
            serve,
        });
    }
    (rules, callers_default(variants))
}

/// What keeps these others out, as far as the conditions do not.
fn outside(conditions: &[Condition], others: &[Condition]) -> Vec<Condition> {
    if let [Condition::Any(list)] = others {
        let each = list.iter().map(core::slice::from_ref);
        return each.flat_map(|one| outside(conditions, one)).collect();
    }
    if exclude(conditions, others) {
        return Vec::new();
    }
    alloc::vec![node::not(node::all(others.iter().cloned()))]
}

/// A split whose unit no context has: the outcome has no value.
fn callers_default(variants: &Map<String, Value>) -> Serve {
    let murmur = Murmur3 { prefix: String::new(), seed: 0, size: 1 };
    Serve::Split(Split {
        by: Bucketing {
            unit: NOWHERE.to_string(),
            fallback_units: Vec::new(),
            salt: None,
            hash: Some(VendorHash::Murmur3Scaled(murmur)),
        },
        weights: alloc::vec![Weight { variant: variants.keys().next().cloned(), weight: 1 }],
    })
}

fn common_type(values: &[&Value]) -> ValueType {
    if values.iter().all(|value| value.is_boolean()) {
        ValueType::Boolean
    } else if values.iter().all(|value| value.is_string()) {
        ValueType::String
    } else if values.iter().all(|value| value.is_number()) {
        ValueType::Number
    } else {
        ValueType::Json
    }
}

#[cfg(test)]
mod tests;
