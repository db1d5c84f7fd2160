//! Environments kept compiled, so that a change costs what it changes and not what there is.
//!
//! What is kept is as of one change of its project, and is brought forward by the versions that later changes recorded, which are never
//! changed themselves; so it is right on every replica, whoever made the changes.

use std::sync::{Arc, Mutex, PoisonError};

use pennon_core::config::{Compilation, Configuration};
use sqlx::AnyConnection;

use super::environment;
use crate::store::environments::Environment;
use crate::store::{StoreError, versions};

/// Flags of everything that is kept, at most; the environment that nobody asked for the longest goes first.
const MAX_FLAGS_KEPT: usize = 60_000;
/// Flags that are brought forward one by one; after more changes than that an environment is read anew.
const MAX_TOUCHED: usize = 200;

/// See the module.
#[derive(Debug, Default)]
pub struct Compilations {
    /// Last asked for last.
    kept: Mutex<Vec<Kept>>,
}

#[derive(Clone, Debug)]
struct Kept {
    environment_id: String,
    /// The number of the newest change of the project that it shows.
    sequence: i64,
    compilation: Arc<Compilation>,
}

/// An environment, and whether it is compiled yet.
#[derive(Debug)]
pub struct Source {
    /// The number of the newest change of the project that it shows.
    pub sequence: i64,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Kept(Arc<Compilation>),
    Read(Box<Configuration>),
}

impl Source {
    /// The compilation; it may take a while to make.
    pub fn compiled(self) -> Arc<Compilation> {
        match self.form {
            Form::Kept(compilation) => compilation,
            Form::Read(configuration) => Arc::new(Compilation::new(*configuration)),
        }
    }

    /// The environment's CONFIG.json.
    pub fn configuration(self) -> Configuration {
        match self.form {
            Form::Kept(compilation) => compilation.configuration(),
            Form::Read(configuration) => *configuration,
        }
    }
}

impl Compilations {
    /// An environment as of the newest change that this transaction sees. To be [kept](Compilations::keep) when it is compiled.
    ///
    /// # Errors
    /// What the database says, or that it holds something unreadable.
    pub async fn newest(
        &self,
        connection: &mut AnyConnection,
        environment: &Environment,
    ) -> Result<Source, StoreError> {
        let sequence = versions::newest(connection, &environment.project_id).await?;
        let form = match self.as_of(connection, environment, sequence).await? {
            Some(compilation) => Form::Kept(compilation),
            None => {
                let whole = environment::configuration(connection, environment).await?;
                Form::Read(Box::new(whole))
            }
        };
        Ok(Source { sequence, form })
    }

    /// An environment as of a change that is committed, unless it has to be read anew for that.
    ///
    /// # Errors
    /// What the database says, or that it holds something unreadable.
    pub async fn as_of(
        &self,
        connection: &mut AnyConnection,
        environment: &Environment,
        sequence: i64,
    ) -> Result<Option<Arc<Compilation>>, StoreError> {
        let Some(kept) = self.find(&environment.id).filter(|kept| kept.sequence <= sequence) else {
            return Ok(None);
        };
        if kept.sequence == sequence {
            return Ok(Some(kept.compilation));
        }
        let limit = MAX_TOUCHED as i64 + 1;
        let (project_id, span) = (&environment.project_id, (kept.sequence, sequence));
        let touched =
            versions::flags_touched(connection, project_id, &environment.id, span, limit).await?;
        let Some(touched) = touched.filter(|touched| touched.len() <= MAX_TOUCHED) else {
            return Ok(None);
        };
        let mut changes = Vec::with_capacity(touched.len());
        for key in touched {
            let flag = environment::flag_at(connection, environment, &key, sequence).await?;
            changes.push((key, flag));
        }
        let mut compilation = kept.compilation;
        if !changes.is_empty() {
            Arc::make_mut(&mut compilation).change(changes);
        }
        self.keep(&environment.id, sequence, Arc::clone(&compilation));
        Ok(Some(compilation))
    }

    /// Keeps an environment as of a change that is committed, unless a newer one is kept.
    pub fn keep(&self, environment_id: &str, sequence: i64, compilation: Arc<Compilation>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = kept.iter().position(|kept| kept.environment_id == environment_id) {
            if kept[at].sequence > sequence {
                return;
            }
            kept.remove(at);
        }
        let environment_id = environment_id.to_owned();
        kept.push(Kept { environment_id, sequence, compilation });
        let mut flags: usize = kept.iter().map(|kept| kept.compilation.flag_count()).sum();
        while flags > MAX_FLAGS_KEPT && !kept.is_empty() {
            flags -= kept.remove(0).compilation.flag_count();
        }
    }

    fn find(&self, environment_id: &str) -> Option<Kept> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|kept| kept.environment_id == environment_id)?;
        let found = kept.remove(at);
        kept.push(found.clone());
        Some(found)
    }
}
