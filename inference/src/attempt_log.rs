//! The attempts of a run: told when they begin and end, and kept for its record.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use exai_core::{
    Clock, Kind, ModelId, ProviderId, RunId,
    chat::Usage,
    event::{Event, EventBus},
    run::Attempt,
};
use parking_lot::Mutex;

/// The attempts of one run.
#[derive(Clone)]
pub(crate) struct AttemptLog {
    run: RunId,
    bus: Arc<dyn EventBus>,
    begun: Arc<AtomicU32>,
    ended: Arc<Mutex<Vec<Attempt>>>,
}

impl AttemptLog {
    pub(crate) fn new(run: RunId, bus: Arc<dyn EventBus>) -> Self {
        Self { run, bus, begun: Arc::default(), ended: Arc::default() }
    }

    /// An attempt begins.
    pub(crate) fn begin(
        &self,
        provider: &ProviderId,
        model: &ModelId,
        clock: &Arc<dyn Clock>,
    ) -> OpenAttempt {
        let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        let (provider, model) = (provider.clone(), model.clone());
        self.bus.publish(Event::AttemptBegan {
            run: self.run,
            number,
            provider: provider.clone(),
            model: model.clone(),
        });
        let started_at = clock.now();
        let attempt = Attempt {
            number,
            provider,
            model,
            started_at,
            ended_at: started_at,
            first_token_ms: None,
            error_kind: Some(Kind::Cancelled.code().to_owned()),
            usage: None,
        };
        OpenAttempt { log: self.clone(), clock: Arc::clone(clock), attempt: Some(attempt) }
    }

    /// The attempts that have ended, in the order in which they began.
    pub(crate) fn take(&self) -> Vec<Attempt> {
        let mut attempts = std::mem::take(&mut *self.ended.lock());
        attempts.sort_by_key(|attempt| attempt.number);
        attempts
    }
}

/// How an attempt ended.
pub(crate) struct AttemptEnd {
    pub first_token_ms: Option<u64>,
    pub error_kind: Option<String>,
    pub usage: Option<Usage>,
}

/// An attempt that has begun. Dropped without an end it was cancelled: of two side by side the one that lost.
pub(crate) struct OpenAttempt {
    log: AttemptLog,
    clock: Arc<dyn Clock>,
    attempt: Option<Attempt>,
}

impl OpenAttempt {
    /// It ended like this.
    pub(crate) fn end(mut self, end: AttemptEnd) {
        let AttemptEnd { first_token_ms, error_kind, usage } = end;
        self.attempt = self.attempt.take().map(|open| Attempt { first_token_ms, error_kind, usage, ..open });
    }
}

impl Drop for OpenAttempt {
    fn drop(&mut self) {
        let Some(open) = self.attempt.take() else { return };
        let attempt = Attempt { ended_at: self.clock.now(), ..open };
        self.log.bus.publish(Event::AttemptEnded {
            run: self.log.run,
            number: attempt.number,
            error: attempt.error_kind.clone(),
            duration_ms: attempt.ended_at.millis_since(attempt.started_at),
        });
        self.log.ended.lock().push(attempt);
    }
}

#[cfg(test)]
mod tests {
    use exai_core::{SystemClock, event::NoEvents};

    use super::*;

    /// A second request for a late one may win; the first was sent, too, and is on the provider's bill.
    #[test]
    fn dropped_attempts_count_as_cancelled() {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let log = AttemptLog::new(RunId::new(), Arc::new(NoEvents));
        let first = log.begin(&"p".into(), &"m".into(), &clock);
        let second = log.begin(&"p".into(), &"m".into(), &clock);
        second.end(AttemptEnd { first_token_ms: Some(1), error_kind: None, usage: None });
        drop(first);
        let ended: Vec<_> = log.take().into_iter().map(|one| (one.number, one.error_kind)).collect();
        assert_eq!(ended, [(1, Some("cancelled".to_owned())), (2, None)]);
    }
}
