//! A flag is kept in two parts: what it is (its definition, the same everywhere) and what it does (its configuration, one
//! in each environment). CONFIG.json holds both as one object; here it is split and joined.

use std::collections::BTreeMap;

use pennon_core::config::{
    Access, CompileError, Configuration, FORMAT, Flag, ValueType, Variant, compile,
};
use pennon_core::limits::MAX_SDK_KEYS;
use pennon_core::snapshot::Kind;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::ambient::{NoRandomness, Random};

/// The fields of the definition; every other one belongs to the configuration.
const DEFINITION_FIELDS: [&str; 4] = ["type", "description", "clientVisible", "variants"];

/// What is wrong with a request: a field, named by a path such as `rules[0].when`, and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    pub field: String,
    pub detail: String,
}

/// A JSON object as a flag in two parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Parts {
    pub definition: Map<String, Value>,
    pub configuration: Map<String, Value>,
}

/// Splits a flag as CONFIG.json writes it.
pub fn split(flag: &Flag) -> Result<Parts, Wrong> {
    let value = serde_json::to_value(flag)
        .map_err(|error| Wrong { field: String::new(), detail: error.to_string() })?;
    let Value::Object(mut configuration) = value else {
        return Err(Wrong { field: String::new(), detail: "a flag is an object".to_owned() });
    };
    let mut definition = Map::new();
    for name in DEFINITION_FIELDS {
        if let Some(value) = configuration.remove(name) {
            definition.insert(name.to_owned(), value);
        }
    }
    Ok(Parts { definition, configuration })
}

/// Joins the two parts and reads them as a flag; a field that belongs to the other part is refused.
pub fn join(
    definition: &Map<String, Value>,
    configuration: &Map<String, Value>,
) -> Result<Flag, Wrong> {
    if let Some(name) = definition.keys().find(|name| !DEFINITION_FIELDS.contains(&name.as_str())) {
        return Err(Wrong {
            field: name.clone(),
            detail: "this belongs to the flag's configuration in an environment, or is no field of a flag".to_owned(),
        });
    }
    if let Some(name) = configuration.keys().find(|name| DEFINITION_FIELDS.contains(&name.as_str()))
    {
        return Err(Wrong {
            field: name.clone(),
            detail: "this is the same in every environment: change the flag itself".to_owned(),
        });
    }
    let mut whole = definition.clone();
    whole.extend(configuration.clone());
    read(Value::Object(whole))
}

/// Reads a value and names the field at fault.
pub fn read<T: DeserializeOwned>(value: Value) -> Result<T, Wrong> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let field = error.path().to_string();
        let field = if field == "." { String::new() } else { field };
        Wrong { field, detail: error.into_inner().to_string() }
    })
}

/// A configuration in which nothing is yet.
pub fn empty() -> Configuration {
    Configuration {
        schema: None,
        format: FORMAT,
        attributes: BTreeMap::new(),
        segments: BTreeMap::new(),
        layers: BTreeMap::new(),
        holdouts: BTreeMap::new(),
        flags: BTreeMap::new(),
    }
}

/// Whether a configuration compiles, for servers and for clients.
///
/// # Errors
/// The first reason why not. A place within the flag `key` is told relative to it: `/flags/KEY/rules/0` as `rules[0]`.
pub fn check(configuration: &Configuration, key: Option<&str>) -> Result<(), Wrong> {
    for kind in [Kind::Server, Kind::Client] {
        match compile(configuration, kind, &[]) {
            Ok(_) => {}
            Err(CompileError::OverLimits(detail)) => {
                return Err(Wrong { field: String::new(), detail });
            }
            Err(CompileError::Problems(problems)) => {
                let Some(problem) = problems.into_iter().next() else { continue };
                let own = key.is_some() && problem.flag.as_deref() == key;
                let field = if own { dotted(&problem.place) } else { problem.place };
                return Err(Wrong { field, detail: problem.message });
            }
        }
    }
    Ok(())
}

