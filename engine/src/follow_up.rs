//! A completion, and the second one that follows when the expert first asks for files.

use exai_answers::json_repair;
use exai_context::files::{Origin, Wanted, estimate_tokens};
use exai_core::chat::{Message, Part, Role};
use exai_prompts::{FILES_REQUIRED, question};
use serde_json::Value;

use crate::{
    call::Call,
    engine::Engine,
    error::EngineError,
    prompt_files::{Gathered, gather},
    window,
};
use exai_inference::{
    delivery::{Answered, Delivery},
    question::Question,
};

/// The most files that an expert's one request may name.
const MAX_FILES: usize = 100;

/// An answer and what it was made from.
pub(crate) struct Round {
    /// The last answer.
    pub answered: Answered,
    /// All files that were given.
    pub gathered: Gathered,
    /// The completion before it, when the expert asked for files and got some.
    pub first: Option<Delivery>,
}

impl Engine {
    /// Asks the model. When its whole answer is a request for files and `add_files` is set, adds the files that lie beneath the
    /// allowed folders and asks once more, never a third time.
    pub(crate) async fn consult_round(
        &self,
        question: Question,
        gathered: Gathered,
        add_files: bool,
        call: &Call,
    ) -> Result<Round, EngineError> {
        let again = add_files.then(|| question.again());
        let answered = self.inference.complete(question, call).await?;
        let wanted = files_needed(&answered.delivery.completion.reply.text);
        let Some((mut next, wanted)) = again.zip(wanted) else {
            return Ok(Round { answered, gathered, first: None });
        };
        let mut gathered = gathered;
        if !self.add(&mut next, &answered, &mut gathered, wanted, call).await? {
            return Ok(Round { answered, gathered, first: None });
        }
        let Answered { delivery, unwritten, written } = answered;
        // The first completion stays stored even if the second one fails.
        drop(unwritten);
        let second = self.inference.complete(next, call).await?;
        let answered = Answered { written: second.written.or(written), ..second };
        Ok(Round { answered, gathered, first: Some(delivery) })
    }

    /// Adds the wanted files to `next` and to what was gathered; whether there were any that can be given.
    async fn add(
        &self,
        next: &mut Question,
        answered: &Answered,
        gathered: &mut Gathered,
        wanted: Vec<Wanted>,
        call: &Call,
    ) -> Result<bool, EngineError> {
        let reply = &answered.delivery.completion.reply;
        let said: u32 = next
            .request
            .messages
            .iter()
            .flat_map(|message| &message.parts)
            .map(|part| match part {
                Part::Text { text } => estimate_tokens(text),
                Part::Image { .. } => crate::images::IMAGE_TOKENS,
                Part::ToolCall(_) | Part::ToolResult(_) | Part::Opaque { .. } | Part::File { .. } => 0,
            })
            .fold(0, u32::saturating_add);
        let room = window::remaining(
            &next.choice.model,
            &[&next.request.system, &reply.text, question::follow_up()],
        )?;
        let more = gather(call, wanted, room.saturating_sub(said), self.settings.file_tokens).await?;
        let added = !more.files.is_empty();
        if added {
            let mut parts = vec![Part::text(reply.text.as_str())];
            parts.extend(reply.opaque.iter().cloned());
            next.request.messages.push(Message { role: Role::Assistant, parts });
            next.request.messages.push(Message::user(format!("{}\n{}", more.text, question::follow_up())));
        }
        *gathered = std::mem::take(gathered).and(more);
        Ok(added)
    }
}

/// The expert's request for files, when that is its whole answer.
pub(crate) fn files_required(text: &str) -> Option<Value> {
    json_repair::with_status(text, FILES_REQUIRED)
}

fn files_needed(text: &str) -> Option<Vec<Wanted>> {
    let value = files_required(text)?;
    let named = value.get("files_needed")?.as_array()?;
    let path = |entry: &Value| {
        let text = entry.as_str().or_else(|| entry.get("path").and_then(Value::as_str))?.trim().to_owned();
        (!text.is_empty()).then_some(Wanted { path: text, from: Origin::Call })
    };
    let wanted: Vec<Wanted> = named.iter().filter_map(path).take(MAX_FILES).collect();
    (!wanted.is_empty()).then_some(wanted)
}
