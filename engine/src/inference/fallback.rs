//! The next model when the one that the server has chosen cannot be had. Never for a model that the caller or the user has named.

use std::collections::VecDeque;

use exai_core::{Kind, chat::Request};
use futures::future::BoxFuture;

use crate::{
    call::Call,
    engine::Engine,
    error::EngineError,
    gather::Gathered,
    inference::{
        expert::Question,
        meter,
        routing::Choice,
        stale::{Older, Tried},
    },
    round::Round,
};

/// A question as one model is asked it: the request, the files in it, and how many earlier turns did not fit.
pub(crate) type Rendered = (Request, Gathered, usize);

/// A model that could not be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    /// `provider/model`.
    pub model: String,
    /// The code of its failure.
    pub code: &'static str,
    /// The failure in words.
    pub message: String,
}

impl PassedOver {
    fn new(choice: &Choice, failure: &EngineError) -> Self {
        let (model, code) = (choice.model.qualified(), failure.kind().code());
        Self { model, code, message: failure.to_string() }
    }
}

/// An answer, who gave it, and who did not.
pub(crate) struct InTurn {
    pub round: Round,
    pub choice: Choice,
    pub dropped_turns: usize,
    pub passed_over: Vec<PassedOver>,
}

impl Engine {
    /// Consults the chosen model, and behind it those that may answer in its place, until one does. `render` writes the question
    /// anew for another model, whose window may be another.
    pub(crate) async fn consult_in_turn<'r>(
        &self,
        mut question: Question,
        (mut gathered, mut dropped_turns): (Gathered, usize),
        add_files: bool,
        render: impl Fn(Choice) -> BoxFuture<'r, Result<Rendered, EngineError>>,
        call: &Call,
    ) -> Result<InTurn, EngineError> {
        let mut others: VecDeque<Choice> = std::mem::take(&mut question.choice.others).into();
        let (mut passed_over, mut tried): (Vec<PassedOver>, Vec<Tried>) = (Vec::new(), Vec::new());
        loop {
            question.is_last = others.is_empty();
            let (mut next, choice) = (question.again(), question.choice.clone());
            let failure = match self.consult_round(question, gathered, add_files, call).await {
                Ok(round) => {
                    meter::routed(choice.provider.id(), passed_over.is_empty());
                    return Ok(InTurn { round, choice, dropped_turns, passed_over });
                }
                Err(failure) => failure,
            };
            tried.push(Tried::new(&next, call));
            let kind = failure.kind();
            if matches!(kind, Kind::Auth | Kind::Quota) {
                // The same key would be refused again.
                others.retain(|other| other.provider.id() != choice.provider.id());
            }
            if kind == Kind::ContextTooLong {
                let window = choice.model.context_window;
                others.retain(|other| other.model.context_window > window);
            }
            let Some(other) = others.pop_front().filter(|_| moves_on(&failure)) else {
                let last = PassedOver::new(&choice, &failure);
                let failure = told_with(failure, &passed_over);
                let Older { answered, choice } =
                    self.older_answer(failure, &tried, next.allow_stale, call).await?;
                passed_over.push(last);
                let (_, gathered, dropped_turns) = render(choice.clone()).await?;
                let round = Round { answered, gathered, first: None };
                return Ok(InTurn { round, choice, dropped_turns, passed_over });
            };
            tracing::info!(
                request_id = %call.request_id, model = choice.model.qualified(), next = other.model.qualified(),
                code = kind.code(), "the model cannot be had, another one is asked: {failure}"
            );
            passed_over.push(PassedOver::new(&choice, &failure));
            (next.request, gathered, dropped_turns) = render(other.clone()).await?;
            let fallback_reason = choice.fallback_reason.or(Some(kind.code()));
            next.choice = Choice { fallback_reason, ..other };
            question = next;
        }
    }
}

/// Whether another model may succeed where this failure came from.
fn moves_on(failure: &EngineError) -> bool {
    // A vendor that was silent for too long; not the end of the call's own time.
    if failure.kind() == Kind::Timeout {
        return matches!(failure, EngineError::Provider { .. });
    }
    matches!(
        failure.kind(),
        Kind::RateLimited
            | Kind::Unavailable
            | Kind::Unreachable
            | Kind::Protocol
            | Kind::Quota
            | Kind::Auth
            | Kind::ModelNotFound
            | Kind::ContextTooLong
            | Kind::OverCapacity
    )
}

/// The last failure, with those before it.
fn told_with(failure: EngineError, before: &[PassedOver]) -> EngineError {
    match failure {
        EngineError::Provider { mut error, attempts } if !before.is_empty() => {
            let models: Vec<String> =
                before.iter().map(|one| format!("{} ({})", one.model, one.code)).collect();
            error.message = format!("{}; before it: {}", error.message, models.join(", "));
            EngineError::Provider { error, attempts }
        }
        other => other,
    }
}
