//! Wakes whoever watches a project when it has changed. What has changed is read from the audit log, which alone knows: so nothing can be
//! missed, and nothing piles up behind a slow reader.

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender};

/// Calls that a watcher may be behind; who is further behind looks once for all of them.
const MAX_CALLS: usize = 64;

/// Calls everybody who watches.
#[derive(Debug)]
pub struct Live(Sender<Option<String>>);

impl Default for Live {
    fn default() -> Self {
        Self(Sender::new(MAX_CALLS))
    }
}

impl Live {
    /// This project has changed.
    pub fn changed(&self, project_id: &str) {
        // That nobody watches is no error.
        let _ = self.0.send(Some(project_id.to_owned()));
    }

    /// Any project may have changed.
    pub fn anything(&self) {
        let _ = self.0.send(None);
    }

    /// Whether anybody watches.
    pub fn is_watched(&self) -> bool {
        self.0.receiver_count() > 0
    }

    /// What was called from now on.
    pub fn watch(&self, project_id: String) -> Watch {
        Watch { project_id, calls: self.0.subscribe() }
    }
}

/// One project's watcher.
#[derive(Debug)]
pub struct Watch {
    project_id: String,
    calls: Receiver<Option<String>>,
}

impl Watch {
    /// The id of what is watched.
    pub fn project_id(&self) -> &str {
        &self.project_id
    }

    /// Resolves when the project may have changed since the last time; `None` when nobody will call any more.
    pub async fn called(&mut self) -> Option<()> {
        loop {
            match self.calls.recv().await {
                Ok(Some(id)) if id != self.project_id => {}
                Ok(_) | Err(RecvError::Lagged(_)) => return Some(()),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}
