//! A completion while it runs: what each subscriber sees of it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use exai_core::{
    Clock, ModelId, ProviderId, RunId,
    chat::{Delta, Usage},
    event::EventBus,
    run::{Attempt, Phase, RunEvent},
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    attempt_log::{AttemptLog, OpenAttempt},
    delivery::Delivery,
};

/// How many events wait for a reader before the provider's stream is held back. When another caller waits for the same run, the reader
/// is not waited for: it gets no further events before [`CompletionEvent::Done`], which has the whole answer.
pub const CAPACITY: usize = 64;

/// A step of a completion.
#[derive(Debug, Clone)]
pub enum CompletionEvent {
    /// It waits for a permit.
    Queued,
    /// A model is asked. What came of an earlier attempt is void: the text begins anew.
    Attempt {
        /// From 1.
        number: u32,
        /// Who serves the model.
        provider: ProviderId,
        /// The model.
        model: ModelId,
    },
    /// A piece of the answer: text, reasoning, a call of a function, or the news that the latest text was reasoning.
    Delta(Delta),
    /// Tokens, as far as the provider has counted them.
    Usage(Usage),
    /// The attempt failed; another one follows after a wait.
    Retrying,
    /// The whole answer: the last event of a completion. A question whose model first asks for files is two completions.
    Done(Delivery),
}

/// Where a caller wants the events of its completions.
pub type EventSender = mpsc::Sender<CompletionEvent>;

/// What a run says while it goes on: the latest state as progress for all who wait, every event for the caller that began it, and what
/// operators see on the bus.
#[derive(Clone)]
pub struct RunEvents {
    latest: Arc<watch::Sender<RunEvent>>,
    every: Option<Reader>,
    attempts: AttemptLog,
}

/// The caller that wants every event.
#[derive(Clone)]
struct Reader {
    events: EventSender,
    watching: Watching,
    /// It was behind when that happened, and gets nothing more before the end.
    is_behind: Arc<AtomicBool>,
}

/// What ends the wait for a reader.
#[derive(Clone)]
pub(crate) struct Watching {
    /// Cancelled when another caller waits for the same run.
    pub is_shared: CancellationToken,
    /// Cancelled when nobody waits for the run any more.
    pub cancel: CancellationToken,
    /// When the run must be over.
    pub until: Instant,
}

impl Watching {
    async fn ended(&self) {
        tokio::select! {
            () = self.is_shared.cancelled() => {}
            () = self.cancel.cancelled() => {}
            () = sleep_until(self.until) => {}
        }
    }
}

impl Reader {
    /// Hands an event over and waits while the reader does not read, as long as no other caller waits for the run.
    async fn send(&self, event: CompletionEvent) {
        if self.is_behind.load(Ordering::Relaxed) {
            return;
        }
        let place = tokio::select! {
            biased;
            place = self.events.reserve() => place.ok(),
            () = self.watching.ended() => {
                self.is_behind.store(true, Ordering::Relaxed);
                return;
            }
        };
        // A reader that went away is no reason to end a run that others may wait for.
        if let Some(place) = place {
            place.send(event);
        }
    }
}

impl RunEvents {
    /// Events of a run. A full `every` holds the provider's stream back until `watching` ends; a closed one is ignored.
    pub(crate) fn new(
        run: RunId,
        latest: watch::Sender<RunEvent>,
        every: Option<EventSender>,
        watching: Watching,
        bus: Arc<dyn EventBus>,
    ) -> Self {
        let every = every.map(|events| Reader { events, watching, is_behind: Arc::default() });
        Self { latest: Arc::new(latest), every, attempts: AttemptLog::new(run, bus) }
    }

    /// The state for all who wait, as it is now.
    pub(crate) fn latest(&self) -> RunEvent {
        self.latest.borrow().clone()
    }

    /// Changes the state for all who wait.
    pub(crate) fn change(&self, change: impl FnOnce(&mut RunEvent)) {
        self.latest.send_modify(change);
    }

    /// It waits for a permit.
    pub(crate) async fn queued(&self) {
        self.change(|event| event.phase = Phase::Queued);
        self.send(CompletionEvent::Queued).await;
    }

    /// It waits for another attempt.
    pub(crate) async fn retrying(&self) {
        self.change(|event| event.phase = Phase::Retrying);
        self.send(CompletionEvent::Retrying).await;
    }

    /// A model is asked.
    pub(crate) async fn attempt(&self, number: u32, provider: &ProviderId, model: &ModelId) {
        self.goes_on(number);
        let (provider, model) = (provider.clone(), model.clone());
        self.send(CompletionEvent::Attempt { number, provider, model }).await;
    }

    /// A model is asked to go on with its answer, of which nothing becomes void.
    pub(crate) fn goes_on(&self, number: u32) {
        self.change(|event| {
            event.phase = Phase::Asking;
            event.attempts = number;
            event.tokens = 0;
        });
    }

    /// What was said before and still holds, after an attempt to go on with it has failed.
    pub(crate) async fn again(&self, text: &str) {
        if self.is_followed() && !text.is_empty() {
            self.send(CompletionEvent::Delta(Delta::Text(text.to_owned()))).await;
        }
    }

    /// Hands an event to the caller that began the run.
    pub(crate) async fn send(&self, event: CompletionEvent) {
        if let Some(reader) = &self.every {
            reader.send(event).await;
        }
    }

    /// Whether some caller wants every event.
    pub(crate) fn is_followed(&self) -> bool {
        self.every.is_some()
    }

    /// The same run, for an attempt whose words nobody is to see.
    pub(crate) fn silent(&self) -> Self {
        Self {
            latest: Arc::new(watch::Sender::new(self.latest())),
            every: None,
            attempts: self.attempts.clone(),
        }
    }

    /// An attempt is sent, heard by the caller or not.
    pub(crate) fn begin_attempt(
        &self,
        provider: &ProviderId,
        model: &ModelId,
        clock: &Arc<dyn Clock>,
    ) -> OpenAttempt {
        self.attempts.begin(provider, model, clock)
    }

    /// The attempts that have ended, in the order in which they began.
    pub(crate) fn take_attempts(&self) -> Vec<Attempt> {
        self.attempts.take()
    }
}
