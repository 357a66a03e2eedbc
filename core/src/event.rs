//! The port to events: what happens in the server, as ids and figures, never as content.

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::{Identity, ModelId, ProviderId, RequestId, RunId, ThreadId};

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A call of a tool began.
    CallBegan {
        /// Its name.
        request: RequestId,
        /// Who calls.
        who: Identity,
        /// The tool.
        tool: String,
    },
    /// It was answered.
    CallEnded {
        /// Its name.
        request: RequestId,
        /// The thread that holds its work, when there is one.
        thread: Option<ThreadId>,
        /// Whether the answer is an error.
        failed: bool,
        /// Wall time in milliseconds.
        duration_ms: u64,
    },
    /// A provider is asked.
    AttemptBegan {
        /// The run.
        run: RunId,
        /// From 1.
        number: u32,
        /// The provider.
        provider: ProviderId,
        /// The model.
        model: ModelId,
    },
    /// The provider answered or failed.
    AttemptEnded {
        /// The run.
        run: RunId,
        /// From 1.
        number: u32,
        /// The code of the error; `None` when it answered.
        error: Option<String>,
        /// Wall time in milliseconds.
        duration_ms: u64,
    },
    /// A model failed several times in a row and is not asked for a while.
    BreakerOpened {
        /// Who serves it.
        provider: ProviderId,
        /// The model.
        model: ModelId,
        /// For how long, in milliseconds.
        for_ms: u64,
    },
    /// It answered again.
    BreakerClosed {
        /// Who serves it.
        provider: ProviderId,
        /// The model.
        model: ModelId,
    },
    /// A run would have cost more than is allowed.
    BudgetExceeded {
        /// Whose budget.
        who: Identity,
        /// `call`, `day` or `thread`.
        which: &'static str,
        /// The limit in US dollars.
        limit: f64,
    },
    /// A session was opened.
    SessionOpened {
        /// Whose it is.
        who: Identity,
        /// Sessions of all callers that are open now at this door.
        open: usize,
    },
    /// One ended.
    SessionClosed {
        /// Whose it was.
        who: Identity,
        /// Sessions of all callers that are open now at this door.
        open: usize,
    },
}

impl Event {
    /// Whether an operator should know of it. The rest comes with every call.
    #[must_use]
    pub fn is_alert(&self) -> bool {
        matches!(self, Self::BreakerOpened { .. } | Self::BreakerClosed { .. } | Self::BudgetExceeded { .. })
    }
}

/// Hands events to everyone who listens.
pub trait EventBus: std::fmt::Debug + Send + Sync {
    /// Tells an event. Never waits: a listener that does not keep up misses the oldest.
    fn publish(&self, event: Event);

    /// Every event from now on. A receiver that lags is told how many it has missed.
    fn subscribe(&self) -> broadcast::Receiver<Arc<Event>>;

    /// What an operator should know of. An implementation that can leaves out the rest, so that a call does not wake a listener that has
    /// no use for it.
    fn subscribe_alerts(&self) -> broadcast::Receiver<Arc<Event>> {
        self.subscribe()
    }
}

/// A bus without listeners, for programs that want no events.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoEvents;

impl EventBus for NoEvents {
    fn publish(&self, _event: Event) {}

    fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        broadcast::Sender::new(1).subscribe()
    }
}
