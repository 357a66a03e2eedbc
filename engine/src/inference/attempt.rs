//! Asking a provider until it answers, within one deadline.
//!
//! Permits count upstream attempts and are released while waiting between them. The model is asked again at the same provider
//! only; nothing here ever changes the model. The answer is buffered, so an attempt that broke off may be repeated. Before each
//! attempt the model's health is asked whether there is any use in it.

mod extra;
mod hedge;
mod permits;

use std::{sync::Arc, time::Duration};

use exai_context::files::estimate_tokens_of_bytes;
use exai_core::{
    Kind, ProviderId,
    chat::{Delta, FinishReason, Part, Reply, Request, Usage},
    provider::{CallCtx, Provider, ProviderError},
    run::{Phase, RunEvent},
    tooling::ToolCall,
};
use futures::StreamExt as _;
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout_at},
};

use extra::Extra;
pub use permits::Permits;

use crate::{
    error::EngineError,
    inference::{
        health::{Admission, Health, Pass},
        meter,
    },
    settings::AttemptSettings,
};

/// Gives numbers from 0 to 1 for jitter; injected so that tests know them.
pub type Jitter = Arc<dyn Fn() -> f64 + Send + Sync>;

/// Makes attempts under the permits and the retry rule.
pub struct Attempts {
    permits: Permits,
    health: Health,
    extra: Extra,
    settings: AttemptSettings,
    jitter: Jitter,
}

/// An answer and how many attempts it took.
#[derive(Debug)]
pub struct Attempted {
    /// The answer.
    pub reply: Reply,
    /// Attempts made.
    pub attempts: u32,
}

impl Attempts {
    /// Attempts under `settings`.
    #[must_use]
    pub fn new(settings: AttemptSettings, jitter: Jitter) -> Self {
        Self {
            permits: Permits::new(&settings),
            health: Health::new(settings.breaker),
            extra: Extra::default(),
            settings,
            jitter,
        }
    }

    /// What is known of the models' service.
    pub(crate) fn health(&self) -> &Health {
        &self.health
    }

    /// Attempts under way and how many may be; see [`Permits::in_use`].
    pub(crate) fn under_way(&self) -> permits::InUse {
        self.permits.in_use()
    }

    /// Asks until there is an answer, the failure is final, the retries are used up or the deadline is too near. Once only, and
    /// without waiting for a vendor that asked to wait, when `is_last` is not set: then there is somebody else to ask.
    ///
    /// # Errors
    /// The last failure, with the number of attempts.
    pub async fn ask(
        &self,
        provider: &dyn Provider,
        request: &Request,
        is_last: bool,
        ctx: &CallCtx,
        events: &watch::Sender<RunEvent>,
    ) -> Result<Attempted, EngineError> {
        let mut attempts = 0;
        loop {
            let failure = {
                events.send_modify(|event| event.phase = Phase::Queued);
                // Before the permit: nobody waits for a vendor's patience with one in his hands.
                let pass = match self.admitted(provider.id(), request, is_last, ctx).await? {
                    Ok(pass) => pass,
                    Err(failure) => return Err(EngineError::Provider { error: failure, attempts }),
                };
                let _permit = self.permits.acquire(provider.id(), &self.settings, ctx).await?;
                if attempts == 0 {
                    self.extra.earn(provider.id());
                }
                events.send_modify(|event| {
                    event.phase = Phase::Asking;
                    event.attempts = attempts + 1;
                    event.tokens = 0;
                });
                let (outcome, made) = self.once_or_twice(pass, provider, request, ctx, events).await;
                attempts += made;
                match outcome {
                    Ok(reply) => return Ok(Attempted { reply, attempts }),
                    Err(failure) => failure,
                }
            };
            if ctx.cancel.is_cancelled() {
                return Err(EngineError::Cancelled);
            }
            let wait = self.wait_before_next(&failure, attempts, ctx.deadline).filter(|_| is_last);
            let Some(wait) = wait.filter(|_| self.extra.spend(provider.id())) else {
                return Err(EngineError::Provider { error: failure, attempts });
            };
            tracing::info!(
                request_id = %ctx.request_id, provider = %provider.id(), code = failure.kind().code(),
                wait_ms = wait.as_millis(), "attempt {attempts} failed, trying again: {failure}"
            );
            events.send_modify(|event| event.phase = Phase::Retrying);
            tokio::select! {
                () = sleep(wait) => {}
                () = ctx.cancel.cancelled() => return Err(EngineError::Cancelled),
            }
        }
    }

