//! A whole project as one JSON document: what `pennon export` writes and `pennon import` reads (core/spec/config.md section 9).

mod findings;
mod plan;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use pennon_core::protocol::gate::Terms;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::flag::{self, Wrong};
use super::keys::{check_colour, check_key, check_name, check_terms};
use crate::ambient::{NoRandomness, Random};

pub use plan::{Item, Plan, Refused, Report, plan};

/// The only format so far.
pub const FORMAT: u32 = 1;

/// A project: everything that its snapshots are made of, in every environment. SDK keys, members and history are not in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Project {
    /// The format of this document: 1.
    pub project_format: u32,
    /// Where it comes from; not where it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<Named>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub segments: BTreeMap<String, Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub layers: BTreeMap<String, Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub holdouts: BTreeMap<String, Value>,
    /// What each flag is, by key.
    #[serde(default)]
    pub flags: BTreeMap<String, Map<String, Value>>,
    /// In their order.
    #[serde(default)]
    pub environments: Vec<Environment>,
}

/// A key, and what people call it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Named {
    pub key: String,
    pub name: String,
}

/// An environment, and what each flag does in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Environment {
    pub key: String,
    /// Without it, an environment that is there keeps its name, and a new one is called by its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protected: Option<bool>,
    /// Without it, an environment that is there keeps its colour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<String>,
    /// The origins whose pages may ask; without it, an environment that is there keeps them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origins: Option<Vec<String>>,
    /// How often one SDK key may be used; without it, an environment that is there keeps its limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
    /// By the flag's key. A flag that is not here stays as it is, or, when it or the environment is new, is off.
    #[serde(default)]
    pub flags: BTreeMap<String, Map<String, Value>>,
}

impl Environment {
    /// What it says of those who ask.
    pub fn terms(&self) -> Terms {
        Terms {
            origins: self.origins.clone().unwrap_or_default(),
            requests_per_minute: self.requests_per_minute,
        }
    }
}

/// The kinds of documents, as the fields of [`Project`] and of CONFIG.json are called, and one of each as sentences call it.
pub const DOCUMENTS: [(&str, &str); 4] = [
    ("attributes", "attribute"),
    ("segments", "segment"),
    ("layers", "layer"),
    ("holdouts", "holdout"),
];

impl Project {
    /// The documents of a kind, by the field's name.
    pub fn documents(&self, field: &str) -> &BTreeMap<String, Value> {
        match field {
            "attributes" => &self.attributes,
            "segments" => &self.segments,
            "layers" => &self.layers,
            _ => &self.holdouts,
        }
    }

    /// The same, to change them.
    pub fn documents_mut(&mut self, field: &str) -> &mut BTreeMap<String, Value> {
        match field {
            "attributes" => &mut self.attributes,
            "segments" => &mut self.segments,
            "layers" => &mut self.layers,
            _ => &mut self.holdouts,
        }
    }

    /// The environment with this key.
    pub fn environment(&self, key: &str) -> Option<&Environment> {
        self.environments.iter().find(|environment| environment.key == key)
    }

    /// Reads the document.
    ///
    /// # Errors
    /// The field at fault. What is wrong with a single flag or document is not asked here.
    pub fn read(value: Value) -> Result<Self, Wrong> {
        let project: Self = flag::read(value)?;
        if project.project_format != FORMAT {
            let detail = format!("must be {FORMAT}");
            return Err(Wrong { field: "projectFormat".to_owned(), detail });
        }
        for (index, environment) in project.environments.iter().enumerate() {
            let field = format!("environments[{index}].key");
            check_key(&environment.key).map_err(|detail| Wrong { field: field.clone(), detail })?;
            if let Some(name) = &environment.name {
                let field = format!("environments[{index}].name");
                check_name(name).map_err(|detail| Wrong { field, detail })?;
            }
            if let Some(colour) = &environment.colour {
                let field = format!("environments[{index}].colour");
                check_colour(colour).map_err(|detail| Wrong { field, detail })?;
            }
            check_terms(&environment.terms()).map_err(|(field, detail)| {
                let field = format!("environments[{index}].{field}");
                Wrong { field, detail }
            })?;
            if project.environments[..index].iter().any(|other| other.key == environment.key) {
                return Err(Wrong {
                    field,
                    detail: "this environment stands here twice".to_owned(),
                });
            }
        }
        Ok(project)
    }

    /// Draws what authors may leave out and what stays for good from then on: ids of rules, and salts.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn complete(&mut self, random: &Random) -> Result<(), NoRandomness> {
        for environment in &mut self.environments {
            for configuration in environment.flags.values_mut() {
                flag::complete(configuration, random)?;
            }
        }
        for bucketed in self.layers.values_mut().chain(self.holdouts.values_mut()) {
            if let Value::Object(bucketed) = bucketed {
                flag::salt(bucketed, random)?;
            }
        }
        Ok(())
    }

    /// One environment's CONFIG.json as a project that holds that environment alone.
    ///
    /// # Errors
    /// When a flag cannot be written as JSON.
    pub fn of_configuration(
        configuration: &pennon_core::config::Configuration,
        environment: &str,
    ) -> Result<Self, Wrong> {
        fn values<T: Serialize>(map: &BTreeMap<String, T>) -> BTreeMap<String, Value> {
            map.iter().map(|(key, value)| (key.clone(), json!(value))).collect()
        }
        let mut flags = BTreeMap::new();
        let mut configured = BTreeMap::new();
        for (key, flag) in &configuration.flags {
            let (definition, configuration) = flag::split(flag);
            flags.insert(key.clone(), fields(&definition)?);
            configured.insert(key.clone(), fields(&configuration)?);
        }
        let environment = Environment {
            key: environment.to_owned(),
            name: None,
            protected: None,
            colour: None,
            origins: None,
            requests_per_minute: None,
            flags: configured,
        };
        Ok(Self {
            project_format: FORMAT,
            project: None,
            attributes: values(&configuration.attributes),
            segments: values(&configuration.segments),
            layers: values(&configuration.layers),
            holdouts: values(&configuration.holdouts),
            flags,
            environments: vec![environment],
        })
    }
}

/// What is written as an object, as its fields.
fn fields(value: &impl Serialize) -> Result<Map<String, Value>, Wrong> {
    match json!(value) {
        Value::Object(fields) => Ok(fields),
        _ => Err(Wrong::new("", "a part of a flag is an object")),
    }
}