/// Whether a whole environment fits into its snapshots, with room for every SDK key that it may have. Other reasons why it does
/// not compile are [`check`]'s business.
///
/// # Errors
/// Which snapshot is over its limit.
pub fn fits(configuration: &Configuration) -> Result<(), Wrong> {
    // A body for an edge holds all that a body for servers does, and the keys; both have the same limit.
    let room: Vec<Access> = (0..MAX_SDK_KEYS as u64)
        .map(|number| {
            let mut sha256 = [0; 32];
            sha256[..8].copy_from_slice(&number.to_be_bytes());
            Access { sha256, kind: Kind::Client }
        })
        .collect();
    for kind in [Kind::Client, Kind::Edge] {
        if let Err(CompileError::OverLimits(detail)) = compile(configuration, kind, &room) {
            let detail = format!(
                "{detail}: with this change the environment could not be published; delete flags, or make them smaller"
            );
            return Err(Wrong { field: String::new(), detail });
        }
    }
    Ok(())
}

/// `/flags/KEY/rules/0/when` as `rules[0].when`.
fn dotted(place: &str) -> String {
    let mut field = String::new();
    for part in place.split('/').skip(3) {
        if part.bytes().all(|byte| byte.is_ascii_digit()) {
            field.push_str(&format!("[{part}]"));
        } else {
            if !field.is_empty() {
                field.push('.');
            }
            field.push_str(part);
        }
    }
    field
}

/// What a new flag does in an environment before anyone says more: it is off, and its last variant is what off means.
pub fn first_configuration(variants: &[Variant]) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("enabled".to_owned(), Value::Bool(false));
    if let (Some(first), Some(last)) = (variants.first(), variants.last()) {
        map.insert("offVariant".to_owned(), json!(last.key));
        map.insert("fallthrough".to_owned(), json!({ "variant": first.key }));
    }
    map
}

/// Whether a flag that is configured like this serves the same under both definitions, to the same clients: it is off, and off
/// means the same.
pub fn stays_off(
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    configuration: &Map<String, Value>,
) -> bool {
    let off = configuration.get("offVariant");
    let means = |definition: &Map<String, Value>| {
        let variants = definition.get("variants").and_then(Value::as_array);
        let variant = variants.and_then(|all| all.iter().find(|one| one.get("key") == off));
        variant.and_then(|variant| variant.get("value")).cloned()
    };
    configuration.get("enabled") == Some(&Value::Bool(false))
        && means(old) == means(new)
        && old.get("clientVisible") == new.get("clientVisible")
}

/// What the variants of a boolean flag are unless someone says otherwise.
pub fn first_variants(value_type: ValueType) -> Option<Value> {
    (value_type == ValueType::Boolean)
        .then(|| json!([{ "key": "on", "value": true }, { "key": "off", "value": false }]))
}

/// Gives every rule without an id one, and every split without a salt 16 random bytes, which then stay for good.
pub fn complete(
    configuration: &mut Map<String, Value>,
    random: &Random,
) -> Result<(), NoRandomness> {
    if let Some(Value::Array(rules)) = configuration.get_mut("rules") {
        for rule in rules.iter_mut().filter_map(Value::as_object_mut) {
            if !rule.contains_key("id") {
                rule.insert("id".to_owned(), Value::String(random.id()?));
            }
            if let Some(serve) = rule.get_mut("serve") {
                salt_serve(serve, random)?;
            }
        }
    }
    if let Some(fallthrough) = configuration.get_mut("fallthrough") {
        salt_serve(fallthrough, random)?;
    }
    Ok(())
}

fn salt_serve(serve: &mut Value, random: &Random) -> Result<(), NoRandomness> {
    for kind in ["split", "ramp"] {
        if let Some(Value::Object(rollout)) = serve.get_mut(kind) {
            salt(rollout, random)?;
        }
    }
    Ok(())
}

