//! The typed events of a response. There are about sixty kinds; those without a meaning here are passed over.

use std::{collections::VecDeque, sync::Arc};

use exai_core::{
    Kind,
    chat::{Delta, Finish, Usage},
    provider::ProviderError,
};
use serde_json::{Value, json};

use crate::{
    classify::{ErrorBody, Failure, classify, hidden_error},
    origin::Origin,
    wire::{
        decode::{Decode, End},
        ending,
        tool_calls::{Piece, ToolCalls},
        usage,
    },
};

/// More than any answer has.
const MAX_THOUGHTS: usize = 256;

/// What a response looks like to its end.
pub(crate) struct Decoder {
    origin: Arc<Origin>,
    asked: String,
    model: String,
    usage: Option<Usage>,
    finish: Option<Finish>,
    has_text: bool,
    calls: ToolCalls,
    /// The vendor's own items, which go back with the calls.
    thoughts: Vec<Value>,
}

impl Decoder {
    pub(crate) fn new(origin: Arc<Origin>, asked: String) -> Self {
        Self {
            origin,
            asked,
            model: String::new(),
            usage: None,
            finish: None,
            has_text: false,
            calls: ToolCalls::default(),
            thoughts: Vec::new(),
        }
    }

    fn text(&mut self, text: Option<&Value>, out: &mut VecDeque<Delta>) {
        if let Some(text) = text.and_then(Value::as_str).filter(|text| !text.is_empty()) {
            self.has_text = true;
            out.push_back(Delta::Text(text.to_owned()));
        }
    }

    /// A finished item: a call, or a thought that goes back with calls. What is said has come before, in pieces.
    fn item(&mut self, item: &Value) {
        let text = |name: &str| item.get(name).and_then(Value::as_str);
        match text("type") {
            Some("function_call") => self.calls.add(Piece {
                index: None,
                id: text("call_id").or_else(|| text("id")),
                name: text("name"),
                arguments: item.get("arguments"),
            }),
            Some("reasoning") if self.thoughts.len() < MAX_THOUGHTS => self.thoughts.push(item.clone()),
            _ => {}
        }
    }

