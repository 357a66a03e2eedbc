//! Reads the content of an answer, which differs in shape. Nothing here is sure to be present or of the documented type.

use serde_json::Value;

use crate::wire::spoken::is_thought;

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
                    _ => {
                        let into = if is_thought(part) { &mut thought } else { &mut text };
                        into.push_str(part_text(part).unwrap_or_default());
                    }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn content_may_be_a_list_with_thoughts() {
        let list = json!([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
            {"type": "text", "text": "yes"}, "!", {"type": "other"}, {"type": "reasoning", "text": " a"},
            {"type": "thinking", "text": " b"}, {"type": "reasoning_text", "text": " c"}]);
        assert_eq!(content(&list), ("yes!".to_owned(), "hm a b c".to_owned()));
        assert_eq!(content(&json!(null)), (String::new(), String::new()));
    }
}
