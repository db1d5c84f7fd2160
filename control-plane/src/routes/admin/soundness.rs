//! What a change must leave behind: environments that can be published. Asked within the transaction of the change, after
//! its writes; the answer to a write carries what static analysis has to say besides.

use std::iter;
use std::sync::Arc;

use pennon_core::config::analysis::{Options, findings_of_flag};
use pennon_core::config::{Compilation, Finding, Flag, Severity};

use crate::app::App;
use crate::domain::findings::{self, Told};
use crate::domain::flag::{
    Definition, Wrong, field, first_configuration, fits, fits_compiled, join,
};
use crate::domain::references::{Named, users};
use crate::publish::environment::{configuration, definition, flag_now, references};
use crate::routes::problem::Problem;
use crate::store::change::Changing;
use crate::store::documents::Kind;
use crate::store::environments::{self, Environment};
use crate::store::flags;

/// Checks a flag, the only thing that this change writes, as it now stands in an environment (as `changed`, or as the database has it), and that
/// the environment still fits into its snapshots.
///
/// # Errors
/// The first thing that keeps it from compiling, by its place in the flag.
pub(super) async fn flag_in(
    app: &App,
    changing: &mut Changing,
    environment: &Environment,
    key: &str,
    changed: Option<Flag>,
) -> Result<Vec<Told>, Problem> {
    let before = changing.version() - 1;
    let kept = app.compilations.as_of(&mut changing.tx, environment, before).await?;
    let options = Options { now: Some(changing.now_ms) };
    let flag = key.to_owned();
    let check = move |compilation: Compilation| {
        let found = findings_of_flag(&compilation.around(iter::once(&*flag)), &flag, &options);
        refuse_errors(&found, Some(&flag))?;
        fits_compiled(&compilation)?;
        Ok((found, compilation))
    };
    let (found, compilation) = match kept {
        Some(kept) => {
            let changed = match changed {
                Some(changed) => Some(changed),
                None => flag_now(&mut changing.tx, environment, key).await?,
            };
            let key = key.to_owned();
            let question = move || {
                let mut compilation = (*kept).clone();
                compilation.change([(key, changed)]);
                check(compilation)
            };
            on_another_thread(environment, question).await?
        }
        None => {
            let whole = configuration(&mut changing.tx, environment).await?;
            on_another_thread(environment, move || check(Compilation::new(whole))).await?
        }
    };
    changing.compiled.push((environment.id.clone(), Arc::new(compilation)));
    let told = found
        .into_iter()
        .map(|finding| Told { environment: Some(environment.key.clone()), finding });
    Ok(told.collect())
}

/// Checks a flag of a project that has no environments: as the first one will have it.
///
/// # Errors
/// The first thing that keeps it from compiling, by its place in the flag.
pub(super) async fn alone(changing: &mut Changing, key: &str) -> Result<(), Problem> {
    let stored = flags::find(&mut changing.tx, &changing.project.id, key).await?;
    let Some(stored) = stored else { return Ok(()) };
    let defined: Definition = definition(&stored)?;
    let Some(configured) = first_configuration(&defined.variants) else { return Ok(()) };
    let mut whole = references(&mut changing.tx, &changing.project.id).await?;
    whole.flags.insert(key.to_owned(), join(defined, configured));
    let found = findings_of_flag(&whole, key, &Options::default());
    Ok(refuse_errors(&found, Some(key))?)
}

/// Checks a whole environment.
///
/// # Errors
/// The first thing that keeps it from being published.
pub(super) async fn whole(
    changing: &mut Changing,
    environment: &Environment,
) -> Result<(), Problem> {
    let whole = configuration(&mut changing.tx, environment).await?;
    on_another_thread(environment, move || fits(&whole)).await
}

/// Checks every environment of the project after a document was written or taken away; answers their ids, and what there is to say about
/// the document at this place.
///
/// # Errors
/// The first thing that keeps an environment from compiling.
pub(super) async fn everywhere(
    changing: &mut Changing,
    kind: Kind,
    key: &str,
) -> Result<(Vec<String>, Vec<Told>), Problem> {
    // Without flags: what the documents say of themselves is the same in every environment.
    let alone = references(&mut changing.tx, &changing.project.id).await?;
    let found = findings::of_documents(&alone, changing.now_ms);
    let own = format!("/{}s/{}/", kind.as_str(), key.replace('~', "~0").replace('/', "~1"));
    refuse_errors(&found, None).map_err(|wrong| {
        let place = field(&wrong.field, wrong.field.starts_with(&own));
        Wrong::new(place, wrong.detail)
    })?;
    let mut ids = Vec::new();
    for environment in environments::list(&mut changing.tx, &changing.project.id).await? {
        whole(changing, &environment).await?;
        ids.push(environment.id);
    }
    Ok((ids, findings::about(&found, kind.as_str(), key)))
}

/// Refuses while something in any environment names it.
///
/// # Errors
/// 409 with the names of what does.
pub(super) async fn unused(changing: &mut Changing, named: Named<'_>) -> Result<(), Problem> {
    /// Users that the sentence names.
    const MAX_NAMED: usize = 10;
    let mut all = Vec::new();
    for environment in environments::list(&mut changing.tx, &changing.project.id).await? {
        let whole = configuration(&mut changing.tx, &environment).await?;
        for user in users(&whole, named) {
            // What is named by a document is so in every environment.
            let user = if user.starts_with("flag") {
                format!("{user} in {:?}", environment.key)
            } else {
                user
            };
            if !all.contains(&user) {
                all.push(user);
            }
        }
    }
    if all.is_empty() {
        // A project without environments has documents all the same.
        let alone = references(&mut changing.tx, &changing.project.id).await?;
        all = users(&alone, named);
    }
    if all.is_empty() {
        return Ok(());
    }
    let more = all.len().saturating_sub(MAX_NAMED);
    let mut list = all[..all.len().min(MAX_NAMED)].join(", ");
    if more > 0 {
        list.push_str(&format!(" and {more} more"));
    }
    Err(Problem::conflict(format!("it is still used by {list}")))
}

/// The first error among findings. A place within the flag is told relative to it.
fn refuse_errors(found: &[Finding], flag: Option<&str>) -> Result<(), Wrong> {
    let error = found.iter().find(|finding| finding.severity == Severity::Error);
    error.map_or(Ok(()), |finding| {
        let own = flag.is_some() && finding.flag.as_deref() == flag;
        Err(Wrong::new(field(&finding.place, own), finding.message.clone()))
    })
}

/// A large environment takes many milliseconds to compile, which other requests must not wait for.
async fn on_another_thread<T: Send + 'static>(
    environment: &Environment,
    question: impl FnOnce() -> Result<T, Wrong> + Send + 'static,
) -> Result<T, Problem> {
    let answer = tokio::task::spawn_blocking(question).await;
    answer.map_err(|error| Problem::internal(&error))?.map_err(|wrong| {
        let detail = format!("{} (in {:?})", wrong.detail, environment.key);
        Problem::invalid(wrong.field, detail)
    })
}
