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
    budget::Reservation,
    delivery::{SetAside, Unwritten},
};

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
        let (writes, reserved) = Self::left(&mut state);
        Unwritten::new(writes, reserved, Arc::clone(&self.store), self.who.clone())
    }

    /// Stores what nobody has taken. Under the lock: what a caller stores next must not come before it.
    pub(crate) fn write_rest(&self) {
        let mut state = self.state.lock();
        let (writes, reserved) = Self::left(&mut state);
        if !writes.is_empty() {
            SetAside::of(reserved).until(self.store.write(&self.who, writes));
        }
    }

    /// Stores the beginning of the thread, for a caller that leaves and was told where its words are kept.
    pub(crate) fn write_prologue(&self) {
        let mut state = self.state.lock();
        state.is_abandoned = true;
        let writes = std::mem::take(&mut state.prologue);
        if !writes.is_empty() {
            drop(self.store.write(&self.who, writes));
        }
    }

    /// Whether the caller that began the run has left before its end.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.state.lock().is_abandoned
    }

    fn left(state: &mut State) -> (Vec<Write>, Option<Reservation>) {
        let mut writes = std::mem::take(&mut state.prologue);
        writes.extend(state.end.take());
        (writes, state.reserved.take())
    }
}
