//! When a call that asks models begins: after those of its session, and within its owner's share of the server. Until then it waits, and it
//! is forgotten when its client goes away.

use std::{sync::Arc, time::Duration};

use exai_core::Identity;
use exai_engine::inference::fair::{FairLimit, Place};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// The places of a server and of one session. Transports clone the server for each session, and a clone has places of its own in the session.
#[derive(Debug)]
pub(crate) struct Admission {
    server: FairLimit,
    session: Arc<Semaphore>,
    most: usize,
    wait: Duration,
}

/// The right to ask models; given back on drop.
#[derive(Debug)]
pub(crate) struct Admitted {
    _session: Option<OwnedSemaphorePermit>,
    _server: Place,
}

/// Why a call does not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotAdmitted {
    /// Its client went away while it waited.
    Gone,
    /// It has waited for as long as calls may.
    Full,
}

impl Admission {
    /// Places in `server`, and so many in each session. Calls wait at most `wait` for a place in the server; for those of their own session
    /// they wait as long as their deadline lets them.
    pub(crate) fn new(server: FairLimit, session: usize, wait: Duration) -> Self {
        Self { server, session: Arc::new(Semaphore::new(session)), most: session, wait }
    }

    /// Calls that ask models now, and the most at once.
    pub(crate) fn in_use(&self) -> (usize, usize) {
        (self.server.taken(), self.server.places())
    }

    /// The way in for one call, for work that goes on in a task of its own.
    pub(crate) fn entrance(&self) -> Entrance {
        Entrance { server: self.server.clone(), session: Arc::clone(&self.session), wait: self.wait }
    }
}

impl Clone for Admission {
    fn clone(&self) -> Self {
        Self::new(self.server.clone(), self.most, self.wait)
    }
}

/// The way in for one call.
#[derive(Debug)]
pub(crate) struct Entrance {
    server: FairLimit,
    session: Arc<Semaphore>,
    wait: Duration,
}

impl Entrance {
    /// Waits for the session's place, then for one in the owner's share of the server, unless the client is gone before.
    pub(crate) async fn admit(
        self,
        who: &Identity,
        gone: &CancellationToken,
    ) -> Result<Admitted, NotAdmitted> {
        let waiting = async {
            // Never closed, so that this cannot fail.
            let session = Arc::clone(&self.session).acquire_owned().await.ok();
            let server = tokio::time::timeout(self.wait, self.server.take(who)).await;
            server
                .map(|server| Admitted { _session: session, _server: server })
                .map_err(|_elapsed| NotAdmitted::Full)
        };
        tokio::select! {
            biased;
            admitted = waiting => admitted,
            () = gone.cancelled() => Err(NotAdmitted::Gone),
        }
    }
}
