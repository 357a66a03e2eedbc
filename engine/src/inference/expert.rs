//! One consultation of an expert model: cache, single flight, run record, attempts.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use exai_core::{
    Clock, Kind, RequestHash, RunId, ThreadId,
    chat::Request,
    provider::CallCtx,
    run::{Phase, Run, RunOutcome, RunState},
    store::{Commit, Store, Write},
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    call::Call,
    error::EngineError,
    inference::{
        attempt::{Attempted, Attempts},
        budget::Budget,
        cache::{AnswerCache, Cached, fingerprint},
        consulted::Consulted,
        meter,
        recall::Recall,
        routing::{Choice, Models},
        run::{Epilogue, Outcome, RunTask, Runs},
    },
};

/// How this caller got an answer.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The answer.
    pub consulted: Arc<Consulted>,
    /// Its age when it came from the cache.
    pub cached_for: Option<Duration>,
    /// It is older than answers are given again, and stands in because nobody could be asked.
    pub stale: bool,
    /// Whether another call had already begun the same consultation.
    pub shared: bool,
}

/// An answer, and what of its records still has to be stored or waited for.
pub(crate) struct Answered {
    /// The answer.
    pub delivery: Delivery,
    /// Stored together with the answer's turn, in one transaction: what the question left, and the end of the run.
    pub unwritten: Vec<Write>,
    /// The question's prologue on its way to storage.
    pub written: Option<Commit>,
}

/// What is asked, of whom, and for which thread.
pub(crate) struct Question {
    /// The tool that asks.
    pub tool: &'static str,
    /// The version of its system prompt.
    pub prompt_version: u32,
    /// The thread of the caller.
    pub thread: ThreadId,
    /// Who is asked.
    pub choice: Choice,
    /// The rendered request.
    pub request: Request,
    /// Do not take the answer from the cache.
    pub fresh: bool,
    /// Take an older answer when nobody can be asked.
    pub allow_stale: bool,
    /// Whether there is nobody else to ask when this fails.
    pub is_last: bool,
    /// The beginning of a new thread, stored together with the beginning of the run, or with a cached answer.
    pub prologue: Vec<Write>,
}

impl Question {
    /// The same question for another round: nothing of it has to be stored again.
    pub(crate) fn again(&self) -> Self {
        Self {
            tool: self.tool,
            prompt_version: self.prompt_version,
            thread: self.thread,
            choice: self.choice.clone(),
            request: self.request.clone(),
            fresh: self.fresh,
            allow_stale: self.allow_stale,
            is_last: self.is_last,
            prologue: Vec::new(),
        }
    }
}

/// Consults models.
#[derive(Clone)]
pub(crate) struct Expert {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) attempts: Arc<Attempts>,
    pub(crate) cache: AnswerCache,
    pub(crate) recall: Recall,
    pub(crate) runs: Runs,
    pub(crate) budget: Budget,
    pub(crate) models: Models,
    pub(crate) call_limit: Duration,
    pub(crate) serial: Arc<AtomicU64>,
    pub(crate) closing: CancellationToken,
    /// How long a run's end waits to be stored together with its answer.
    pub(crate) epilogue_wait: Duration,
}

