//! The port to leases: work that only one may do at a time.

use std::{any::Any, time::Duration};

use async_trait::async_trait;

/// The right to do the work, until this is dropped or the time is over.
pub struct LeaseGuard {
    _held: Box<dyn Any + Send>,
}

impl LeaseGuard {
    /// A lease that ends when `held` is dropped.
    #[must_use]
    pub fn new(held: impl Any + Send) -> Self {
        Self { _held: Box::new(held) }
    }
}

/// Leases by name.
#[async_trait]
pub trait Lease: Send + Sync {
    /// Takes the lease; `None` when someone else has it. It ends after `limit` also when its holder is gone.
    async fn take(&self, name: &str, limit: Duration) -> Option<LeaseGuard>;
}
