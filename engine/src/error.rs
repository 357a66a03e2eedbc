//! Why a call could not be answered.

use exai_context::git::GitFailure;
use exai_core::wording::counted;
use std::time::Duration;

use exai_core::{BoxError, Kind, ThreadId, provider::ProviderError, store::StoreError};

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
    /// A model that nobody serves.
    #[error("model `{requested}` is not available. {hint}")]
    UnknownModel {
        /// The name as asked for.
        requested: String,
        /// Near names, or how to configure one.
        hint: String,
    },
    /// A model that the user's configuration keeps out.
    #[error("model `{model}` is not asked: {why}. Name another model")]
    ModelNotAllowed {
        /// `provider/model`.
        model: String,
        /// What keeps it out.
        why: String,
    },
    /// There is no model at all.
    #[error("no model is configured. {hint}")]
    NoModel {
        /// How to configure one.
        hint: String,
    },
    /// No configured vendor offers what is asked for.
    #[error("{what} is offered by no configured vendor. {hint}")]
    NotOffered {
        /// What is asked for.
        what: &'static str,
        /// Who offers it, and what can be had instead.
        hint: String,
    },
    /// The vendor gave no answer.
    #[error("{error} ({})", counted(attempts, "attempt"))]
    Provider {
        /// The last failure.
        error: ProviderError,
        /// How many attempts were made.
        attempts: u32,
    },
    /// The question alone does not fit the model's window.
    #[error(
        "the request needs about {needed} tokens, but {model} takes at most {limit}. Shorten the text, start a new thread, or name a model with a larger window"
    )]
    TooLarge {
        /// The model.
        model: String,
        /// Estimated tokens.
        needed: u64,
        /// The most it takes.
        limit: u64,
    },
    /// It would cost more than is allowed.
    #[error(
        "this would cost about ${needed:.4}, and of the ${limit:.2} that one {which} may cost ${spent:.4} are spent. {offer}; or raise budget.{which}_usd"
    )]
    Budget {
        /// `call`, `day` or `thread`.
        which: &'static str,
        /// The limit in US dollars.
        limit: f64,
        /// What is spent or set aside of it.
        spent: f64,
        /// The estimate.
        needed: f64,
        /// A model that would fit.
        offer: String,
    },
    /// More consultations are waiting than may run.
    #[error(
        "{waiting_for} is at its limit of parallel requests; waited {waited:?}. Call again in {retry_after:?}"
    )]
    OverCapacity {
        /// What is at its limit.
        waiting_for: String,
        /// How long the call waited.
        waited: Duration,
        /// When to call again.
        retry_after: Duration,
    },
    /// The deadline passed.
    #[error("no answer within {limit:?}{progress}")]
    Timeout {
        /// The limit.
        limit: Duration,
        /// How far it got.
        progress: String,
    },
    /// The caller or the shutdown ended the call.
    #[error("the call was cancelled")]
    Cancelled,
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
            Self::UnknownModel { .. } => Kind::ModelNotFound,
            Self::ModelNotAllowed { .. } => Kind::Forbidden,
            Self::NoModel { .. } => Kind::NoModelConfigured,
            Self::NotOffered { .. } => Kind::NotOffered,
            Self::Provider { error, .. } => error.kind(),
            Self::TooLarge { .. } => Kind::ContextTooLong,
            Self::Budget { .. } => Kind::BudgetExceeded,
            Self::OverCapacity { .. } => Kind::OverCapacity,
            Self::Timeout { .. } => Kind::Timeout,
            Self::Cancelled => Kind::Cancelled,
            Self::Git(failure) => failure.kind(),
            Self::Store(error) => error.kind(),
            Self::Internal { .. } => Kind::Internal,
        }
    }

    /// What to do, where that differs from what the kind says.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::ModelNotAllowed { .. } => {
                Some("Name a model that the configuration allows; `listmodels` shows them.")
            }
            Self::Git(GitFailure::Cancelled) => None,
            Self::Git(_) => Some(
                "Do what the message says, or save the diff to a file below the project folder and name it in relevant_files of a codereview.",
            ),
            _ => None,
        }
    }

    /// How long to wait before the same call, when that is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Provider { error, .. } => error.retry_after,
            Self::OverCapacity { retry_after, .. } => Some(*retry_after),
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
