//! A flag is kept in two parts: what it is (its definition, the same everywhere) and what it does (its configuration, one
//! in each environment). CONFIG.json holds both as one object; here it is split and joined.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use pennon_core::config::{
    Access, Admission, Compilation, CompileError, Configuration, FORMAT, Flag, HeldOut,
    Prerequisite, Rule, Scalar, Serve, Target, ValueType, Variant, compile, compile_admitting,
};
use pennon_core::limits::{MAX_ORIGIN_BYTES, MAX_ORIGINS, MAX_SDK_KEYS};
use pennon_core::snapshot::Kind;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::keys::{MAX_TEXT_BYTES, check_name};
use super::strict::Strict;
use super::words;
use crate::ambient::{NoRandomness, Random};

/// Tags of one flag.
pub const MAX_TAGS: usize = 32;
/// The longest tag, in bytes.
pub const MAX_TAG_BYTES: usize = 64;

/// What is wrong with a request: a field, named by a path such as `rules[0].when`, and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    pub field: String,
    pub detail: String,
}

impl Wrong {
    /// This field, for this reason.
    pub fn new(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { field: field.into(), detail: detail.into() }
    }

    /// Both in one; what is wrong with the whole has no field.
    pub fn sentence(&self) -> String {
        let Self { field, detail } = self;
        if field.is_empty() { detail.clone() } else { format!("{field}: {detail}") }
    }
}

/// What a flag is, the same in every environment. What only people read (`name`, `tags`, `owner`, how long it is meant to live) stays
/// here and is in no snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "FlagDefinition")]
pub struct Definition {
    /// What people call it; without one, its key.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(rename = "type")]
    pub flag_type: ValueType,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Whether client SDKs may see it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub client_visible: bool,
    pub variants: Vec<Variant>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Who answers for it: a person or a team.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// Whether it is meant to be removed one day.
    #[serde(default, skip_serializing_if = "is_false")]
    pub temporary: bool,
    /// Unix milliseconds: when a temporary flag should be gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_end: Option<i64>,
}

/// What a flag does in one environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FlagConfiguration {
    /// Off serves the off variant to all.
    pub enabled: bool,
    /// Served while the flag is off; without it the caller's default applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off_variant: Option<String>,
    /// Other flags that must serve one of these variants; else the off variant is served.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prerequisites: Vec<Prerequisite>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Target>,
    /// Units that are held out get this variant before any rule is tested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holdout: Option<HeldOut>,
    /// The first that matches decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// Served when no rule matches.
    pub fallthrough: Serve,
    /// Strings, numbers and booleans that come back with every outcome.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, Scalar>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_false(value: &bool) -> bool {
    !*value
}

impl Definition {
    /// What people call the flag.
    pub fn name<'a>(&'a self, key: &'a str) -> &'a str {
        if self.name.is_empty() { key } else { &self.name }
    }

    /// Whether snapshots differ when the flag changes from `old` to this.
    pub fn compiles_otherwise_than(&self, old: &Self) -> bool {
        let seen = |one: &Self| {
            (one.flag_type, one.description.clone(), one.client_visible, one.variants.clone())
        };
        seen(self) != seen(old)
    }

    /// Whether what only people read may stand so.
    ///
    /// # Errors
    /// The field that may not.
    pub fn check(&self) -> Result<(), Wrong> {
        if !self.name.is_empty() {
            check_name(&self.name).map_err(|detail| Wrong::new("name", detail))?;
        }
        if self.owner.len() > MAX_TEXT_BYTES || self.owner.chars().any(char::is_control) {
            let detail =
                format!("an owner has at most {MAX_TEXT_BYTES} bytes and no control characters");
            return Err(Wrong::new("owner", detail));
        }
        if self.tags.len() > MAX_TAGS {
            return Err(Wrong::new("tags", format!("a flag has at most {MAX_TAGS} tags")));
        }
        for (at, tag) in self.tags.iter().enumerate() {
            let field = format!("tags[{at}]");
            if tag.trim() != tag
                || tag.is_empty()
                || tag.len() > MAX_TAG_BYTES
                || tag.chars().any(char::is_control)
            {
                let detail = format!(
                    "a tag has 1 to {MAX_TAG_BYTES} bytes, no control characters and no space around it"
                );
                return Err(Wrong::new(field, detail));
            }
            if self.tags[..at].contains(tag) {
                return Err(Wrong::new(field, "this tag is there already"));
            }
        }
        if self.expected_end.is_some() && !self.temporary {
            return Err(Wrong::new("expectedEnd", "only a temporary flag has an expected end"));
        }
        Ok(())
    }
}

