//! The typed events of a response. There are about sixty kinds; those without a meaning here are passed over.

use std::{collections::VecDeque, sync::Arc};

use exai_core::{
    chat::{Delta, Finish},
    provider::ProviderError,
};
use serde_json::{Value, json};

use crate::{
    classify::ErrorBody,
    origin::Origin,
    wire::{
        accumulator::{Accumulator, End},
        decode::Decode,
        ending::{self, Ending},
        spoken::{Spoken, is_thought},
        tool_calls::Piece,
        usage,
    },
};

/// More than any answer has.
const MAX_THOUGHTS: usize = 256;

/// Items that wait for what the caller makes of them; all others are the vendor's own work
/// (<https://platform.openai.com/docs/api-reference/responses/object>).
const CALLS: [&str; 7] = [
    "function_call",
    "custom_tool_call",
    "local_shell_call",
    "shell_call",
    "apply_patch_call",
    "computer_call",
    "mcp_approval_request",
];

/// Reads a response to its end.
pub(crate) struct Decoder {
    answer: Accumulator,
    spoken: Spoken,
    /// What is said comes in pieces; finished items repeat them.
    has_pieces: bool,
    /// The vendor's own items, which go back with the calls.
    thoughts: Vec<Value>,
}

impl Decoder {
    pub(crate) fn new(origin: Arc<Origin>, asked: String) -> Self {
        Self {
            answer: Accumulator::new(origin, asked),
            spoken: Spoken::new(),
            has_pieces: false,
            thoughts: Vec::new(),
        }
    }

    /// A finished item: a call, or a thought that goes back with calls. What is said has come before, in pieces.
    fn item(&mut self, item: &Value) -> Result<(), ProviderError> {
        let text = |name: &str| item.get(name).and_then(Value::as_str);
        match text("type") {
            Some("reasoning") if self.thoughts.len() < MAX_THOUGHTS => {
                self.thoughts.push(item.clone());
                Ok(())
            }
            Some("reasoning") => Err(self.answer.broken("the answer has too many thoughts; try again")),
            Some(kind) if CALLS.contains(&kind) => self.answer.call(Piece {
                index: None,
                id: text("call_id").or_else(|| text("id")),
                name: text("name").or(Some(kind)),
                arguments: ["arguments", "input", "action", "operation"]
                    .iter()
                    .find_map(|name| item.get(*name)),
            }),
            _ => Ok(()),
        }
    }

    /// What a whole message says.
    fn said(&mut self, item: &Value, out: &mut VecDeque<Delta>) {
        if item.get("type").and_then(Value::as_str) == Some("reasoning") {
            return;
        }
        let content = item.get("content").unwrap_or(&Value::Null);
        // Others write the text alone, as in a request.
        self.spoken.more(content.as_str(), &mut self.answer, out);
        for part in content.as_array().into_iter().flatten() {
            if let Some(refusal) = part.get("refusal") {
                self.answer.refuses();
                self.spoken.more(refusal.as_str(), &mut self.answer, out);
            } else if !is_thought(part) {
                self.spoken.more(part.get("text").and_then(Value::as_str), &mut self.answer, out);
            }
        }
    }

    /// A piece of what is said.
    fn piece(&mut self, event: &Value, out: &mut VecDeque<Delta>) {
        let piece = event.get("delta").and_then(Value::as_str).filter(|piece| !piece.is_empty());
        self.has_pieces |= piece.is_some();
        self.spoken.more(piece, &mut self.answer, out);
    }

