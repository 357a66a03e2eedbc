//! The typed events of a message.

use std::{collections::VecDeque, sync::Arc};

use exai_core::{
    chat::{Delta, Usage},
    provider::ProviderError,
};
use serde_json::{Value, json};

use super::blocks::Blocks;
use crate::{
    origin::Origin,
    wire::{
        accumulator::{Accumulator, End},
        decode::Decode,
        ending,
        spoken::{Spoken, is_thought},
        tool_calls::Piece,
        usage,
    },
};

/// Reads a message to its end.
pub(crate) struct Decoder {
    answer: Accumulator,
    spoken: Spoken,
    /// The counts so far, which come in pieces.
    usage: Usage,
    is_spoilt: bool,
    blocks: Blocks,
}

impl Decoder {
    pub(crate) fn new(origin: Arc<Origin>, asked: String) -> Self {
        Self {
            answer: Accumulator::new(origin, asked),
            spoken: Spoken::new(),
            usage: Usage::default(),
            is_spoilt: false,
            blocks: Blocks::default(),
        }
    }

    /// A message's head: its model, and what its prompt counts.
    fn head(&mut self, message: &Value, out: &mut VecDeque<Delta>) {
        self.answer.model(message.get("model"), out);
        self.count(message.get("usage"), out);
    }

    /// What was read from the cache or written to it is not part of `input_tokens`.
    fn count(&mut self, counted: Option<&Value>, out: &mut VecDeque<Delta>) {
        let Some(counted) = counted else { return };
        let number = |name: &str| counted.get(name).and_then(usage::count);
        // A figure that is none spoils the others, also those that were counted before.
        let figures =
            ["input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens"];
        let is_count =
            |name: &str| counted.get(name).is_none_or(|figure| figure.is_null() || number(name).is_some());
        if self.is_spoilt || !figures.iter().all(|name| is_count(name)) {
            self.is_spoilt = true;
            return;
        }
        let before = self.usage;
        if let Some(fresh) = number("input_tokens") {
            let read = number("cache_read_input_tokens").unwrap_or(0);
            let written = number("cache_creation_input_tokens").unwrap_or(0);
            self.usage.input_tokens = fresh.saturating_add(read).saturating_add(written);
            self.usage.cached_input_tokens = read;
        }
        self.usage.output_tokens = number("output_tokens").unwrap_or(self.usage.output_tokens);
        self.answer.usage(Some(self.usage).filter(|usage| *usage != before), out);
    }

    /// A block that begins, or that came whole.
    fn block(
        &mut self,
        index: Option<u64>,
        block: &Value,
        out: &mut VecDeque<Delta>,
    ) -> Result<(), ProviderError> {
        self.answer.thought(block.get("thinking"), out);
        self.text(block, out);
        self.blocks.begin(index, block);
        if block.get("type").and_then(Value::as_str) == Some("tool_use") {
            let text = |name: &str| block.get(name).and_then(Value::as_str);
            // It begins with an empty object and is filled by pieces of text.
            let whole =
                block.get("input").filter(|input| input.as_object().is_some_and(|input| !input.is_empty()));
            self.answer.call(Piece { index, id: text("id"), name: text("name"), arguments: whole })?;
        }
        Ok(())
    }

    /// The text of a block. Some put their thoughts there, too.
    fn text(&mut self, block: &Value, out: &mut VecDeque<Delta>) {
        if is_thought(block) {
            self.answer.thought(block.get("text"), out);
        } else {
            self.spoken.more(block.get("text").and_then(Value::as_str), &mut self.answer, out);
        }
    }

    /// More of a block.
    fn delta(
        &mut self,
        index: Option<u64>,
        delta: &Value,
        out: &mut VecDeque<Delta>,
    ) -> Result<(), ProviderError> {
        self.answer.thought(delta.get("thinking"), out);
        self.text(delta, out);
        self.blocks.add(index, delta);
        if let Some(piece) = delta.get("partial_json") {
            self.answer.call(Piece { index, arguments: Some(piece), ..Piece::default() })?;
        }
        Ok(())
    }

