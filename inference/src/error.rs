//! Why a model gave no answer.

use std::time::Duration;

use exai_core::{BoxError, Kind, humanize::counted, provider::ProviderError, store::StoreError};

/// A failure of a completion. Its text is for the caller and says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum InferenceError {
    /// An argument asks for what the model cannot do.
    #[error("{field}: {problem}")]
    Unable {
        /// The argument's name on the wire.
        field: &'static str,
        /// What the model cannot do, and which ones can.
        problem: String,
    },
    /// A model that no provider serves.
    #[error("model `{requested}` is not available. {hint}")]
    UnknownModel {
        /// The name as asked for.
        requested: String,
        /// Near names, or how to configure one.
        hint: String,
    },
    /// No model is named, and none can be chosen.
    #[error("no model can be chosen: {why}")]
    NothingToChoose {
        /// Why, and what to do.
        why: String,
    },
    /// A model that the user's configuration keeps out.
    #[error("model `{model}` is not asked: {why}. Name another model")]
    ModelNotAllowed {
        /// `provider/model`.
        model: String,
        /// What keeps it out.
        why: String,
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
    /// The provider gave no answer.
    #[error("{error} ({})", counted(attempts, "attempt"))]
    Provider {
        /// The last failure.
        error: ProviderError,
        /// How many attempts were made.
        attempts: u32,
    },
    /// The model refused.
    #[error("{model} refused to answer: {said}")]
    Refused {
        /// `provider/model`.
        model: String,
        /// Its words.
        said: String,
    },
    /// It would cost more than is allowed.
    #[error(
        "this would cost about ${needed:.4}, and of the ${limit} that {} may cost ${spent:.4} are spent. {offer}; or raise budget.{which}_usd",
        of(which)
    )]
    Budget {
        /// `call`, `day`, `thread` or `server_day`: the middle of the setting's name.
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
    /// More completions are waiting than may run.
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
        /// How far the call was.
        progress: String,
    },
    /// The caller gave up.
    #[error("the call was cancelled")]
    Cancelled,
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

/// What a limit is for, in words.
fn of(which: &str) -> &str {
    match which {
        "call" => "one call",
        "thread" => "one thread",
        "server_day" => "one day of all users",
        _ => "one day",
    }
}

impl InferenceError {
    /// What the failure means for the next step.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Unable { .. } => Kind::InvalidInput,
            Self::UnknownModel { .. } | Self::NothingToChoose { .. } => Kind::ModelNotFound,
            Self::ModelNotAllowed { .. } => Kind::Forbidden,
            Self::TooLarge { .. } => Kind::ContextTooLong,
            Self::Provider { error, .. } => error.kind(),
            Self::Refused { .. } => Kind::ContentFiltered,
            Self::Budget { .. } => Kind::BudgetExceeded,
            Self::OverCapacity { .. } => Kind::OverCapacity,
            Self::Timeout { .. } => Kind::Timeout,
            Self::Cancelled => Kind::Cancelled,
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
            Self::NothingToChoose { .. } => Some("Name a model in the call, or correct the configuration."),
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

    /// Attempts that were made before the failure, where a provider's failure ended them; 0 otherwise.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        if let Self::Provider { attempts, .. } = self { *attempts } else { 0 }
    }

    /// The same failure for another subscriber of the same run. The causes stay with the first.
    #[must_use]
    pub fn for_another(&self) -> Self {
        match self {
            Self::Provider { error, attempts } => Self::Provider {
                error: ProviderError {
                    provider: error.provider.clone(),
                    kind: error.kind,
                    message: error.message.clone(),
                    retry_after: error.retry_after,
                    status: error.status,
                    source: None,
                },
                attempts: *attempts,
            },
            Self::OverCapacity { waiting_for, waited, retry_after } => Self::OverCapacity {
                waiting_for: waiting_for.clone(),
                waited: *waited,
                retry_after: *retry_after,
            },
            Self::Cancelled => Self::Cancelled,
            other => Self::Internal { what: other.to_string(), source: None },
        }
    }
}