/// Splits a flag as CONFIG.json writes it.
pub fn split(flag: &Flag) -> (Definition, FlagConfiguration) {
    let flag = flag.clone();
    let definition = Definition {
        name: String::new(),
        flag_type: flag.flag_type,
        description: flag.description,
        client_visible: flag.client_visible,
        variants: flag.variants,
        tags: Vec::new(),
        owner: String::new(),
        temporary: false,
        expected_end: None,
    };
    let configuration = FlagConfiguration {
        enabled: flag.enabled,
        off_variant: flag.off_variant,
        prerequisites: flag.prerequisites,
        targets: flag.targets,
        holdout: flag.holdout,
        rules: flag.rules,
        fallthrough: flag.fallthrough,
        metadata: flag.metadata,
    };
    (definition, configuration)
}

/// Joins the two parts.
pub fn join(definition: Definition, configuration: FlagConfiguration) -> Flag {
    Flag {
        flag_type: definition.flag_type,
        description: definition.description,
        client_visible: definition.client_visible,
        variants: definition.variants,
        enabled: configuration.enabled,
        off_variant: configuration.off_variant,
        prerequisites: configuration.prerequisites,
        targets: configuration.targets,
        holdout: configuration.holdout,
        rules: configuration.rules,
        fallthrough: configuration.fallthrough,
        metadata: configuration.metadata,
    }
}

/// The characters of a field and of a detail: what is wrong may be a megabyte, and is quoted in both.
pub const MAX_TOLD_CHARACTERS: usize = 1_000;

/// Reads a value and names the field at fault.
pub fn read<T: DeserializeOwned>(value: Value) -> Result<T, Wrong> {
    serde_path_to_error::deserialize(Strict(value)).map_err(|error| {
        let path = error.path().to_string();
        let detail = error.into_inner().to_string();
        let field = words::cut(&at_fault(&path, &detail), MAX_TOLD_CHARACTERS);
        Wrong { field, detail: words::cut(&detail, MAX_TOLD_CHARACTERS) }
    })
}

