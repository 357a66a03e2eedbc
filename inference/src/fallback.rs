//! The next model when the one that the server has chosen cannot be asked. Never for a model that the caller or the user has named.

use std::{collections::VecDeque, sync::Arc};

use async_trait::async_trait;
use exai_core::{Kind, chat::Request};

use crate::{
    cache::{StaleAnswer, Tried},
    delivery::Answered,
    error::InferenceError,
    inference::Inference,
    metrics,
    question::Question,
    routing::Choice,
    scope::CallScope,
};

/// What can be put to one model after the other.
#[async_trait]
pub trait Inquiry: Send + Sync {
    /// What goes with a rendered request: the files in it, what was left out.
    type Context: Send;
    /// What a model's answer becomes.
    type Reply: Send;
    /// Why there is none.
    type Error: From<InferenceError> + Send;

    /// Writes the question for a model, whose window may be another.
    async fn render(&self, choice: &Choice) -> Result<(Request, Self::Context), Self::Error>;

    /// Puts the question to its model.
    async fn ask(&self, question: Question, context: Self::Context) -> Result<Self::Reply, Self::Error>;

    /// What an older answer becomes, given in place of one.
    fn adopt(&self, answered: Answered, context: Self::Context) -> Self::Reply;

    /// The failure of the completion, when it is one.
    fn failure(error: Self::Error) -> Result<InferenceError, Self::Error>;
}

/// A model that could not be asked.
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
    fn new(choice: &Choice, failure: &InferenceError) -> Self {
        let (model, code) = (choice.model.qualified(), failure.kind().code());
        Self { model, code, message: failure.to_string() }
    }
}

/// An answer, who gave it, and who did not.
pub struct Replied<R> {
    /// The answer.
    pub reply: R,
    /// Who gave it.
    pub choice: Choice,
    /// Models that could not be asked before.
    pub passed_over: Vec<PassedOver>,
}

impl Inference {
    /// Asks the chosen model, and behind it those that may answer in its place, until one does.
    ///
    /// # Errors
    /// The last failure, with those before it.
    pub async fn ask_in_turn<I: Inquiry>(
        self: &Arc<Self>,
        inquiry: &I,
        mut question: Question,
        mut context: I::Context,
        call: &CallScope,
    ) -> Result<Replied<I::Reply>, I::Error> {
        let mut others: VecDeque<Choice> = std::mem::take(&mut question.choice.others).into();
        let (mut passed_over, mut tried): (Vec<PassedOver>, Vec<Tried>) = (Vec::new(), Vec::new());
        loop {
            question.is_last = others.is_empty();
            let (mut next, choice) = (question.again(), question.choice.clone());
            let failure = match inquiry.ask(question, context).await {
                Ok(reply) => {
                    metrics::routed(choice.provider.id(), passed_over.is_empty());
                    return Ok(Replied { reply, choice, passed_over });
                }
                Err(error) => I::failure(error)?,
            };
            tried.push(Tried::new(&next, call));
            drop_hopeless(&mut others, &choice, failure.kind());
            if matches!(failure, InferenceError::Refused { .. }) {
                // A second model that refuses, too, is right or cannot be helped.
                others.truncate(1);
            }
            let Some(other) = others.pop_front().filter(|_| moves_on(&failure)) else {
                let last = PassedOver::new(&choice, &failure);
                let failure = with_those_before(failure, &passed_over);
                let StaleAnswer { answered, choice } =
                    self.older_answer(failure, &tried, next.allow_stale, call).await?;
                passed_over.push(last);
                let (_, context) = inquiry.render(&choice).await?;
                return Ok(Replied { reply: inquiry.adopt(answered, context), choice, passed_over });
            };
            tracing::info!(
                request_id = %call.request_id, model = choice.model.qualified(), next = other.model.qualified(),
                code = failure.kind().code(), "the model gave no answer, another one is asked: {failure}"
            );
            passed_over.push(PassedOver::new(&choice, &failure));
            (next.request, context) = inquiry.render(&other).await?;
            let fallback_reason = choice.fallback_reason.or(Some(failure.kind().code()));
            next.choice = Choice { fallback_reason, ..other };
            question = next;
        }
    }
}

/// Takes out those that would fail for the same reason.
fn drop_hopeless(others: &mut VecDeque<Choice>, failed: &Choice, kind: Kind) {
    match kind {
        // The same key would be refused again.
        Kind::Auth | Kind::Quota => others.retain(|other| other.provider.id() != failed.provider.id()),
        Kind::ContextTooLong => {
            let window = failed.model.context_window;
            others.retain(|other| other.model.context_window > window);
        }
        _ => {}
    }
}

/// Whether another model may succeed where this failure came from.
fn moves_on(failure: &InferenceError) -> bool {
    // A provider that was silent for too long; not the end of the call's own time.
    if failure.kind() == Kind::Timeout {
        return matches!(failure, InferenceError::Provider { .. });
    }
    if matches!(failure, InferenceError::Refused { .. }) {
        return true;
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
fn with_those_before(failure: InferenceError, before: &[PassedOver]) -> InferenceError {
    match failure {
        InferenceError::Provider { mut error, attempts } if !before.is_empty() => {
            let models: Vec<String> =
                before.iter().map(|one| format!("{} ({})", one.model, one.code)).collect();
            error.message = format!("{}; before it: {}", error.message, models.join(", "));
            InferenceError::Provider { error, attempts }
        }
        other => other,
    }
}
