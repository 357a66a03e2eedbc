//! How many calls of one session may ask models at once, so that one client cannot take the places of all others.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// The limit of one session. Transports clone the server for each session, and a clone has places of its own.
#[derive(Debug)]
pub(crate) struct SessionLimit {
    places: Arc<Semaphore>,
    most: usize,
}

impl SessionLimit {
    pub(crate) fn new(most: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(most)), most }
    }

    /// The places of this session, for work that goes on in a task of its own.
    pub(crate) fn places(&self) -> Arc<Semaphore> {
        Arc::clone(&self.places)
    }
}

impl Clone for SessionLimit {
    fn clone(&self) -> Self {
        Self::new(self.most)
    }
}
