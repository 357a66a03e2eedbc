//! Consultations as shared tasks: equal requests of one owner join one run, and the last one to leave ends it.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use exai_core::{RequestHash, run::RunEvent, store::Write};
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{call::Call, error::EngineError, inference::consulted::Consulted};

/// What a run ends with; shared by all who wait for it.
pub(crate) type Outcome = Result<Arc<Consulted>, Arc<EngineError>>;

/// The runs under way.
#[derive(Clone, Default)]
pub(crate) struct Runs {
    flights: Arc<Mutex<HashMap<RequestHash, Flight>>>,
    tasks: TaskTracker,
}

struct Flight {
    subscribers: usize,
    epilogue: Epilogue,
    /// Tells flights of the same key apart when an old one ends late.
    serial: u64,
    cancel: CancellationToken,
    events: watch::Receiver<RunEvent>,
    outcome: watch::Receiver<Option<Outcome>>,
}

/// The record of a run's end, left for the first subscriber to store together with what it stores anyway: one transaction
/// instead of two. Whoever takes it, stores it; the run's own task does when nobody has.
#[derive(Debug, Clone, Default)]
pub(crate) struct Epilogue(Arc<Mutex<Vec<Write>>>);

impl Epilogue {
    pub(crate) fn leave(&self, writes: Vec<Write>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = writes;
    }

    pub(crate) fn take(&self) -> Vec<Write> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What the run's own task is given.
pub(crate) struct RunTask {
    /// Where it leaves the record of its end.
    pub epilogue: Epilogue,
    /// Cancelled when the last subscriber is gone.
    pub cancel: CancellationToken,
    /// Where its progress goes.
    pub events: watch::Sender<RunEvent>,
}

/// A subscription. Dropping the last one of a run cancels the run.
pub(crate) struct RunHandle {
    key: RequestHash,
    serial: u64,
    runs: Runs,
    /// Whether this caller began the run or joined it.
    pub joined: bool,
    /// The record of the run's end, once it has ended.
    pub epilogue: Epilogue,
    events: watch::Receiver<RunEvent>,
    outcome: watch::Receiver<Option<Outcome>>,
}

impl Runs {
    /// Joins the run for `key`, or starts it. `found` is asked once more under the lock, so that an answer that was stored between
    /// the caller's look and now is not paid for twice.
    pub(crate) fn join_or_start<F, W>(
        &self,
        key: RequestHash,
        serial: u64,
        found: impl FnOnce() -> Option<Arc<Consulted>>,
        work: F,
    ) -> Result<RunHandle, Arc<Consulted>>
    where
        F: FnOnce(RunTask) -> W,
        W: Future<Output = Outcome> + Send + 'static,
    {
        let mut flights = self.lock();
        if let Some(flight) = flights.get_mut(&key) {
            flight.subscribers += 1;
            return Ok(RunHandle {
                key,
                serial: flight.serial,
                runs: self.clone(),
                joined: true,
                epilogue: flight.epilogue.clone(),
                events: flight.events.clone(),
                outcome: flight.outcome.clone(),
            });
        }
        if let Some(answer) = found() {
            return Err(answer);
        }
        let (events, watch_events) = watch::channel(Call::first_event());
        let (send_outcome, outcome) = watch::channel(None);
        let (cancel, epilogue) = (CancellationToken::new(), Epilogue::default());
        flights.insert(
            key,
            Flight {
                subscribers: 1,
                epilogue: epilogue.clone(),
                serial,
                cancel: cancel.clone(),
                events: watch_events.clone(),
                outcome: outcome.clone(),
            },
        );
        drop(flights);
        let task = work(RunTask { epilogue: epilogue.clone(), cancel, events });
        let runs = self.clone();
        self.tasks.spawn(async move {
            let ended = task.await;
            // The answer is in the cache by now, so a newcomer finds it there or here, never neither.
            send_outcome.send_replace(Some(ended));
            runs.remove(key, serial);
        });
        Ok(RunHandle {
            key,
            serial,
            runs: self.clone(),
            joined: false,
            epilogue,
            events: watch_events,
            outcome,
        })
    }

    /// How many consultations are under way.
    pub(crate) fn under_way(&self) -> usize {
        self.lock().len()
    }

    /// Runs `work` as part of the runs that [`Self::ended`] waits for.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(work);
    }

    /// Waits at most `limit` until no run is under way.
    pub(crate) async fn ended(&self, limit: Duration) -> bool {
        self.tasks.close();
        tokio::time::timeout(limit, self.tasks.wait()).await.is_ok()
    }

    fn leave(&self, key: RequestHash, serial: u64) {
        let mut flights = self.lock();
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
        let mut flights = self.lock();
        if flights.get(&key).is_some_and(|flight| flight.serial == serial) {
            flights.remove(&key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RequestHash, Flight>> {
        // The map is consistent between statements, so a panic elsewhere does not spoil it.
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RunHandle {
    /// Waits for the end, passing progress on to the call.
    pub(crate) async fn wait(mut self, call: &Call) -> Outcome {
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
            Err(Arc::new(EngineError::Internal {
                what: "the consultation ended without an outcome".to_owned(),
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