    /// What every event with a whole response says: its model, its counts, its state.
    fn response(&mut self, response: &Value, out: &mut VecDeque<Delta>) -> Result<bool, ProviderError> {
        if let Some(model) = response.get("model").and_then(Value::as_str)
            && !model.is_empty()
            && model != self.model
        {
            model.clone_into(&mut self.model);
            out.push_back(Delta::Model(model.to_owned()));
        }
        if let Some(counts) = response.get("usage").and_then(usage::read)
            && self.usage != Some(counts)
        {
            self.usage = Some(counts);
            out.push_back(Delta::Usage(counts));
        }
        match response.get("status").and_then(Value::as_str) {
            Some("completed") => self.finish = Some(Finish::Stop),
            Some("incomplete") => {
                let why = response.pointer("/incomplete_details/reason").and_then(Value::as_str);
                self.finish = Some(ending::incomplete(why));
            }
            Some("failed") => {
                let error = response.get("error").unwrap_or(response);
                return Err(self.failure(ErrorBody::from_json(error)));
            }
            Some("cancelled") => return Err(self.broken("the vendor cancelled the answer; try again")),
            _ => return Ok(false),
        }
        Ok(true)
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
        let value = match serde_json::from_str::<Value>(data) {
            Ok(value) => value,
            Err(_) if !data.starts_with(['{', '[']) => return Ok(false),
            Err(error) => {
                return Err(self.origin.caused(
                    Kind::Protocol,
                    "the answer contains broken JSON; try again",
                    error,
                ));
            }
        };
        let kind = value.get("type").and_then(Value::as_str).or(name).unwrap_or_default();
        match kind {
            "error" => return Err(self.failure(ErrorBody::from_json(&value))),
            "response.output_text.delta" | "response.refusal.delta" => self.text(value.get("delta"), out),
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                let thought = value.get("delta").and_then(Value::as_str).filter(|text| !text.is_empty());
                out.extend(thought.map(|thought| Delta::Reasoning(thought.to_owned())));
            }
            "response.output_item.done" => self.item(value.get("item").unwrap_or(&Value::Null)),
            _ => {
                if let Some(error) = hidden_error(&value) {
                    return Err(self.failure(error));
                }
                if let Some(response) = value.get("response").filter(|response| response.is_object()) {
                    return self.response(response, out);
                }
            }
        }
        Ok(false)
    }

    fn whole(&mut self, reply: &Value, out: &mut VecDeque<Delta>) -> Result<(), ProviderError> {
        if let Some(error) = hidden_error(reply) {
            return Err(self.failure(error));
        }
        for item in reply.get("output").and_then(Value::as_array).into_iter().flatten() {
            self.item(item);
            let parts = item.get("content").and_then(Value::as_array).into_iter().flatten();
            for part in parts {
                self.text(part.get("text").or_else(|| part.get("refusal")), out);
            }
        }
        self.response(reply, out).map(drop)
    }

    fn end(&mut self, end: End, out: &mut VecDeque<Delta>) -> Result<(), ProviderError> {
        let finish = match (self.finish.take(), end) {
            (Some(Finish::Stop), _) if !self.calls.is_empty() => Finish::ToolCalls,
            (Some(finish), _) => finish,
            (None, End::Said) if self.has_text => Finish::Stop,
            (None, End::Silent) if self.has_text => Finish::cut(),
            (None, End::Said) => return Err(self.broken("the answer was empty; try again")),
            (None, End::Silent) => return Err(self.broken("the answer broke off before its text; try again")),
        };
        if !self.calls.is_empty() && !self.thoughts.is_empty() {
            out.push_back(Delta::Opaque(json!({"items": std::mem::take(&mut self.thoughts)})));
        }
        self.calls.hand_on(out);
        out.push_back(Delta::Finished(finish));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
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
    fn a_response_is_read_with_its_thoughts_and_counts() {
        let events = stream(&[
            json!({"type": "response.created", "response": {"model": "gpt-6.1-sol", "status": "in_progress", "error": null}}),
            json!({"type": "response.output_item.added", "item": {"type": "reasoning"}}),
            json!({"type": "response.reasoning_summary_text.delta", "delta": "hm"}),
            json!({"type": "response.output_text.delta", "delta": "The "}),
            json!({"type": "response.something_new", "x": 1}),
            json!({"type": "response.output_text.delta", "delta": "answer"}),
            json!({"type": "response.output_text.done", "text": "The answer"}),
            json!({"type": "response.completed", "response": {"status": "completed", "usage": {"input_tokens": 10, "output_tokens": 7,
                "input_tokens_details": {"cached_tokens": 4}, "output_tokens_details": {"reasoning_tokens": 5}}}}),
        ]);
        let whole = read(VendorKind::OpenAi, decoder, &events);
        assert_eq!((whole.text.as_str(), whole.thought.as_str()), ("The answer", "hm"));
        assert_eq!((whole.models, whole.finish), (vec!["gpt-6.1-sol".to_owned()], Some(Finish::Stop)));
        let usage = whole.usage.unwrap();
        assert_eq!((usage.input_tokens, usage.cached_input_tokens, usage.reasoning_tokens), (10, 4, 5));
    }

    #[test]
    fn ends_and_failures_have_their_names() {
        let incomplete = |reason: &str| {
            stream(&[
                json!({"type": "response.output_text.delta", "delta": "x"}),
                json!({"type": "response.incomplete", "response": {"status": "incomplete", "incomplete_details": {"reason": reason}}}),
            ])
        };
        for (body, finish) in [
            (incomplete("max_output_tokens"), Finish::Length),
            (incomplete("content_filter"), Finish::Filter),
            (stream(&[json!({"type": "response.output_text.delta", "delta": "x"})]), Finish::cut()),
        ] {
            assert_eq!(read(VendorKind::OpenAi, decoder, &body).finish, Some(finish), "{body}");
        }
        for (event, kind) in [
            (
                json!({"type": "response.failed", "response": {"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "slow"}}}),
                Kind::RateLimited,
            ),
            (json!({"type": "error", "code": "server_error", "message": "oops"}), Kind::Unavailable),
            (json!({"type": "response.created", "response": {"status": "in_progress"}}), Kind::Protocol),
        ] {
            assert_eq!(
                read(VendorKind::OpenAi, decoder, &stream(std::slice::from_ref(&event))).error,
                Some(kind),
                "{event}"
            );
        }
    }

    #[test]
    fn a_whole_reply_is_read_too() {
        let reply = json!({"object": "response", "status": "completed", "error": null, "model": "m", "output": [
            {"type": "reasoning", "summary": []},
            {"type": "message", "content": [{"type": "output_text", "text": "yes"}]}], "usage": {"input_tokens": 1, "output_tokens": 1}});
        let whole = read(VendorKind::OpenAi, decoder, &reply.to_string());
        assert_eq!((whole.text.as_str(), whole.finish), ("yes", Some(Finish::Stop)));
    }
}
