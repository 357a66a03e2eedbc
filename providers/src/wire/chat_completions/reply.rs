//! Reads the content of an answer, which differs in shape. Nothing here is sure to be present or of the documented type.

use serde_json::Value;

use crate::wire::spoken::is_thought;

/// Text and thought of a `content` that is a text, a part or a list of parts.
pub(super) fn content(content: &Value) -> (String, String) {
    let (mut text, mut thought) = (String::new(), String::new());
    let parts = match content {
        Value::Array(parts) => parts.as_slice(),
        only => std::slice::from_ref(only),
    };
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
    (text, thought)
}

/// The text of a part: the part itself, its `text`, or the `value` of that, as assistants have it.
fn part_text(part: &Value) -> Option<&str> {
    let text = part.get("text").unwrap_or(part);
    text.as_str().or_else(|| text.get("value").and_then(Value::as_str))
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
        for only in [
            json!("yes"),
            json!({"type": "text", "text": "yes"}),
            json!({"type": "text", "text": {"value": "yes", "annotations": []}}),
            json!([{"type": "text", "text": {"value": "yes"}}]),
        ] {
            assert_eq!(content(&only), ("yes".to_owned(), String::new()), "{only}");
        }
        assert_eq!(content(&json!(null)), (String::new(), String::new()));
    }
}
