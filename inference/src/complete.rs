//! One completion: from the cache, from an equal run under way, or by asking.

use std::{sync::Arc, time::Duration};

use exai_core::{
    RequestHash, RunId,
    chat::Delta,
    event::Event,
    response_cache::CachedCompletion,
    run::{self, Run, RunState},
    store::{Commit, Write},
};

use crate::{
    budget::{Bill, Reservation},
    cache::fingerprint,
    delivery::{Answered, Delivery, Source, Unwritten},
    error::InferenceError,
    events::CompletionEvent,
    inference::Inference,
    question::Question,
    record::{RunRecord, Starter},
    runs::{RunHandle, Start},
    scope::CallScope,
};

/// What begins a run beside its question.
struct Beginning {
    key: RequestHash,
    prologue: Vec<Write>,
    reserved: Option<Reservation>,
}

/// A run that was joined or begun.
struct Joined {
    handle: RunHandle,
    /// Absent when another caller began it.
    starter: Option<Starter>,
    /// The prologue of a caller that joined, on its way to storage.
    written: Option<Commit>,
    /// The question of a caller that joined.
    question: Option<Question>,
}

impl Inference {
    /// Gets the answer: from the cache, from an equal run under way, or by asking.
    ///
    /// # Errors
    /// Anything that [`InferenceError`] names. The question's prologue is stored by then, or on its way.
    pub async fn complete(
        self: &Arc<Self>,
        mut question: Question,
        call: &CallScope,
    ) -> Result<Answered, InferenceError> {
        let prologue = std::mem::take(&mut question.prologue);
        let key = fingerprint(
            &call.principal.identity,
            question.choice.provider.id(),
            question.choice.provider.identity(),
            question.prompt_version,
            &question.request,
        );
        let looked_up = if question.fresh { None } else { self.remembered(&key, &question, call).await };
        if let Some(cached) = looked_up {
            let source = Source::Cached { age: self.age(cached.at) };
            let delivery = Delivery { completion: cached.completion, source };
            return Ok(self.handed_over(delivery, prologue, call).await);
        }
        let bill = Bill {
            who: &call.principal.identity,
            thread: question.thread,
            choice: &question.choice,
            request: &question.request,
            so_far: 0.0,
        };
        let reserved = self
            .budget
            .reserve(bill, self.router.models())
            .await
            .inspect_err(|error| self.publish_refusal(error, call))?;
        let joined = self.join_or_start(question, Beginning { key, prologue, reserved }, call);
        self.outcome_of(joined, call).await
    }

    /// An answer that is there already, for a caller that may want every event of it.
    async fn handed_over(&self, delivery: Delivery, prologue: Vec<Write>, call: &CallScope) -> Answered {
        if call.events.is_some() {
            let text = delivery.completion.reply.text.clone();
            tell(call, CompletionEvent::Delta(Delta::Text(text))).await;
            tell(call, CompletionEvent::Done(delivery.clone())).await;
        }
        let who = call.principal.identity.clone();
        let unwritten = Unwritten::new(prologue, Arc::clone(&self.store), who);
        Answered { delivery, unwritten, written: None }
    }

    fn publish_refusal(&self, error: &InferenceError, call: &CallScope) {
        if let InferenceError::Budget { which, limit, .. } = error {
            let who = call.principal.identity.clone();
            self.events.publish(Event::BudgetExceeded { who, which, limit: *limit });
        }
    }

    /// Joins the run of an equal request or begins one.
    fn join_or_start(self: &Arc<Self>, question: Question, beginning: Beginning, call: &CallScope) -> Joined {
        let Beginning { key, prologue, reserved } = beginning;
        let name = question.choice.model.qualified();
        call.progress.send_modify(|event| event.model = Some(name.clone()));
        let thread = question.thread.filter(|_| !prologue.is_empty());
        let run = self.new_run(key, &question, call);
        // Given to the run that is begun here; still there when none is.
        let (mut prologue, fresh) = (Some(prologue), question.fresh);
        // Nobody else has the key of a run that is not shared.
        let flight = if question.alone { unique(run.id) } else { key };
        let mut question = Some(question);
        let handle = self.runs.join_or_start(
            flight,
            fresh,
            || Start {
                serial: self.next_serial(),
                record: RunRecord::new(
                    Arc::clone(&self.store),
                    call.principal.identity.clone(),
                    run,
                    prologue.take().unwrap_or_default(),
                    reserved,
                ),
                limit: self.call_limit,
                events: call.events.clone(),
                bus: Arc::clone(&self.events),
            },
            |task| {
                task.events.change(|event| event.model = Some(name));
                let (inference, question, call) = (Arc::clone(self), question.take(), call.clone());
                async move {
                    match question {
                        Some(question) => inference.run(key, question, task, call).await,
                        None => Err(Arc::new(InferenceError::Cancelled)),
                    }
                }
            },
        );
        if let Some(thread) = thread {
            call.kept_in(thread);
        }
        // The thread of a run that somebody else began is no part of its record.
        let apart = prologue.filter(|writes| !writes.is_empty());
        let written = apart.map(|writes| self.store.write(&call.principal.identity, writes));
        let starter = (!handle.joined).then(|| Starter::new(handle.record.clone()));
        Joined { handle, starter, written, question }
    }

