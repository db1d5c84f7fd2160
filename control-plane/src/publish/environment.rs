//! An environment as the compiler wants it, read from one instant of the database.

use std::collections::BTreeMap;

use pennon_core::config::Configuration;
use serde_json::{Map, Value};
use sqlx::AnyConnection;

use crate::domain::document::Definition;
use crate::domain::flag::{self, Wrong};
use crate::store::StoreError;
use crate::store::documents::{self, Document};
use crate::store::environments::{self, Environment};
use crate::store::flags::{self, Stored};
use crate::store::sdk_keys::{self, SdkKey};

/// Everything that a snapshot is made of.
#[derive(Debug)]
pub struct Loaded {
    pub environment: Environment,
    pub configuration: Configuration,
    /// The environment's keys that are not revoked.
    pub sdk_keys: Vec<SdkKey>,
}

/// Reads an environment; `None` when it is gone.
///
/// # Errors
/// What the database says, or that it holds something unreadable.
pub async fn load(connection: &mut AnyConnection, id: &str) -> Result<Option<Loaded>, StoreError> {
    let Some(environment) = environments::get(connection, id).await? else {
        return Ok(None);
    };
    let configuration = configuration(connection, &environment).await?;
    let mut sdk_keys = sdk_keys::list(connection, id).await?;
    sdk_keys.retain(|key| key.revoked_at.is_none());
    Ok(Some(Loaded { environment, configuration, sdk_keys }))
}

/// The environment's CONFIG.json.
///
/// # Errors
/// What the database says, or that it holds something unreadable.
pub async fn configuration(
    connection: &mut AnyConnection,
    environment: &Environment,
) -> Result<Configuration, StoreError> {
    let project_id = &environment.project_id;
    let mut definitions: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for stored in flags::list(connection, project_id).await? {
        let definition = object("flag", &stored)?;
        definitions.insert(stored.key, definition);
    }
    let mut joined = BTreeMap::new();
    for stored in flags::list_configurations(connection, &environment.id).await? {
        let configuration = object("flag configuration", &stored)?;
        let definition = definitions
            .get(&stored.key)
            .ok_or_else(|| unreadable("flag", &stored.key, "it is configured but not defined"))?;
        let flag = flag::join(definition, &configuration)
            .map_err(|wrong| unreadable("flag", &stored.key, &sentence(&wrong)))?;
        joined.insert(stored.key, flag);
    }
    Ok(Configuration { flags: joined, ..references(connection, project_id).await? })
}

/// What the flags of a project may refer to: a configuration without flags.
///
/// # Errors
/// What the database says, or that it holds something unreadable.
pub async fn references(
    connection: &mut AnyConnection,
    project_id: &str,
) -> Result<Configuration, StoreError> {
    Ok(Configuration {
        attributes: live(connection, project_id).await?,
        segments: live(connection, project_id).await?,
        layers: live(connection, project_id).await?,
        holdouts: live(connection, project_id).await?,
        ..flag::empty()
    })
}

/// The documents of one kind that are not archived.
async fn live<T: Definition>(
    connection: &mut AnyConnection,
    project_id: &str,
) -> Result<BTreeMap<String, T>, StoreError> {
    let rows = documents::list(connection, project_id, T::KIND).await?;
    rows.into_iter()
        .filter(|document| document.archived_at.is_none())
        .map(|document| {
            let definition = definition(&document)?;
            Ok((document.key, definition))
        })
        .collect()
}

/// A document's definition.
///
/// # Errors
/// That the database holds something unreadable.
pub fn definition<T: Definition>(document: &Document) -> Result<T, StoreError> {
    serde_json::from_str(&document.definition)
        .map_err(|error| unreadable(T::KIND.as_str(), &document.key, &error.to_string()))
}

/// Reads a row's JSON as an object.
pub fn object(what: &str, stored: &Stored) -> Result<Map<String, Value>, StoreError> {
    serde_json::from_str(&stored.json)
        .map_err(|error| unreadable(what, &stored.key, &error.to_string()))
}

fn sentence(wrong: &Wrong) -> String {
    format!("{}: {}", wrong.field, wrong.detail)
}

fn unreadable(what: &str, key: &str, why: &str) -> StoreError {
    StoreError::Unusable(format!(
        "the {what} {key:?} in the database cannot be read ({why}): write it again"
    ))
}