impl Expert {
    /// Gets the answer: from the cache, from an equal consultation under way, or by asking.
    pub(crate) async fn consult(&self, mut question: Question, call: &Call) -> Result<Answered, EngineError> {
        let mut prologue = std::mem::take(&mut question.prologue);
        let thread = question.thread;
        let key = fingerprint(
            &call.principal,
            question.choice.provider.id(),
            question.choice.provider.identity(),
            question.prompt_version,
            &question.request,
        );
        let looked_up = if question.fresh { None } else { self.remembered(&key, call).await };
        if let Some(cached) = looked_up {
            return Ok(Answered {
                delivery: self.delivered_again(&cached),
                unwritten: prologue,
                written: None,
            });
        }
        let reserved = self
            .budget
            .reserve(
                (&*self.store, &*self.clock),
                (&call.principal, thread),
                (&question.choice, &question.request),
                &self.models,
            )
            .await?;
        let name = question.choice.model.qualified();
        call.progress.send_modify(|event| event.model = Some(name.clone()));
        let (fresh, has_prologue, mut written) = (question.fresh, !prologue.is_empty(), None);
        let started = self.runs.join_or_start(
            key,
            self.serial.fetch_add(1, Ordering::Relaxed),
            || if fresh { None } else { self.cache.get(&key).map(|cached| cached.consulted) },
            |task| {
                task.events.send_modify(|event| event.model = Some(name));
                let run = self.new_run(key, &question);
                let (id, mut batch) = (run.id, std::mem::take(&mut prologue));
                batch.push(Write::StartRun(run));
                // Nobody waits for this record before asking: the writer keeps the order, and the answer is what must last.
                written = Some(self.store.write(&call.principal, batch));
                let (expert, call) = (self.clone(), call.clone());
                async move {
                    let _reserved = reserved;
                    expert.run(id, key, question, task, call).await
                }
            },
        );
        let handle = match started {
            Ok(handle) => handle,
            Err(consulted) => {
                let delivery =
                    Delivery { consulted, cached_for: Some(Duration::ZERO), stale: false, shared: true };
                return Ok(Answered { delivery, unwritten: prologue, written: None });
            }
        };
        if !prologue.is_empty() {
            written = Some(self.store.write(&call.principal, prologue));
        }
        if has_prologue {
            call.kept_in(thread);
        }
        let (shared, epilogue) = (handle.joined, handle.epilogue.clone());
        let outcome = tokio::select! {
            biased;
            () = call.cancel.cancelled() => return Err(EngineError::Cancelled),
            outcome = tokio::time::timeout_at(call.deadline, handle.wait(call)) => outcome,
        };
        match outcome {
            Err(_elapsed) => Err(self.timed_out(call)),
            Ok(Ok(consulted)) => {
                let delivery = Delivery { consulted, cached_for: None, stale: false, shared };
                Ok(Answered {
                    delivery,
                    unwritten: epilogue.take(),
                    written: written.filter(|_| has_prologue),
                })
            }
            Ok(Err(error)) => Err(Arc::try_unwrap(error).unwrap_or_else(|shared| retold(&shared))),
        }
    }

    /// The answer to this very request: of this process, or of one before it.
    async fn remembered(&self, key: &RequestHash, call: &Call) -> Option<Cached> {
        let now = self.clock.now();
        let found = match self.cache.get(key) {
            Some(cached) => Some(cached),
            None => {
                self.recall.warm(&self.cache, &*self.store, now, &call.principal).await;
                self.cache.peek(key)
            }
        };
        // Read late, an answer is older than its time in this cache.
        let cached = found.filter(|cached| !self.recall.is_over(cached.at, now))?;
        if self.is_forgotten(cached.at, &call.principal).await {
            self.cache.forget(key);
            return None;
        }
        Some(cached)
    }

    pub(crate) fn delivered_again(&self, cached: &Cached) -> Delivery {
        let age = Duration::from_millis(self.clock.now().millis_since(cached.at));
        let consulted = Arc::clone(&cached.consulted);
        Delivery { consulted, cached_for: Some(age), stale: false, shared: false }
    }

    fn timed_out(&self, call: &Call) -> EngineError {
        let event = call.progress.borrow().clone();
        let progress = match event.tokens {
            0 => format!(" (the call was {})", event.phase.as_str()),
            tokens => format!(" (the call was {}, about {tokens} tokens had arrived)", event.phase.as_str()),
        };
        EngineError::Timeout { limit: call.limit, progress }
    }

    fn new_run(&self, key: RequestHash, question: &Question) -> Run {
        let started_at = self.clock.now();
        let limit_ms = i64::try_from(self.call_limit.as_millis()).unwrap_or(i64::MAX);
        Run {
            id: RunId::new(),
            thread: question.thread,
            tool: question.tool.to_owned(),
            request: key,
            provider: question.choice.provider.id().clone(),
            model: question.request.model.clone(),
            state: RunState::Running,
            started_at,
            deadline_at: started_at.plus_millis(limit_ms),
            ended_at: None,
            outcome: None,
        }
    }

