//! An environment as the compiler wants it, read from one instant of the database.

use std::collections::BTreeMap;

use pennon_core::config::{Configuration, Flag};
use serde::de::DeserializeOwned;
use sqlx::AnyConnection;

use crate::domain::document::Definition;
use crate::domain::flag::{self, FlagConfiguration};
use crate::store::StoreError;
use crate::store::documents::{self, Document};
use crate::store::environments::Environment;
use crate::store::flags::{self, Stored};
use crate::store::versions::{self, Object};

/// The environment's CONFIG.json.
///
/// # Errors
/// What the database says, or that it holds something unreadable.
pub async fn configuration(
    connection: &mut AnyConnection,
    environment: &Environment,
) -> Result<Configuration, StoreError> {
    let project_id = &environment.project_id;
    let mut definitions = BTreeMap::new();
    for document in flags::list(connection, project_id).await? {
        if document.archived_at.is_none() {
            let definition: flag::Definition = definition(&document)?;
            definitions.insert(document.key, definition);
        }
    }
    let mut joined = BTreeMap::new();
    for stored in flags::list_configurations(connection, &environment.id).await? {
        let configuration = configured(&stored)?;
        let (key, definition) = definitions
            .remove_entry(&stored.key)
            .ok_or_else(|| unreadable("flag", &stored.key, &"it is configured but not defined"))?;
        joined.insert(key, flag::join(definition, configuration));
    }
    Ok(Configuration { flags: joined, ..references(connection, project_id).await? })
}

/// A flag as it was in the environment after the project's change with this number; `None` when it was not there, or archived.
///
/// # Errors
/// What the database says, or that it holds something unreadable.
pub async fn flag_at(
    connection: &mut AnyConnection,
    environment: &Environment,
    key: &str,
    sequence: i64,
) -> Result<Option<Flag>, StoreError> {
    let project_id = environment.project_id.as_str();
    let kind = versions::Kind::Flag;
    let object = Object { project_id, kind, environment_id: "", key };
    let Some(defined) = versions::document_at(connection, object, sequence).await? else {
        return Ok(None);
    };
    let kind = versions::Kind::FlagConfiguration;
    let object = Object { project_id, kind, environment_id: &environment.id, key };
    let Some(configured) = versions::document_at(connection, object, sequence).await? else {
        return Ok(None);
    };
    whole(key, &defined, &configured).map(Some)
}

/// A flag of its two parts.
fn whole(key: &str, defined: &str, configured: &str) -> Result<Flag, StoreError> {
    let definition = parsed("definition of the flag", key, defined)?;
    let configuration = parsed("configuration of the flag", key, configured)?;
    Ok(flag::join(definition, configuration))
}

/// A flag as this transaction has it.
///
/// # Errors
/// What the database says, or that it holds something unreadable.
pub async fn flag_now(
    connection: &mut AnyConnection,
    environment: &Environment,
    key: &str,
) -> Result<Option<Flag>, StoreError> {
    let Some((defined, configured)) = flags::find_whole(connection, &environment.id, key).await?
    else {
        return Ok(None);
    };
    whole(key, &defined, &configured).map(Some)
}

/// The environment's CONFIG.json as it was after the project's change with this number.
///
/// # Errors
/// What the database says, or that it holds something unreadable.
pub async fn configuration_at(
    connection: &mut AnyConnection,
    environment: &Environment,
    sequence: i64,
) -> Result<Configuration, StoreError> {
    let project_id = &environment.project_id;
    let mut definitions = BTreeMap::new();
    for (key, json) in
        versions::state(connection, project_id, versions::Kind::Flag, "", sequence).await?
    {
        let definition: flag::Definition = parsed("definition of the flag", &key, &json)?;
        definitions.insert(key, definition);
    }
    let mut joined = BTreeMap::new();
    let kind = versions::Kind::FlagConfiguration;
    for (key, json) in
        versions::state(connection, project_id, kind, &environment.id, sequence).await?
    {
        let configuration: FlagConfiguration = parsed("configuration of the flag", &key, &json)?;
        // One that was archived then has a configuration all the same.
        if let Some((key, definition)) = definitions.remove_entry(&key) {
            joined.insert(key, flag::join(definition, configuration));
        }
    }
    Ok(Configuration {
        attributes: live_at(connection, project_id, sequence).await?,
        segments: live_at(connection, project_id, sequence).await?,
        layers: live_at(connection, project_id, sequence).await?,
        holdouts: live_at(connection, project_id, sequence).await?,
        flags: joined,
        ..flag::empty()
    })
}

async fn live_at<T: Definition>(
    connection: &mut AnyConnection,
    project_id: &str,
    sequence: i64,
) -> Result<BTreeMap<String, T>, StoreError> {
    let kind = versions::Kind::Document(T::KIND);
    let rows = versions::state(connection, project_id, kind, "", sequence).await?;
    let rows = rows.into_iter().map(|(key, json)| {
        let definition = parsed("definition of", &key, &json)?;
        Ok((key, definition))
    });
    rows.collect()
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

/// A document's or a flag's definition.
///
/// # Errors
/// That the database holds something unreadable.
pub fn definition<T: DeserializeOwned>(document: &Document) -> Result<T, StoreError> {
    parsed("definition of", &document.key, &document.definition)
}

/// What a flag does in an environment.
///
/// # Errors
/// That the database holds something unreadable.
pub fn configured(stored: &Stored) -> Result<FlagConfiguration, StoreError> {
    parsed("configuration of the flag", &stored.key, &stored.json)
}

fn parsed<T: DeserializeOwned>(what: &str, key: &str, json: &str) -> Result<T, StoreError> {
    serde_json::from_str(json).map_err(|error| unreadable(what, key, &error))
}

fn unreadable(what: &str, key: &str, why: &dyn std::fmt::Display) -> StoreError {
    StoreError::Unusable(format!(
        "the {what} {key:?} in the database cannot be read ({why}): write it again"
    ))
}