/// Gives whatever is bucketed `by` something a salt, unless it has one or uses another product's hash.
pub fn salt(bucketed: &mut Map<String, Value>, random: &Random) -> Result<(), NoRandomness> {
    let by = bucketed.entry("by").or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(by) = by
        && !by.contains_key("salt")
        && !by.contains_key("hash")
    {
        by.insert("salt".to_owned(), Value::String(random.id()?));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn definition() -> Map<String, Value> {
        object(
            json!({ "type": "boolean", "variants": [{ "key": "on", "value": true }, { "key": "off", "value": false }] }),
        )
    }

    #[test]
    fn splits_and_joins_without_loss() {
        let configuration = object(json!({
            "enabled": true, "offVariant": "off", "fallthrough": { "variant": "on" },
            "rules": [{ "id": "r", "when": { "exists": { "attribute": "plan" } }, "serve": { "variant": "off" } }],
        }));
        let flag = join(&definition(), &configuration).unwrap();
        let parts = split(&flag).unwrap();
        assert_eq!(parts, Parts { definition: definition(), configuration });
    }

    #[test]
    fn names_the_field_at_fault() {
        let wrong =
            |configuration: Value| join(&definition(), &object(configuration)).unwrap_err().field;
        assert_eq!(wrong(json!({ "enabled": 1, "fallthrough": { "variant": "on" } })), "enabled");
        assert_eq!(
            wrong(json!({ "enabled": true, "fallthrough": { "variant": "on" }, "type": "string" })),
            "type"
        );
        assert_eq!(
            wrong(json!({ "enabled": true, "fallthrough": { "variant": "on" }, "colour": 1 })),
            "colour"
        );
        let rules = json!([{ "id": "r", "when": { "exists": { "attribute": 1 } }, "serve": { "variant": "off" } }]);
        let field =
            wrong(json!({ "enabled": true, "fallthrough": { "variant": "on" }, "rules": rules }));
        assert_eq!(field, "rules[0].when.exists.attribute");
    }

    #[test]
    fn unsound_flags_are_named_by_place() {
        let configured = object(json!({ "enabled": true, "fallthrough": { "variant": "gone" } }));
        let flag = join(&definition(), &configured).unwrap();
        let flags = BTreeMap::from([("a".to_owned(), flag)]);
        let whole = Configuration { flags, ..empty() };
        let wrong = check(&whole, Some("a")).unwrap_err();
        assert!(wrong.field.starts_with("fallthrough"), "{wrong:?}");
    }

    #[test]
    fn completes_salts_and_rule_ids_and_keeps_given_ones() {
        let mut configuration = object(json!({
            "fallthrough": { "split": { "weights": [] } },
            "rules": [{ "serve": { "split": { "by": { "salt": "kept" } } } }, { "id": "kept", "serve": { "variant": "on" } }],
        }));
        complete(&mut configuration, &Random::seeded(1)).unwrap();
        assert_eq!(configuration["fallthrough"]["split"]["by"]["salt"].as_str().unwrap().len(), 32);
        assert_eq!(configuration["rules"][0]["id"].as_str().unwrap().len(), 32);
        assert_eq!(configuration["rules"][0]["serve"]["split"]["by"]["salt"], "kept");
        assert_eq!(configuration["rules"][1]["id"], "kept");
    }

    #[test]
    fn a_flag_stays_off_while_off_means_the_same() {
        let off = object(json!({ "enabled": false, "offVariant": "off" }));
        let on = object(json!({ "enabled": true, "offVariant": "off" }));
        let old = definition();
        let with = |name: &str, value: Value| {
            let mut new = old.clone();
            new.insert(name.to_owned(), value);
            new
        };
        let variants =
            |off: bool| json!([{ "key": "on", "value": true }, { "key": "off", "value": off }]);
        assert!(stays_off(&old, &with("description", json!("text")), &off));
        assert!(!stays_off(&old, &with("description", json!("text")), &on));
        assert!(stays_off(&old, &with("variants", variants(false)), &off));
        assert!(!stays_off(&old, &with("variants", variants(true)), &off));
        assert!(!stays_off(&old, &with("variants", json!([])), &off));
        assert!(!stays_off(&old, &with("clientVisible", json!(true)), &off));
    }

    #[test]
    fn a_new_flag_is_off() {
        let variants: Vec<Variant> = read(first_variants(ValueType::Boolean).unwrap()).unwrap();
        let flag = join(&definition(), &first_configuration(&variants)).unwrap();
        assert!(!flag.enabled);
        assert_eq!(flag.off_variant.as_deref(), Some("off"));
    }
}
