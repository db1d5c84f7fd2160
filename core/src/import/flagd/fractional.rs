//! `fractional`: murmur3 of a text, scaled to the sum of the weights.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

use super::logic::{Attribute, Logic, Operand, is_text};
use super::plan::{Constant, Leaf, Plan};
use crate::config::{Bucketing, Comparison, Condition, ContextType, Murmur3, Scalar, VendorHash};
use crate::context::TARGETING_KEY;
use crate::evaluate::murmur3;
use crate::import::node;

/// Combinations of computed variants and weights.
const MAX_COMBINATIONS: usize = 64;

/// What is hashed.
enum Hashed {
    /// flagd takes none of it for a text.
    Nothing,
    Text(String),
    /// The attribute alone, which must be a text.
    Attribute(Attribute),
    /// A text and the attribute behind it, as JavaScript writes it.
    Behind {
        prefix: String,
        attribute: Attribute,
    },
    /// The flag's key and the targeting key.
    TargetingKey,
}

/// Variants and their weights.
#[derive(Clone)]
enum Parts {
    Valid(Vec<(Constant, f64)>),
    /// flagd does not take them: null.
    Invalid,
    Failed,
}

impl Parts {
    fn and(&self, more: &Self) -> Self {
        match (self, more) {
            (Self::Failed, _) | (_, Self::Failed) => Self::Failed,
            (Self::Valid(parts), Self::Valid(more)) => {
                Self::Valid(parts.iter().chain(more).cloned().collect())
            }
            _ => Self::Invalid,
        }
    }
}

