//! The typed events of a message.

use std::{collections::VecDeque, sync::Arc};

use exai_core::{
    Kind,
    chat::{Delta, Finish, Usage},
    provider::ProviderError,
};
use serde_json::Value;

use super::thoughts::Thoughts;
use crate::{
    classify::{ErrorBody, Failure, classify, hidden_error},
    origin::Origin,
    wire::{
        decode::{Decode, End},
        ending::{self, Ending},
        tool_calls::{Piece, ToolCalls},
    },
};

/// What a message looks like to its end.
pub(crate) struct Decoder {
    origin: Arc<Origin>,
    asked: String,
    usage: Usage,
    finish: Option<Finish>,
    has_text: bool,
    has_thought: bool,
    calls: ToolCalls,
    blocks: Thoughts,
}

impl Decoder {
    pub(crate) fn new(origin: Arc<Origin>, asked: String) -> Self {
        Self {
            origin,
            asked,
            usage: Usage::default(),
            finish: None,
            has_text: false,
            has_thought: false,
            calls: ToolCalls::default(),
            blocks: Thoughts::default(),
        }
    }

    /// A message's head: its model, and what its prompt counts.
    fn head(&mut self, message: &Value, out: &mut VecDeque<Delta>) {
        if let Some(model) = message.get("model").and_then(Value::as_str).filter(|model| !model.is_empty()) {
            out.push_back(Delta::Model(model.to_owned()));
        }
        self.count(message.get("usage"), out);
    }

    /// The counts come in pieces. What was read from the cache or written to it is not part of `input_tokens`.
    fn count(&mut self, usage: Option<&Value>, out: &mut VecDeque<Delta>) {
        let Some(usage) = usage else { return };
        let number = |name: &str| usage.get(name).and_then(Value::as_u64);
        let before = self.usage;
        if let Some(fresh) = number("input_tokens") {
            let read = number("cache_read_input_tokens").unwrap_or(0);
            let written = number("cache_creation_input_tokens").unwrap_or(0);
            self.usage.input_tokens = fresh.saturating_add(read).saturating_add(written);
            self.usage.cached_input_tokens = read;
        }
        self.usage.output_tokens = number("output_tokens").unwrap_or(self.usage.output_tokens);
        if self.usage != before {
            out.push_back(Delta::Usage(self.usage));
        }
    }

    fn text(&mut self, text: Option<&Value>, out: &mut VecDeque<Delta>) {
        if let Some(text) = text.and_then(Value::as_str).filter(|text| !text.is_empty()) {
            self.has_text = true;
            out.push_back(Delta::Text(text.to_owned()));
        }
    }

    fn thought(&mut self, thought: Option<&Value>, out: &mut VecDeque<Delta>) {
        if let Some(thought) = thought.and_then(Value::as_str).filter(|thought| !thought.is_empty()) {
            self.has_thought = true;
            out.push_back(Delta::Reasoning(thought.to_owned()));
        }
    }

    /// A block that begins, or that came whole.
    fn block(&mut self, index: Option<u64>, block: &Value, out: &mut VecDeque<Delta>) {
        self.thought(block.get("thinking"), out);
        self.text(block.get("text"), out);
        self.blocks.begin(index, block);
        if block.get("type").and_then(Value::as_str) == Some("tool_use") {
            let text = |name: &str| block.get(name).and_then(Value::as_str);
            // It begins with an empty object and is filled by pieces of text.
            let whole =
                block.get("input").filter(|input| input.as_object().is_some_and(|input| !input.is_empty()));
            self.calls.add(Piece { index, id: text("id"), name: text("name"), arguments: whole });
        }
    }

    fn stopped(&mut self, reason: Option<&Value>) -> Result<(), ProviderError> {
        let Some(word) = reason.and_then(Value::as_str) else { return Ok(()) };
        match ending::messages(word) {
            Ending::Reason(reason) => self.finish = Some(reason),
            Ending::WindowFull if self.has_text => self.finish = Some(Finish::Length),
            Ending::WindowFull => {
                let code = Some(word.to_owned());
                return Err(self.failure(ErrorBody { code, ..ErrorBody::default() }));
            }
        }
        Ok(())
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
        let value = match serde_json::from_str::<Value>(data) {
            Ok(value) => value,
            Err(_) if !data.starts_with(['{', '[']) => return Ok(data == "[DONE]"),
            Err(error) => {
                return Err(self.origin.caused(
                    Kind::Protocol,
                    "the answer contains broken JSON; try again",
                    error,
                ));
            }
        };
        let kind = value.get("type").and_then(Value::as_str).or(name).unwrap_or_default();
        let index = value.get("index").and_then(Value::as_u64);
        match kind {
            "error" => return Err(self.failure(ErrorBody::from_json(&value))),
            "message_start" => self.head(value.get("message").unwrap_or(&Value::Null), out),
            // Most begin empty and are filled by deltas.
            "content_block_start" => {
                let block = value.get("content_block").unwrap_or(&Value::Null);
                self.block(index, block, out);
            }
            "content_block_delta" => {
                let delta = value.get("delta").unwrap_or(&Value::Null);
                self.thought(delta.get("thinking"), out);
                self.text(delta.get("text"), out);
                self.blocks.add(index, delta);
                if let Some(piece) = delta.get("partial_json") {
                    self.calls.add(Piece { index, arguments: Some(piece), ..Piece::default() });
                }
            }
            "message_delta" => {
                self.count(value.get("usage"), out);
                self.stopped(value.pointer("/delta/stop_reason"))?;
            }
            "message_stop" => return Ok(true),
            _ => {
                if let Some(error) = hidden_error(&value) {
                    return Err(self.failure(error));
                }
            }
        }
        Ok(false)
    }

