//! The chunks of chat completions.

use std::{collections::VecDeque, sync::Arc};

use exai_core::{chat::Delta, provider::ProviderError};
use serde_json::{Value, json};

use super::{reasoning::Reasoning, reply};
use crate::{
    origin::Origin,
    wire::{
        accumulator::{Accumulator, End},
        decode::Decode,
        ending,
        spoken::Spoken,
        tool_calls, usage,
    },
};

/// A place among the calls that no vendor gives.
const LEGACY_INDEX: u64 = u64::MAX;

/// Reads an answer to its end.
pub(crate) struct Decoder {
    answer: Accumulator,
    spoken: Spoken,
    reasoning: Reasoning,
}

impl Decoder {
    pub(crate) fn new(origin: Arc<Origin>, asked: String) -> Self {
        let reasoning = Reasoning::new(origin.vendor.quirks.replay);
        Self { answer: Accumulator::new(origin, asked), spoken: Spoken::new(), reasoning }
    }

    /// A chunk of a stream has the shape of a whole reply.
    fn chunk(&mut self, reply: &Value, out: &mut VecDeque<Delta>) -> Result<(), ProviderError> {
        self.answer.model(reply.get("model"), out);
        let choice = reply.get("choices").and_then(Value::as_array).and_then(|choices| choices.first());
        if let Some(choice) = choice {
            self.choice(choice, out)?;
        }
        for counts in [choice.and_then(|choice| choice.get("usage")), reply.get("usage")] {
            self.answer.usage(counts.and_then(usage::read), out);
        }
        Ok(())
    }

    fn choice(&mut self, choice: &Value, out: &mut VecDeque<Delta>) -> Result<(), ProviderError> {
        self.answer.check_part(choice)?;
        let delta = choice.get("delta").filter(|delta| delta.is_object());
        // Some repeat the whole message in their last chunk.
        let whole = choice.get("message").filter(|_| self.answer.is_empty());
        let message = delta.or(whole).filter(|message| !message.is_null());
        // A server of the older completions knows no messages, and some know nothing but their text.
        match message.or_else(|| choice.get("text")) {
            Some(Value::String(text)) => self.message(&json!({ "content": text }), out)?,
            Some(message) => self.message(message, out)?,
            None => {}
        }
        match ending::word(choice.get("finish_reason")) {
            Some(word) => self.answer.ended(&word, ending::reason_of(&word), None),
            None => Ok(()),
        }
    }

    fn message(&mut self, message: &Value, out: &mut VecDeque<Delta>) -> Result<(), ProviderError> {
        if let Some(thought) = self.reasoning.take(message) {
            self.answer.think(thought, out);
        }
        let (text, thought) = message.get("content").map(reply::content).unwrap_or_default();
        let refusal = message.get("refusal").and_then(Value::as_str).unwrap_or_default();
        if !thought.is_empty() {
            self.answer.think(thought, out);
        }
        self.spoken.more(Some(&text), &mut self.answer, out);
        if !refusal.is_empty() {
            self.answer.refuses();
            self.spoken.more(Some(refusal), &mut self.answer, out);
        }
        for call in message.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
            let index = call.get("index").and_then(Value::as_u64);
            self.call(index, call, call.get("function").or_else(|| call.get("custom")))?;
        }
        // As it was before `tool_calls`: one call, without an id.
        match message.get("function_call").filter(|call| call.is_object()) {
            Some(call) => self.call(Some(LEGACY_INDEX), call, Some(call)),
            None => Ok(()),
        }
    }

    fn call(
        &mut self,
        index: Option<u64>,
        call: &Value,
        function: Option<&Value>,
    ) -> Result<(), ProviderError> {
        let field = |name: &str| function.and_then(|function| function.get(name));
        self.answer.call(tool_calls::Piece {
            index,
            id: call.get("id").and_then(Value::as_str),
            name: field("name").and_then(Value::as_str),
            arguments: field("arguments").or_else(|| field("input")),
        })
    }
}

impl Decode for Decoder {
    fn answer(&self) -> &Accumulator {
        &self.answer
    }

    fn answer_mut(&mut self) -> &mut Accumulator {
        &mut self.answer
    }

    fn value(
        &mut self,
        _name: Option<&str>,
        value: &Value,
        out: &mut VecDeque<Delta>,
    ) -> Result<bool, ProviderError> {
        self.chunk(value, out).map(|()| false)
    }

    fn whole(&mut self, reply: &Value, out: &mut VecDeque<Delta>) -> Result<(), ProviderError> {
        self.answer.check(reply)?;
        self.chunk(reply, out)
    }

    fn end(&mut self, end: End, out: &mut VecDeque<Delta>) -> Result<(), ProviderError> {
        self.spoken.finish(&mut self.answer, out);
        self.answer.trust_calls();
        self.answer.end(end, self.reasoning.opaque(), out)
    }
}
