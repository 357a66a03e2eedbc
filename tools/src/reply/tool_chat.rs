//! The answer of `chat_with_tools`.

use exai_core::function_calling::ToolCall;
use exai_engine::{Call, tool_chat::ToolChatOutcome};
use rmcp::model::CallToolResponse;
use serde_json::{Value, json};

use super::{
    Answer, continuation_offer,
    metadata::{self, Asked},
};

/// Instructions to the agent for the calls.
const NEXT: &str = "Run these calls. Then call chat_with_tools with this continuation_id, the same tools, and for each call a message \
    {role: \"tool\", tool_call_id, content}.";

/// A model's answer, or the calls that it wants made.
pub(crate) fn tool_chat(outcome: &ToolChatOutcome, notes: &[String], call: &Call) -> CallToolResponse {
    let offer = continuation_offer(outcome.thread, outcome.remaining_turns);
    let mut answer = Answer::default();
    if outcome.calls.is_empty() {
        answer.put("status", if offer.is_some() { "continuation_available" } else { "success" });
    } else {
        answer.put("status", "tool_calls_required").put("next_steps", NEXT);
    }
    let text = outcome.delivery.completion.reply.text.as_str();
    if !text.is_empty() || outcome.calls.is_empty() {
        answer.put("content", text).put("content_type", "markdown");
    }
    if !outcome.calls.is_empty() {
        answer.put("tool_calls", json!(outcome.calls.iter().map(row).collect::<Vec<_>>()));
    }
    answer.put("continuation_id", outcome.thread.to_string()).put_some("continuation_offer", offer);
    let mut notes = notes.to_vec();
    if outcome.choice_left_to_model {
        notes.push("this vendor cannot be told what `tool_choice` says; the model decided".to_owned());
    }
    let mut metadata = metadata::base("chat_with_tools", &notes, call);
    metadata::add_asked(
        &mut metadata,
        &Asked {
            delivery: &outcome.delivery,
            first: None,
            without_web: outcome.without_web,
            provenance: &outcome.provenance,
            passed_over: &outcome.passed_over,
            dropped_turns: outcome.dropped,
            files: &[],
            call,
        },
    );
    metadata::add_persisted(&mut metadata, outcome.persisted);
    answer.put("metadata", metadata);
    answer.success()
}

/// Arguments that are not an object are shown as the model wrote them.
fn row(call: &ToolCall) -> Value {
    let object = serde_json::from_str::<Value>(&call.arguments).ok().filter(Value::is_object);
    let arguments = object
        .unwrap_or_else(|| if call.arguments.trim().is_empty() { json!({}) } else { json!(call.arguments) });
    json!({ "id": call.id, "name": call.name, "arguments": arguments })
}