    async fn outcome_of(
        self: &Arc<Self>,
        joined: Joined,
        call: &CallScope,
    ) -> Result<Answered, InferenceError> {
        let Joined { handle, starter, written, question } = joined;
        let begun = handle.record.run().id;
        let outcome = tokio::select! {
            biased;
            () = call.cancel.cancelled() => return Err(InferenceError::Cancelled),
            outcome = tokio::time::timeout_at(call.deadline, handle.wait(call)) => outcome,
        };
        match outcome {
            Err(_elapsed) => Err(timed_out(call)),
            Ok(Ok(completion)) => {
                let source = match &starter {
                    None => Source::Shared,
                    Some(_) if completion.run == begun => Source::Fresh,
                    // An equal run had ended after this call had looked, and before its own began.
                    Some(_) => Source::Cached { age: Duration::ZERO },
                };
                // What is of no use to its own caller is not given to another one, which asks for itself.
                if let Some(question) = question.filter(|own| !(own.is_usable)(&completion.reply)) {
                    let own = Question { fresh: true, alone: true, ..question };
                    let answered = Box::pin(self.complete(own, call)).await?;
                    return Ok(Answered { written: answered.written.or(written), ..answered });
                }
                let delivery = Delivery { completion, source };
                tell(call, CompletionEvent::Done(delivery.clone())).await;
                let unwritten = starter.map_or_else(Unwritten::default, Starter::take);
                Ok(Answered { delivery, unwritten, written })
            }
            Ok(Err(error)) => Err(Arc::try_unwrap(error).unwrap_or_else(|shared| shared.for_another())),
        }
    }

    /// The answer to this very request: of this process, or of one before it.
    async fn remembered(
        &self,
        key: &RequestHash,
        question: &Question,
        call: &CallScope,
    ) -> Option<CachedCompletion> {
        let now = self.clock.now();
        let found = match self.cache.get(key).await {
            Some(cached) => Some(cached),
            None => {
                self.warmup.warm(&self.cache, &*self.store, now, &call.principal.identity).await;
                self.cache.peek(key).await
            }
        };
        // Read late, an answer is older than its time in this cache.
        let cached = found.filter(|cached| !self.warmup.is_over(cached.at, now))?;
        if !(question.is_usable)(&cached.completion.reply)
            || self.is_forgotten(cached.at, &call.principal.identity).await
        {
            self.cache.forget(key).await;
            return None;
        }
        Some(cached)
    }

    fn new_run(&self, key: RequestHash, question: &Question, call: &CallScope) -> Run {
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
            door: call.door.map(|door| door.0.to_owned()),
            client: call.client.clone(),
            key_id: call.principal.key_id.clone(),
            source: run::Source::Fresh,
            outcome: None,
        }
    }
}

/// Hands an event to the caller, for as long as the call may last: a reader that stands still must not keep the answer from its thread.
async fn tell(call: &CallScope, event: CompletionEvent) {
    let Some(events) = &call.events else { return };
    tokio::select! {
        biased;
        sent = events.send(event) => drop(sent),
        () = call.cancel.cancelled() => {}
        () = tokio::time::sleep_until(call.deadline) => {}
    }
}

/// A key that no request has.
fn unique(run: RunId) -> RequestHash {
    let id = run.as_uuid().into_bytes();
    RequestHash(std::array::from_fn(|at| id.get(at).copied().unwrap_or_default()))
}

fn timed_out(call: &CallScope) -> InferenceError {
    let event = call.progress.borrow().clone();
    let progress = match event.tokens {
        0 => format!(" (the call was {})", event.phase.as_str()),
        tokens => format!(" (the call was {}, about {tokens} tokens had arrived)", event.phase.as_str()),
    };
    InferenceError::Timeout { limit: call.limit, progress }
}