    /// The right to an attempt, or why there is no use in one now. Waits as long as the vendor has asked for, when it may.
    async fn admitted(
        &self,
        provider: &ProviderId,
        request: &Request,
        is_last: bool,
        ctx: &CallCtx,
    ) -> Result<Result<Pass, ProviderError>, EngineError> {
        loop {
            let (kind, wait, why) = match self.health.admit(provider, &request.model) {
                Admission::Go(pass) => return Ok(Ok(pass)),
                Admission::Refused(wait) => {
                    (Kind::Unavailable, wait, "it failed several times in a row and is left alone")
                }
                Admission::After(wait) => {
                    let may_wait = is_last
                        && wait <= self.settings.retry_after_cap
                        && Instant::now() + wait < ctx.deadline;
                    if may_wait {
                        tokio::select! {
                            () = sleep(wait) => continue,
                            () = ctx.cancel.cancelled() => return Err(EngineError::Cancelled),
                        }
                    }
                    (Kind::RateLimited, wait, "its vendor asked for a pause")
                }
            };
            let seconds = wait.as_secs().max(1);
            let message = format!(
                "`{}` was not asked: {why}; look again in {seconds} s, or name another model",
                request.model
            );
            let mut refused = ProviderError::new(provider.clone(), kind, message);
            refused.retry_after = Some(wait);
            return Ok(Err(refused));
        }
    }

    /// How long to wait before another attempt; `None` when there must be none.
    fn wait_before_next(
        &self,
        failure: &ProviderError,
        attempts: u32,
        deadline: Instant,
    ) -> Option<Duration> {
        if attempts > self.settings.retries || !may_be_repeated(failure.kind()) {
            return None;
        }
        let doubled = self.settings.backoff.saturating_mul(2_u32.saturating_pow(attempts - 1));
        let own = doubled.min(self.settings.backoff_cap).mul_f64((self.jitter)().clamp(0.0, 1.0));
        let wait = match failure.retry_after {
            Some(asked) if asked > self.settings.retry_after_cap => return None,
            Some(asked) => asked.max(own),
            None => own,
        };
        (Instant::now() + wait < deadline).then_some(wait)
    }
}

/// Whether the same request may succeed at the same provider a moment later.
fn may_be_repeated(kind: Kind) -> bool {
    matches!(kind, Kind::RateLimited | Kind::Unavailable | Kind::Unreachable | Kind::Protocol)
}

/// One attempt, and what is known of it afterwards.
async fn once(
    provider: &dyn Provider,
    request: &Request,
    ctx: &CallCtx,
    events: &watch::Sender<RunEvent>,
) -> Result<Reply, ProviderError> {
    let begun = Instant::now();
    let outcome = folded(provider, request, ctx, events).await;
    meter::attempt(provider.id(), begun.elapsed(), outcome.as_ref().err());
    if let Ok(reply) = &outcome {
        meter::tokens(provider.id(), &reply.usage);
    }
    outcome
}

/// One attempt, its stream folded into a reply.
async fn folded(
    provider: &dyn Provider,
    request: &Request,
    ctx: &CallCtx,
    events: &watch::Sender<RunEvent>,
) -> Result<Reply, ProviderError> {
    let late =
        || ProviderError::new(provider.id().clone(), Kind::Timeout, "no complete answer before the deadline");
    let stopped = || ProviderError::new(provider.id().clone(), Kind::Cancelled, "cancelled");
    let mut fold = Fold::default();
    let work = async {
        let mut stream = provider.chat(request, ctx).await?;
        while let Some(delta) = stream.next().await {
            fold.add(delta?, provider, events);
        }
        Ok(())
    };
    tokio::select! {
        () = ctx.cancel.cancelled() => return Err(stopped()),
        result = timeout_at(ctx.deadline, work) => result.map_err(|_elapsed| late())??,
    }
    fold.finish(provider, request)
}

