//! What every call of a vendor carries, and why one fails.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{BoxError, Kind, ProviderId, RequestId};

/// What every outgoing call carries: one deadline, one way to stop it, one name for it in logs.
#[derive(Debug, Clone)]
pub struct CallCtx {
    /// Names the client's request in logs, errors and the upstream `x-request-id` header.
    pub request_id: RequestId,
    /// When the answer must be complete.
    pub deadline: Instant,
    /// Cancelled when the caller no longer waits for the answer.
    pub cancel: CancellationToken,
}

/// Why a vendor gave no answer.
#[derive(Debug, thiserror::Error)]
#[error("{provider}: {message}")]
pub struct ProviderError {
    /// Who failed.
    pub provider: ProviderId,
    /// The class, which decides about retries and about what the caller sees.
    pub kind: Kind,
    /// One sentence for the caller; never contains a key.
    pub message: String,
    /// How long the vendor asks to wait.
    pub retry_after: Option<Duration>,
    /// HTTP status, when there was one.
    pub status: Option<u16>,
    /// The cause, for logs.
    #[source]
    pub source: Option<BoxError>,
}

impl ProviderError {
    /// A failure without further details.
    #[must_use]
    pub fn new(provider: ProviderId, kind: Kind, message: impl Into<String>) -> Self {
        Self { provider, kind, message: message.into(), retry_after: None, status: None, source: None }
    }

    /// What the failure means for the next step.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }
}
