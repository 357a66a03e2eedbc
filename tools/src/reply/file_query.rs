//! The answer of `file_query`: that of a conversation, and how the model got the file.

use exai_engine::{
    Call,
    vendor_files::{FileQueryOutcome, Passed},
};
use rmcp::model::CallToolResponse;
use serde_json::{Value, json};

/// An answer about a file.
pub(crate) fn file_query(outcome: &FileQueryOutcome, notes: &[String], call: &Call) -> CallToolResponse {
    let mut answer = super::chat::answer("file_query", &outcome.chat, notes, call);
    answer.put("file", file(&outcome.passed));
    answer.success()
}

fn file(passed: &Passed) -> Value {
    match passed {
        Passed::AsText => json!({ "read": "here", "uploaded": false }),
        Passed::At { file, was_there, as_text } => json!({
            "read": if *as_text { "as text that the vendor made of it" } else { "by the vendor's model" },
            "uploaded": !was_there, "provider": file.provider.as_str(), "file_id": file.id,
        }),
    }
}