    /// What every event with a whole response says: its model, its counts, its state. Without a state that of the event's name counts; a
    /// reply that was not streamed has no event. True when the response is over.
    fn response(
        &mut self,
        response: &Value,
        event: Option<&str>,
        out: &mut VecDeque<Delta>,
    ) -> Result<bool, ProviderError> {
        self.answer.model(response.get("model"), out);
        self.answer.usage(response.get("usage").and_then(usage::read), out);
        let named = event.and_then(over);
        let is_over = event.is_none() || named.is_some();
        let status = ending::word(response.get("status"));
        let finish = match status.as_deref().or(named) {
            Some("completed") => Finish::Stop,
            Some("incomplete") => {
                ending::incomplete(response.pointer("/incomplete_details/reason").and_then(Value::as_str))
            }
            Some("failed") => {
                let error = response.get("error").filter(|error| !error.is_null()).unwrap_or(response);
                return Err(self.answer.failure(ErrorBody::from_json(error)));
            }
            Some("cancelled" | "canceled") => {
                return Err(self.answer.broken("the vendor cancelled the answer; try again"));
            }
            Some("expired") => Finish::Failed("expired".into()),
            // A stream begins with these. What ends with them is a part.
            Some(word @ ("queued" | "in_progress")) if is_over => Finish::Failed(word.into()),
            // What is over has a state; one that nobody knows is no success.
            word if is_over => Finish::Unknown(word.unwrap_or("no status").into()),
            _ => return Ok(false),
        };
        self.answer.ended("", Ending::Reason(finish), None).map(|()| true)
    }
}

/// The state that an event names, when it is one of those that end a response.
fn over(event: &str) -> Option<&str> {
    let state = event.strip_prefix("response.")?;
    ["completed", "incomplete", "failed", "cancelled", "expired", "done"].contains(&state).then_some(state)
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
        match kind {
            "response.output_text.delta" => self.piece(value, out),
            "response.refusal.delta" => {
                self.answer.refuses();
                self.piece(value, out);
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                self.answer.thought(value.get("delta"), out);
            }
            "response.output_item.done" => {
                let item = value.get("item").unwrap_or(&Value::Null);
                self.item(item)?;
                // Some servers send no pieces.
                if !self.has_pieces {
                    self.said(item, out);
                }
            }
            _ => {
                let response = value.get("response").filter(|response| response.is_object());
                if let Some(response) = response.or_else(|| over(kind).map(|_| value)) {
                    return self.response(response, Some(kind), out);
                }
            }
        }
        Ok(false)
    }

    fn whole(&mut self, reply: &Value, out: &mut VecDeque<Delta>) -> Result<(), ProviderError> {
        self.answer.check(reply)?;
        for item in reply.get("output").and_then(Value::as_array).into_iter().flatten() {
            self.item(item)?;
            self.said(item, out);
        }
        self.response(reply, None, out).map(|_| ())
    }

    fn end(&mut self, end: End, out: &mut VecDeque<Delta>) -> Result<(), ProviderError> {
        self.spoken.finish(&mut self.answer, out);
        let goes_back = self.answer.has_calls() && !self.thoughts.is_empty();
        let opaque = goes_back.then(|| json!({"items": std::mem::take(&mut self.thoughts)}));
        self.answer.end(end, opaque, out)
    }
}

