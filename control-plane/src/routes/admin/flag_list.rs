//! `GET /admin/projects/{project}/flags`: the project's flags and how each stands in every environment.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use pennon_core::config::ValueType;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::find;
use crate::app::App;
use crate::auth::actor::Actor;
use crate::domain::flag::Definition;
use crate::publish::environment::definition;
use crate::routes::page::{FLAG_ORDERS, Page, Wanted};
use crate::routes::path::{Path, Query};
use crate::routes::problem::Problem;
use crate::store::documents::Document;
use crate::store::environments;
use crate::store::flags::{self, Filter};
use crate::store::list::{By, Value};

/// Which flags.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "WhichFlags")]
pub struct Which {
    /// Items a page has at most: 50 unless given, at most 1,000. A page of large items ends earlier.
    limit: Option<usize>,
    /// The `next` of an earlier page, whose other parameters are given again.
    cursor: Option<String>,
    /// A text that the key, the name, the description, the owner or a tag holds, in whatever case.
    search: Option<String>,
    /// `key`, `name`, `createdAt` or `updatedAt`; with a minus sign before it, backwards.
    sort: Option<String>,
    /// Those that are archived, rather than those that are not.
    archived: Option<bool>,
    /// Those that have this tag.
    tag: Option<String>,
    /// Those that this person or team answers for.
    owner: Option<String>,
    /// Those of this type.
    #[serde(rename = "type")]
    value_type: Option<ValueType>,
    /// Those that are temporary and past their expected end, if true.
    expired: Option<bool>,
    /// Those that are on in the environment of this key.
    enabled_in: Option<String>,
    /// Those that are off in the environment of this key. Not together with `enabledIn`.
    disabled_in: Option<String>,
}

/// A flag, and how it stands in each environment.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlagItem {
    key: String,
    /// What the ETag says.
    version: i64,
    /// Unix milliseconds.
    created_at: i64,
    /// Unix milliseconds.
    updated_at: i64,
    /// Unix milliseconds; absent unless it is archived.
    #[serde(skip_serializing_if = "Option::is_none")]
    archived_at: Option<i64>,
    /// As it was written, so that nothing need be read for it to be shown.
    #[schemars(with = "Definition")]
    definition: Box<RawValue>,
    /// By the key of the environment.
    environments: BTreeMap<String, Standing>,
}

/// How a flag stands in an environment.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "FlagState")]
struct Standing {
    enabled: bool,
    /// The configuration's.
    version: i64,
    /// Unix milliseconds.
    updated_at: i64,
}

/// `GET`
pub async fn list(
    State(app): State<App>,
    _: Actor,
    Path(project): Path<String>,
    Query(which): Query<Which>,
) -> Result<Json<Page<FlagItem>>, Problem> {
    let Which { limit, cursor, search, sort, archived, tag, owner, value_type, expired, .. } =
        which;
    let wanted = Wanted { limit, cursor, search, sort };
    let listing = wanted.listing(&FLAG_ORDERS)?;
    for (name, text) in [("tag", &tag), ("owner", &owner)] {
        if text.as_ref().is_some_and(|text| text.contains('\0')) {
            return Err(Problem::invalid(name, "a text holds no NUL"));
        }
    }
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let enabled_in = match (which.enabled_in, which.disabled_in) {
        (None, None) => None,
        (Some(key), None) => Some((find::environment(&mut tx, &project, &key).await?.id, true)),
        (None, Some(key)) => Some((find::environment(&mut tx, &project, &key).await?.id, false)),
        (Some(_), Some(_)) => {
            return Err(Problem::invalid("disabledIn", "give this or `enabledIn`"));
        }
    };
    let filter = Filter {
        archived: Some(archived.unwrap_or(false)),
        tag,
        owner,
        value_type,
        ended_before: (expired == Some(true)).then(|| app.clock.now_ms()),
        enabled_in,
    };
    let (rows, more, total) = flags::page(&mut tx, &project.id, &filter, &listing).await?;
    let next = match rows.last().filter(|_| more) {
        Some(last) => Some(next(&wanted, listing.by, last)?),
        None => None,
    };
    let keys: Vec<&str> = rows.iter().map(|row| row.key.as_str()).collect();
    let mut standing: BTreeMap<String, BTreeMap<String, Standing>> = BTreeMap::new();
    let environments = environments::list(&mut tx, &project.id).await?;
    let names: BTreeMap<&str, &str> =
        environments.iter().map(|one| (one.id.as_str(), one.key.as_str())).collect();
    for state in flags::states(&mut tx, &project.id, &keys).await? {
        if let Some(name) = names.get(state.environment_id.as_str()) {
            let flags::State { flag_key, enabled, version, updated_at, .. } = state;
            let one = Standing { enabled, version, updated_at };
            standing.entry(flag_key).or_default().insert((*name).to_owned(), one);
        }
    }
    let items = rows
        .into_iter()
        .map(|row| {
            let Document { key, definition, version, created_at, updated_at, archived_at } = row;
            let definition =
                RawValue::from_string(definition).map_err(|error| Problem::internal(&error))?;
            let environments = standing.remove(&key).unwrap_or_default();
            Ok(FlagItem {
                key,
                version,
                created_at,
                updated_at,
                archived_at,
                definition,
                environments,
            })
        })
        .collect::<Result<_, Problem>>()?;
    Ok(Json(Page { items, next, total: Some(total) }))
}

/// The cursor behind a flag.
fn next(wanted: &Wanted, by: By, last: &Document) -> Result<String, Problem> {
    let value = match by {
        By::Key => Value::Text(last.key.clone()),
        By::Name => {
            let definition: Definition = definition(last)?;
            Value::Text(definition.name(&last.key).to_owned())
        }
        By::CreatedAt => Value::Number(last.created_at),
        By::UpdatedAt => Value::Number(last.updated_at),
    };
    Ok(wanted.next(value, &last.key))
}
