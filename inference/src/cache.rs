//! Answers that may be given again.

mod fingerprint;
mod stale_if_error;
mod warmup;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use exai_core::{RequestHash, Timestamp};
use moka::sync::Cache;

pub use self::fingerprint::fingerprint;
pub(crate) use self::{
    stale_if_error::{StaleAnswer, Tried},
    warmup::Warmup,
};
use crate::completion::Completion;

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

/// An answer and when it was given.
#[derive(Debug, Clone)]
pub struct Cached {
    /// The answer.
    pub completion: Arc<Completion>,
    /// When it was given.
    pub at: Timestamp,
}

/// The cache.
#[derive(Debug, Clone)]
pub struct AnswerCache {
    answers: Cache<RequestHash, Cached>,
    hits: Arc<AtomicU64>,
    misses: Arc<AtomicU64>,
}

impl AnswerCache {
    /// An empty cache.
    #[must_use]
    pub fn new(settings: &CacheSettings) -> Self {
        let answers = Cache::builder()
            .max_capacity(settings.max_bytes)
            .weigher(|_, cached: &Cached| u32::try_from(cached.completion.weight()).unwrap_or(u32::MAX))
            .time_to_live(settings.lifetime)
            .build();
        Self { answers, hits: Arc::default(), misses: Arc::default() }
    }

    /// The answer to this very request, if it was given recently.
    #[must_use]
    pub fn get(&self, key: &RequestHash) -> Option<Cached> {
        let found = self.answers.get(key);
        let count = if found.is_some() { &self.hits } else { &self.misses };
        count.fetch_add(1, Ordering::Relaxed);
        found
    }

    /// Like [`Self::get`], without counting.
    pub(crate) fn peek(&self, key: &RequestHash) -> Option<Cached> {
        self.answers.get(key)
    }

    /// Drops an answer.
    pub(crate) fn forget(&self, key: &RequestHash) {
        self.answers.invalidate(key);
    }

    /// The cache in figures.
    #[must_use]
    pub fn figures(&self) -> CacheFigures {
        self.answers.run_pending_tasks();
        CacheFigures {
            answers: self.answers.entry_count(),
            bytes: self.answers.weighted_size(),
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
        }
    }

    /// Keeps an answer, unless it is incomplete.
    pub fn keep(&self, key: RequestHash, completion: &Arc<Completion>, at: Timestamp) {
        if completion.reply.finish.is_complete() {
            self.answers.insert(key, Cached { completion: Arc::clone(completion), at });
        }
    }
}
