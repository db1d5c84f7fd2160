//! What importing a document would do to a project: nothing is deleted, everything in the document is created or updated, and what
//! would not be sound is refused and left as it is.

use std::collections::{BTreeMap, BTreeSet};

use pennon_core::config::{
    Attribute, CompileError, Configuration, Flag, Holdout, Layer, Segment, Variant, compile,
};
use pennon_core::snapshot::Kind;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::findings::findings;
use super::{DOCUMENTS, Environment, Project, fields};
use crate::domain::diff::diff;
use crate::domain::findings::Told;
use crate::domain::flag::{self, Definition, FlagConfiguration, Wrong, fits, read};
use crate::domain::keys::{check_attribute, check_imported};

/// Sentences that tell how one object changes.
const MAX_SENTENCES: usize = 20;

/// The project after the import, and what is told about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub after: Project,
    pub report: Report,
}

/// What becomes of each object of the document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    pub created: Vec<Item>,
    pub updated: Vec<Item>,
    pub unchanged: Vec<Item>,
    pub refused: Vec<Refused>,
    /// What is different from before in a way that somebody should know.
    pub notes: Vec<String>,
    /// What static analysis has to say about what is created and updated; at most 1,000.
    pub findings: Vec<Told>,
}

/// An object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Item {
    /// `environment`, `flag`, `flag-configuration`, `attribute`, `segment`, `layer` or `holdout`.
    pub kind: &'static str,
    pub key: String,
    /// The environment's key, of what differs between environments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// What changes, in words; the first of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
}

/// An object that stays as it is, or does not come to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Refused {
    pub kind: &'static str,
    pub key: String,
    pub reason: String,
}

/// Plans an import.
///
/// # Errors
/// [`Wrong`] when the project could not be published with what is imported, for a reason that no single imported object has.
pub fn plan(current: &Project, incoming: &Project, now_ms: i64) -> Result<Plan, Wrong> {
    let mut planning =
        Planning { current, after: current.clone(), refused: Vec::new(), joined: Vec::new() };
    planning.environments(&incoming.environments);
    planning.documents(incoming);
    planning.flags(incoming);
    planning.refuse_unsound(incoming)?;
    let mut report = planning.report(incoming);
    let whole = 0..planning.after.environments.len();
    let whole: Vec<_> =
        whole.map(|index| planning.configuration(index)).collect::<Result<_, _>>()?;
    report.findings = findings(current, &planning.after, &whole, now_ms);
    Ok(Plan { after: planning.after, report })
}

struct Planning<'a> {
    current: &'a Project,
    after: Project,
    refused: Vec<Refused>,
    /// The flags of each environment of `after`, whole.
    joined: Vec<BTreeMap<String, Flag>>,
}

