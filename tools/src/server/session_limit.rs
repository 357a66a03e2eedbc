//! How many consultations of one session may be under way: somebody who asks for many at once must not take the places of all others.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// The places of one session. Doors make a clone of the server for each session, and a clone has places of its own.
#[derive(Debug)]
pub(crate) struct SessionCalls {
    places: Arc<Semaphore>,
    most: usize,
}

impl SessionCalls {
    pub(crate) fn new(most: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(most)), most }
    }

    /// The places of this very session, for a task that goes on without it.
    pub(crate) fn of_this_session(&self) -> Arc<Semaphore> {
        Arc::clone(&self.places)
    }
}

impl Clone for SessionCalls {
    fn clone(&self) -> Self {
        Self::new(self.most)
    }
}
