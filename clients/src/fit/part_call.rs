//! The call that gets a part of an answer.

use serde_json::{Map, Value, json};

/// How the parts of an answer are asked for.
#[derive(Clone, Copy)]
pub struct PartCall<'a> {
    /// The tool to call, as the client called it.
    pub tool: &'a str,
    /// The id of the kept answer.
    pub id: &'a str,
    /// What the tool's schema demands.
    pub demanded: &'a Map<String, Value>,
}

impl PartCall<'_> {
    /// The call for one part.
    #[must_use]
    pub fn to(&self, part: usize) -> Value {
        let mut arguments = self.demanded.clone();
        arguments.insert("continuation_id".to_owned(), json!(self.id));
        arguments.insert("part".to_owned(), json!(part));
        json!({ "tool": self.tool, "arguments": arguments })
    }
}