impl Planning<'_> {
    fn refuse(&mut self, kind: &'static str, key: &str, reason: impl Into<String>) {
        self.refused.push(Refused { kind, key: key.to_owned(), reason: reason.into() });
    }

    fn environments(&mut self, incoming: &[Environment]) {
        for new in incoming {
            let known = self.after.environments.iter_mut().find(|known| known.key == new.key);
            match known {
                Some(known) => {
                    known.name = new.name.clone().or(known.name.take());
                    known.protected = new.protected.or(known.protected);
                    known.colour = new.colour.clone().or(known.colour.take());
                    known.origins = new.origins.clone().or(known.origins.take());
                    known.requests_per_minute =
                        new.requests_per_minute.or(known.requests_per_minute);
                }
                None => {
                    let flags = self.current.flags.iter();
                    let off = flags.map(|(key, flag)| (key.clone(), off(flag))).collect();
                    self.after.environments.push(Environment {
                        key: new.key.clone(),
                        name: new.name.clone().or_else(|| Some(new.key.clone())),
                        protected: Some(new.protected.unwrap_or(false)),
                        colour: new.colour.clone(),
                        origins: new.origins.clone(),
                        requests_per_minute: new.requests_per_minute,
                        flags: off,
                    });
                }
            }
        }
    }

    fn documents(&mut self, incoming: &Project) {
        for (field, kind) in DOCUMENTS {
            for (key, value) in incoming.documents(field) {
                let checked = match field {
                    "attributes" => check_attribute(key),
                    _ => check_imported(key),
                };
                let read = checked.and_then(|()| match field {
                    "attributes" => canonical::<Attribute>(value),
                    "segments" => canonical::<Segment>(value),
                    "layers" => canonical::<Layer>(value),
                    _ => canonical::<Holdout>(value),
                });
                match read {
                    Ok(value) => {
                        drop(self.after.documents_mut(field).insert(key.clone(), value));
                    }
                    Err(reason) => self.refuse(kind, key, reason),
                }
            }
        }
    }

    fn flags(&mut self, incoming: &Project) {
        let configured =
            incoming.environments.iter().flat_map(|environment| environment.flags.keys());
        let keys: BTreeSet<&String> = incoming.flags.keys().chain(configured).collect();
        self.joined = vec![BTreeMap::new(); self.after.environments.len()];
        for (index, environment) in self.after.environments.iter().enumerate() {
            for (key, configuration) in &environment.flags {
                let definition = self.current.flags.get(key);
                let joined = definition.and_then(|definition| join(definition, configuration).ok());
                self.joined[index].extend(joined.map(|flag| (key.clone(), flag)));
            }
        }
        for key in keys {
            if let Err(reason) = self.flag(key, incoming) {
                self.take_back(key);
                self.refuse("flag", key, reason);
            }
        }
    }

    fn flag(&mut self, key: &str, incoming: &Project) -> Result<(), String> {
        check_imported(key)?;
        let known = self.current.flags.get(key);
        let Some(definition) = incoming.flags.get(key).or(known) else {
            return Err("it is configured but not defined".to_owned());
        };
        if known.is_some_and(|known| known.get("type") != definition.get("type")) {
            let reason = "a flag keeps its type, or every program that reads it would break";
            return Err(reason.to_owned());
        }
        let defined = define(definition).map_err(|wrong| wrong.sentence())?;
        for index in 0..self.after.environments.len() {
            let environment = &self.after.environments[index];
            let given = incoming
                .environment(&environment.key)
                .and_then(|environment| environment.flags.get(key));
            let configuration = match given.or(environment.flags.get(key)) {
                Some(configuration) => configuration.clone(),
                None => off(definition),
            };
            let place = |wrong: Wrong| format!("{} (in {:?})", wrong.sentence(), environment.key);
            let read: FlagConfiguration = read(Value::Object(configuration)).map_err(place)?;
            let kept = fields(&read).map_err(place)?;
            self.joined[index].insert(key.to_owned(), flag::join(defined.clone(), read));
            self.after.environments[index].flags.insert(key.to_owned(), kept);
        }
        let kept = fields(&defined).map_err(|wrong| wrong.sentence())?;
        self.after.flags.insert(key.to_owned(), kept);
        Ok(())
    }

    /// Leaves a flag as it is, or away when it is new.
    fn take_back(&mut self, key: &str) {
        match self.current.flags.get(key) {
            Some(definition) => drop(self.after.flags.insert(key.to_owned(), definition.clone())),
            None => drop(self.after.flags.remove(key)),
        }
        let definition = self.current.flags.get(key);
        for (index, environment) in self.after.environments.iter_mut().enumerate() {
            let before = self.current.environment(&environment.key);
            let before = before.and_then(|before| before.flags.get(key)).cloned();
            // In an environment that is new, a flag that is not is off.
            let before = before.or_else(|| definition.map(off));
            let joined = before.as_ref().zip(definition);
            let joined =
                joined.and_then(|(configured, definition)| join(definition, configured).ok());
            match before {
                Some(before) => drop(environment.flags.insert(key.to_owned(), before)),
                None => drop(environment.flags.remove(key)),
            }
            match joined {
                Some(flag) => drop(self.joined[index].insert(key.to_owned(), flag)),
                None => drop(self.joined[index].remove(key)),
            }
        }
    }

    /// Refuses what keeps an environment from compiling, until nothing does.
    fn refuse_unsound(&mut self, incoming: &Project) -> Result<(), Wrong> {
        loop {
            let mut refused = false;
            for index in 0..self.after.environments.len() {
                refused |= self.refuse_unsound_in(index, incoming)?;
            }
            if !refused {
                return Ok(());
            }
        }
    }

    /// Whether anything was refused.
    fn refuse_unsound_in(&mut self, index: usize, incoming: &Project) -> Result<bool, Wrong> {
        let place = self.after.environments[index].key.clone();
        let whole = self.configuration(index)?;
        for kind in [Kind::Server, Kind::Client] {
            let Err(CompileError::Problems(problems)) = compile(&whole, kind, &[]) else {
                continue;
            };
            let mut refused = BTreeMap::new();
            for problem in &problems {
                let told = format!("{problem} (in {place:?})");
                let object = match &problem.flag {
                    Some(flag) => Some(("flag", flag.clone())),
                    None => document_at(&problem.place),
                };
                let ours = object.filter(|(kind, key)| self.is_imported(kind, key, incoming));
                ours.map(|object| refused.entry(object).or_insert(told));
            }
            if refused.is_empty() {
                let first = problems.first().map(ToString::to_string).unwrap_or_default();
                let detail = format!(
                    "with what is imported, {place:?} could not be published, and nothing of it can be left out that would help: {first}"
                );
                return Err(Wrong { field: String::new(), detail });
            }
            for ((kind, key), reason) in refused {
                match DOCUMENTS.iter().find(|(_, name)| *name == kind) {
                    Some((field, _)) => {
                        let before = self.current.documents(field).get(&key).cloned();
                        let documents = self.after.documents_mut(field);
                        match before {
                            Some(before) => drop(documents.insert(key.clone(), before)),
                            None => drop(documents.remove(&key)),
                        }
                    }
                    None => self.take_back(&key),
                }
                self.refuse(kind, &key, reason);
            }
            return Ok(true);
        }
        fits(&whole).map_err(|wrong| Wrong {
            detail: format!("{} (in {place:?})", wrong.detail),
            ..wrong
        })?;
        Ok(false)
    }

    /// Whether it is in the document and not refused yet.
    fn is_imported(&self, kind: &str, key: &str, incoming: &Project) -> bool {
        let there = match DOCUMENTS.iter().find(|(_, name)| *name == kind) {
            Some((field, _)) => incoming.documents(field).contains_key(key),
            None => {
                let mut environments = incoming.environments.iter();
                incoming.flags.contains_key(key)
                    || environments.any(|environment| environment.flags.contains_key(key))
            }
        };
        there && !self.refused.iter().any(|refused| refused.kind == kind && refused.key == key)
    }

    fn configuration(&self, index: usize) -> Result<Configuration, Wrong> {
        let after = &self.after;
        Ok(Configuration {
            attributes: typed(&after.attributes)?,
            segments: typed(&after.segments)?,
            layers: typed(&after.layers)?,
            holdouts: typed(&after.holdouts)?,
            flags: self.joined[index].clone(),
            ..flag::empty()
        })
    }

    fn report(&self, incoming: &Project) -> Report {
        let mut report = Report { refused: self.refused.clone(), ..Report::default() };
        let refused = |kind: &str, key: &str| {
            self.refused.iter().any(|refused| refused.kind == kind && refused.key == key)
        };
        let mut tell =
            |item: Item, before: Option<Value>, after: Option<Value>| match (before, after) {
                (_, None) => {}
                (None, Some(_)) => report.created.push(item),
                (Some(before), Some(after)) if before == after => report.unchanged.push(item),
                (Some(before), Some(after)) => {
                    let empty = Map::new();
                    let entries = diff(
                        before.as_object().unwrap_or(&empty),
                        after.as_object().unwrap_or(&empty),
                    );
                    let changes = entries.into_iter().take(MAX_SENTENCES);
                    let changes = changes.map(|entry| entry.sentence).collect();
                    report.updated.push(Item { changes, ..item });
                }
            };
        let item = |kind: &'static str, key: &str, environment: Option<&str>| Item {
            kind,
            key: key.to_owned(),
            environment: environment.map(str::to_owned),
            changes: Vec::new(),
        };
        for (field, kind) in DOCUMENTS {
            for key in incoming.documents(field).keys().filter(|key| !refused(kind, key)) {
                let of = |project: &Project| project.documents(field).get(key).cloned();
                tell(item(kind, key, None), of(self.current), of(&self.after));
            }
        }
        for key in incoming.flags.keys().filter(|key| !refused("flag", key)) {
            let of = |project: &Project| project.flags.get(key).cloned().map(Value::Object);
            tell(item("flag", key, None), of(self.current), of(&self.after));
        }
        for environment in &incoming.environments {
            let head = |project: &Project| {
                project.environment(&environment.key).map(|environment| {
                    let (name, protected) = (&environment.name, environment.protected);
                    json!({ "name": name, "protected": protected, "colour": environment.colour })
                })
            };
            tell(
                item("environment", &environment.key, None),
                head(self.current),
                head(&self.after),
            );
            for key in environment.flags.keys().filter(|key| !refused("flag", key)) {
                let of = |project: &Project| {
                    let flags = project.environment(&environment.key).map(|one| &one.flags);
                    flags.and_then(|flags| flags.get(key)).cloned().map(Value::Object)
                };
                let item = item("flag-configuration", key, Some(&environment.key));
                tell(item, of(self.current), of(&self.after));
            }
        }
        report
    }
}

