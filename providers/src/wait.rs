//! Every wait for a vendor ends at the deadline, at the cancellation or at its own limit, whichever comes first.

use std::future::Future;

use exai_core::provider::CallCtx;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// Why a wait ended without its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The caller no longer wants the answer.
    Cancelled,
    /// The call's deadline passed.
    Deadline,
    /// The wait's own limit passed.
    Limit,
}

/// The bounds of one call.
#[derive(Debug, Clone)]
pub(crate) struct Wait {
    deadline: Instant,
    cancel: CancellationToken,
}

impl Wait {
    pub(crate) fn new(call: &CallCtx) -> Self {
        Self { deadline: call.deadline, cancel: call.cancel.clone() }
    }

    /// Waits for `work` until `limit`. A result that is there wins over a limit that has passed, a cancellation over both.
    pub(crate) async fn until<F: Future>(&self, limit: Instant, work: F) -> Result<F::Output, Stop> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Stop::Cancelled),
            output = work => Ok(output),
            () = sleep_until(limit.min(self.deadline)) => {
                Err(if limit < self.deadline { Stop::Limit } else { Stop::Deadline })
            }
        }
    }
}
