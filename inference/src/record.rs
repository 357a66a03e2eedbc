//! What is stored of a run, and when.
//!
//! A run that ends soon is stored once, as a whole, by the caller that waits for it: together with the turns of its thread. What says
//! that it is running is written only when it lasts. So a crash loses no more than what nobody has been answered yet.

use std::{sync::Arc, time::Duration};

use exai_core::{
    Identity, Timestamp,
    run::{Attempt, Run, RunOutcome, RunState},
    store::{Store, Write},
};
use parking_lot::Mutex;

use crate::{
    budget::{self, Reservation},
    delivery::Unwritten,
    error::InferenceError,
};

/// A run that lasts longer than this is stored while it runs.
pub(crate) const SHORT: Duration = Duration::from_secs(1);

/// The record of one run, shared by its task and those who wait for it.
#[derive(Clone)]
pub(crate) struct RunRecord(Arc<Record>);

struct Record {
    store: Arc<dyn Store>,
    who: Identity,
    run: Run,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What comes before the run: the beginning of its thread.
    prologue: Vec<Write>,
    is_started: bool,
    /// The caller that began the run has left, so nobody comes to store it.
    is_abandoned: bool,
    end: Option<Write>,
    reserved: Option<Reservation>,
}

impl RunRecord {
    /// The record of `run`, of which nothing is stored yet.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        who: Identity,
        run: Run,
        prologue: Vec<Write>,
        reserved: Option<Reservation>,
    ) -> Self {
        let state = Mutex::new(State { prologue, reserved, ..State::default() });
        Self(Arc::new(Record { store, who, run, state }))
    }

    /// The run as it began.
    pub(crate) fn run(&self) -> &Run {
        &self.0.run
    }

    /// Whose run it is.
    pub(crate) fn who(&self) -> &Identity {
        &self.0.who
    }

    /// Stores that it is running, with what comes before it.
    pub(crate) fn write_start(&self) {
        let mut state = self.0.state.lock();
        if !state.is_started {
            state.is_started = true;
            let mut writes = std::mem::take(&mut state.prologue);
            writes.push(Write::StartRun(self.0.run.clone()));
            // Nobody waits for this record: the writer keeps the order, and the answer is what must last.
            drop(self.0.store.write(&self.0.who, writes));
        }
    }

    /// Sets more money aside, until what was set aside before becomes free.
    pub(crate) fn reserve_more(&self, more: Option<Reservation>) {
        let mut state = self.0.state.lock();
        state.reserved = match (state.reserved.take(), more) {
            (Some(before), Some(more)) => Some(before.with(more)),
            (before, more) => before.or(more),
        };
    }

    /// Whether the money that is held for it is still there.
    ///
    /// # Errors
    /// It is not; the database cannot be read.
    pub(crate) async fn check_money(&self) -> Result<(), InferenceError> {
        let held = self.0.state.lock().reserved.as_ref().and_then(Reservation::latest).cloned();
        match held {
            Some(hold) => budget::check(&*self.0.store, &self.0.who, &hold).await,
            None => Ok(()),
        }
    }

    /// Keeps how it ended, for the caller that began it. Stores it at once when that one has left.
    pub(crate) fn end(&self, state: RunState, at: Timestamp, outcome: RunOutcome, attempts: Vec<Attempt>) {
        let run = Run { state, ended_at: Some(at), outcome: Some(outcome), ..self.0.run.clone() };
        let mut state = self.0.state.lock();
        state.end = Some(Write::RecordRun { run, attempts });
        if state.is_abandoned {
            self.write_left(&mut state);
        }
    }

    /// What is left to be stored, once. Whoever takes it stores it.
    pub(crate) fn take(&self) -> Unwritten {
        let writes = left(&mut self.0.state.lock());
        Unwritten::new(writes, Arc::clone(&self.0.store), self.0.who.clone())
    }

    /// Stores what nobody has taken, also what is still to come: the caller that began the run has left. It was told where its words are
    /// kept.
    pub(crate) fn abandon(&self) {
        let mut state = self.0.state.lock();
        state.is_abandoned = true;
        self.write_left(&mut state);
    }

    /// Under the lock: what a caller stores next must not come before it.
    fn write_left(&self, state: &mut State) {
        let writes = left(state);
        if !writes.is_empty() {
            drop(self.0.store.write(&self.0.who, writes));
        }
    }
}

/// A run that goes on keeps its money held. One that has ended frees it in the transaction that counts what it has cost.
fn left(state: &mut State) -> Vec<Write> {
    let mut writes = std::mem::take(&mut state.prologue);
    if let Some(end) = state.end.take() {
        writes.push(end);
        writes.extend(state.reserved.take().into_iter().flat_map(Reservation::release));
    }
    writes
}

/// The caller that began a run. It stores the record; when it leaves before the end, the run does.
pub(crate) struct Starter(RunRecord);

impl Starter {
    pub(crate) fn new(record: RunRecord) -> Self {
        Self(record)
    }

    /// What is left to be stored, for this caller to store.
    pub(crate) fn take(self) -> Unwritten {
        self.0.take()
    }
}

impl Drop for Starter {
    fn drop(&mut self) {
        self.0.abandon();
    }
}
