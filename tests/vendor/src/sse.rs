//! A text answer in the two shapes of the chat completions format: one JSON object, or a stream of events.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    UsagePlace,
    answer::{Interruption, Pieces, Text},
    ask::Ask,
    playback::Step,
};

/// The moment every reply claims to be from, in Unix seconds: fixed, so that replies can be compared.
const CREATED: u64 = 1_700_000_000;
/// Size of the parts in which an endless line is sent: small enough that a client that gives up is noticed early.
const LINE_PART: usize = 64 * 1024;

/// The whole answer as one JSON object.
pub(crate) fn plain(text: &Text, ask: &Ask, call: usize) -> Value {
    let mut message = json!({"role": "assistant", "content": text.content});
    if let (Some((key, reasoning)), Some(fields)) = (&text.reasoning, message.as_object_mut()) {
        fields.insert((*key).to_owned(), json!(reasoning));
    }
    if let Some(refusal) = &text.refusal {
        insert(&mut message, "refusal", json!(refusal));
    }
    if !text.calls.is_empty() {
        insert(&mut message, "tool_calls", calls(text));
    }
    let mut reply = json!({
        "id": id(call),
        "object": "chat.completion",
        "created": CREATED,
        "model": model(text, ask),
        "choices": [{"index": 0, "message": message, "finish_reason": text.finish_reason}],
    });
    if text.usage_place != UsagePlace::Absent {
        insert(&mut reply, "usage", text.usage.to_json());
    }
    reply
}

/// The answer as the steps of an event stream.
pub(crate) fn stream(text: &Text, ask: &Ask, call: usize) -> Vec<Step> {
    let mut writer = Writer { text, id: id(call), model: model(text, ask), steps: Vec::new() };
    let pieces = pieces(text);
    writer.chunk(&json!({"role": "assistant", "content": ""}), None, 0, pieces.len());
    if writer.interrupted(0) {
        return writer.steps;
    }
    for (n, (key, piece)) in pieces.iter().enumerate() {
        if n > 0 && !text.piece_delay.is_zero() {
            writer.steps.push(Step::Pause(text.piece_delay));
        }
        writer.chunk(&json!({*key: piece}), None, n + 1, pieces.len());
        if let (0, Some(garbage)) = (n, &text.garbage) {
            writer.event(garbage);
        }
        if writer.interrupted(n + 1) {
            return writer.steps;
        }
    }
    writer.end(ask, pieces.len());
    writer.steps
}

struct Writer<'a> {
    text: &'a Text,
    id: String,
    model: &'a str,
    steps: Vec<Step>,
}

// === impl Writer ===

