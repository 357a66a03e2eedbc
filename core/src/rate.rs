//! How often a caller may call.

use std::{fmt, time::Duration};

use async_trait::async_trait;

use crate::Identity;

/// Whether a call may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// It may, and was counted.
    Allowed,
    /// Not before so much time has passed. It was not counted.
    Wait(Duration),
}

/// Counts calls of callers.
#[async_trait]
pub trait RateLimiter: fmt::Debug + Send + Sync {
    /// Asks for one call.
    async fn take(&self, who: &Identity) -> Rate;
}
