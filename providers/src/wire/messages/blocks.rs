//! Thoughts with their signatures, which go back unchanged with the calls that they led to.

use serde_json::{Map, Value, json};

/// More than any answer has.
const MAX_BLOCKS: usize = 256;

/// The blocks of thought of one answer.
#[derive(Debug, Default)]
pub(super) struct Thoughts(Vec<(Option<u64>, Map<String, Value>)>);

impl Thoughts {
    /// A block that begins.
    pub(super) fn begin(&mut self, index: Option<u64>, block: &Value) {
        let is_thought =
            matches!(block.get("type").and_then(Value::as_str), Some("thinking" | "redacted_thinking"));
        if let Some(block) = block.as_object().filter(|_| is_thought && self.0.len() < MAX_BLOCKS) {
            self.0.push((index, block.clone()));
        }
    }

    /// More of a block: its text, or its signature.
    pub(super) fn add(&mut self, index: Option<u64>, delta: &Value) {
        let Some((_, block)) = self.0.iter_mut().rfind(|(known, _)| *known == index) else { return };
        for name in ["thinking", "signature"] {
            let Some(more) = delta.get(name).and_then(Value::as_str) else { continue };
            match block.get_mut(name) {
                Some(Value::String(text)) => text.push_str(more),
                _ => drop(block.insert(name.to_owned(), Value::from(more))),
            }
        }
    }

    /// What goes back; one without its signature would be refused.
    pub(super) fn opaque(&mut self) -> Option<Value> {
        let whole = |block: &Map<String, Value>| {
            block.get("data").is_some() || block.get("signature").is_some_and(|text| text != "")
        };
        let blocks: Vec<Value> = std::mem::take(&mut self.0)
            .into_iter()
            .filter(|(_, block)| whole(block))
            .map(|(_, block)| Value::Object(block))
            .collect();
        (!blocks.is_empty()).then(|| json!({ "blocks": blocks }))
    }
}