/// What a flag does in an environment that nobody has configured it for.
fn off(definition: &Map<String, Value>) -> Map<String, Value> {
    let variants = definition.get("variants").cloned().unwrap_or_default();
    let off = flag::first_configuration(&read::<Vec<Variant>>(variants).unwrap_or_default());
    off.and_then(|off| fields(&off).ok()).unwrap_or_default()
}

fn define(definition: &Map<String, Value>) -> Result<Definition, Wrong> {
    let defined: Definition = read(Value::Object(definition.clone()))?;
    defined.check()?;
    Ok(defined)
}

fn join(
    definition: &Map<String, Value>,
    configuration: &Map<String, Value>,
) -> Result<Flag, Wrong> {
    Ok(flag::join(define(definition)?, read(Value::Object(configuration.clone()))?))
}

/// The document in the form in which it is kept.
fn canonical<T: DeserializeOwned + Serialize>(value: &Value) -> Result<Value, String> {
    read::<T>(value.clone()).map(|read| json!(read)).map_err(|wrong| wrong.sentence())
}

fn typed<T: DeserializeOwned>(
    documents: &BTreeMap<String, Value>,
) -> Result<BTreeMap<String, T>, Wrong> {
    documents.iter().map(|(key, value)| Ok((key.clone(), read(value.clone())?))).collect()
}

/// The document that a problem's place names: `/segments/KEY/when` is the segment KEY.
fn document_at(place: &str) -> Option<(&'static str, String)> {
    let mut parts = place.split('/').skip(1);
    let field = parts.next()?;
    let key = parts.next()?.replace("~1", "/").replace("~0", "~");
    let (_, kind) = DOCUMENTS.iter().find(|(name, _)| *name == field)?;
    Some((kind, key))
}
