//! Turns the events of one answer into deltas. No input or output: events go in, deltas come out.

use std::{collections::VecDeque, sync::Arc};

use exai_core::{
    Kind,
    chat::{Delta, Finish, Usage},
    provider::ProviderError,
};
use serde_json::Value;

use super::{reasoning::Reasoning, reply};
use crate::{
    classify::{ErrorBody, Failure, classify, hidden_error},
    origin::Origin,
    wire::{
        decode::{Decode, End},
        ending::{self, Ending},
        think_tags::{Piece, ThinkTags},
        tool_calls::{self, ToolCalls},
    },
};

/// What an answer looks like to its end.
pub(crate) struct Decoder {
    origin: Arc<Origin>,
    /// The model that was asked, for messages.
    asked: String,
    tags: ThinkTags,
    reasoning: Reasoning,
    model: String,
    usage: Option<Usage>,
    finish: Option<Finish>,
    has_text: bool,
    has_thought: bool,
    calls: ToolCalls,
}

impl Decoder {
    pub(crate) fn new(origin: Arc<Origin>, asked: String) -> Self {
        let reasoning = Reasoning::new(origin.vendor.quirks.replay);
        Self {
            origin,
            asked,
            tags: ThinkTags::new(),
            reasoning,
            model: String::new(),
            usage: None,
            finish: None,
            has_text: false,
            has_thought: false,
            calls: ToolCalls::default(),
        }
    }

    /// Reads a chunk of a stream, or a whole reply.
    fn value(&mut self, value: &Value, out: &mut VecDeque<Delta>) -> Result<(), ProviderError> {
        if let Some(error) = hidden_error(value) {
            return Err(self.failure(error));
        }
        if value.get("object").and_then(Value::as_str) == Some("error") {
            return Err(self.failure(ErrorBody::from_json(value)));
        }
        if let Some(model) = value.get("model").and_then(Value::as_str)
            && !model.is_empty()
            && model != self.model
        {
            model.clone_into(&mut self.model);
            out.push_back(Delta::Model(model.to_owned()));
        }
        let choice = value.get("choices").and_then(Value::as_array).and_then(|choices| choices.first());
        if let Some(choice) = choice {
            self.choice(choice, out)?;
        }
        for usage in [choice.and_then(|choice| choice.get("usage")), value.get("usage")].into_iter().flatten()
        {
            if let Some(usage) = crate::wire::usage::read(usage)
                && self.usage != Some(usage)
            {
                self.usage = Some(usage);
                out.push_back(Delta::Usage(usage));
            }
        }
        Ok(())
    }

    fn choice(&mut self, choice: &Value, out: &mut VecDeque<Delta>) -> Result<(), ProviderError> {
        if choice.get("error").is_some_and(|error| !error.is_null()) {
            return Err(self.failure(ErrorBody::from_json(choice)));
        }
        let delta = choice.get("delta").filter(|delta| delta.is_object());
        // Some repeat the whole message in their last chunk.
        let is_new = !self.has_text && !self.has_thought && self.calls.is_empty();
        let whole = choice.get("message").filter(|_| is_new);
        if let Some(message) = delta.or(whole) {
            self.message(message, out);
        }
        let Some(word) = choice.get("finish_reason").and_then(Value::as_str).filter(|word| !word.is_empty())
        else {
            return Ok(());
        };
        match ending::chat_completions(word) {
            Ending::Reason(Finish::Failed(_)) if !self.has_text => {
                let message = "the service failed while it answered; try again or choose another model";
                return Err(self.origin.error(Kind::Unavailable, message));
            }
            Ending::Reason(reason) => self.finish = Some(reason),
            Ending::WindowFull => {
                let code = Some(word.to_owned());
                return Err(self.failure(ErrorBody { code, ..ErrorBody::default() }));
            }
        }
        Ok(())
    }

    fn message(&mut self, message: &Value, out: &mut VecDeque<Delta>) {
        if let Some(thought) = self.reasoning.take(message) {
            self.has_thought = true;
            out.push_back(Delta::Reasoning(thought));
        }
        let (text, thought) = message.get("content").map(reply::content).unwrap_or_default();
        let refusal = message.get("refusal").and_then(Value::as_str).unwrap_or_default();
        let mut pieces = Vec::new();
        if !thought.is_empty() {
            pieces.push(Piece::Thought(thought));
        }
        self.tags.push(&text, &mut pieces);
        self.tags.push(refusal, &mut pieces);
        self.pieces(pieces, out);
        for call in message.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
            let function = call.get("function").unwrap_or(&Value::Null);
            self.calls.add(tool_calls::Piece {
                index: call.get("index").and_then(Value::as_u64),
                id: call.get("id").and_then(Value::as_str),
                name: function.get("name").and_then(Value::as_str),
                arguments: function.get("arguments"),
            });
        }
    }

    fn pieces(&mut self, pieces: Vec<Piece>, out: &mut VecDeque<Delta>) {
        for piece in pieces {
            out.push_back(match piece {
                Piece::Text(text) => {
                    self.has_text = true;
                    Delta::Text(text)
                }
                Piece::Thought(thought) => {
                    self.has_thought = true;
                    Delta::Reasoning(thought)
                }
            });
        }
    }

    fn failure(&self, body: ErrorBody) -> ProviderError {
        classify(&self.origin, &Failure::inside(body, Some(&self.asked)))
    }

    fn broken(&self, message: &str) -> ProviderError {
        self.origin.error(Kind::Protocol, message)
    }
}

impl Decode for Decoder {
    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn has_finish(&self) -> bool {
        self.finish.is_some()
    }

    fn event(
        &mut self,
        name: Option<&str>,
        data: &str,
        out: &mut VecDeque<Delta>,
    ) -> Result<bool, ProviderError> {
        let data = data.trim();
        if data == "[DONE]" {
            return Ok(true);
        }
        let is_error = name.is_some_and(|name| name.trim() == "error");
        match serde_json::from_str::<Value>(data) {
            Ok(value) if is_error => Err(self.failure(ErrorBody::from_json(&value))),
            Ok(value) => self.value(&value, out).map(|()| false),
            Err(_) if is_error => Err(self.failure(ErrorBody::from_text(data))),
            // Words that only keep the connection open.
            Err(_) if !data.starts_with(['{', '[']) => Ok(false),
            Err(error) => {
                Err(self.origin.caused(Kind::Protocol, "the answer contains broken JSON; try again", error))
            }
        }
    }

    fn whole(&mut self, reply: &Value, out: &mut VecDeque<Delta>) -> Result<(), ProviderError> {
        self.value(reply, out)
    }

    fn end(&mut self, end: End, out: &mut VecDeque<Delta>) -> Result<(), ProviderError> {
        let mut rest = Vec::new();
        self.tags.finish(&mut rest);
        self.pieces(rest, out);
        let finish = match (self.finish.take(), end) {
            // A call of one named function ends with `stop` at OpenAI's.
            (Some(Finish::Stop | Finish::Unknown(_)), _) | (None, End::Said) if !self.calls.is_empty() => {
                Finish::ToolCalls
            }
            (Some(finish), _) => finish,
            (None, End::Said) if self.has_text || self.has_thought => Finish::Stop,
            (None, End::Silent) if self.has_text => Finish::cut(),
            (None, End::Said) => return Err(self.broken("the answer was empty; try again")),
            (None, End::Silent) => return Err(self.broken("the answer broke off before its text; try again")),
        };
        if let Some(fields) = self.reasoning.opaque() {
            out.push_back(Delta::Opaque(fields));
        }
        self.calls.hand_on(out);
        out.push_back(Delta::Finished(finish));
        Ok(())
    }
}