#[cfg(test)]
mod tests {
    use exai_core::Kind;

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
    fn responses_are_read_with_thoughts() {
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
            (incomplete("server_timeout"), Finish::Failed("incomplete: server_timeout".into())),
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

    #[test]
    fn the_content_may_be_a_text() {
        let reply = json!({"status": "completed", "output": [{"type": "message", "content": "yes"}]});
        assert_eq!(read(VendorKind::OpenAi, decoder, &reply.to_string()).text, "yes");
    }

    #[test]
    fn refusals_keep_their_words() {
        let completed = json!({"type": "response.completed", "response": {"status": "completed"}});
        let pieces = [
            json!({"type": "response.refusal.delta", "delta": "I "}),
            json!({"type": "response.refusal.delta", "delta": "won't."}),
        ];
        let item = json!({"type": "message", "content": [{"type": "refusal", "refusal": "I won't."}]});
        let done = json!({"type": "response.output_item.done", "item": item});
        for body in [
            stream(&[pieces[0].clone(), pieces[1].clone(), done.clone(), completed.clone()]),
            stream(&[done, completed]),
            json!({"object": "response", "status": "completed", "output": [item]}).to_string(),
        ] {
            let whole = read(VendorKind::OpenAi, decoder, &body);
            assert_eq!((whole.text.as_str(), whole.finish), ("I won't.", Some(Finish::Refused)), "{body}");
        }
    }

    #[test]
    fn a_reply_that_is_not_over_fails() {
        for status in ["queued", "in_progress", "expired"] {
            let item = json!({"type": "message", "content": [{"type": "output_text", "text": "yes"}]});
            let reply = json!({"status": status, "output": [item]});
            let whole = read(VendorKind::OpenAi, decoder, &reply.to_string());
            assert_eq!(whole.finish, Some(Finish::Failed(status.into())), "{status}");
            let empty = json!({"status": status, "output": []});
            let whole = read(VendorKind::OpenAi, decoder, &empty.to_string());
            assert_eq!(whole.error, Some(Kind::Unavailable), "{status}");
        }
    }

    #[test]
    fn the_state_may_be_the_events_name() {
        let said = json!({"type": "response.output_text.delta", "delta": "x"});
        let ended = |last: Value| {
            let body = stream(&[said.clone(), last]) + "data: [DONE]\n\n";
            let whole = read(VendorKind::OpenAi, decoder, &body);
            whole.finish.ok_or(whole.error.unwrap_or(Kind::Internal))
        };
        for (last, expected) in [
            (json!({"type": "response.completed"}), Ok(Finish::Stop)),
            (json!({"type": "response.completed", "response": {"status": null}}), Ok(Finish::Stop)),
            (json!({"type": "response.incomplete", "response": {}}), Ok(Finish::Failed("incomplete".into()))),
            (
                json!({"type": "response.completed", "response": {"status": "queued"}}),
                Ok(Finish::Failed("queued".into())),
            ),
            (
                json!({"type": "response.completed", "response": {"status": "odd"}}),
                Ok(Finish::Unknown("odd".into())),
            ),
            (json!({"type": "response.failed"}), Err(Kind::Unavailable)),
            (json!({"type": "response.cancelled"}), Err(Kind::Protocol)),
        ] {
            assert_eq!(ended(last.clone()), expected, "{last}");
        }
    }

    #[test]
    fn calls_for_the_caller_are_calls() {
        let said = json!({"type": "response.output_text.delta", "delta": "I will look."});
        let end = json!({"type": "response.completed", "response": {"status": "completed"}});
        for (item, name, arguments) in [
            (
                json!({"type": "custom_tool_call", "call_id": "a", "name": "grep", "input": "larch"}),
                "grep",
                "larch",
            ),
            (
                json!({"type": "local_shell_call", "call_id": "a", "action": {"command": ["ls"]}}),
                "local_shell_call",
                r#"{"command":["ls"]}"#,
            ),
            (json!({"type": "computer_call", "id": "a"}), "computer_call", ""),
        ] {
            let done = json!({"type": "response.output_item.done", "item": item});
            let streamed = stream(&[said.clone(), done, end.clone()]);
            let whole = json!({"status": "completed", "output": [item]}).to_string();
            for body in [streamed, whole] {
                let answer = read(VendorKind::OpenAi, decoder, &body);
                let calls: Vec<_> = answer.calls.iter().map(|call| (&*call.name, &*call.arguments)).collect();
                assert_eq!(
                    (calls, answer.finish),
                    (vec![(name, arguments)], Some(Finish::ToolCalls)),
                    "{body}"
                );
            }
        }
        let own =
            json!({"type": "response.output_item.done", "item": {"type": "web_search_call", "id": "w"}});
        assert_eq!(read(VendorKind::OpenAi, decoder, &stream(&[said, own, end])).finish, Some(Finish::Stop));
    }

    #[test]
    fn a_status_not_understood_is_kept() {
        for (status, word) in [(json!("odd"), "odd"), (json!(7), "7"), (json!(null), "no status")] {
            let reply = json!({"status": status, "output": [
                {"type": "message", "content": [{"type": "output_text", "text": "yes"}]}]});
            let whole = read(VendorKind::OpenAi, decoder, &reply.to_string());
            assert_eq!(whole.finish, Some(Finish::Unknown(word.into())), "{status}");
        }
    }
}
