//! The compiler of the alternatives: a configuration becomes the model, and the model bytes.

use std::collections::BTreeMap;
use std::error::Error;

use pennon_core::config::{self, Configuration, ValueType};
use serde::Serialize;
use serde_json::Value as Json;

use crate::interpret::version;
use crate::model::{
    Attribute, Comparison, Condition, Context, Flag, Path, Rule, Scalar, Segment, Serve, Targets,
    Value, Variant, Version,
};

/// The model with its maps in the order of their keys, so that the same configuration gives the same bytes.
#[derive(Serialize)]
pub(crate) struct Sorted {
    flags: BTreeMap<String, Flag>,
    segments: BTreeMap<String, Segment>,
}

pub(crate) fn lower(configuration: &Configuration) -> Result<Sorted, Box<dyn Error>> {
    let mut flags = BTreeMap::new();
    for (key, authored) in &configuration.flags {
        flags.insert(key.clone(), flag(authored)?);
    }
    let mut segments = BTreeMap::new();
    for (key, segment) in &configuration.segments {
        let lowered = Segment {
            unit: path(&segment.unit),
            included: sorted(&segment.included),
            excluded: sorted(&segment.excluded),
            when: segment.when.as_ref().map(condition).transpose()?,
        };
        segments.insert(key.clone(), lowered);
    }
    Ok(Sorted { flags, segments })
}

fn flag(flag: &config::Flag) -> Result<Flag, Box<dyn Error>> {
    let position = |key: &str| {
        let found = flag.variants.iter().position(|variant| variant.key == key);
        found.map(|position| position as u8).ok_or_else(|| format!("no variant {key}"))
    };
    let serve = |serve: &config::Serve| -> Result<Serve, Box<dyn Error>> {
        let split = match serve {
            config::Serve::Variant(variant) => return Ok(Serve::Variant(position(variant)?)),
            config::Serve::Split(split) => split,
            config::Serve::Ramp(_) => return Err("the workload has no ramps".into()),
        };
        let mut cumulative = 0;
        let mut parts = Vec::new();
        for part in split.weights.iter().filter(|part| part.weight > 0) {
            cumulative += u64::from(part.weight);
            parts.push((
                (cumulative << 32) / 100_000,
                position(part.variant.as_deref().unwrap_or_default())?,
            ));
        }
        let salt = split.by.salt.as_deref().unwrap_or_default();
        let salt = u128::from_str_radix(salt, 16)?.to_be_bytes();
        Ok(Serve::Split { unit: path(&split.by.unit), salt, parts })
    };
    let mut targets: Vec<Targets> = Vec::new();
    for target in &flag.targets {
        let variant = position(&target.variant)?;
        let keys = target.keys.iter().map(|key| (key.clone(), variant, target.expires));
        let unit = path(&target.unit);
        match targets.iter_mut().find(|group| group.unit == unit) {
            Some(group) => group.keys.extend(keys),
            None => targets.push(Targets { unit, keys: keys.collect() }),
        }
    }
    targets.iter_mut().for_each(|group| group.keys.sort());
    let mut rules = Vec::new();
    for rule in &flag.rules {
        rules.push(Rule {
            id: rule.id.clone(),
            from: rule.from,
            to: rule.to,
            when: condition(&rule.when)?,
            serve: serve(&rule.serve)?,
        });
    }
    let variants = flag.variants.iter().map(|variant| Variant {
        key: variant.key.clone(),
        value: match (&variant.value, flag.flag_type) {
            (value, ValueType::Json) => Value::Text(value.to_string()),
            (Json::Bool(value), _) => Value::Boolean(*value),
            (Json::Number(number), _) => Value::Number(number.as_f64().unwrap_or_default()),
            (value, _) => Value::Text(value.as_str().unwrap_or_default().to_owned()),
        },
    });
    Ok(Flag {
        enabled: flag.enabled,
        off_variant: flag.off_variant.as_deref().map(position).transpose()?,
        variants: variants.collect(),
        targets,
        rules,
        fallthrough: serve(&flag.fallthrough)?,
    })
}

