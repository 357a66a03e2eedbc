//! Reads the parts of an answer that differ in shape: content, token counts and the reason of its end. Nothing here is sure to be
//! present or of the documented type.

use exai_core::chat::{FinishReason, Usage};
use serde_json::Value;

/// Text and thought of a `content` that is a text or a list of parts.
pub(super) fn content(content: &Value) -> (String, String) {
    let (mut text, mut thought) = (String::new(), String::new());
    match content {
        Value::String(only) => text.push_str(only),
        Value::Array(parts) => {
            for part in parts {
                // Mistral puts its thoughts between the texts, as a list of their own.
                match part.get("thinking") {
                    Some(Value::String(inner)) => thought.push_str(inner),
                    Some(Value::Array(inner)) => {
                        inner.iter().filter_map(part_text).for_each(|inner| thought.push_str(inner));
                    }
                    _ => text.push_str(part_text(part).unwrap_or_default()),
                }
            }
        }
        _ => {}
    }
    (text, thought)
}

fn part_text(part: &Value) -> Option<&str> {
    part.as_str().or_else(|| part.get("text").and_then(Value::as_str))
}

/// Token counts, wherever the vendor puts them; `None` when there are none.
pub(super) fn usage(usage: &Value) -> Option<Usage> {
    let number = |pointer: &str| usage.pointer(pointer).and_then(Value::as_u64);
    let first = |pointers: &[&str]| pointers.iter().find_map(|pointer| number(pointer));
    let input = first(&["/prompt_tokens", "/input_tokens"]);
    let output = first(&["/completion_tokens", "/output_tokens"]);
    // A server that counts only the sum counts nothing that could be priced.
    if input.is_none() && output.is_none() {
        return None;
    }
    Some(Usage {
        input_tokens: input.unwrap_or(0),
        output_tokens: output.unwrap_or(0),
        cached_input_tokens: first(&[
            "/prompt_tokens_details/cached_tokens",
            "/input_tokens_details/cached_tokens",
            "/cached_tokens",
            "/prompt_cache_hit_tokens",
            "/cache_read_input_tokens",
        ])
        .unwrap_or(0),
        reasoning_tokens: first(&[
            "/completion_tokens_details/reasoning_tokens",
            "/output_tokens_details/reasoning_tokens",
            "/reasoning_tokens",
        ])
        .unwrap_or(0),
        estimated: false,
    })
}

/// What a `finish_reason` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// The answer ended.
    Reason(FinishReason),
    /// The model's window is full: the request has to be shorter.
    WindowFull,
    /// The vendor failed on the way.
    Failed,
}

pub(super) fn ending(word: &str) -> Ending {
    Ending::Reason(match word {
        "stop" | "end_turn" | "eos" | "eos_token" | "stop_sequence" | "STOP" => FinishReason::Stop,
        "length" | "max_tokens" | "max_output_tokens" | "model_length" | "MAX_TOKENS" => FinishReason::Length,
        "content_filter" | "sensitive" | "safety" | "SAFETY" | "refusal" => FinishReason::ContentFilter,
        "model_context_window_exceeded" => return Ending::WindowFull,
        "network_error" | "error" => return Ending::Failed,
        _ => FinishReason::Other,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn token_counts_are_found_under_every_vendors_names() {
        let full = |cached, reasoning| Usage {
            input_tokens: 10,
            output_tokens: 5,
            cached_input_tokens: cached,
            reasoning_tokens: reasoning,
            estimated: false,
        };
        for (value, expected) in [
            (
                json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15,
                    "prompt_tokens_details": {"cached_tokens": 4},
                    "completion_tokens_details": {"reasoning_tokens": 3}}),
                Some(full(4, 3)),
            ),
            (json!({"prompt_tokens": 10, "completion_tokens": 5, "cached_tokens": 4}), Some(full(4, 0))),
            (
                json!({"prompt_tokens": 10, "completion_tokens": 5, "prompt_cache_hit_tokens": 4,
                    "prompt_tokens_details": null}),
                Some(full(4, 0)),
            ),
            (json!({"input_tokens": 10, "output_tokens": 5}), Some(full(0, 0))),
            (json!({"prompt_tokens": null, "total_tokens": 7}), None),
            (json!(null), None),
        ] {
            assert_eq!(usage(&value), expected, "{value}");
        }
    }

    #[test]
    fn content_may_be_a_list_with_thoughts() {
        let list = json!([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
            {"type": "text", "text": "yes"}, "!", {"type": "other"}]);
        assert_eq!(content(&list), ("yes!".to_owned(), "hm".to_owned()));
        assert_eq!(content(&json!(null)), (String::new(), String::new()));
    }

    #[test]
    fn endings_beyond_openais_are_understood() {
        assert_eq!(ending("sensitive"), Ending::Reason(FinishReason::ContentFilter));
        assert_eq!(ending("tool_calls"), Ending::Reason(FinishReason::Other));
        assert_eq!(ending("whatever"), Ending::Reason(FinishReason::Other));
        assert_eq!(ending("model_context_window_exceeded"), Ending::WindowFull);
    }
}
