//! The blocks of one answer as they came, for what has to go back unchanged: thoughts with their signatures beside the calls that they
//! led to, and everything when the vendor has paused its model.

use serde_json::{Map, Value, json};

/// More than any answer has.
const MAX_BLOCKS: usize = 1_024;

/// The blocks of one answer.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    all: Vec<Block>,
    /// There were too many, so that they are no longer all.
    is_full: bool,
}

#[derive(Debug)]
struct Block {
    index: Option<u64>,
    fields: Map<String, Value>,
    /// Pieces of its `input`.
    input: String,
}

impl Blocks {
    /// A block that begins.
    pub(super) fn begin(&mut self, index: Option<u64>, block: &Value) {
        let Some(fields) = block.as_object() else { return };
        if self.all.len() >= MAX_BLOCKS {
            self.is_full = true;
            return;
        }
        self.all.push(Block { index, fields: fields.clone(), input: String::new() });
    }

    /// More of a block: its text, its signature, its input or what it cites.
    pub(super) fn add(&mut self, index: Option<u64>, delta: &Value) {
        let Some(block) = self.all.iter_mut().rfind(|block| block.index == index) else { return };
        for name in ["text", "thinking", "signature"] {
            let Some(more) = delta.get(name).and_then(Value::as_str) else { continue };
            match block.fields.get_mut(name) {
                Some(Value::String(text)) => text.push_str(more),
                _ => drop(block.fields.insert(name.to_owned(), Value::from(more))),
            }
        }
        if let Some(more) = delta.get("partial_json").and_then(Value::as_str) {
            block.input.push_str(more);
        }
        if let Some(citation) = delta.get("citation") {
            match block.fields.get_mut("citations") {
                Some(Value::Array(all)) => all.push(citation.clone()),
                _ => drop(block.fields.insert("citations".to_owned(), json!([citation]))),
            }
        }
    }

    /// The thoughts that go back with calls.
    pub(super) fn thoughts(&mut self) -> Option<Value> {
        let blocks: Vec<Value> = std::mem::take(&mut self.all)
            .into_iter()
            .filter(|block| block.is_thought() && block.may_go_back())
            .map(|block| Value::Object(block.fields))
            .collect();
        (!blocks.is_empty()).then(|| json!({ "blocks": blocks }))
    }

    /// The whole answer, for the vendor to go on with it.
    pub(super) fn turn(&mut self) -> Option<Value> {
        let blocks: Vec<Value> = std::mem::take(&mut self.all)
            .into_iter()
            .filter(Block::may_go_back)
            .map(Block::into_value)
            .collect();
        (!blocks.is_empty() && !self.is_full).then(|| json!({ "turn": blocks }))
    }
}

impl Block {
    fn kind(&self) -> &str {
        self.fields.get("type").and_then(Value::as_str).unwrap_or_default()
    }

    fn is_thought(&self) -> bool {
        matches!(self.kind(), "thinking" | "redacted_thinking")
    }

    /// A thought without its signature would be refused, and so would an empty text.
    fn may_go_back(&self) -> bool {
        let has = |name: &str| self.fields.get(name).is_some_and(|text| text != "");
        match self.kind() {
            "thinking" => has("signature"),
            "text" => has("text"),
            _ => true,
        }
    }

    fn into_value(mut self) -> Value {
        if let Ok(input) = serde_json::from_str::<Value>(&self.input) {
            self.fields.insert("input".to_owned(), input);
        }
        Value::Object(self.fields)
    }
}
