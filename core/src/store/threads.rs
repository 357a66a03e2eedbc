//! Reading threads.

use async_trait::async_trait;

use super::StoreError;
use crate::{
    Identity, ThreadId,
    thread::{Thread, ThreadSummary},
};

/// Stored conversations.
#[async_trait]
pub trait Threads: Send + Sync {
    /// Loads a thread with all its turns, after every queued write to it. `None` when it never existed, belongs to someone else or has expired.
    ///
    /// # Errors
    /// The database cannot be read, or has queued turns of this thread that it cannot write.
    async fn thread(&self, who: &Identity, id: ThreadId) -> Result<Option<Thread>, StoreError>;

    /// The owner's threads, latest first, at most `limit`.
    ///
    /// # Errors
    /// The database cannot be read.
    async fn threads(&self, who: &Identity, limit: u32) -> Result<Vec<ThreadSummary>, StoreError>;

    /// The owner's threads whose title or words contain `words` without regard to case, latest first, at most `limit`.
    ///
    /// # Errors
    /// The database cannot be read.
    async fn search_threads(
        &self,
        who: &Identity,
        words: &str,
        limit: u32,
    ) -> Result<Vec<ThreadSummary>, StoreError>;
}
