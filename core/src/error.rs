//! What an error means for the next step, whatever layer it comes from.

use serde::{Deserialize, Serialize};

/// A cause that is logged, never matched on.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// The class of a failure. Every error enum of the workspace maps to one; the edge turns it into the `code` that clients see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The caller's arguments are wrong; the text names the field.
    InvalidInput,
    /// A thread, run or tool that does not exist for this caller.
    NotFound,
    /// A file that the caller names does not exist.
    FileNotFound,
    /// A path or action that is refused by policy.
    Forbidden,
    /// The named model is not known, or not usable with the present keys.
    ModelNotFound,
    /// No model is configured at all.
    NoModelConfigured,
    /// No configured vendor offers what is asked for.
    NotOffered,
    /// The vendor refuses the key.
    Auth,
    /// The vendor's money or plan limit is used up; waiting a moment does not help.
    Quota,
    /// The vendor asks to slow down.
    RateLimited,
    /// The vendor is overloaded or answered with a passing failure.
    Unavailable,
    /// The vendor could not be reached.
    Unreachable,
    /// The deadline passed.
    Timeout,
    /// The caller or the shutdown cancelled the work.
    Cancelled,
    /// The request does not fit the model's window.
    ContextTooLong,
    /// The vendor's content filter stopped the request or the answer.
    ContentFiltered,
    /// The vendor rejects the request as malformed.
    UpstreamRejected,
    /// The vendor's answer cannot be understood, or broke off.
    Protocol,
    /// It would cost more than the user allows.
    BudgetExceeded,
    /// Too much work is under way here; try again later.
    OverCapacity,
    /// The database cannot be read or written.
    StoreUnavailable,
    /// Someone else continued the same thread at the same moment.
    Conflict,
    /// A defect of this program.
    Internal,
}

impl Kind {
    /// Every kind, in the order of its declaration.
    pub const ALL: [Self; 23] = [
        Self::InvalidInput,
        Self::NotFound,
        Self::FileNotFound,
        Self::Forbidden,
        Self::ModelNotFound,
        Self::NoModelConfigured,
        Self::NotOffered,
        Self::Auth,
        Self::Quota,
        Self::RateLimited,
        Self::Unavailable,
        Self::Unreachable,
        Self::Timeout,
        Self::Cancelled,
        Self::ContextTooLong,
        Self::ContentFiltered,
        Self::UpstreamRejected,
        Self::Protocol,
        Self::BudgetExceeded,
        Self::OverCapacity,
        Self::StoreUnavailable,
        Self::Conflict,
        Self::Internal,
    ];

    /// The stable code in error envelopes.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid_input",
            Self::NotFound => "not_found",
            Self::FileNotFound => "file_not_found",
            Self::Forbidden => "forbidden",
            Self::ModelNotFound => "model_not_found",
            Self::NoModelConfigured => "no_model_configured",
            Self::NotOffered => "not_offered",
            Self::Auth => "auth",
            Self::Quota => "quota",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::ContextTooLong => "context_too_long",
            Self::ContentFiltered => "content_filtered",
            Self::UpstreamRejected => "upstream_rejected",
            Self::Protocol => "protocol",
            Self::BudgetExceeded => "budget_exceeded",
            Self::OverCapacity => "over_capacity",
            Self::StoreUnavailable => "store_unavailable",
            Self::Conflict => "conflict",
            Self::Internal => "internal",
        }
    }

    /// What it means, for the documentation.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::InvalidInput => {
                "An argument is wrong; the message names the field, what came and what is expected."
            }
            Self::NotFound => "The thread is unknown or expired.",
            Self::FileNotFound => "A file that the call names does not exist; nobody was asked.",
            Self::Forbidden => "A path or an action is refused by policy.",
            Self::ModelNotFound => {
                "No configured provider has a model of this name; the message names near ones."
            }
            Self::NoModelConfigured => "There is no key and no endpoint at all.",
            Self::NotOffered => "No configured vendor offers it; the message says which would.",
            Self::Auth => "The vendor refuses the key; the message says where the key came from.",
            Self::Quota => "The vendor's balance or plan is used up.",
            Self::RateLimited => "The vendor asks to slow down.",
            Self::Unavailable => {
                "The vendor is overloaded or fails for the moment; or an agent of `clink` cannot be used."
            }
            Self::Unreachable => "The vendor cannot be reached: network, name, TLS.",
            Self::Timeout => "There was no complete answer before the deadline (`limits.call_seconds`).",
            Self::Cancelled => "The caller cancelled, the connection closed, or the server is ending.",
            Self::ContextTooLong => "The request does not fit the model's window.",
            Self::ContentFiltered => "The vendor's filter stopped the request or the answer.",
            Self::UpstreamRejected => "The vendor refuses the request as it is.",
            Self::Protocol => "The vendor's answer was unusable, empty or broke off.",
            Self::BudgetExceeded => "It would cost more than the configuration allows; nobody was asked.",
            Self::OverCapacity => "Too much work is under way here.",
            Self::StoreUnavailable => "The database cannot be read or written.",
            Self::Conflict => "Another call continued the same thread at the same moment.",
            Self::Internal => "A defect of this program.",
        }
    }

    /// Whether the same call may succeed later without any change by the caller.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::RateLimited
                | Self::Unavailable
                | Self::Unreachable
                | Self::Timeout
                | Self::Protocol
                | Self::OverCapacity
                | Self::StoreUnavailable
                | Self::Conflict
        )
    }

    /// Whether an operator of this server, not its caller, has to look at it.
    #[must_use]
    pub fn is_our_fault(self) -> bool {
        matches!(self, Self::Internal | Self::StoreUnavailable)
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn every_kind_is_listed_in_order() {
        assert_eq!(Kind::ALL.len(), Kind::Internal as usize + 1, "the last one counts them");
        for (place, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, place, "{kind:?}");
        }
    }
}
