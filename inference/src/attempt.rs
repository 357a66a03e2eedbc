//! Asking a provider until it answers, within one deadline.
//!
//! Permits count upstream attempts and are released while waiting between them. The model is asked again at the same provider
//! only; nothing here ever changes the model. The answer is buffered, so an attempt that broke off may be repeated. Before each
//! attempt the model's health is asked whether there is any use in it.

mod fold;
mod hedge;
mod permits;
mod retry_budget;
mod settings;

use std::{sync::Arc, time::Duration};

use exai_core::{
    Clock, Identity, Kind, ProviderId,
    chat::{Reply, Request},
    provider::{CallCtx, Provider, ProviderError},
};
use futures::StreamExt as _;
use tokio::time::{Instant, sleep, timeout_at};

use self::{fold::Fold, retry_budget::RetryBudget};
pub use self::{
    permits::{InUse, PermitUse, Permits},
    settings::AttemptSettings,
};
use crate::{
    attempt_log::AttemptEnd,
    error::InferenceError,
    events::RunEvents,
    health::{Admission, Health, Pass},
    metrics,
    record::RunRecord,
};

/// Gives numbers from 0 to 1 for jitter; injected so that tests know them.
pub type Jitter = Arc<dyn Fn() -> f64 + Send + Sync>;

/// Makes attempts under the permits and the retry rule.
pub struct Attempts {
    permits: Permits,
    health: Health,
    retry_budget: RetryBudget,
    settings: AttemptSettings,
    jitter: Jitter,
    clock: Arc<dyn Clock>,
}

/// An answer and how many attempts it took.
#[derive(Debug)]
pub struct Attempted {
    /// The answer.
    pub reply: Reply,
    /// Attempts made.
    pub attempts: u32,
}

/// What was said of the same answer before its model was paused, and the attempts that it took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spoken<'a> {
    /// The text so far.
    pub text: &'a str,
    /// Attempts so far.
    pub attempts: u32,
}

/// Who is asked what.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// For whom.
    pub who: &'a Identity,
    /// Who.
    pub provider: &'a dyn Provider,
    /// What.
    pub request: &'a Request,
    /// Whether there is nobody else to ask.
    pub is_last: bool,
    /// What was said before.
    pub spoken: Spoken<'a>,
    /// What is held for it is looked at just before each attempt, when there is nothing left to wait for.
    pub money: &'a RunRecord,
}

impl Attempts {
    /// Attempts under `settings`.
    #[must_use]
    pub fn new(settings: AttemptSettings, health: Health, jitter: Jitter, clock: Arc<dyn Clock>) -> Self {
        Self {
            permits: Permits::new(&settings),
            health,
            retry_budget: RetryBudget::default(),
            settings,
            jitter,
            clock,
        }
    }

    /// Attempts under way and how many may be.
    pub(crate) fn permits_in_use(&self) -> PermitUse {
        self.permits.in_use()
    }

    /// Asks until there is an answer, the failure is final, the retries are used up or the deadline is too near. Once only, and
    /// without waiting for a vendor that asked to wait, when `is_last` is not set: then there is somebody else to ask.
    ///
    /// # Errors
    /// The last failure, with the number of attempts.
    pub(crate) async fn ask(
        &self,
        asked: Asked<'_>,
        ctx: &CallCtx,
        events: &RunEvents,
    ) -> Result<Attempted, InferenceError> {
        let Asked { who, provider, request, is_last, spoken, money } = asked;
        let mut attempts = 0;
        loop {
            let failure = {
                events.queued().await;
                // Before the permit: nobody waits for a vendor's patience with one in his hands.
                let pass = match self.admitted(provider.id(), request, is_last, ctx).await? {
                    Ok(pass) => pass,
                    Err(failure) => return Err(InferenceError::Provider { error: failure, attempts }),
                };
                let _permit = self.permits.acquire(provider.id(), who, &self.settings, ctx).await?;
                tokio::select! {
                    biased;
                    () = ctx.cancel.cancelled() => return Err(InferenceError::Cancelled),
                    checked = money.check_money() => checked?,
                }
                if attempts == 0 {
                    self.retry_budget.earn(provider.id());
                }
                let number = spoken.attempts + attempts + 1;
                if spoken.attempts > 0 && attempts == 0 {
                    events.goes_on(number);
                } else {
                    events.attempt(number, provider.id(), &request.model).await;
                    events.again(spoken.text).await;
                }
                let (outcome, made) = self.once_or_twice(pass, asked, ctx, events).await;
                attempts += made;
                match outcome {
                    Ok(reply) => return Ok(Attempted { reply, attempts }),
                    Err(failure) => failure,
                }
            };
            if ctx.cancel.is_cancelled() {
                return Err(InferenceError::Cancelled);
            }
            let wait = self.wait_before_next(&failure, attempts, ctx.deadline).filter(|_| is_last);
            let Some(wait) = wait.filter(|_| self.retry_budget.spend(provider.id())) else {
                return Err(InferenceError::Provider { error: failure, attempts });
            };
            tracing::info!(
                request_id = %ctx.request_id, provider = %provider.id(), code = failure.kind().code(),
                wait_ms = wait.as_millis(), "attempt {attempts} failed, trying again: {failure}"
            );
            events.retrying().await;
            tokio::select! {
                () = sleep(wait) => {}
                () = ctx.cancel.cancelled() => return Err(InferenceError::Cancelled),
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
    ) -> Result<Result<Pass, ProviderError>, InferenceError> {
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
                            () = ctx.cancel.cancelled() => return Err(InferenceError::Cancelled),
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

    /// One attempt, and what is known of it afterwards.
    async fn once(
        &self,
        provider: &dyn Provider,
        request: &Request,
        ctx: &CallCtx,
        events: &RunEvents,
    ) -> Result<Reply, ProviderError> {
        let begun = Instant::now();
        let mut fold = Fold::new(provider, request);
        let open = events.begin_attempt(provider.id(), &request.model, &self.clock);
        let outcome = folded(&mut fold, provider, request, ctx, events).await;
        let (usage, first_token) = (fold.usage(request), fold.first_token);
        let outcome = outcome.and_then(|()| fold.finish(provider, request));
        metrics::attempt(provider.id(), begun.elapsed(), outcome.as_ref().err());
        if let Ok(reply) = &outcome {
            metrics::tokens(provider.id(), &reply.usage);
        }
        let millis = |at: Instant| u64::try_from((at - begun).as_millis()).unwrap_or(u64::MAX);
        open.end(AttemptEnd {
            first_token_ms: first_token.map(millis),
            error_kind: outcome.as_ref().err().map(|failure| failure.kind().code().to_owned()),
            usage: outcome.as_ref().map_or(usage, |reply| Some(reply.usage)),
        });
        outcome
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

/// One attempt, its stream folded into a reply.
async fn folded(
    fold: &mut Fold,
    provider: &dyn Provider,
    request: &Request,
    ctx: &CallCtx,
    events: &RunEvents,
) -> Result<(), ProviderError> {
    let late =
        || ProviderError::new(provider.id().clone(), Kind::Timeout, "no complete answer before the deadline");
    let stopped = || ProviderError::new(provider.id().clone(), Kind::Cancelled, "cancelled");
    let work = async {
        let mut stream = provider.chat(request, ctx).await?;
        while let Some(delta) = stream.next().await {
            fold.add(delta?, provider, request, events).await;
        }
        Ok(())
    };
    tokio::select! {
        () = ctx.cancel.cancelled() => Err(stopped()),
        result = timeout_at(ctx.deadline, work) => result.map_err(|_elapsed| late())?,
    }
}
