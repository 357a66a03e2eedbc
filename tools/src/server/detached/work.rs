//! The work of this process that may go on after its request, by the id of its answer.

use std::{collections::HashMap, sync::Arc};

use exai_core::{AnswerId, run::RunEvent};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// One piece of work.
#[derive(Clone)]
pub(crate) struct Work {
    /// Cancels it.
    pub cancel: CancellationToken,
    /// How far it is.
    pub progress: watch::Receiver<RunEvent>,
}

/// All of it. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct DetachedWork(Arc<Mutex<HashMap<AnswerId, Work>>>);

impl DetachedWork {
    pub(crate) fn begin(&self, id: AnswerId, work: Work) {
        self.0.lock().insert(id, work);
    }

    pub(crate) fn end(&self, id: AnswerId) {
        self.0.lock().remove(&id);
    }

    pub(crate) fn get(&self, id: AnswerId) -> Option<Work> {
        self.0.lock().get(&id).cloned()
    }
}
