//! Answers in this process's memory.

use async_trait::async_trait;
use exai_core::{
    RequestHash,
    response_cache::{CacheContents, CachedCompletion, ResponseCache},
};
use moka::sync::Cache;

use super::CacheSettings;

/// A cache that ends with the process.
#[derive(Debug, Clone)]
pub struct MemoryCache(Cache<RequestHash, CachedCompletion>);

impl MemoryCache {
    /// An empty cache.
    #[must_use]
    pub fn new(settings: &CacheSettings) -> Self {
        let answers = Cache::builder()
            .max_capacity(settings.max_bytes)
            .weigher(|_, cached: &CachedCompletion| {
                u32::try_from(cached.completion.weight()).unwrap_or(u32::MAX)
            })
            .time_to_live(settings.lifetime)
            .build();
        Self(answers)
    }
}

#[async_trait]
impl ResponseCache for MemoryCache {
    async fn get(&self, key: &RequestHash) -> Option<CachedCompletion> {
        self.0.get(key)
    }

    async fn put(&self, key: RequestHash, cached: CachedCompletion) {
        self.0.insert(key, cached);
    }

    async fn forget(&self, key: &RequestHash) {
        self.0.invalidate(key);
    }

    fn contents(&self) -> CacheContents {
        self.0.run_pending_tasks();
        CacheContents { answers: self.0.entry_count(), bytes: self.0.weighted_size() }
    }
}
