//! The thoughts of a model under the names that vendors give them, and what of them goes back with the next request.

use serde_json::{Map, Value, json};

use crate::vendor::Replay;

/// More entries than any answer has; a server that sends more is out of order.
const MAX_DETAILS: usize = 1024;

/// Collects what has to be kept; passes the text on as it comes.
pub(super) struct Reasoning {
    replay: Replay,
    content: String,
    details: Vec<Detail>,
}

struct Detail {
    index: u64,
    fields: Map<String, Value>,
    text: String,
    /// The vendor was seen to send pieces, not the text so far.
    is_pieces: bool,
}

impl Reasoning {
    pub(super) fn new(replay: Replay) -> Self {
        Self { replay, content: String::new(), details: Vec::new() }
    }

    /// What is new in a delta or message. The same thought under two names counts once.
    pub(super) fn take(&mut self, message: &Value) -> Option<String> {
        let details =
            message.get("reasoning_details").and_then(Value::as_array).filter(|items| !items.is_empty());
        if self.replay == Replay::ReasoningDetails
            && let Some(items) = details
        {
            return some(self.take_details(items));
        }
        let named = ["reasoning_content", "reasoning"]
            .iter()
            .find_map(|name| message.get(*name).and_then(Value::as_str).filter(|text| !text.is_empty()));
        if let Some(text) = named {
            if self.replay != Replay::Nothing {
                self.content.push_str(text);
            }
            return Some(text.to_owned());
        }
        some(details?.iter().filter_map(detail_text).collect())
    }

    /// The fields for the assistant's message next time.
    pub(super) fn opaque(&mut self) -> Option<Value> {
        if !self.details.is_empty() {
            let details: Vec<Value> = self.details.drain(..).map(Detail::into_value).collect();
            return Some(json!({"reasoning_details": details}));
        }
        (!self.content.is_empty()).then(|| json!({"reasoning_content": std::mem::take(&mut self.content)}))
    }

    fn take_details(&mut self, items: &[Value]) -> String {
        let mut fresh = String::new();
        for (position, item) in (0_u64..).zip(items) {
            let index = item.get("index").and_then(Value::as_u64).unwrap_or(position);
            let slot = self.details.iter().position(|detail| detail.index == index);
            if slot.is_none() && self.details.len() >= MAX_DETAILS {
                continue;
            }
            let slot = slot.unwrap_or_else(|| {
                self.details.push(Detail {
                    index,
                    fields: Map::new(),
                    text: String::new(),
                    is_pieces: false,
                });
                self.details.len() - 1
            });
            if let Some(detail) = self.details.get_mut(slot) {
                detail.merge(item, &mut fresh);
            }
        }
        fresh
    }
}

impl Detail {
    /// A text that begins with all that came before is the text so far; any other is a piece.
    fn merge(&mut self, item: &Value, fresh: &mut String) {
        for (name, value) in item.as_object().into_iter().flatten() {
            if name != "text" && !value.is_null() {
                self.fields.insert(name.clone(), value.clone());
            }
        }
        let Some(text) = item.get("text").and_then(Value::as_str).filter(|text| !text.is_empty()) else {
            return;
        };
        let grown =
            if self.is_pieces || self.text.is_empty() { None } else { text.strip_prefix(self.text.as_str()) };
        let more = grown.unwrap_or(text);
        self.is_pieces |= !self.text.is_empty() && grown.is_none();
        self.text.push_str(more);
        fresh.push_str(more);
    }

    fn into_value(mut self) -> Value {
        if !self.text.is_empty() {
            self.fields.insert("text".to_owned(), Value::String(self.text));
        }
        Value::Object(self.fields)
    }
}

fn detail_text(item: &Value) -> Option<&str> {
    item.get("text").or_else(|| item.get("summary")).and_then(Value::as_str)
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(replay: Replay, messages: &[Value]) -> (String, Option<Value>) {
        let mut reasoning = Reasoning::new(replay);
        let text = messages.iter().filter_map(|message| reasoning.take(message)).collect();
        (text, reasoning.opaque())
    }

    #[test]
    fn one_thought_under_two_names_counts_once() {
        let both =
            [json!({"reasoning_content": "a", "reasoning": "a", "reasoning_details": [{"text": "a"}]})];
        assert_eq!(run(Replay::Nothing, &both), ("a".to_owned(), None));
        assert_eq!(
            run(Replay::ReasoningContent, &both),
            ("a".to_owned(), Some(json!({"reasoning_content": "a"})))
        );
        let null = [json!({"reasoning_content": null, "reasoning": 5, "reasoning_details": []})];
        assert_eq!(run(Replay::ReasoningDetails, &null), (String::new(), None));
    }

    #[test]
    fn growing_details_equal_details_in_pieces() {
        let kept = Some(json!({"reasoning_details": [{"type": "t", "text": "I think"}]}));
        let grow = [
            json!({"reasoning_details": [{"type": "t", "text": "I"}]}),
            json!({"reasoning_details": [{"text": "I th"}]}),
            json!({"reasoning_details": [{"text": "I think"}]}),
        ];
        assert_eq!(run(Replay::ReasoningDetails, &grow), ("I think".to_owned(), kept.clone()));
        let pieces = [
            json!({"reasoning_details": [{"type": "t", "text": "I"}]}),
            json!({"reasoning_details": [{"text": " th"}]}),
            json!({"reasoning_details": [{"text": "ink"}]}),
        ];
        assert_eq!(run(Replay::ReasoningDetails, &pieces), ("I think".to_owned(), kept));
    }
}