impl Logic<'_> {
    pub(super) fn fractional(&self, arguments: &Value) -> Result<Plan, String> {
        let list = arguments.as_array().ok_or("takes a list")?;
        let Some((first, rest)) = list.split_first() else {
            return Ok(Plan::constant(Constant::Null));
        };
        let (hashed, buckets) = match first {
            Value::Array(_) => (Hashed::TargetingKey, list.as_slice()),
            first => (self.hashed(first)?, rest),
        };
        // Every part is computed before any is chosen.
        let mut combinations = alloc::vec![(Vec::new(), Parts::Valid(Vec::new()))];
        for bucket in buckets {
            let Some(bucket) = bucket.as_array() else {
                return Err("has a bucket that is no list".into());
            };
            let bucket = self.bucket(bucket)?;
            let mut next = Vec::new();
            for (when, parts) in &combinations {
                for (more, part) in &bucket {
                    let when: Vec<Condition> = when.iter().chain(more).cloned().collect();
                    next.push((when, parts.and(part)));
                }
            }
            if next.len() > MAX_COMBINATIONS {
                return Err("computes too many variants and weights".into());
            }
            combinations = next;
        }
        let mut plan = Plan::empty();
        if let Hashed::Attribute(attribute) = &hashed {
            // A list is a bucket to flagd, and none that is known now.
            let list = node::is_type(&attribute.name, ContextType::List);
            plan.case(alloc::vec![list], Constant::Error);
        }
        for (when, parts) in combinations {
            match parts {
                Parts::Valid(parts) => plan.append(&when, self.distribute(&hashed, parts)?),
                Parts::Invalid => plan.case(when, Constant::Null),
                Parts::Failed => plan.case(when, Constant::Error),
            }
        }
        Ok(plan.simplify())
    }

    fn hashed(&self, expression: &Value) -> Result<Hashed, String> {
        let cat = expression.as_object().filter(|object| object.len() == 1);
        let Some(parts) = cat.and_then(|object| object.get("cat")) else {
            return Ok(match self.operand(expression)? {
                Operand::Constant(Constant::Text(text))
                | Operand::FlagKey(Constant::Text(text)) => Hashed::Text(text),
                Operand::Constant(_) | Operand::FlagKey(_) => Hashed::Nothing,
                Operand::Attribute(attribute) => Hashed::Attribute(attribute),
                Operand::Time => Hashed::Nothing,
            });
        };
        let one = [parts.clone()];
        let parts = parts.as_array().map_or(one.as_slice(), Vec::as_slice);
        let mut prefix = String::new();
        let mut last = None;
        for part in parts {
            if last.is_some() {
                return Err("hashes an attribute with something behind it".into());
            }
            match self.operand(part)? {
                Operand::Constant(constant) | Operand::FlagKey(constant) => {
                    prefix.push_str(&constant.text().ok_or("hashes something that is no text")?);
                }
                Operand::Attribute(attribute) => last = Some(attribute),
                Operand::Time => return Err("hashes the time".into()),
            }
        }
        Ok(match last {
            None => Hashed::Text(prefix),
            Some(attribute) => Hashed::Behind { prefix, attribute },
        })
    }

    /// What one bucket may be.
    fn bucket(&self, bucket: &[Value]) -> Result<Vec<(Vec<Condition>, Parts)>, String> {
        let (variant, weight) = match bucket {
            [variant] => (variant, None),
            [variant, weight] => (variant, Some(weight)),
            _ => return Ok(alloc::vec![(Vec::new(), Parts::Invalid)]),
        };
        let variants = self.value(variant)?.expanded();
        let weights = match weight {
            Some(weight) => self.value(weight)?.expanded(),
            None => Plan::constant(Constant::Number(1.0)),
        };
        let mut parts = Vec::new();
        for variant in &variants.0 {
            for weight in &weights.0 {
                let (Leaf::Constant(name), Leaf::Constant(size)) = (&variant.leaf, &weight.leaf)
                else {
                    continue;
                };
                let part = match (name, size) {
                    (Constant::Error, _) | (_, Constant::Error) => Parts::Failed,
                    (_, Constant::Unnamed) => {
                        return Err("computes a weight from an attribute".into());
                    }
                    (Constant::Empty | Constant::Listed(_) | Constant::Other, _) => Parts::Invalid,
                    (name, Constant::Number(size)) if *size % 1.0 == 0.0 => {
                        Parts::Valid(alloc::vec![(name.clone(), size.max(0.0))])
                    }
                    _ => Parts::Invalid,
                };
                let when = variant.when.iter().chain(&weight.when).cloned().collect();
                parts.push((when, part));
            }
        }
        Ok(parts)
    }

    fn distribute(&self, hashed: &Hashed, parts: Vec<(Constant, f64)>) -> Result<Plan, String> {
        let null = Plan::constant(Constant::Null);
        let total: f64 = parts.iter().map(|(_, weight)| weight).sum();
        if total == 0.0 || total > f64::from(i32::MAX) {
            return Ok(null);
        }
        let size = total as u32;
        let mut joined: Vec<(Constant, u32)> = Vec::new();
        for (constant, weight) in parts {
            match joined.last_mut() {
                _ if weight == 0.0 => {}
                Some((before, sum)) if *before == constant => *sum += weight as u32,
                _ => joined.push((constant, weight as u32)),
            }
        }
        let parts = joined;
        // One variant for everybody who has a bucket at all.
        let only = parts.first().filter(|_| parts.len() == 1).map(|(constant, _)| constant.clone());
        if let (Some(only), Hashed::Behind { .. }) = (&only, hashed) {
            return Ok(Plan::constant(only.clone()));
        }
        // The bucket of what is known already.
        let known = |text: &str| {
            let bucket = (u64::from(murmur3(0, &[text.as_bytes()])) * u64::from(size)) >> 32;
            let mut sum = 0;
            let hit = parts.iter().find(|(_, weight)| {
                sum += u64::from(*weight);
                sum > bucket
            });
            hit.map_or(Constant::Null, |(constant, _)| constant.clone())
        };
        let split = |name: &str, prefix: &str| {
            let murmur = Murmur3 { prefix: prefix.to_string(), seed: 0, size };
            let by = Bucketing {
                unit: name.to_string(),
                fallback_units: Vec::new(),
                salt: None,
                hash: Some(VendorHash::Murmur3Scaled(murmur)),
            };
            Leaf::Split { by, parts: parts.clone() }
        };
        let text =
            |name: &str, text: &str| node::equals(name, Scalar::String(text.to_string()), false);
        let missing = |name: &str| node::not(node::exists(name));
        let mut plan = Plan::empty();
        match hashed {
            Hashed::Nothing => return Ok(null),
            Hashed::Text(text) => return Ok(Plan::constant(known(text))),
            Hashed::TargetingKey => {
                let zero = node::equals(TARGETING_KEY, Scalar::Number(0.0), false);
                plan.case(alloc::vec![zero], Constant::Null);
                plan.push(Vec::new(), split(TARGETING_KEY, self.flag));
            }
            Hashed::Attribute(attribute) => {
                let name = attribute.name.as_str();
                if let Constant::Text(default) = &attribute.default {
                    plan.case(alloc::vec![missing(name)], known(default));
                }
                plan.push(alloc::vec![is_text(name)], split(name, ""));
                plan.case(alloc::vec![text(name, "")], known(""));
            }
            Hashed::Behind { prefix, attribute } => {
                let name = attribute.name.as_str();
                let default = match &attribute.default {
                    Constant::Null if self.interpreted => String::new(),
                    Constant::Null => "null".to_string(),
                    default => default.text().ok_or("has a default that is no text")?,
                };
                let with = |text: &str| known(&format!("{prefix}{text}"));
                plan.push(Vec::new(), split(name, prefix));
                plan.case(alloc::vec![missing(name)], with(&default));
                plan.case(alloc::vec![text(name, "")], with(""));
                for value in [true, false] {
                    let is = node::equals(name, Scalar::Boolean(value), false);
                    plan.case(alloc::vec![is], with(&value.to_string()));
                }
                let empty = node::size(name, Comparison::Equal, 0.0);
                plan.case(alloc::vec![empty], with(""));
                let object = node::is_type(name, ContextType::Object);
                plan.case(alloc::vec![object], with("[object Object]"));
                // Fractions and lists have texts that we do not hash.
                plan.case(Vec::new(), Constant::Error);
                return Ok(plan);
            }
        }
        plan.case(Vec::new(), Constant::Null);
        Ok(plan)
    }
}