/// The field that is wrong, by serde's path and sentence: of one that is missing the path says only where.
pub fn at_fault(path: &str, detail: &str) -> String {
    let place = if path == "." { "" } else { path };
    let missing = detail.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    match missing {
        Some(name) if place.is_empty() => name.to_owned(),
        Some(name) => format!("{place}.{name}"),
        None => place.to_owned(),
    }
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

/// Whether a whole environment can be published: it compiles for clients and for edges (which get all that servers do), with room for
/// every SDK key and every origin that it may have.
///
/// # Errors
/// The first reason why not.
pub fn fits(configuration: &Configuration) -> Result<(), Wrong> {
    has_room(|kind, room| compile_admitting(configuration, kind, room).map(drop))
}

/// The same of one that is kept compiled.
///
/// # Errors
/// The first reason why not.
pub fn fits_compiled(compilation: &Compilation) -> Result<(), Wrong> {
    has_room(|kind, room| compilation.fits(kind, room))
}

/// As many SDK keys and origins as an environment may have, as long as they may be.
static ROOM: LazyLock<(Vec<Access>, Vec<String>)> = LazyLock::new(|| {
    let keys = (0..MAX_SDK_KEYS as u64).map(|number| {
        let mut sha256 = [0; 32];
        sha256[..8].copy_from_slice(&number.to_be_bytes());
        Access { sha256, kind: Kind::Client }
    });
    let origins = (0..MAX_ORIGINS).map(|number| format!("{number:0>MAX_ORIGIN_BYTES$}"));
    (keys.collect(), origins.collect())
});

fn has_room(fits: impl Fn(Kind, Admission<'_>) -> Result<(), CompileError>) -> Result<(), Wrong> {
    let (keys, origins) = &*ROOM;
    let room = Admission { keys, origins, requests_per_minute: Some(1) };
    for kind in [Kind::Client, Kind::Edge] {
        match fits(kind, room) {
            Ok(()) => {}
            Err(CompileError::OverLimits(detail)) => {
                let detail = format!(
                    "{detail}: with this change the environment could not be published; delete flags, or make them smaller"
                );
                return Err(Wrong::new("", detail));
            }
            Err(CompileError::Problems(problems)) => {
                if let Some(problem) = problems.into_iter().next() {
                    return Err(Wrong::new(problem.place, problem.message));
                }
            }
        }
    }
    Ok(())
}

/// The place that a finding names, relative to its flag.
pub fn field(place: &str, own: bool) -> String {
    if own { dotted(place) } else { place.to_owned() }
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

/// What a new flag does in an environment before anyone says more: it is off, and its last variant is what off means. None without a
/// variant, which is never sound.
pub fn first_configuration(variants: &[Variant]) -> Option<FlagConfiguration> {
    let (first, last) = (variants.first()?, variants.last()?);
    Some(FlagConfiguration {
        enabled: false,
        off_variant: Some(last.key.clone()),
        prerequisites: Vec::new(),
        targets: Vec::new(),
        holdout: None,
        rules: Vec::new(),
        fallthrough: Serve::Variant(first.key.clone()),
        metadata: BTreeMap::new(),
    })
}

/// Whether a flag that is configured like this serves the same under both definitions, to the same clients: it is off, and off
/// means the same.
pub fn stays_off(old: &Definition, new: &Definition, configuration: &FlagConfiguration) -> bool {
    let means = |definition: &Definition| {
        let off = configuration.off_variant.as_ref()?;
        let variant = definition.variants.iter().find(|variant| variant.key == *off);
        variant.map(|variant| variant.value.clone())
    };
    !configuration.enabled && means(old) == means(new) && old.client_visible == new.client_visible
}

/// What the variants of a boolean flag are unless someone says otherwise.
pub fn first_variants(value_type: ValueType) -> Option<Value> {
    (value_type == ValueType::Boolean)
        .then(|| json!([{ "key": "on", "value": true }, { "key": "off", "value": false }]))
}

/// Keeps of the old configuration what the buckets of a rollout are made of, where a new one leaves it out: of the rule with the same id, and of
/// the fallthrough. Whoever writes a configuration anew moves nobody by that.
pub fn keep_buckets(configuration: &mut Map<String, Value>, old: &FlagConfiguration) {
    if let Some(Value::Array(rules)) = configuration.get_mut("rules") {
        for rule in rules {
            let before = old.rules.iter().find(|before| rule.get("id") == Some(&json!(before.id)));
            if let (Some(before), Some(serve)) = (before, rule.get_mut("serve")) {
                keep_bucketing(serve, &before.serve);
            }
        }
    }
    if let Some(fallthrough) = configuration.get_mut("fallthrough") {
        keep_bucketing(fallthrough, &old.fallthrough);
    }
}

/// Gives a split or ramp without a unit and a salt those of `current`, and one without a salt that of `current` if that has the same unit.
pub fn keep_bucketing(serve: &mut Value, current: &Serve) {
    let kept = match current {
        Serve::Variant(_) => return,
        Serve::Split(split) => json!(split.by),
        Serve::Ramp(ramp) => json!(ramp.by),
    };
    for kind in ["split", "ramp"] {
        let Some(Value::Object(rollout)) = serve.get_mut(kind) else { continue };
        match rollout.get_mut("by") {
            None => drop(rollout.insert("by".to_owned(), kept.clone())),
            Some(Value::Object(by)) => {
                let same =
                    ["unit", "fallbackUnits"].iter().all(|name| by.get(*name) == kept.get(*name));
                if same && !by.contains_key("salt") && !by.contains_key("hash") {
                    by.extend(kept.as_object().cloned().unwrap_or_default());
                }
            }
            Some(_) => {}
        }
    }
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

    fn definition(value: Value) -> Definition {
        read(value).unwrap()
    }

    fn boolean() -> Definition {
        definition(
            json!({ "type": "boolean", "variants": [{ "key": "on", "value": true }, { "key": "off", "value": false }] }),
        )
    }

    #[test]
    fn splits_and_joins_without_loss() {
        let configuration: FlagConfiguration = read(json!({
            "enabled": true, "offVariant": "off", "fallthrough": { "variant": "on" }, "metadata": { "team": "web" },
            "prerequisites": [{ "flag": "other", "variants": ["on"] }],
            "targets": [{ "variant": "on", "keys": ["u"] }],
            "holdout": { "holdout": "h", "variant": "off" },
            "rules": [{ "id": "r", "when": { "exists": { "attribute": "plan" } }, "serve": { "variant": "off" } }],
        }))
        .unwrap();
        let flag = join(boolean(), configuration.clone());
        assert_eq!(split(&flag), (boolean(), configuration));
        assert_eq!(join(split(&flag).0, split(&flag).1), flag);
        // Each field of a flag is in one of the two.
        let whole = json!(flag).as_object().unwrap().len();
        let (definition, configuration) = split(&flag);
        let parts =
            [json!(definition), json!(configuration)].map(|part| part.as_object().unwrap().len());
        assert_eq!(parts.iter().sum::<usize>(), whole);
    }

    #[test]
    fn names_the_field_at_fault() {
        let wrong = |value: Value| read::<FlagConfiguration>(value).unwrap_err().field;
        let with = |name: &str, value: Value| {
            let mut configuration = json!({ "enabled": true, "fallthrough": { "variant": "on" } });
            configuration[name] = value;
            configuration
        };
        assert_eq!(wrong(with("enabled", json!(1))), "enabled");
        assert_eq!(wrong(with("type", json!("string"))), "type");
        assert_eq!(wrong(with("colour", json!(1))), "colour");
        assert_eq!(wrong(json!({ "enabled": true })), "fallthrough");
        assert_eq!(
            wrong(with("prerequisites", json!([{ "flag": "a" }]))),
            "prerequisites[0].variants"
        );
        let rules = json!([{ "id": "r", "when": { "exists": { "attribute": 1 } }, "serve": { "variant": "off" } }]);
        assert_eq!(wrong(with("rules", rules)), "rules[0].when.exists.attribute");
    }

    #[test]
    fn what_people_read_is_bounded() {
        let long = "x".repeat(MAX_TEXT_BYTES + 1);
        let tags: Vec<String> = (0..=MAX_TAGS).map(|number| number.to_string()).collect();
        for (field, value, named) in [
            ("name", json!("a\nb"), "name"),
            ("name", json!(long), "name"),
            ("owner", json!("a\0"), "owner"),
            ("owner", json!(long), "owner"),
            ("tags", json!(tags), "tags"),
            ("tags", json!(["a", ""]), "tags[1]"),
            ("tags", json!(["a", " b"]), "tags[1]"),
            ("tags", json!(["a", "a"]), "tags[1]"),
            ("tags", json!(["x".repeat(MAX_TAG_BYTES + 1)]), "tags[0]"),
            ("expectedEnd", json!(1), "expectedEnd"),
        ] {
            let mut whole = json!(boolean());
            whole[field] = value;
            assert_eq!(definition(whole).check().unwrap_err().field, named);
        }
        let mut whole = json!(boolean());
        whole["temporary"] = json!(true);
        whole["expectedEnd"] = json!(1);
        whole["tags"] = json!(["checkout", "Käse"]);
        assert_eq!(definition(whole.clone()).check(), Ok(()));
        assert!(!definition(whole).compiles_otherwise_than(&boolean()));
    }

    #[test]
    fn unsound_flags_are_named_by_place() {
        let configured =
            read(json!({ "enabled": true, "fallthrough": { "variant": "gone" } })).unwrap();
        let flags = BTreeMap::from([("a".to_owned(), join(boolean(), configured))]);
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
        let configured = |enabled: bool| -> FlagConfiguration {
            read(json!({ "enabled": enabled, "offVariant": "off", "fallthrough": { "variant": "on" } }))
                .unwrap()
        };
        let (off, on) = (configured(false), configured(true));
        let with = |name: &str, value: Value| -> Definition {
            let mut new = json!(boolean());
            new[name] = value;
            read(new).unwrap()
        };
        let old = boolean();
        let variants =
            |off: bool| json!([{ "key": "on", "value": true }, { "key": "off", "value": off }]);
        assert!(stays_off(&old, &with("description", json!("text")), &off));
        assert!(!stays_off(&old, &with("description", json!("text")), &on));
        assert!(stays_off(&old, &with("variants", variants(false)), &off));
        assert!(!stays_off(&old, &with("variants", variants(true)), &off));
        assert!(!stays_off(&old, &with("variants", json!([])), &off));
        assert!(!stays_off(&old, &with("clientVisible", json!(!old.client_visible)), &off));
    }

    #[test]
    fn a_new_flag_is_off() {
        let variants: Vec<Variant> = read(first_variants(ValueType::Boolean).unwrap()).unwrap();
        let flag = join(boolean(), first_configuration(&variants).unwrap());
        assert!(!flag.enabled);
        assert_eq!(flag.off_variant.as_deref(), Some("off"));
        assert_eq!(first_configuration(&[]), None);
    }
}
