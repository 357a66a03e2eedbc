//! Functions that a model may ask the caller to run, the calls it makes of them, and what they gave.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A function that the model may call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// Letters, digits, `_` and `-`.
    pub name: String,
    /// When to call it, for the model; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// JSON Schema of its arguments, an object.
    pub parameters: Value,
}

/// Whether the model calls a function.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolChoice {
    /// As it sees fit.
    #[default]
    Auto,
    /// It answers with text.
    None,
    /// It calls at least one.
    Required,
    /// It calls this one.
    Named(String),
}

/// The functions of a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tooling {
    /// What may be called.
    #[serde(default)]
    pub specs: Arc<[ToolSpec]>,
    /// Whether it is called.
    #[serde(default)]
    pub choice: ToolChoice,
}

impl Tooling {
    /// Whether there is nothing to call.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.specs.is_empty()
    }
}

/// A call that the model asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The vendor's name of this call, which the result repeats.
    pub id: String,
    /// The function.
    pub name: String,
    /// The arguments as JSON text, as the model wrote them: usually, but not surely, an object.
    pub arguments: String,
}

impl ToolCall {
    /// The arguments as an object, for formats that want one. What is not an object is passed on under a name of its own.
    #[must_use]
    pub fn arguments_object(&self) -> Value {
        if self.arguments.trim().is_empty() {
            return Value::Object(serde_json::Map::new());
        }
        match serde_json::from_str(&self.arguments) {
            Ok(object @ Value::Object(_)) => object,
            _ => serde_json::json!({ "arguments": self.arguments }),
        }
    }
}

/// What a call gave.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolResult {
    /// The call's id.
    pub id: String,
    /// The function; some vendors want it again.
    pub name: String,
    /// What it gave, as text.
    pub content: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_become_objects_where_wanted() {
        for (arguments, object) in [
            ("{\"a\":1}", json!({"a": 1})),
            ("", json!({})),
            ("[1]", json!({"arguments": "[1]"})),
            ("{broken", json!({"arguments": "{broken"})),
        ] {
            let call = ToolCall { arguments: arguments.to_owned(), ..ToolCall::default() };
            assert_eq!(call.arguments_object(), object);
        }
    }
}
