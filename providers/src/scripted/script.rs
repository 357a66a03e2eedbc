//! What a scripted provider answers to one call, step by step.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use exai_core::{
    Kind, ProviderId,
    chat::{Delta, Finish, Usage},
    provider::{CallCtx, ProviderError, ReplyStream},
};
use futures::{StreamExt, stream};
use tokio::sync::watch;

use super::Flight;
use crate::wait::{Stop, Wait};

/// Holds answers back until it is opened; clones are the same gate.
#[derive(Debug, Clone)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Lets everything through, now and later.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    async fn passed(&self) {
        drop(self.0.subscribe().wait_for(|is_open| *is_open).await);
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

/// One answer. Steps follow in the order in which they were added.
#[derive(Debug, Clone, Default)]
pub struct Script(VecDeque<Step>);

#[derive(Debug, Clone)]
enum Step {
    Say(Delta),
    Hold(Gate),
    Fail { kind: Kind, message: String, retry_after: Option<Duration> },
}

impl Script {
    /// An answer without steps, to add some to.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A complete answer: this text, ten tokens in, five out, regular end.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        let usage = Usage { input_tokens: 10, output_tokens: 5, ..Usage::default() };
        Self::new().say(Delta::Text(text.into())).say(Delta::Usage(usage)).finish(Finish::Stop)
    }

    /// No answer but this failure.
    #[must_use]
    pub fn fail(kind: Kind) -> Self {
        Self::new().then_fail(kind, None)
    }

    /// An answer that never comes; it ends with the call's deadline or cancellation.
    #[must_use]
    pub fn never() -> Self {
        Self::new().hold(&Gate::new())
    }

    /// Adds a delta.
    #[must_use]
    pub fn say(mut self, delta: Delta) -> Self {
        self.0.push_back(Step::Say(delta));
        self
    }

    /// Adds the end.
    #[must_use]
    pub fn finish(self, reason: Finish) -> Self {
        self.say(Delta::Finished(reason))
    }

    /// Waits here until the gate is open.
    #[must_use]
    pub fn hold(mut self, gate: &Gate) -> Self {
        self.0.push_back(Step::Hold(gate.clone()));
        self
    }

    /// Waits at the gate before everything that was added so far.
    #[must_use]
    pub fn gated(mut self, gate: &Gate) -> Self {
        self.0.push_front(Step::Hold(gate.clone()));
        self
    }

    /// Fails here, optionally with a wait that the vendor asks for.
    #[must_use]
    pub fn then_fail(mut self, kind: Kind, retry_after: Option<Duration>) -> Self {
        let message = format!("scripted failure: {}", kind.code());
        self.0.push_back(Step::Fail { kind, message, retry_after });
        self
    }
}

/// The answer as a real provider gives it: under the call's deadline and cancellation, counted until its end.
pub(super) fn play(script: Script, provider: ProviderId, call: &CallCtx, flight: Flight) -> ReplyStream {
    let state = Some((script.0, provider, Wait::new(call), call.deadline, flight));
    stream::unfold(state, |state| async move {
        let (mut steps, provider, wait, deadline, mut flight) = state?;
        loop {
            match steps.pop_front() {
                None => {
                    flight.over();
                    return None;
                }
                Some(Step::Say(delta)) => {
                    if matches!(delta, Delta::Finished(_)) {
                        flight.over();
                    }
                    return Some((Ok(delta), Some((steps, provider, wait, deadline, flight))));
                }
                Some(Step::Fail { kind, message, retry_after }) => {
                    flight.over();
                    let error = ProviderError { retry_after, ..ProviderError::new(provider, kind, message) };
                    return Some((Err(error), None));
                }
                Some(Step::Hold(gate)) => {
                    let kind = match wait.until(deadline, gate.passed()).await {
                        Ok(()) => continue,
                        Err(Stop::Cancelled) => Kind::Cancelled,
                        Err(Stop::Deadline | Stop::Limit) => Kind::Timeout,
                    };
                    let message = "the scripted answer was given up";
                    return Some((Err(ProviderError::new(provider, kind, message)), None));
                }
            }
        }
    })
    .boxed()
}
