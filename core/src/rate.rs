//! How often a caller may call.

use std::{fmt, time::Duration};

use async_trait::async_trait;

use crate::Identity;

/// Whether a call may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// It may, and was counted.
    Allowed,
    /// Not before so much time has passed. Where several bounds apply, it may have been counted for those that would have let it pass:
    /// a caller's own bound counts a call that the bound of all callers then refuses.
    Wait(Duration),
}

/// Counts calls of callers.
#[async_trait]
pub trait RateLimiter: fmt::Debug + Send + Sync {
    /// Asks for one call.
    async fn take(&self, who: &Identity) -> Rate;

    /// Whether there is any bound. Without one, calls need not stand in line to ask.
    fn is_bounded(&self) -> bool {
        true
    }
}
