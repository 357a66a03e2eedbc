//! Answers of earlier processes: read once for each owner, at the first question that this process cannot answer itself.
//!
//! A client whose connection or server went away in the middle calls again with the same words; that must not be paid for twice.

use std::{collections::HashSet, sync::Arc, time::Duration};

use exai_core::{
    Identity, Timestamp,
    chat::Reply,
    completion::Completion,
    run::{Run, RunState, Source},
    store::{RunFilter, Store},
};
use parking_lot::Mutex;

use super::AnswerCache;

/// The most answers that are read.
const MAX_RUNS: u32 = 200;
/// The most owners that are remembered as read; beyond that they are read again.
const MAX_OWNERS: usize = 10_000;

/// Who has been read.
#[derive(Debug, Clone)]
pub(crate) struct Warmup {
    lifetime: Duration,
    read: Arc<Mutex<HashSet<Identity>>>,
}

impl Warmup {
    /// For a cache whose answers live so long.
    pub(crate) fn new(lifetime: Duration) -> Self {
        Self { lifetime, read: Arc::default() }
    }

    /// Whether an answer of that moment may no longer be given again.
    pub(crate) fn is_over(&self, at: Timestamp, now: Timestamp) -> bool {
        u128::from(now.millis_since(at)) > self.lifetime.as_millis()
    }

    /// Fills the cache with the owner's recent answers, once.
    pub(crate) async fn warm(&self, cache: &AnswerCache, store: &dyn Store, now: Timestamp, who: &Identity) {
        if self.lifetime.is_zero() || !self.is_first(who) {
            return;
        }
        let since = now.plus_millis(-i64::try_from(self.lifetime.as_millis()).unwrap_or(i64::MAX));
        // An answer that was given again counts from when the model gave it.
        let filter = RunFilter {
            state: Some(RunState::Done),
            since: Some(since),
            source: Some(Source::Fresh),
            ..RunFilter::default()
        };
        let runs = match store.recent_runs(who, &filter, MAX_RUNS).await {
            Ok(runs) => runs,
            Err(error) => {
                tracing::debug!("earlier answers cannot be read: {error}");
                return;
            }
        };
        // The latest comes first in the list and must win.
        for run in runs.into_iter().rev() {
            let (key, at) = (run.request, run.ended_at.unwrap_or(run.started_at));
            if let Some(completion) = completion(run).filter(|_| !self.is_over(at, now)) {
                cache.keep(key, &Arc::new(completion), at).await;
            }
        }
    }

    fn is_first(&self, who: &Identity) -> bool {
        let mut read = self.read.lock();
        if read.len() >= MAX_OWNERS {
            read.clear();
        }
        read.insert(who.clone())
    }
}

/// The answer as it was given; `None` when it is not known to be whole.
pub(crate) fn completion(run: Run) -> Option<Completion> {
    let outcome = run.outcome?;
    // Calls of functions are kept with the turns of their thread only.
    let finish = outcome.finish.filter(|finish| finish.is_success(false) && outcome.prompt_cut.is_none())?;
    Some(Completion {
        reply: Reply {
            text: outcome.text,
            // What a vendor wants back is kept with the turns of the thread that it belongs to.
            opaque: Vec::new(),
            tool_calls: Vec::new(),
            usage: outcome.usage,
            finish,
            model: outcome.answered_as,
            prompt_cut: None,
        },
        run: run.id,
        provider: run.provider,
        model: run.model,
        attempts: outcome.attempts,
        duration: Duration::from_millis(outcome.duration_ms),
        cost_usd: outcome.cost_usd,
    })
}
