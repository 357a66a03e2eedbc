//! Reading runs.

use async_trait::async_trait;

use super::StoreError;
use crate::{
    Identity, RequestHash, RunId, ThreadId, Timestamp,
    run::{Attempt, Run, RunState, Source},
};

/// Which runs to list. A field that is `None` lets every run through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// The tool.
    pub tool: Option<String>,
    /// The state as it reads now.
    pub state: Option<RunState>,
    /// The thread.
    pub thread: Option<ThreadId>,
    /// A part of `provider/model`, without regard to case.
    pub model: Option<String>,
    /// Begun at this moment or later.
    pub since: Option<Timestamp>,
    /// Where the answer came from.
    pub source: Option<Source>,
}

impl RunFilter {
    /// Whether a run is one of those, as it reads now.
    #[must_use]
    pub fn lets_through(&self, run: &Run) -> bool {
        let name = format!("{}/{}", run.provider, run.model).to_lowercase();
        self.tool.as_ref().is_none_or(|tool| *tool == run.tool)
            && self.state.is_none_or(|state| state == run.state)
            && self.thread.is_none_or(|thread| run.thread == Some(thread))
            && self.model.as_ref().is_none_or(|model| name.contains(&model.to_lowercase()))
            && self.since.is_none_or(|since| run.started_at >= since)
            && self.source.is_none_or(|source| source == run.source)
    }
}

/// Stored runs.
#[async_trait]
pub trait Runs: Send + Sync {
    /// The runs of a thread, oldest first. A run that is still open after its deadline reads as `Interrupted`.
    ///
    /// # Errors
    /// The database cannot be read.
    async fn runs(&self, who: &Identity, thread: ThreadId) -> Result<Vec<Run>, StoreError>;

    /// The owner's runs that `filter` lets through, latest first, at most `limit`.
    ///
    /// # Errors
    /// The database cannot be read.
    async fn recent_runs(
        &self,
        who: &Identity,
        filter: &RunFilter,
        limit: u32,
    ) -> Result<Vec<Run>, StoreError>;

    /// The latest run whose provider answered this very request, whatever its age.
    ///
    /// # Errors
    /// The database cannot be read.
    async fn answered_run(&self, who: &Identity, request: RequestHash) -> Result<Option<Run>, StoreError>;

    /// The requests that a run made, in their order.
    ///
    /// # Errors
    /// The database cannot be read.
    async fn attempts(&self, who: &Identity, run: RunId) -> Result<Vec<Attempt>, StoreError>;
}
