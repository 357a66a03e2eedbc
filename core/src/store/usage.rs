//! Reading what finished runs used.

use async_trait::async_trait;

use super::StoreError;
use crate::{Identity, ThreadId, Timestamp, chat::Usage};

/// What one finished run used.
#[derive(Debug, Clone, PartialEq)]
pub struct UsageRecord {
    /// `YYYY-MM-DD`, UTC.
    pub day: String,
    /// The provider that was asked.
    pub provider: String,
    /// The model.
    pub model: String,
    /// The tool that asked.
    pub tool: String,
    /// The thread, while its run is stored.
    pub thread: Option<ThreadId>,
    /// Whether the run ended without an answer; `None` when its run is no longer stored.
    pub failed: Option<bool>,
    /// Tokens.
    pub usage: Usage,
    /// US dollars at list price, when the price is known.
    pub cost_usd: Option<f64>,
    /// Wall time in milliseconds.
    pub duration_ms: u64,
}

/// Stored usage. It outlives the runs and threads that caused it.
#[async_trait]
pub trait UsageRecords: Send + Sync {
    /// What finished runs of a span used, latest first, at most `limit`.
    ///
    /// # Errors
    /// The database cannot be read.
    async fn usage(
        &self,
        who: &Identity,
        since: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<UsageRecord>, StoreError>;
}