fn condition(authored: &config::Condition) -> Result<Condition, Box<dyn Error>> {
    use config::Condition as From;
    let list = |list: &[From]| list.iter().map(condition).collect::<Result<Vec<_>, _>>();
    Ok(match authored {
        From::All(children) => Condition::All(list(children)?),
        From::Any(children) => Condition::Any(list(children)?),
        From::Not(child) => Condition::Not(Box::new(condition(child)?)),
        From::Segment(key) => Condition::Segment(key.clone()),
        From::Exists(leaf) => Condition::Exists(path(&leaf.attribute)),
        From::Equals(leaf) => Condition::Equals(
            path(&leaf.attribute),
            match &leaf.value {
                config::Scalar::Boolean(value) => Scalar::Boolean(*value),
                config::Scalar::Number(number) => Scalar::Number(*number),
                config::Scalar::String(text) => Scalar::String(text.clone()),
            },
        ),
        From::In(leaf) => {
            let (mut booleans, mut numbers, mut strings) = ([false; 2], Vec::new(), Vec::new());
            for value in &leaf.values {
                match value {
                    config::Scalar::Boolean(value) => booleans[usize::from(*value)] = true,
                    config::Scalar::Number(number) => numbers.push(*number),
                    config::Scalar::String(text) => strings.push(text.clone()),
                }
            }
            let strings = sorted(&strings);
            Condition::In { attribute: path(&leaf.attribute), booleans, numbers, strings }
        }
        From::Contains(leaf) => Condition::Contains(path(&leaf.attribute), leaf.values.clone()),
        From::StartsWith(leaf) => Condition::StartsWith(path(&leaf.attribute), leaf.values.clone()),
        From::EndsWith(leaf) => Condition::EndsWith(path(&leaf.attribute), leaf.values.clone()),
        From::Number(leaf) => {
            Condition::Number(path(&leaf.attribute), comparison(leaf.is), leaf.value)
        }
        From::Semver(leaf) => {
            let (numbers, prerelease) = version(&leaf.value).ok_or("no version")?;
            let bound = Version { numbers, prerelease: prerelease.to_owned() };
            Condition::Semver(path(&leaf.attribute), comparison(leaf.is), bound)
        }
        other => return Err(format!("the workload has no such condition: {other:?}").into()),
    })
}

fn comparison(is: config::Comparison) -> Comparison {
    use config::Comparison as Is;
    match is {
        Is::Less => Comparison(true, false, false),
        Is::LessOrEqual => Comparison(true, true, false),
        Is::Equal => Comparison(false, true, false),
        Is::GreaterOrEqual => Comparison(false, true, true),
        Is::Greater => Comparison(false, false, true),
        Is::NotEqual => Comparison(true, false, true),
    }
}

fn path(reference: &str) -> Path {
    match reference.strip_prefix('/') {
        None => Path { name: reference.to_owned(), inside: Vec::new() },
        Some(pointer) => {
            let mut names =
                pointer.split('/').map(|name| name.replace("~1", "/").replace("~0", "~"));
            Path { name: names.next().unwrap_or_default(), inside: names.collect() }
        }
    }
}

fn sorted(list: &[String]) -> Vec<String> {
    let mut list = list.to_vec();
    list.sort();
    list.dedup();
    list
}

/// A JSON object as the alternatives' context.
pub(crate) fn attributes(context: &Json) -> Context {
    let attributes = context.as_object().into_iter().flatten();
    attributes.map(|(name, value)| (name.clone(), attribute(value))).collect()
}

fn attribute(value: &Json) -> Attribute {
    match value {
        Json::Null => Attribute::Null,
        Json::Bool(value) => Attribute::Boolean(*value),
        Json::Number(number) => Attribute::Number(number.as_f64().unwrap_or_default()),
        Json::String(text) => Attribute::String(text.clone()),
        Json::Array(list) => Attribute::List(list.iter().map(attribute).collect()),
        Json::Object(_) => Attribute::Object(attributes(value)),
    }
}