    fn whole(&mut self, reply: &Value, out: &mut VecDeque<Delta>) -> Result<(), ProviderError> {
        if let Some(error) = hidden_error(reply) {
            return Err(self.failure(error));
        }
        self.head(reply, out);
        for (index, block) in (0..).zip(reply.get("content").and_then(Value::as_array).into_iter().flatten())
        {
            self.block(Some(index), block, out);
        }
        self.stopped(reply.get("stop_reason"))
    }

    fn end(&mut self, end: End, out: &mut VecDeque<Delta>) -> Result<(), ProviderError> {
        let finish = match (self.finish.take(), end) {
            (Some(finish), _) => finish,
            (None, End::Said) if !self.calls.is_empty() => Finish::ToolCalls,
            (None, End::Said) if self.has_text || self.has_thought => Finish::Stop,
            (None, End::Silent) if self.has_text => Finish::cut(),
            (None, End::Said) => return Err(self.broken("the answer was empty; try again")),
            (None, End::Silent) => return Err(self.broken("the answer broke off before its text; try again")),
        };
        if !self.calls.is_empty() {
            out.extend(self.blocks.opaque().map(Delta::Opaque));
        }
        self.calls.hand_on(out);
        out.push_back(Delta::Finished(finish));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{vendor::VendorKind, wire::tests::read};

    fn stream(events: &[Value]) -> String {
        events
            .iter()
            .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()))
            .collect()
    }

    fn decoder(origin: Origin) -> Decoder {
        Decoder::new(Arc::new(origin), "asked".to_owned())
    }

    #[test]
    fn a_message_is_read_with_its_thoughts_and_every_token() {
        let events = stream(&[
            json!({"type": "message_start", "message": {"model": "claude-opus-5-5", "usage": {"input_tokens": 3, "cache_read_input_tokens": 10,
                "cache_creation_input_tokens": 2, "output_tokens": 1}}}),
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "abc"}}),
            json!({"type": "ping"}),
            json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "yes"}}),
            json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}}),
            json!({"type": "message_stop"}),
        ]);
        let whole = read(VendorKind::Anthropic, decoder, &events);
        assert_eq!(
            (whole.text.as_str(), whole.thought.as_str(), whole.finish),
            ("yes", "hm", Some(Finish::Stop))
        );
        let usage = whole.usage.unwrap();
        assert_eq!((usage.input_tokens, usage.cached_input_tokens, usage.output_tokens), (15, 10, 7));
    }

    #[test]
    fn ends_and_failures_have_their_names() {
        let stopped = |word: &str| {
            stream(&[
                json!({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "x"}}),
                json!({"type": "message_delta", "delta": {"stop_reason": word}}),
                json!({"type": "message_stop"}),
            ])
        };
        for (word, finish) in [
            ("max_tokens", Finish::Length),
            ("refusal", Finish::Refused),
            ("stop_sequence", Finish::Stop),
            ("pause_turn", Finish::Paused),
            ("model_context_window_exceeded", Finish::Length),
        ] {
            assert_eq!(read(VendorKind::Anthropic, decoder, &stopped(word)).finish, Some(finish), "{word}");
        }
        for (error, kind) in [
            (json!({"type": "overloaded_error", "message": "Overloaded"}), Kind::Unavailable),
            (json!({"type": "rate_limit_error", "message": "slow"}), Kind::RateLimited),
            (json!({"type": "authentication_error", "message": "no"}), Kind::Auth),
            (json!({"type": "billing_error", "message": "no"}), Kind::Quota),
            (
                json!({"type": "invalid_request_error", "message": "prompt is too long: 9 tokens > 8 maximum"}),
                Kind::ContextTooLong,
            ),
            (json!({"type": "invalid_request_error", "message": "bad"}), Kind::UpstreamRejected),
        ] {
            let body = stream(&[json!({"type": "error", "error": error})]);
            assert_eq!(read(VendorKind::Anthropic, decoder, &body).error, Some(kind), "{body}");
        }
        let cut = stream(&[json!({"type": "content_block_delta", "delta": {"text": "x"}})]);
        assert_eq!(read(VendorKind::Anthropic, decoder, &cut).finish, Some(Finish::cut()));
    }

    #[test]
    fn a_whole_message_is_read_too() {
        let reply = json!({"type": "message", "model": "m", "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "yes"}],
            "stop_reason": "end_turn", "usage": {"input_tokens": 1, "output_tokens": 2}});
        let whole = read(VendorKind::Anthropic, decoder, &reply.to_string());
        assert_eq!(
            (whole.text.as_str(), whole.thought.as_str(), whole.finish),
            ("yes", "hm", Some(Finish::Stop))
        );
    }
}
