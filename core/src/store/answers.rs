//! Reading answers: those kept for clients that come back, and those that may be given again to the same question.

use async_trait::async_trait;

use super::StoreError;
use crate::{AnswerId, Identity, ThreadId, Timestamp, answer::KeptAnswer};

/// Stored answers that may be given again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoredAnswers {
    /// The number of answers.
    pub count: u64,
    /// The size of their records, in bytes.
    pub bytes: u64,
    /// When the oldest of them was given.
    pub oldest: Option<Timestamp>,
}

/// Stored answers.
#[async_trait]
pub trait Answers: Send + Sync {
    /// A kept answer. `None` when it never existed, belongs to someone else or has expired.
    ///
    /// # Errors
    /// The database cannot be read.
    async fn answer(&self, who: &Identity, id: AnswerId) -> Result<Option<KeptAnswer>, StoreError>;

    /// The kept answers of a thread, latest first, at most `limit`.
    ///
    /// # Errors
    /// The database cannot be read.
    async fn answers(
        &self,
        who: &Identity,
        thread: ThreadId,
        limit: u32,
    ) -> Result<Vec<KeptAnswer>, StoreError>;

    /// When the owner last asked for answers to be forgotten; see [`Write::ForgetAnswers`](super::Write::ForgetAnswers).
    ///
    /// # Errors
    /// The database cannot be read.
    async fn answers_forgotten(&self, who: &Identity) -> Result<Option<Timestamp>, StoreError>;

    /// The owner's answers since a moment.
    ///
    /// # Errors
    /// The database cannot be read.
    async fn stored_answers(&self, who: &Identity, since: Timestamp) -> Result<StoredAnswers, StoreError>;
}
