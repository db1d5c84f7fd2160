//! What a change must leave behind: environments that can be published. Asked within the transaction of the change, after
//! its writes.

use pennon_core::config::Configuration;

use crate::domain::flag::{check, fits};
use crate::publish::environment::configuration;
use crate::routes::problem::Problem;
use crate::store::change::Changing;
use crate::store::environments::{self, Environment};

/// Compiles every environment of the project with what was just written; answers their ids.
///
/// # Errors
/// The first thing that keeps one from compiling.
pub(super) async fn everywhere(changing: &mut Changing) -> Result<Vec<String>, Problem> {
    let mut ids = Vec::new();
    for environment in environments::list(&mut changing.tx, &changing.project.id).await? {
        sound_in(changing, &environment).await?;
        ids.push(environment.id);
    }
    Ok(ids)
}

/// Checks that the environment still fits into its snapshots.
///
/// # Errors
/// Which of them is over its limit.
pub(super) async fn room_in(
    changing: &mut Changing,
    environment: &Environment,
) -> Result<(), Problem> {
    let whole = configuration(&mut changing.tx, environment).await?;
    on_another_thread(environment, whole, fits).await
}

/// Checks that the environment compiles, and still fits.
///
/// # Errors
/// The first thing that keeps it from being published.
pub(super) async fn sound_in(
    changing: &mut Changing,
    environment: &Environment,
) -> Result<(), Problem> {
    let whole = configuration(&mut changing.tx, environment).await?;
    on_another_thread(environment, whole, |whole| {
        check(whole, None)?;
        fits(whole)
    })
    .await
}

/// The same as [`room_in`] for every environment of the project.
pub(super) async fn room_everywhere(changing: &mut Changing) -> Result<(), Problem> {
    for environment in environments::list(&mut changing.tx, &changing.project.id).await? {
        room_in(changing, &environment).await?;
    }
    Ok(())
}

/// A large environment takes many milliseconds to compile, which other requests must not wait for.
async fn on_another_thread(
    environment: &Environment,
    whole: Configuration,
    question: impl FnOnce(&Configuration) -> Result<(), crate::domain::flag::Wrong> + Send + 'static,
) -> Result<(), Problem> {
    let answer = tokio::task::spawn_blocking(move || question(&whole)).await;
    answer.map_err(|error| Problem::internal(&error))?.map_err(|wrong| {
        let detail = format!("{} (in {:?})", wrong.detail, environment.key);
        Problem::invalid(wrong.field, detail)
    })
}
