//! Why a call could not be answered.

use std::time::Duration;

use exai_context::git::GitFailure;
use exai_core::{BoxError, Kind, ThreadId, provider::ProviderError, store::StoreError};

use exai_agents::AgentFailure;
use exai_inference::error::InferenceError;

/// A failure of the engine. Its text is for the caller and says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// An argument is wrong.
    #[error("{field}: {problem}")]
    InvalidInput {
        /// The argument's name on the wire.
        field: &'static str,
        /// What is wrong, what is expected.
        problem: String,
    },
    /// The thread does not exist for this caller, or has expired.
    #[error(
        "continuation_id {thread} was not found: it is unknown, expired, or belongs to someone else. Leave continuation_id out to start a new thread"
    )]
    UnknownThread {
        /// What was asked for.
        thread: String,
    },
    /// Files that the call names do not exist.
    #[error("{files}. Nobody was asked")]
    FilesNotFound {
        /// Each with the names that are near it.
        files: String,
    },
    /// There is no model at all.
    #[error("no model is configured. {hint}")]
    NoModel {
        /// How to configure one.
        hint: String,
    },
    /// No configured provider offers what is asked for.
    #[error("{what} is offered by no configured vendor. {hint}")]
    NotOffered {
        /// What is asked for.
        what: &'static str,
        /// Which providers offer it, and what to do instead.
        hint: String,
    },
    /// The model gave no answer.
    #[error(transparent)]
    Completion(#[from] InferenceError),
    /// Another agent gave no answer.
    #[error(transparent)]
    Agent(#[from] AgentFailure),
    /// Git could not say what has changed.
    #[error(transparent)]
    Git(#[from] GitFailure),
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A defect of this program.
    #[error("internal error: {what}")]
    Internal {
        /// What went wrong.
        what: String,
        /// The cause.
        #[source]
        source: Option<BoxError>,
    },
}

impl EngineError {
    /// An argument is wrong.
    #[must_use]
    pub fn invalid(field: &'static str, problem: impl Into<String>) -> Self {
        Self::InvalidInput { field, problem: problem.into() }
    }

    /// What the failure means for the next step.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::InvalidInput { .. } => Kind::InvalidInput,
            Self::UnknownThread { .. } => Kind::NotFound,
            Self::FilesNotFound { .. } => Kind::FileNotFound,
            Self::NoModel { .. } => Kind::NoModelConfigured,
            Self::NotOffered { .. } => Kind::NotOffered,
            Self::Completion(error) => error.kind(),
            Self::Agent(failure) => failure.kind,
            Self::Git(failure) => failure.kind(),
            Self::Store(error) => error.kind(),
            Self::Internal { .. } => Kind::Internal,
        }
    }

    /// What to do, where that differs from what the kind says.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Completion(error) => error.hint(),
            Self::Agent(failure) => failure.hint(),
            Self::Git(GitFailure::Cancelled) => None,
            Self::Git(_) => Some(
                "Do what the message says, or save the diff to a file below the project folder and name it in relevant_files of a codereview.",
            ),
            _ => None,
        }
    }

    /// A failure of a provider that was asked once.
    #[must_use]
    pub(crate) fn of_provider(error: ProviderError) -> Self {
        Self::Completion(InferenceError::Provider { error, attempts: 1 })
    }

    /// Attempts that were made before the failure; 0 when no provider was asked.
    #[must_use]
    pub(crate) fn attempts(&self) -> u32 {
        if let Self::Completion(error) = self { error.attempts() } else { 0 }
    }

    /// Whether the caller gave up.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Completion(InferenceError::Cancelled))
    }

    /// How long to wait before the same call, when that is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Completion(error) => error.retry_after(),
            _ => None,
        }
    }

    /// The thread that a storage error concerns, as the unknown-thread answer.
    #[must_use]
    pub(crate) fn from_store(error: StoreError) -> Self {
        match error {
            StoreError::UnknownThread { thread } => Self::unknown_thread(thread),
            other => Self::Store(other),
        }
    }

    pub(crate) fn unknown_thread(thread: ThreadId) -> Self {
        Self::UnknownThread { thread: thread.to_string() }
    }
}
