//! Lists of an owner's threads.

use exai_core::{Identity, thread::ThreadSummary};

use crate::{engine::Engine, error::EngineError};

/// Which threads are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ThreadQuery {
    /// Words that the title or a turn contains, without regard to case; any thread when `None`.
    pub words: Option<String>,
    /// The most threads.
    pub limit: u32,
}

/// The threads that match.
#[derive(Debug, Clone, PartialEq)]
pub struct ThreadList {
    /// Latest first.
    pub threads: Vec<ThreadSummary>,
}

impl Engine {
    /// Lists or searches the owner's threads.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn list_threads(&self, who: &Identity, query: &ThreadQuery) -> Result<ThreadList, EngineError> {
        let store = self.store();
        let threads = match &query.words {
            Some(words) => store.search_threads(who, words, query.limit).await?,
            None => store.threads(who, query.limit).await?,
        };
        Ok(ThreadList { threads })
    }
}
