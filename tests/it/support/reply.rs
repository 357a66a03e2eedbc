//! A tool's answer as a client sees it.

use rmcp::model::CallToolResult;
use serde_json::Value;

/// One answer: its JSON text, parsed.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) json: Value,
    pub(crate) is_error: bool,
}

impl Reply {
    pub(crate) fn read(result: &CallToolResult) -> Self {
        assert_eq!(result.content.len(), 1, "an answer is one text block: {result:?}");
        let text = &result.content[0].as_text().expect("an answer is text").text;
        let json =
            serde_json::from_str(text).unwrap_or_else(|error| panic!("an answer is JSON ({error}): {text}"));
        Self { json, is_error: result.is_error.unwrap_or(false) }
    }

    /// The answer, which must not be a failure.
    pub(crate) fn ok(self) -> Value {
        assert!(!self.is_error, "expected an answer, got {:#}", self.json);
        self.json
    }

    /// The failure envelope, which must be complete.
    pub(crate) fn failure(self) -> Value {
        assert!(self.is_error, "expected a failure, got {:#}", self.json);
        for key in ["status", "code", "message", "retryable", "hint"] {
            assert!(self.json.get(key).is_some(), "the envelope lacks `{key}`: {:#}", self.json);
        }
        assert_eq!(self.json["status"], "error");
        self.json
    }

    /// The thread of an answer or failure.
    pub(crate) fn thread(&self) -> String {
        self.json["continuation_id"]
            .as_str()
            .unwrap_or_else(|| panic!("no thread in {:#}", self.json))
            .to_owned()
    }
}