    fn stopped(&mut self, reason: Option<&Value>) -> Result<(), ProviderError> {
        let Some(word) = ending::word(reason) else { return Ok(()) };
        self.answer.ended(&word, ending::reason_of(&word), None)
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
        name: Option<&str>,
        value: &Value,
        out: &mut VecDeque<Delta>,
    ) -> Result<bool, ProviderError> {
        let kind = value.get("type").and_then(Value::as_str).or(name).unwrap_or_default();
        let index = value.get("index").and_then(Value::as_u64);
        let part = |name: &str| value.get(name).unwrap_or(&Value::Null);
        match kind {
            "message_start" => self.head(part("message"), out),
            // Most begin empty and are filled by deltas.
            "content_block_start" => self.block(index, part("content_block"), out)?,
            "content_block_delta" => self.delta(index, part("delta"), out)?,
            "message_delta" => {
                self.count(value.get("usage"), out);
                self.stopped(value.pointer("/delta/stop_reason"))?;
            }
            "message_stop" => return Ok(true),
            _ => {}
        }
        Ok(false)
    }

    fn whole(&mut self, reply: &Value, out: &mut VecDeque<Delta>) -> Result<(), ProviderError> {
        self.answer.check(reply)?;
        self.head(reply, out);
        // Others write the text alone, as in a request.
        match reply.get("content") {
            Some(Value::Array(blocks)) => {
                for (index, block) in (0..).zip(blocks) {
                    self.block(Some(index), block, out)?;
                }
            }
            Some(Value::String(text)) => {
                self.block(Some(0), &json!({"type": "text", "text": text}), out)?;
            }
            Some(only) => self.block(Some(0), only, out)?,
            None => {}
        }
        self.stopped(reply.get("stop_reason"))
    }

    fn end(&mut self, end: End, out: &mut VecDeque<Delta>) -> Result<(), ProviderError> {
        self.spoken.finish(&mut self.answer, out);
        let opaque = if self.answer.is_paused() {
            self.blocks.turn()
        } else if self.answer.has_calls() {
            self.blocks.thoughts()
        } else {
            None
        };
        self.answer.end(end, opaque, out)
    }
}

#[cfg(test)]
mod tests {
    use exai_core::{Kind, chat::Finish};

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
    fn messages_are_read_with_every_token() {
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
    fn a_paused_answer_is_kept_whole() {
        let begin = |index: u64, block: Value| json!({"type": "content_block_start", "index": index, "content_block": block});
        let delta =
            |index: u64, delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
        let result = json!({"type": "web_search_tool_result", "tool_use_id": "s1", "content": [{"type": "web_search_result", "url": "u"}]});
        let events = stream(&[
            begin(0, json!({"type": "thinking", "thinking": "", "signature": ""})),
            delta(0, json!({"type": "thinking_delta", "thinking": "hm"})),
            delta(0, json!({"type": "signature_delta", "signature": "abc"})),
            begin(1, json!({"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}})),
            delta(1, json!({"type": "input_json_delta", "partial_json": "{\"query\": \"la"})),
            delta(1, json!({"type": "input_json_delta", "partial_json": "rch\"}"})),
            begin(2, result.clone()),
            begin(3, json!({"type": "text", "text": ""})),
            delta(3, json!({"type": "text_delta", "text": "So far"})),
            delta(3, json!({"type": "citations_delta", "citation": {"url": "u"}})),
            begin(4, json!({"type": "text", "text": ""})),
            json!({"type": "message_delta", "delta": {"stop_reason": "pause_turn"}}),
            json!({"type": "message_stop"}),
        ]);
        let whole = read(VendorKind::Anthropic, decoder, &events);
        assert_eq!((whole.text.as_str(), whole.finish), ("So far", Some(Finish::Paused)));
        let turn = json!([
            {"type": "thinking", "thinking": "hm", "signature": "abc"},
            {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "larch"}},
            result,
            {"type": "text", "text": "So far", "citations": [{"url": "u"}]},
        ]);
        assert_eq!(whole.opaque, [json!({"turn": turn})]);
        assert!(whole.calls.is_empty(), "the vendor makes its own calls");
    }

    #[test]
    fn figures_that_are_none_spoil_the_counts() {
        for counts in
            [json!({"input_tokens": -1, "output_tokens": 2}), json!({"input_tokens": 1, "output_tokens": {}})]
        {
            let reply = json!({"type": "message", "content": [{"type": "text", "text": "yes"}],
                "stop_reason": "end_turn", "usage": counts});
            assert_eq!(read(VendorKind::Anthropic, decoder, &reply.to_string()).usage, None, "{reply}");
        }
    }

    #[test]
    fn the_content_may_be_a_text() {
        for content in [json!("yes"), json!({"type": "text", "text": "yes"})] {
            let reply = json!({"type": "message", "content": content, "stop_reason": "end_turn"});
            let whole = read(VendorKind::Anthropic, decoder, &reply.to_string());
            assert_eq!((whole.text.as_str(), whole.finish), ("yes", Some(Finish::Stop)), "{reply}");
        }
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
