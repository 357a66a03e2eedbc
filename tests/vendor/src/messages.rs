//! Answers in the format of Anthropic's Messages (<https://platform.claude.com/docs/en/api/messages-streaming>).

use serde_json::{Value, json};

use crate::{Answer, Usage};

impl Answer {
    /// A stream of these content blocks, texts in two pieces, that ends with this `stop_reason`.
    #[must_use]
    pub fn message(blocks: &[Value], stop_reason: &str, usage: Usage) -> Self {
        let counts = json!({"input_tokens": usage.prompt, "output_tokens": 1});
        let mut events = vec![
            json!({"type": "message_start", "message": {"type": "message", "role": "assistant", "usage": counts}}),
        ];
        for (index, block) in blocks.iter().enumerate() {
            let text = block["text"].as_str().filter(|_| block["type"] == "text");
            let begun = text.map_or_else(|| block.clone(), |_| json!({"type": "text", "text": ""}));
            events.push(json!({"type": "content_block_start", "index": index, "content_block": begun}));
            let middle =
                text.map_or(0, |text| text.char_indices().nth(text.chars().count() / 2).map_or(0, |at| at.0));
            let pieces = text.map(|text| text.split_at(middle));
            for piece in pieces.iter().flat_map(|(first, second)| [first, second]) {
                let delta = json!({"type": "text_delta", "text": piece});
                events.push(json!({"type": "content_block_delta", "index": index, "delta": delta}));
            }
            events.push(json!({"type": "content_block_stop", "index": index}));
        }
        let usage = json!({"output_tokens": usage.completion});
        events.push(json!({"type": "message_delta", "delta": {"stop_reason": stop_reason}, "usage": usage}));
        events.push(json!({"type": "message_stop"}));
        Self::raw_stream(events.iter().map(|event| {
            let name = event["type"].as_str().unwrap_or_default();
            format!("event: {name}\ndata: {event}\n\n")
        }))
    }
}
