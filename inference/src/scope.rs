//! What every completion carries: who asks, until when, how to stop it, and where its progress goes.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use exai_core::{
    Principal, RequestId, ThreadId,
    run::{Door, Phase, RunEvent},
};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::events::EventSender;

/// The bounds of one call.
#[derive(Clone)]
pub struct CallScope {
    /// Who asks.
    pub principal: Principal,
    /// The request's name in logs and upstream.
    pub request_id: RequestId,
    /// The entrance that the call came through, when the transport says it.
    pub door: Option<Door>,
    /// The program that calls, as it names itself.
    pub client: Option<String>,
    /// When the answer must be there.
    pub deadline: Instant,
    /// The time that was allowed in all, for messages.
    pub limit: Duration,
    /// Cancelled when the caller gives up.
    pub cancel: CancellationToken,
    /// The latest progress; only the last value matters.
    pub progress: Arc<watch::Sender<RunEvent>>,
    /// Where the caller wants every event of its completion, when it does. A caller that does not read holds the provider back.
    pub events: Option<EventSender>,
    /// The thread, once something of this call is in it: an error can then say where the work is kept.
    pub thread: Arc<OnceLock<ThreadId>>,
}

impl CallScope {
    /// The progress of a call that has just begun.
    #[must_use]
    pub fn first_event() -> RunEvent {
        RunEvent { phase: Phase::Packing, model: None, tokens: 0, attempts: 0 }
    }

    /// A call that begins now and may take `limit`.
    #[must_use]
    pub fn new(
        principal: Principal,
        request_id: RequestId,
        limit: Duration,
        cancel: CancellationToken,
    ) -> Self {
        Self {
            principal,
            request_id,
            door: None,
            client: None,
            deadline: Instant::now() + limit,
            limit,
            cancel,
            progress: Arc::new(watch::Sender::new(Self::first_event())),
            events: None,
            thread: Arc::default(),
        }
    }

    /// Remembers the thread that holds what this call brought.
    pub fn kept_in(&self, thread: ThreadId) {
        // A call has one thread; a second call of this function names the same.
        self.thread.get_or_init(|| thread);
    }

    /// A part of this call with an end and a progress of its own.
    #[must_use]
    pub fn apart(&self, limit: Duration) -> Self {
        let own = Instant::now() + limit;
        let (deadline, limit) = if own < self.deadline { (own, limit) } else { (self.deadline, self.limit) };
        Self {
            deadline,
            limit,
            cancel: self.cancel.child_token(),
            progress: Arc::new(watch::Sender::new(Self::first_event())),
            // Its words are no part of what the caller waits for.
            events: None,
            ..self.clone()
        }
    }

    /// Says what is going on now.
    pub fn phase(&self, phase: Phase) {
        self.progress.send_modify(|event| event.phase = phase);
    }
}
