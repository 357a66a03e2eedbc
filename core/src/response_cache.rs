//! The port to answers that may be given again.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{RequestHash, Timestamp, completion::Completion};

/// An answer and when it was given.
#[derive(Debug, Clone)]
pub struct CachedCompletion {
    /// The answer.
    pub completion: Arc<Completion>,
    /// When it was given.
    pub at: Timestamp,
}

/// What a cache holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheContents {
    /// Answers.
    pub answers: u64,
    /// Bytes, roughly.
    pub bytes: u64,
}

/// Answers by the fingerprints of their requests. An implementation forgets answers when they are too old or take too much room; one
/// that fails says so in its log and has no answer.
#[async_trait]
pub trait ResponseCache: Send + Sync {
    /// The answer to this very request.
    async fn get(&self, key: &RequestHash) -> Option<CachedCompletion>;

    /// Keeps an answer, or replaces it.
    async fn put(&self, key: RequestHash, cached: CachedCompletion);

    /// Drops an answer. It need not be there.
    async fn forget(&self, key: &RequestHash);

    /// What it holds now, as far as this process knows without asking anyone.
    fn contents(&self) -> CacheContents;
}
