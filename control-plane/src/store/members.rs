//! Who belongs to which project, and as what.

use std::collections::BTreeMap;

use serde_json::json;
use sqlx::AnyConnection;

use super::StoreError;
use crate::domain::role::{Grant, Role};

/// Reads a role and where it is narrowed. What cannot be read gives no rights: it is an error, never a guess.
pub(super) fn read_grant(role: &str, environments: &str) -> Result<Grant, StoreError> {
    let damaged =
        || StoreError::Unusable("a role in the database is damaged: restore a backup".to_owned());
    let role = Role::parse(role).ok_or_else(damaged)?;
    let environments: BTreeMap<String, Role> =
        serde_json::from_str(environments).map_err(|_| damaged())?;
    Ok(Grant { role, environments })
}

pub(super) fn write_environments(grant: &Grant) -> String {
    json!(grant.environments).to_string()
}

/// What a user is in each of their projects, by the project's id.
pub async fn grants(
    connection: &mut AnyConnection,
    user_id: &str,
) -> Result<BTreeMap<String, Grant>, StoreError> {
    let rows: Vec<(String, String, String)> =
        sqlx::query_as("SELECT project_id, role, environments FROM members WHERE user_id = $1")
            .bind(user_id)
            .fetch_all(connection)
            .await?;
    rows.into_iter()
        .map(|(project_id, role, environments)| Ok((project_id, read_grant(&role, &environments)?)))
        .collect()
}