#[derive(Default)]
struct Fold {
    text: String,
    reasoning_bytes: usize,
    tool_calls: Vec<ToolCall>,
    opaque: Vec<Part>,
    usage: Option<Usage>,
    model: String,
    finish: Option<FinishReason>,
}

impl Fold {
    fn add(&mut self, delta: Delta, provider: &dyn Provider, events: &watch::Sender<RunEvent>) {
        match delta {
            Delta::Text(text) => {
                self.text.push_str(&text);
                self.tell(Phase::Answering, events);
            }
            Delta::Reasoning(text) => {
                self.reasoning_bytes += text.len();
                self.tell(Phase::Thinking, events);
            }
            Delta::Opaque(json) => self.opaque.push(Part::Opaque { provider: provider.id().clone(), json }),
            Delta::ToolCall(call) => self.tool_calls.push(call),
            Delta::Usage(usage) => self.usage = Some(usage),
            Delta::Model(model) => self.model = model,
            Delta::Finished(reason) => self.finish = Some(reason),
        }
    }

    fn tell(&self, phase: Phase, events: &watch::Sender<RunEvent>) {
        let tokens = tokens_of(self.text.len() + self.reasoning_bytes);
        events.send_modify(|event| {
            event.phase = phase;
            event.tokens = tokens;
        });
    }

    fn finish(self, provider: &dyn Provider, request: &Request) -> Result<Reply, ProviderError> {
        let protocol = |message: String| ProviderError::new(provider.id().clone(), Kind::Protocol, message);
        let length = self.text.chars().count();
        let finish = self.finish.unwrap_or(FinishReason::Cut);
        match finish {
            FinishReason::Cut => {
                return Err(protocol(format!("the answer broke off after {length} characters")));
            }
            FinishReason::ContentFilter => {
                return Err(ProviderError::new(
                    provider.id().clone(),
                    Kind::ContentFiltered,
                    "the vendor's content filter stopped the answer; rephrase, or name another model",
                ));
            }
            FinishReason::ToolCalls if !self.tool_calls.is_empty() => {}
            FinishReason::Length if self.text.trim().is_empty() => {
                return Err(ProviderError::new(
                    provider.id().clone(),
                    Kind::UpstreamRejected,
                    "the model used its whole output for thinking; lower `thinking_mode` or name another model",
                ));
            }
            FinishReason::Stop | FinishReason::ToolCalls | FinishReason::Other
                if self.text.trim().is_empty() =>
            {
                return Err(protocol("the model returned an empty answer".to_owned()));
            }
            FinishReason::Stop | FinishReason::ToolCalls | FinishReason::Other | FinishReason::Length => {}
        }
        let usage = self.usage.unwrap_or_else(|| estimated(request, self.text.len() + self.reasoning_bytes));
        let Self { text, tool_calls, opaque, model, .. } = self;
        Ok(Reply { text, tool_calls, opaque, usage, finish, model })
    }
}

fn tokens_of(bytes: usize) -> u64 {
    u64::from(estimate_tokens_of_bytes(bytes as u64))
}

/// Usage for vendors that report none.
pub(crate) fn estimated(request: &Request, output_bytes: usize) -> Usage {
    let input: usize = request.system.len()
        + request
            .messages
            .iter()
            .flat_map(|message| &message.parts)
            .map(|part| match part {
                Part::Text { text } => text.len(),
                Part::ToolCall(call) => call.arguments.len(),
                Part::ToolResult(result) => result.content.len(),
                Part::Image { .. } | Part::Opaque { .. } | Part::File { .. } => 0,
            })
            .sum::<usize>();
    Usage {
        input_tokens: tokens_of(input),
        output_tokens: tokens_of(output_bytes),
        estimated: true,
        ..Usage::default()
    }
}
