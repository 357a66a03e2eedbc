//! Answers that may be given again.

mod fingerprint;
mod memory;
mod stale_if_error;
mod warmup;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use exai_core::{
    RequestHash, Timestamp,
    completion::Completion,
    response_cache::{CacheContents, CachedCompletion, ResponseCache},
};

pub use self::{fingerprint::fingerprint, memory::MemoryCache};
pub(crate) use self::{
    stale_if_error::{StaleAnswer, Tried},
    warmup::Warmup,
};

/// How answers are kept.
#[derive(Debug, Clone)]
pub struct CacheSettings {
    /// How long an answer may be given again.
    pub lifetime: Duration,
    /// The most bytes of answers.
    pub max_bytes: u64,
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self { lifetime: Duration::from_secs(600), max_bytes: 64 * 1024 * 1024 }
    }
}

/// The cache in figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheFigures {
    /// Answers.
    pub answers: u64,
    /// Bytes, roughly.
    pub bytes: u64,
    /// Given again.
    pub hits: u64,
    /// Not found.
    pub misses: u64,
}

/// The answers, wherever they are kept, and how often one was there.
pub(crate) struct AnswerCache {
    answers: Arc<dyn ResponseCache>,
    hits: AtomicU64,
    misses: AtomicU64,
}

impl AnswerCache {
    pub(crate) fn new(answers: Arc<dyn ResponseCache>) -> Self {
        Self { answers, hits: AtomicU64::new(0), misses: AtomicU64::new(0) }
    }

    /// The answer to this very request, if it was given recently.
    pub(crate) async fn get(&self, key: &RequestHash) -> Option<CachedCompletion> {
        let found = self.answers.get(key).await;
        let count = if found.is_some() { &self.hits } else { &self.misses };
        count.fetch_add(1, Ordering::Relaxed);
        found
    }

    /// Like [`Self::get`], without counting.
    pub(crate) async fn peek(&self, key: &RequestHash) -> Option<CachedCompletion> {
        self.answers.get(key).await
    }

    /// Drops an answer.
    pub(crate) async fn forget(&self, key: &RequestHash) {
        self.answers.forget(key).await;
    }

    /// Keeps an answer, unless its end or its prompt leaves a doubt: the same call again may then do better.
    pub(crate) async fn keep(&self, key: RequestHash, completion: &Arc<Completion>, at: Timestamp) {
        let reply = &completion.reply;
        if reply.finish.is_success(!reply.tool_calls.is_empty()) && reply.prompt_cut.is_none() {
            let cached = CachedCompletion { completion: Arc::clone(completion), at };
            self.answers.put(key, cached).await;
        }
    }

    /// The cache in figures.
    pub(crate) fn figures(&self) -> CacheFigures {
        let CacheContents { answers, bytes } = self.answers.contents();
        let (hits, misses) = (self.hits.load(Ordering::Relaxed), self.misses.load(Ordering::Relaxed));
        CacheFigures { answers, bytes, hits, misses }
    }
}
