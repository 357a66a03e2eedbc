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

use crate::{budget::Reservation, delivery::Unwritten};

/// A run that lasts longer than this is stored while it runs.
pub(crate) const SHORT: Duration = Duration::from_secs(1);

/// The record of one run, shared by its task and those who wait for it.
#[derive(Clone)]
pub(crate) struct RunRecord {
    store: Arc<dyn Store>,
    who: Identity,
    run: Run,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// What comes before the run: the beginning of its thread.
    prologue: Vec<Write>,
    is_started: bool,
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
        let state = State { prologue, reserved, ..State::default() };
        Self { store, who, run, state: Arc::new(Mutex::new(state)) }
    }

    /// The run as it began.
    pub(crate) fn run(&self) -> &Run {
        &self.run
    }

    /// Whose run it is.
    pub(crate) fn who(&self) -> &Identity {
        &self.who
    }

    /// Stores that it is running, with what comes before it.
    pub(crate) fn write_start(&self) {
        let mut state = self.state.lock();
        if !state.is_started {
            state.is_started = true;
            let mut writes = std::mem::take(&mut state.prologue);
            writes.push(Write::StartRun(self.run.clone()));
            // Nobody waits for this record: the writer keeps the order, and the answer is what must last.
            drop(self.store.write(&self.who, writes));
        }
    }

    /// Keeps how it ended, for the first who stores it.
    pub(crate) fn end(&self, state: RunState, at: Timestamp, outcome: RunOutcome, attempts: Vec<Attempt>) {
        let run = Run { state, ended_at: Some(at), outcome: Some(outcome), ..self.run.clone() };
        self.state.lock().end = Some(Write::RecordRun { run, attempts });
    }

    /// What is left to be stored, once. Whoever takes it stores it.
    pub(crate) fn take(&self) -> Unwritten {
        let mut state = self.state.lock();
        let mut writes = std::mem::take(&mut state.prologue);
        writes.extend(state.end.take());
        Unwritten { writes, reserved: state.reserved.take() }
    }

    /// Stores what nobody has taken.
    pub(crate) fn write_rest(&self) {
        let Unwritten { writes, reserved } = self.take();
        if !writes.is_empty() {
            drop(self.store.write(&self.who, writes));
        }
        drop(reserved);
    }
}