    /// The run's own task. It ends by itself, by its deadline, or when nobody subscribes any more.
    async fn run(
        self,
        id: RunId,
        key: RequestHash,
        question: Question,
        task: RunTask,
        call: Call,
    ) -> Outcome {
        let begun = Instant::now();
        let ctx = CallCtx {
            request_id: call.request_id.clone(),
            deadline: begun + self.call_limit,
            cancel: task.cancel,
        };
        let asked = self
            .attempts
            .ask(&*question.choice.provider, &question.request, question.is_last, &ctx, &task.events)
            .await;
        let duration = begun.elapsed();
        let end = self.end_of_run(id, &question, &asked, duration, &call);
        let attempted = match asked {
            Ok(attempted) => attempted,
            Err(error) => {
                drop(self.store.write(&call.principal, vec![end]));
                return Err(Arc::new(error));
            }
        };
        task.epilogue.leave(vec![end]);
        self.store_epilogue_later(task.epilogue, call);
        let cost_usd = question.choice.model.price.cost(&attempted.reply.usage);
        meter::cost(question.choice.provider.id(), cost_usd.unwrap_or_default());
        let consulted = Arc::new(Consulted {
            reply: attempted.reply,
            run: id,
            provider: question.choice.provider.id().clone(),
            model: question.request.model,
            attempts: attempted.attempts,
            duration,
            cost_usd,
        });
        self.cache.keep(key, &consulted, self.clock.now());
        task.events.send_modify(|event| event.phase = Phase::Checking);
        Ok(consulted)
    }

    /// Stores a run's end when no subscriber has: all of them may have left at the last moment.
    fn store_epilogue_later(&self, epilogue: Epilogue, call: Call) {
        let (store, closing, patience) = (Arc::clone(&self.store), self.closing.clone(), self.epilogue_wait);
        self.runs.spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(patience) => {}
                () = closing.cancelled() => {}
            }
            let left = epilogue.take();
            if !left.is_empty() {
                drop(store.write(&call.principal, left));
            }
        });
    }

    /// The record of how a run ended; it is logged here too.
    fn end_of_run(
        &self,
        id: RunId,
        question: &Question,
        asked: &Result<Attempted, EngineError>,
        duration: Duration,
        call: &Call,
    ) -> Write {
        let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let (state, outcome) = match asked {
            Ok(attempted) => (
                RunState::Done,
                RunOutcome {
                    text: attempted.reply.text.clone(),
                    error: None,
                    usage: attempted.reply.usage,
                    cost_usd: question.choice.model.price.cost(&attempted.reply.usage),
                    attempts: attempted.attempts,
                    duration_ms,
                    finish: Some(attempted.reply.finish),
                    answered_as: attempted.reply.model.clone(),
                },
            ),
            Err(error) => {
                let state = match error.kind() {
                    Kind::Cancelled if self.closing.is_cancelled() => RunState::Interrupted,
                    Kind::Cancelled => RunState::Cancelled,
                    _ => RunState::Failed,
                };
                let attempts = if let EngineError::Provider { attempts, .. } = error { *attempts } else { 0 };
                let error = Some(format!("{}: {error}", error.kind().code()));
                (
                    state,
                    RunOutcome {
                        text: String::new(),
                        error,
                        usage: exai_core::chat::Usage::default(),
                        cost_usd: None,
                        attempts,
                        duration_ms,
                        finish: None,
                        answered_as: String::new(),
                    },
                )
            }
        };
        log_end(id, question, state, &outcome, call);
        Write::FinishRun { id, state, at: self.clock.now(), outcome }
    }
}

fn log_end(id: RunId, question: &Question, state: RunState, outcome: &RunOutcome, call: &Call) {
    tracing::info!(
        request_id = %call.request_id,
        run_id = %id,
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

/// The same failure for another subscriber of the same run; causes stay with the first.
fn retold(error: &EngineError) -> EngineError {
    match error {
        EngineError::Provider { error, attempts } => EngineError::Provider {
            error: exai_core::provider::ProviderError {
                provider: error.provider.clone(),
                kind: error.kind,
                message: error.message.clone(),
                retry_after: error.retry_after,
                status: error.status,
                source: None,
            },
            attempts: *attempts,
        },
        EngineError::OverCapacity { waiting_for, waited, retry_after } => EngineError::OverCapacity {
            waiting_for: waiting_for.clone(),
            waited: *waited,
            retry_after: *retry_after,
        },
        EngineError::Cancelled => EngineError::Cancelled,
        other => EngineError::Internal { what: other.to_string(), source: None },
    }
}
