//! An answer that its vendor paused: the model is asked to go on, and the parts become one answer.
//!
//! Anthropic pauses long turns with searches of its own and asks for the paused content as the assistant's turn of the next request
//! (<https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons>).

use exai_core::{
    Kind,
    chat::{Finish, Message, Part, Reply, Request, Role},
    provider::{CallCtx, ProviderError},
};

use crate::{
    attempt::{Asked, Attempted, Spoken},
    budget::Bill,
    error::InferenceError,
    inference::Inference,
    question::Question,
    runs::RunTask,
    scope::CallScope,
};

/// How often a model is asked to go on with one answer.
const MOST: u32 = 5;

impl Inference {
    /// Asks, and lets a paused model go on, within the deadline of the call and its budget. An answer that is still paused then ends
    /// with [`Finish::Paused`].
    pub(crate) async fn ask_to_the_end(
        &self,
        question: &Question,
        task: &RunTask,
        call: &CallScope,
        ctx: &CallCtx,
    ) -> Result<Attempted, InferenceError> {
        let (provider, is_last) = (&*question.choice.provider, question.is_last);
        let mut request = std::borrow::Cow::Borrowed(&question.request);
        let mut whole: Option<Attempted> = None;
        for _ in 0..=MOST {
            let spoken = whole.as_ref().map_or_else(Spoken::default, |whole| Spoken {
                text: &whole.reply.text,
                attempts: whole.attempts,
            });
            let who = &call.principal.identity;
            let asked = Asked { who, provider, request: &request, is_last, spoken, money: &task.record };
            let asked = self.attempts.ask(asked, ctx, &task.events).await;
            let (part, so_far) = match (asked, whole.take()) {
                (Ok(part), so_far) => (part, so_far),
                // With nobody else to ask, a part that is marked as one is better than nothing.
                (Err(error), Some(so_far)) if is_last && error.kind() != Kind::Cancelled => {
                    tracing::info!(request_id = %call.request_id, "a paused answer stays as it is: {error}");
                    whole = Some(so_far);
                    break;
                }
                (Err(error), _) => return Err(error),
            };
            let turn = if part.reply.finish == Finish::Paused { said(&part.reply) } else { Vec::new() };
            let so_far = joined(so_far, part);
            // A turn of the assistant cannot be empty.
            if turn.is_empty() {
                whole = Some(so_far);
                break;
            }
            request.to_mut().messages.push(Message { role: Role::Assistant, parts: turn });
            let affordable = self.affords(question, &request, &so_far.reply, task, call).await;
            whole = Some(so_far);
            if !affordable {
                break;
            }
        }
        let Some(mut whole) = whole else {
            return Err(InferenceError::Internal { what: "no attempt was made".to_owned(), source: None });
        };
        if whole.reply.finish == Finish::Paused {
            // What a vendor wants back with a paused answer goes back at once or never: the text stands for it from now on.
            whole.reply.opaque.clear();
            if whole.reply.text.trim().is_empty() {
                let message = "the model was paused again and again, and said nothing; ask for less";
                let error = ProviderError::new(provider.id().clone(), Kind::Protocol, message);
                return Err(InferenceError::Provider { error, attempts: whole.attempts });
            }
        }
        Ok(whole)
    }

    /// Sets aside what going on may cost; false when the budget does not allow it.
    async fn affords(
        &self,
        question: &Question,
        request: &Request,
        so_far: &Reply,
        task: &RunTask,
        call: &CallScope,
    ) -> bool {
        let bill = Bill {
            who: &call.principal.identity,
            thread: question.thread,
            choice: &question.choice,
            request,
            so_far: question.choice.model.price.cost(&so_far.usage).unwrap_or_default(),
        };
        match self.budget.reserve(bill, self.router.models()).await {
            Ok(reserved) => {
                task.record.reserve_more(reserved);
                true
            }
            Err(error) => {
                tracing::info!(request_id = %call.request_id, "a paused answer is not continued: {error}");
                false
            }
        }
    }
}

/// The assistant's turn that a paused answer is.
fn said(reply: &Reply) -> Vec<Part> {
    let text = (!reply.text.trim().is_empty()).then(|| Part::text(reply.text.as_str()));
    reply.opaque.iter().cloned().chain(text).collect()
}

/// Two parts of one answer. How it ended, and what goes back with it, is what the later one says.
fn joined(earlier: Option<Attempted>, later: Attempted) -> Attempted {
    let Some(earlier) = earlier else { return later };
    let (before, after) = (earlier.reply, later.reply);
    let reply = Reply {
        text: before.text + &after.text,
        usage: [before.usage, after.usage].into_iter().sum(),
        prompt_cut: before.prompt_cut.or(after.prompt_cut),
        ..after
    };
    Attempted { reply, attempts: earlier.attempts + later.attempts }
}
