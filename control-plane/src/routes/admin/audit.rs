//! `GET /admin/projects/{project}/audit`

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::find;
use crate::app::App;
use crate::auth::admin::Admin;
use crate::routes::path::{Path, Query};
use crate::routes::problem::Problem;
use crate::store::audit::{self, MAX_PAGE};

/// Entries a page has unless the request says otherwise.
const PAGE: i64 = 50;

/// Which page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// Only entries with a lower sequence.
    before: Option<i64>,
    limit: Option<i64>,
}

/// Newest first; `next` is the `before` of the following page.
pub async fn list(
    State(app): State<App>,
    _: Admin,
    Path(project): Path<String>,
    Query(page): Query<Page>,
) -> Result<Json<Value>, Problem> {
    let limit = page.limit.unwrap_or(PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(Problem::invalid("limit", format!("give 1 to {MAX_PAGE}")));
    }
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let entries = audit::list(&mut tx, &project.id, page.before.unwrap_or(i64::MAX), limit).await?;
    let next = entries.last().map(|entry| entry.sequence).filter(|sequence| *sequence > 1);
    Ok(Json(json!({ "entries": entries, "next": next })))
}
