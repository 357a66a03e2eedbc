//! Stale answers: which may still be given again, and the one that is taken when no model can be asked.

use std::sync::Arc;

use exai_core::{
    Identity, Kind, RequestHash, Timestamp, chat::Reply, humanize::span, response_cache::CachedCompletion,
};

use super::{fingerprint, warmup};
use crate::{
    delivery::{Answered, Delivery, Source, Unwritten},
    error::InferenceError,
    inference::Inference,
    question::Question,
    routing::Choice,
    scope::CallScope,
};

/// Whom a question was put to, and how it is found again.
pub(crate) struct Tried {
    request: RequestHash,
    choice: Choice,
    is_usable: fn(&Reply) -> bool,
}

impl Tried {
    pub(crate) fn new(question: &Question, call: &CallScope) -> Self {
        let provider = &question.choice.provider;
        let request = fingerprint(
            &call.principal.identity,
            provider.id(),
            provider.identity(),
            question.prompt_version,
            &question.request,
        );
        let choice = Choice { others: Vec::new(), ..question.choice.clone() };
        Self { request, choice, is_usable: question.is_usable }
    }
}

/// The answer of an earlier day.
pub(crate) struct StaleAnswer {
    /// As it is handed over.
    pub answered: Answered,
    /// Who gave it.
    pub choice: Choice,
}

impl Inference {
    /// Whether an answer of that moment was forgotten since by its owner's wish. A database that cannot be read forgets nothing.
    pub(crate) async fn is_forgotten(&self, at: Timestamp, who: &Identity) -> bool {
        match self.store.answers_forgotten(who).await {
            Ok(forgotten) => forgotten.is_some_and(|since| at <= since),
            Err(error) => {
                tracing::debug!("whether answers were forgotten cannot be read: {error}");
                false
            }
        }
    }

    /// The latest stored answer to one of these, whatever its age.
    async fn older(&self, tried: &[Tried], call: &CallScope) -> Option<StaleAnswer> {
        let mut latest: Option<(Timestamp, CachedCompletion, &Tried)> = None;
        for one in tried {
            let run = match self.store.answered_run(&call.principal.identity, one.request).await {
                Ok(run) => run,
                Err(error) => {
                    tracing::debug!("an older answer cannot be looked for: {error}");
                    return None;
                }
            };
            let Some(run) = run else { continue };
            let at = run.ended_at.unwrap_or(run.started_at);
            let usable = warmup::completion(run).filter(|completion| (one.is_usable)(&completion.reply));
            let Some(completion) = usable else { continue };
            if latest.as_ref().is_none_or(|(before, ..)| at > *before) {
                latest = Some((at, CachedCompletion { completion: Arc::new(completion), at }, one));
            }
        }
        let (at, cached, tried) = latest?;
        if self.is_forgotten(at, &call.principal.identity).await {
            return None;
        }
        let delivery =
            Delivery { completion: cached.completion, source: Source::Stale { age: self.age(at) } };
        let choice = tried.choice.clone();
        Some(StaleAnswer {
            answered: Answered { delivery, unwritten: Unwritten::default(), written: None },
            choice,
        })
    }

    /// What to do when every model that might be asked has failed: the stored answer to the same question where the caller takes one,
    /// else the failure, which says that there is one.
    pub(crate) async fn older_answer(
        &self,
        failure: InferenceError,
        tried: &[Tried],
        allow_stale: bool,
        call: &CallScope,
    ) -> Result<StaleAnswer, InferenceError> {
        if !is_outage(failure.kind()) {
            return Err(failure);
        }
        let Some(older) = self.older(tried, call).await else { return Err(failure) };
        if allow_stale {
            tracing::info!(request_id = %call.request_id, "an older answer is given, because: {failure}");
            return Ok(older);
        }
        Err(match failure {
            InferenceError::Provider { mut error, attempts } => {
                let age = older.answered.delivery.source.age().unwrap_or_default();
                error.message = format!(
                    "{}. An answer to the same question, given {} ago, is stored: call again with allow_stale: true to get it",
                    error.message,
                    span(age)
                );
                InferenceError::Provider { error, attempts }
            }
            other => other,
        })
    }
}

/// Whether the vendors are in trouble, not the question.
fn is_outage(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Auth
            | Kind::Quota
            | Kind::RateLimited
            | Kind::Unavailable
            | Kind::Unreachable
            | Kind::Timeout
            | Kind::Protocol
            | Kind::OverCapacity
    )
}
