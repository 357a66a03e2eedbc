//! The task of one run: it asks, keeps what came of it, and ends by itself, by its deadline, or when nobody waits any more.

use std::{sync::Arc, time::Duration};

use exai_core::{
    Kind, RequestHash,
    chat::Usage,
    completion::Completion,
    provider::CallCtx,
    run::{Attempt, Phase, Run, RunOutcome, RunState},
};
use tokio::time::Instant;

use crate::{
    attempt::Attempted,
    error::InferenceError,
    inference::Inference,
    metrics,
    question::Question,
    record::SHORT,
    runs::{Outcome, RunTask},
    scope::CallScope,
};

/// How a run ended.
struct Ended<'a> {
    asked: &'a Result<Attempted, InferenceError>,
    attempts: &'a [Attempt],
    duration: Duration,
}

impl Inference {
    /// Asks, and keeps what came of it.
    pub(crate) async fn run(
        self: Arc<Self>,
        key: RequestHash,
        question: Question,
        task: RunTask,
        call: CallScope,
    ) -> Outcome {
        // An equal run may have ended between its caller's look and this one's place among the runs: it is not paid for twice.
        let found = if question.fresh { None } else { self.cache.peek(&key).await };
        let now = self.clock.now();
        let found = found.filter(|cached| {
            !self.warmup.is_over(cached.at, now)
                && !task.must_ask.is_cancelled()
                && (question.is_usable)(&cached.completion.reply)
        });
        if let Some(cached) = found {
            return Ok(cached.completion);
        }
        let begun = Instant::now();
        let asked = self.ask(&question, &task, &call).await;
        let duration = begun.elapsed();
        let attempts = task.events.take_attempts();
        let ended = Ended { asked: &asked, attempts: &attempts, duration };
        let (state, mut outcome) = self.ending(&question, &ended);
        outcome.first_token_ms = first_token_ms(task.record.run(), &attempts);
        log_end(&task, &question, state, &outcome, &call);
        let RunTask { record, events, .. } = task;
        let (id, cost_usd) = (record.run().id, outcome.cost_usd);
        record.end(state, self.clock.now(), outcome, attempts);
        let attempted = match asked {
            Ok(attempted) => attempted,
            Err(error) => return Err(Arc::new(error)),
        };
        metrics::cost(question.choice.provider.id(), cost_usd.unwrap_or_default());
        let completion = Arc::new(Completion {
            reply: attempted.reply,
            run: id,
            provider: question.choice.provider.id().clone(),
            model: question.request.model,
            attempts: attempted.attempts,
            duration,
            cost_usd,
        });
        if (question.is_usable)(&completion.reply) {
            self.cache.keep(key, &completion, self.clock.now()).await;
        }
        events.change(|event| event.phase = Phase::Checking);
        Ok(completion)
    }

    /// Asks the model; stores that it does once that has lasted.
    async fn ask(
        &self,
        question: &Question,
        task: &RunTask,
        call: &CallScope,
    ) -> Result<Attempted, InferenceError> {
        let ctx = CallCtx {
            request_id: call.request_id.clone(),
            deadline: Instant::now() + self.call_limit,
            cancel: task.cancel.clone(),
        };
        let mut asking = std::pin::pin!(self.ask_to_the_end(question, task, call, &ctx));
        tokio::select! {
            biased;
            asked = &mut asking => return asked,
            () = tokio::time::sleep(SHORT) => task.record.write_start(),
        }
        asking.await
    }

    fn ending(&self, question: &Question, ended: &Ended<'_>) -> (RunState, RunOutcome) {
        let duration_ms = u64::try_from(ended.duration.as_millis()).unwrap_or(u64::MAX);
        match ended.asked {
            Ok(attempted) => (
                RunState::Done,
                RunOutcome {
                    text: attempted.reply.text.clone(),
                    error: None,
                    usage: attempted.reply.usage,
                    cost_usd: question.choice.model.price.cost(&attempted.reply.usage),
                    attempts: attempted.attempts,
                    duration_ms,
                    finish: Some(attempted.reply.finish.clone()),
                    answered_as: attempted.reply.model.clone(),
                    prompt_cut: attempted.reply.prompt_cut,
                    first_token_ms: None,
                    error_kind: None,
                },
            ),
            Err(error) => {
                let state = match error.kind() {
                    Kind::Cancelled if self.closing.is_cancelled() => RunState::Interrupted,
                    Kind::Cancelled => RunState::Cancelled,
                    _ => RunState::Failed,
                };
                // What was counted before it broke off is on the provider's bill.
                let counted: Vec<Usage> = ended.attempts.iter().filter_map(|attempt| attempt.usage).collect();
                let is_counted = !counted.is_empty();
                let usage = counted.into_iter().sum();
                let outcome = RunOutcome {
                    text: String::new(),
                    error: Some(format!("{}: {error}", error.kind().code())),
                    usage,
                    cost_usd: question.choice.model.price.cost(&usage).filter(|_| is_counted),
                    attempts: u32::try_from(ended.attempts.len()).unwrap_or(u32::MAX),
                    duration_ms,
                    finish: None,
                    answered_as: String::new(),
                    prompt_cut: None,
                    first_token_ms: None,
                    error_kind: Some(error.kind().code().to_owned()),
                };
                (state, outcome)
            }
        }
    }
}

/// From the run's start to the first token of the attempt that ended last.
fn first_token_ms(run: &Run, attempts: &[Attempt]) -> Option<u64> {
    let last = attempts.iter().rev().find(|attempt| attempt.first_token_ms.is_some())?;
    last.first_token_ms.map(|own| last.started_at.millis_since(run.started_at).saturating_add(own))
}

fn log_end(task: &RunTask, question: &Question, state: RunState, outcome: &RunOutcome, call: &CallScope) {
    tracing::info!(
        request_id = %call.request_id,
        run_id = %task.record.run().id,
        tool = question.tool,
        provider = %question.choice.provider.id(),
        model = %question.request.model,
        requested = question.choice.requested,
        state = state.as_str(),
        attempts = outcome.attempts,
        duration_ms = outcome.duration_ms,
        input_tokens = outcome.usage.input_tokens,
        output_tokens = outcome.usage.output_tokens,
        error = outcome.error,
        "consultation by `{}` {}", question.tool, state.as_str()
    );
}
