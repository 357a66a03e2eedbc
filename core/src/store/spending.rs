//! Reading what runs have cost, and what is held for those under way.

use async_trait::async_trait;

use super::{Hold, Spent, StoreError};
use crate::{Identity, Timestamp};

/// Sums over what was spent.
#[async_trait]
pub trait Spending: Send + Sync {
    /// What was spent and is held beside a hold, as far as its limits ask for it; of the holds those that were made before it.
    ///
    /// # Errors
    /// The database cannot be read.
    async fn spent_before(&self, who: &Identity, hold: &Hold) -> Result<Spent, StoreError>;

    /// What the owner's finished runs that began at `since` or later have cost, in US dollars.
    ///
    /// # Errors
    /// The database cannot be read.
    async fn spent_since(&self, who: &Identity, since: Timestamp) -> Result<f64, StoreError>;
}
