//! Runs as shared tasks: equal requests of one owner join one run, and the last one to leave ends it.

use std::{collections::HashMap, future::Future, sync::Arc, time::Duration};

use exai_core::{RequestHash, completion::Completion, event::EventBus, run::RunEvent};
use parking_lot::Mutex;
use tokio::{sync::watch, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    error::InferenceError,
    events::{EventSender, RunEvents, Watching},
    record::RunRecord,
    scope::CallScope,
};

/// What a run ends with; shared by all who wait for it.
pub(crate) type Outcome = Result<Arc<Completion>, Arc<InferenceError>>;

/// The runs under way.
#[derive(Clone, Default)]
pub(crate) struct Runs {
    flights: Arc<Mutex<HashMap<RequestHash, Flight>>>,
    tasks: TaskTracker,
}

struct Flight {
    subscribers: usize,
    record: RunRecord,
    /// Tells flights of the same key apart when an old one ends late.
    serial: u64,
    cancel: CancellationToken,
    /// Cancelled when a second caller joins.
    is_shared: CancellationToken,
    /// Cancelled when a caller joins that takes no answer from the cache.
    must_ask: CancellationToken,
    events: watch::Receiver<RunEvent>,
    outcome: watch::Receiver<Option<Outcome>>,
}

/// What the run's own task is given.
pub(crate) struct RunTask {
    /// What is to be stored of it.
    pub record: RunRecord,
    /// Cancelled when the last subscriber is gone.
    pub cancel: CancellationToken,
    /// Cancelled when a caller waits that takes no answer from the cache.
    pub must_ask: CancellationToken,
    /// Where its progress goes.
    pub events: RunEvents,
}

/// What begins a run, when none of the kind is under way.
pub(crate) struct Start {
    /// Tells flights of the same key apart when an old one ends late.
    pub serial: u64,
    /// What is to be stored of it.
    pub record: RunRecord,
    /// The longest it may take.
    pub limit: Duration,
    /// Where the caller wants every event.
    pub events: Option<EventSender>,
    /// Where operators see what happens.
    pub bus: Arc<dyn EventBus>,
}

/// A subscription. Dropping the last one of a run cancels the run.
pub(crate) struct RunHandle {
    key: RequestHash,
    serial: u64,
    runs: Runs,
    /// Whether this caller began the run or joined it.
    pub joined: bool,
    /// What is to be stored of the run.
    pub record: RunRecord,
    events: watch::Receiver<RunEvent>,
    outcome: watch::Receiver<Option<Outcome>>,
}

impl Runs {
    /// Joins the run for `key`, or starts it.
    pub(crate) fn join_or_start<F, W>(
        &self,
        key: RequestHash,
        fresh: bool,
        start: impl FnOnce() -> Start,
        work: F,
    ) -> RunHandle
    where
        F: FnOnce(RunTask) -> W,
        W: Future<Output = Outcome> + Send + 'static,
    {
        let mut flights = self.flights.lock();
        if let Some(flight) = flights.get_mut(&key) {
            flight.subscribers += 1;
            flight.is_shared.cancel();
            if fresh {
                flight.must_ask.cancel();
            }
            return RunHandle {
                key,
                serial: flight.serial,
                runs: self.clone(),
                joined: true,
                record: flight.record.clone(),
                events: flight.events.clone(),
                outcome: flight.outcome.clone(),
            };
        }
        let Start { serial, record, limit, events, bus } = start();
        let (latest, watch_events) = watch::channel(CallScope::first_event());
        let (send_outcome, outcome) = watch::channel(None);
        let (cancel, is_shared) = (CancellationToken::new(), CancellationToken::new());
        let must_ask = CancellationToken::new();
        flights.insert(
            key,
            Flight {
                subscribers: 1,
                record: record.clone(),
                serial,
                cancel: cancel.clone(),
                is_shared: is_shared.clone(),
                must_ask: must_ask.clone(),
                events: watch_events.clone(),
                outcome: outcome.clone(),
            },
        );
        drop(flights);
        let watching = Watching { is_shared, cancel: cancel.clone(), until: Instant::now() + limit };
        let events = RunEvents::new(record.run().id, latest, events, watching, bus);
        let task = work(RunTask { record: record.clone(), cancel, must_ask, events });
        let runs = self.clone();
        self.tasks.spawn(async move {
            let ended = task.await;
            // The answer is in the cache by now, so a newcomer finds it there or here, never neither.
            send_outcome.send_replace(Some(ended));
            runs.remove(key, serial);
        });
        let runs = self.clone();
        RunHandle { key, serial, runs, joined: false, record, events: watch_events, outcome }
    }

    /// The runs under way.
    pub(crate) fn under_way(&self) -> Vec<RunRecord> {
        self.flights.lock().values().map(|flight| flight.record.clone()).collect()
    }

    /// How many runs are under way.
    pub(crate) fn count(&self) -> usize {
        self.flights.lock().len()
    }

    /// What [`Self::ended`] waits for.
    pub(crate) fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// Waits at most `limit` until no run is under way.
    pub(crate) async fn ended(&self, limit: Duration) -> bool {
        self.tasks.close();
        tokio::time::timeout(limit, self.tasks.wait()).await.is_ok()
    }

    fn leave(&self, key: RequestHash, serial: u64) {
        let mut flights = self.flights.lock();
        let Some(flight) = flights.get_mut(&key).filter(|flight| flight.serial == serial) else {
            return;
        };
        flight.subscribers -= 1;
        if flight.subscribers == 0 {
            flight.cancel.cancel();
            flights.remove(&key);
        }
    }

    fn remove(&self, key: RequestHash, serial: u64) {
        let mut flights = self.flights.lock();
        if flights.get(&key).is_some_and(|flight| flight.serial == serial) {
            flights.remove(&key);
        }
    }
}

impl RunHandle {
    /// Waits for the end, passing progress on to the call.
    pub(crate) async fn wait(mut self, call: &CallScope) -> Outcome {
        let forward = async {
            loop {
                let event = self.events.borrow_and_update().clone();
                call.progress.send_replace(event);
                if self.events.changed().await.is_err() {
                    // The run has ended; its outcome follows.
                    std::future::pending::<()>().await;
                }
            }
        };
        let ended = async {
            match self.outcome.wait_for(Option::is_some).await {
                Ok(outcome) => outcome.clone(),
                Err(_closed) => None,
            }
        };
        let outcome = tokio::select! {
            biased;
            outcome = ended => outcome,
            () = forward => None,
        };
        outcome.unwrap_or_else(|| {
            Err(Arc::new(InferenceError::Internal {
                what: "the run ended without an outcome".to_owned(),
                source: None,
            }))
        })
    }
}

impl Drop for RunHandle {
    fn drop(&mut self) {
        self.runs.leave(self.key, self.serial);
    }
}
