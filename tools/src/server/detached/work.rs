//! The work of this process that may go on after its request, by the id of its answer.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use exai_core::{AnswerId, Identity, run::RunEvent};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The most answers that are remembered as announced; their clients come back within a minute.
const MAX_ANNOUNCED: usize = 1_024;

/// One piece of work.
#[derive(Clone)]
pub(crate) struct Work {
    /// Whose it is.
    pub who: Identity,
    /// Cancels it.
    pub cancel: CancellationToken,
    /// How far it is.
    pub progress: watch::Receiver<RunEvent>,
    /// Cancelled when it has ended and its answer is kept, if it is to be kept.
    pub ended: CancellationToken,
}

/// All of it. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct DetachedWork(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    work: HashMap<AnswerId, Work>,
    /// Answers that a client was told to come back for, and has not got yet.
    announced: VecDeque<AnswerId>,
}

impl DetachedWork {
    pub(crate) fn begin(&self, id: AnswerId, work: Work) {
        self.0.lock().work.insert(id, work);
    }

    pub(crate) fn end(&self, id: AnswerId) {
        self.0.lock().work.remove(&id);
    }

    pub(crate) fn get(&self, id: AnswerId) -> Option<Work> {
        self.0.lock().work.get(&id).cloned()
    }

    /// A client was told to come back for this answer.
    pub(crate) fn announce(&self, id: AnswerId) {
        let mut state = self.0.lock();
        if state.announced.contains(&id) {
            return;
        }
        if state.announced.len() == MAX_ANNOUNCED {
            state.announced.pop_front();
        }
        state.announced.push_back(id);
    }

    /// Whether a client was told to come back for this answer and has not got it.
    pub(crate) fn is_announced(&self, id: AnswerId) -> bool {
        self.0.lock().announced.contains(&id)
    }

    /// The answer was given.
    pub(crate) fn given(&self, id: AnswerId) {
        self.0.lock().announced.retain(|announced| *announced != id);
    }
}
