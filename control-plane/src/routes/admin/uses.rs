//! `GET .../layers/{layer}/uses` and `.../holdouts/{holdout}/uses`: where they are used, over all environments.

use axum::Json;
use axum::extract::State;
use pennon_core::config::{Configuration, Holdout, Layer};

use super::{documents, find};
use crate::app::App;
use crate::auth::actor::Actor;
use crate::domain::document::Definition;
use crate::domain::uses::{HoldoutUsed, SlotTaken, of_holdout, of_layer};
use crate::publish::environment::configuration;
use crate::routes::page::Page;
use crate::routes::path::Path;
use crate::routes::problem::Problem;
use crate::store::environments;

/// Uses that are told; `total` counts the others too.
const MAX_TOLD: usize = 1_000;

/// `GET .../layers/{layer}/uses`
pub async fn layer(
    State(app): State<App>,
    _: Actor,
    Path((project, key)): Path<(String, String)>,
) -> Result<Json<Page<SlotTaken>>, Problem> {
    uses::<Layer, _>(&app, &project, &key, of_layer).await
}

/// `GET .../holdouts/{holdout}/uses`
pub async fn holdout(
    State(app): State<App>,
    _: Actor,
    Path((project, key)): Path<(String, String)>,
) -> Result<Json<Page<HoldoutUsed>>, Problem> {
    uses::<Holdout, _>(&app, &project, &key, of_holdout).await
}

async fn uses<T: Definition, U>(
    app: &App,
    project: &str,
    key: &str,
    of: impl Fn(&Configuration, &str, &str) -> Vec<U>,
) -> Result<Json<Page<U>>, Problem> {
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, project).await?;
    documents::find::<T>(&mut tx, &project.id, key).await?;
    let mut page = Page::whole(Vec::new());
    let mut total = 0;
    for environment in environments::list(&mut tx, &project.id).await? {
        let found = of(&configuration(&mut tx, &environment).await?, &environment.key, key);
        total += found.len();
        let room = MAX_TOLD - page.items.len();
        page.items.extend(found.into_iter().take(room));
    }
    page.total = i64::try_from(total).ok();
    Ok(Json(page))
}
