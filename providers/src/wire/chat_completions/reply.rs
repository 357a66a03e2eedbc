//! Reads the content of an answer, which differs in shape. Nothing here is sure to be present or of the documented type.

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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn content_may_be_a_list_with_thoughts() {
        let list = json!([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
            {"type": "text", "text": "yes"}, "!", {"type": "other"}]);
        assert_eq!(content(&list), ("yes!".to_owned(), "hm".to_owned()));
        assert_eq!(content(&json!(null)), (String::new(), String::new()));
    }
}
