//! What every call of a tool carries through the engine.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use exai_context::files::Roots;
use exai_core::{
    Principal, RequestId, ThreadId,
    run::{Phase, RunEvent},
};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

/// Where the folders come from that a call may read. Asked only when a call names files, because the answer may need the client.
#[async_trait]
pub trait RootSource: Send + Sync {
    /// The folders that may be read for this call.
    async fn roots(&self) -> Arc<Roots>;
}

/// Folders that are known beforehand.
#[derive(Debug, Clone)]
pub struct FixedRoots(pub Arc<Roots>);

#[async_trait]
impl RootSource for FixedRoots {
    async fn roots(&self) -> Arc<Roots> {
        Arc::clone(&self.0)
    }
}

/// One call: who asks, until when, how to stop it, and where its progress goes.
#[derive(Clone)]
pub struct Call {
    /// Who asks.
    pub principal: Principal,
    /// The request's name in logs and upstream.
    pub request_id: RequestId,
    /// When the answer must be there.
    pub deadline: Instant,
    /// The time that was allowed in all, for messages.
    pub limit: Duration,
    /// Cancelled when the caller gives up.
    pub cancel: CancellationToken,
    /// The latest progress; only the last value matters.
    pub progress: Arc<watch::Sender<RunEvent>>,
    /// The folders that may be read.
    pub roots: Arc<dyn RootSource>,
    /// The thread, once something of this call is in it: an error can then say where the work is kept.
    pub thread: Arc<OnceLock<ThreadId>>,
}

impl Call {
    /// The progress of a call that has just begun.
    #[must_use]
    pub fn first_event() -> RunEvent {
        RunEvent { phase: Phase::Packing, model: None, tokens: 0, attempts: 0 }
    }

    /// Remembers the thread that holds what this call brought.
    pub(crate) fn kept_in(&self, thread: ThreadId) {
        // A call has one thread; a second call of this function names the same.
        self.thread.get_or_init(|| thread);
    }

    /// A part of this call with an end and a progress of its own.
    pub(crate) fn apart(&self, limit: Duration) -> Self {
        let own = Instant::now() + limit;
        let (deadline, limit) = if own < self.deadline { (own, limit) } else { (self.deadline, self.limit) };
        Self {
            deadline,
            limit,
            cancel: self.cancel.child_token(),
            progress: Arc::new(watch::Sender::new(Self::first_event())),
            ..self.clone()
        }
    }

    /// Tells what is going on now.
    pub fn phase(&self, phase: Phase) {
        self.progress.send_modify(|event| event.phase = phase);
    }
}
