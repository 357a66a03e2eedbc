//! Why storage failed.

use super::SpendingLimit;
use crate::{BoxError, Kind, ThreadId};

/// Why storage failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be opened, read or written; `hint` says what to do.
    #[error("the database is not available: {reason}. {hint}")]
    Unavailable {
        /// What happened.
        reason: String,
        /// What the user can do.
        hint: String,
        /// The cause.
        #[source]
        source: Option<BoxError>,
    },
    /// Another call added turns first.
    #[error("thread {thread} was continued by another call at the same time")]
    Conflict {
        /// The thread.
        thread: ThreadId,
    },
    /// The thread does not exist for this owner, or has expired.
    #[error("thread {thread} does not exist")]
    UnknownThread {
        /// The thread.
        thread: ThreadId,
    },
    /// The thread has as many turns as a thread may have.
    #[error("thread {thread} is full: it has {limit} turns")]
    Full {
        /// The thread.
        thread: ThreadId,
        /// The most a thread may have.
        limit: u32,
    },
    /// A hold would exceed a limit. Nothing is held.
    #[error("a budget of ${limit} a {} does not allow it: ${spent} are spent or set aside", which.as_str())]
    OverBudget {
        /// The limit that would be exceeded.
        which: SpendingLimit,
        /// Its amount in US dollars.
        limit: f64,
        /// What is spent of it and set aside.
        spent: f64,
    },
    /// More writes are waiting than may wait.
    #[error("too many writes are waiting for the database")]
    Backlog,
    /// The database does not accept a change of the batch, and would not accept it later either.
    #[error("the database refused a change: {reason}")]
    Refused {
        /// What the database said.
        reason: String,
    },
    /// A stored row cannot be read.
    #[error("a stored {what} cannot be read")]
    Corrupt {
        /// What it was.
        what: &'static str,
        /// The cause.
        #[source]
        source: BoxError,
    },
}

impl StoreError {
    /// What the failure means for the next step.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Unavailable { .. } | Self::Backlog => Kind::StoreUnavailable,
            Self::Conflict { .. } => Kind::Conflict,
            Self::OverBudget { .. } => Kind::BudgetExceeded,
            Self::UnknownThread { .. } => Kind::NotFound,
            Self::Full { .. } => Kind::InvalidInput,
            Self::Refused { .. } | Self::Corrupt { .. } => Kind::Internal,
        }
    }
}