impl Writer<'_> {
    fn event(&mut self, data: &str) {
        let end = if self.text.crlf { "\r\n" } else { "\n" };
        let comment = if self.text.comments { format!(": waiting{end}{end}") } else { String::new() };
        let ends = if self.text.single_line_ends { end.to_owned() } else { end.repeat(2) };
        let mut event = format!("{comment}data: {data}{ends}").into_bytes();
        for (old, new) in &self.text.replaced {
            event = replace(&event, old, new);
        }
        self.steps.push(Step::Send(Bytes::from(event)));
    }

    fn chunk(&mut self, delta: &Value, finish: Option<&str>, done: usize, all: usize) {
        let mut choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
        if finish.is_some() && self.text.usage_place == UsagePlace::InChoice {
            insert(&mut choice, "usage", self.text.usage.to_json());
        }
        let mut chunk = self.envelope(&json!([choice]));
        if self.text.usage_place == UsagePlace::EveryChunk {
            insert(&mut chunk, "usage", self.text.usage.after(done, all).to_json());
        }
        self.event(&chunk.to_string());
    }

    fn envelope(&self, choices: &Value) -> Value {
        json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": self.model,
            "choices": choices,
        })
    }

    /// Adds what the test wants to happen after so many pieces; true when nothing can follow it.
    fn interrupted(&mut self, pieces: usize) -> bool {
        for (_, interruption) in self.text.interruptions.iter().filter(|(after, _)| *after == pieces) {
            match interruption {
                Interruption::Hold(gate) => self.steps.push(Step::Hold(gate.clone())),
                Interruption::Stall => {
                    self.steps.push(Step::Stall);
                    return true;
                }
                Interruption::Cut => {
                    self.steps.push(Step::Cut);
                    return true;
                }
            }
        }
        false
    }

    fn end(&mut self, ask: &Ask, pieces: usize) {
        if let Some(error) = &self.text.error {
            return self.event(&json!({"error": error}).to_string());
        }
        if let Some(bytes) = self.text.endless_line {
            return endless_line(&mut self.steps, bytes);
        }
        if let Some(refusal) = &self.text.refusal {
            self.chunk(&json!({"refusal": refusal}), None, pieces, pieces);
        }
        if !self.text.calls.is_empty() {
            self.chunk(&json!({"tool_calls": calls(self.text)}), None, pieces, pieces);
        }
        let finish = self.text.finish_reason.clone();
        self.chunk(&json!({}), Some(&finish), pieces, pieces);
        let asked = self.text.usage_place == UsagePlace::WhenAsked && ask.include_usage;
        if asked || self.text.usage_place == UsagePlace::LastChunk {
            let mut last = self.envelope(&json!([]));
            insert(&mut last, "usage", self.text.usage.to_json());
            self.event(&last.to_string());
        }
        if self.text.done {
            self.event("[DONE]");
        }
    }
}

/// The bytes with `new` in the place of every `old`.
fn replace(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(old.len().max(1)).position(|window| window == old) {
        replaced.extend_from_slice(rest.get(..at).unwrap_or_default());
        replaced.extend_from_slice(new);
        rest = rest.get(at + old.len()..).unwrap_or_default();
    }
    replaced.extend_from_slice(rest);
    replaced
}

/// The calls, each whole.
fn calls(text: &Text) -> Value {
    let calls = text.calls.iter().enumerate().map(|(index, (name, arguments))| {
        let function = json!({"name": name, "arguments": arguments});
        json!({"index": index, "id": format!("call-{index}"), "type": "function", "function": function})
    });
    calls.collect()
}

/// One line of `bytes` bytes, `data: ` included, in parts that share their memory.
fn endless_line(steps: &mut Vec<Step>, bytes: usize) {
    let start = Bytes::from_static(b"data: ");
    let mut left = bytes.saturating_sub(start.len());
    steps.push(Step::Send(start.slice(..start.len().min(bytes))));
    let part = Bytes::from(vec![b'a'; LINE_PART]);
    while left > 0 {
        let size = left.min(LINE_PART);
        steps.push(Step::Send(part.slice(..size)));
        left -= size;
    }
}

/// Key and text of every delta: reasoning first.
fn pieces(text: &Text) -> Vec<(&'static str, String)> {
    let chars = match &text.pieces {
        Pieces::OfChars(chars) => *chars,
        Pieces::Given(_) => usize::MAX,
    };
    let reasoning =
        text.reasoning.iter().flat_map(|(key, whole)| slices(whole, chars).map(|piece| (*key, piece)));
    match &text.pieces {
        Pieces::OfChars(chars) => {
            reasoning.chain(slices(&text.content, *chars).map(|piece| ("content", piece))).collect()
        }
        Pieces::Given(given) => {
            reasoning.chain(given.iter().cloned().map(|piece| ("content", piece))).collect()
        }
    }
}

fn slices(text: &str, chars: usize) -> impl Iterator<Item = String> + '_ {
    let mut rest = text.chars().peekable();
    std::iter::from_fn(move || {
        rest.peek()?;
        Some(rest.by_ref().take(chars).collect())
    })
}

fn insert(object: &mut Value, key: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(key.to_owned(), value);
    }
}

fn model<'a>(text: &'a Text, ask: &'a Ask) -> &'a str {
    text.model.as_deref().unwrap_or(&ask.model)
}

fn id(call: usize) -> String {
    format!("chatcmpl-mock-{call}")
}
