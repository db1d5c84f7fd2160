//! A change and everything that must commit with it: the audit entry, what webhooks are told, a revision and an outbox row for each
//! environment that shows it. Nothing else writes to those tables.

use std::sync::Arc;

use pennon_core::config::Compilation;
use serde_json::Value;

use crate::domain::role::Rights;

use super::audit::{self, Entry};
use super::projects::{self, Project};
use super::{Store, StoreError, Tx, deliveries, environments, outbox, versions};

/// Who makes a change, from where, why, and what they may change.
#[derive(Clone, Debug)]
pub struct Author {
    /// What the audit log says: `user:ada@example.com`, `token:ci`, `first start`.
    pub name: String,
    /// The client's address, when it came over the network.
    pub origin: Option<String>,
    /// Why, in the caller's words; kept in the audit entry.
    pub comment: Option<String>,
    pub rights: Rights,
}

impl Author {
    /// The program itself, or whoever has the database in their hands: may change everything.
    pub fn program(name: &str) -> Self {
        Self { name: name.to_owned(), origin: None, comment: None, rights: Rights::Instance }
    }
}

/// A transaction that has taken its project: what it reads is the newest, and no other change of the project runs beside it.
#[derive(Debug)]
pub struct Changing {
    pub tx: Tx,
    pub project: Project,
    /// Unix milliseconds, the same for everything in this change.
    pub now_ms: i64,
    sequence: i64,
    author: Author,
    /// See [`Changing::serves_the_same_in`].
    spared: Vec<String>,
    /// What environments (by id) compile to with this change and nothing else, for whoever keeps that once it is committed.
    pub compiled: Vec<(String, Arc<Compilation>)>,
}

/// What was done.
#[derive(Debug)]
pub struct Change<'a> {
    /// `flag.created`, `flag-configuration.updated`, ...
    pub action: &'static str,
    /// The key or id of what was changed.
    pub target: &'a str,
    /// The environment, when it concerns one alone.
    pub environment_id: Option<&'a str>,
    pub old: Option<Value>,
    pub new: Option<Value>,
}

impl Changing {
    /// The number of this change in its project, which no other change ever has: what it writes gets it as its version, so that an
    /// ETag of something deleted never fits what is made anew under the same key.
    pub fn version(&self) -> i64 {
        self.sequence
    }

    /// Says why the change is made, instead of what was said with the request.
    pub fn explain(&mut self, comment: Option<String>) {
        self.author.comment = comment;
    }

    /// Opens the transaction; `None` when there is no such project.
    ///
    /// # Errors
    /// What the database says.
    pub async fn begin(
        store: &Store,
        project_key: &str,
        author: &Author,
        now_ms: i64,
    ) -> Result<Option<Self>, StoreError> {
        Self::within(store.begin().await?, project_key, author, now_ms).await
    }

    /// The same in a transaction that is open already.
    pub async fn within(
        mut tx: Tx,
        project_key: &str,
        author: &Author,
        now_ms: i64,
    ) -> Result<Option<Self>, StoreError> {
        let Some((project, sequence)) = projects::lock_for_change(&mut tx, project_key).await?
        else {
            return Ok(None);
        };
        let (author, spared, compiled) = (author.clone(), Vec::new(), Vec::new());
        Ok(Some(Self { tx, project, now_ms, sequence, author, spared, compiled }))
    }

    /// Says that the change alters nothing that these environments serve (a new flag that is off, for instance): whoever may not change
    /// them may do this all the same.
    pub fn serves_the_same_in(&mut self, environment_ids: impl IntoIterator<Item = String>) {
        self.spared.extend(environment_ids);
    }

    /// Writes the audit entry and, for each of the `shown_in` environments, a revision and an outbox row, then commits.
    /// Answers each environment's new revision. When this returns, the change survives kill -9.
    ///
    /// # Errors
    /// [`StoreError::MayNotChange`] when the author may not change one of the `shown_in` environments, or what the database says; then
    /// nothing was changed.
    pub async fn commit(
        self,
        change: Change<'_>,
        shown_in: &[String],
    ) -> Result<Vec<(String, i64)>, StoreError> {
        let (tx, revisions) = self.record(change, shown_in).await?;
        tx.commit().await?;
        Ok(revisions)
    }

    /// The same without the commit.
    pub async fn record(
        mut self,
        change: Change<'_>,
        shown_in: &[String],
    ) -> Result<(Tx, Vec<(String, i64)>), StoreError> {
        let entry = Entry {
            sequence: self.sequence,
            at: self.now_ms,
            author: self.author.name,
            origin: self.author.origin,
            action: change.action.to_owned(),
            environment_id: change.environment_id.map(str::to_owned),
            target: change.target.to_owned(),
            old_value: change.old,
            new_value: change.new,
            comment: self.author.comment,
        };
        let has_webhooks = audit::insert(&mut self.tx, &self.project.id, &entry).await?;
        if has_webhooks {
            deliveries::insert_for(&mut self.tx, &self.project.id, &entry).await?;
        }
        versions::record(&mut self.tx, &self.project.id, self.sequence).await?;
        let project_id = &self.project.id;
        let raised = environments::next_revisions(&mut self.tx, shown_in).await?;
        let refused = raised.iter().find(|environment| {
            !self.spared.contains(&environment.id)
                && !self.author.rights.may_change(
                    project_id,
                    &environment.id,
                    environment.protected,
                )
        });
        if let Some(environment) = refused {
            return Err(StoreError::MayNotChange(environment.key.clone()));
        }
        audit::insert_revisions(&mut self.tx, shown_in, &entry).await?;
        outbox::insert(&mut self.tx, shown_in, self.now_ms).await?;
        let revisions =
            raised.into_iter().map(|environment| (environment.id, environment.revision));
        let revisions = revisions.collect();
        Ok((self.tx, revisions))
    }
}
