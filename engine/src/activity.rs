//! Recent runs, for people and clients that ask what the server has done.

use exai_core::{Identity, run::Run, store::RunFilter};

use crate::{engine::Engine, error::EngineError};

/// Which runs are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActivityQuery {
    /// What they have in common.
    pub filter: RunFilter,
    /// The most runs.
    pub limit: u32,
}

/// The runs that match.
#[derive(Debug, Clone, PartialEq)]
pub struct Activity {
    /// Latest first.
    pub runs: Vec<Run>,
}

impl Engine {
    /// The latest runs of the owner, those that have just ended included.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn activity(&self, who: &Identity, query: &ActivityQuery) -> Result<Activity, EngineError> {
        let runs = self.settled_store().await.recent_runs(who, &query.filter, query.limit).await?;
        Ok(Activity { runs })
    }
}
