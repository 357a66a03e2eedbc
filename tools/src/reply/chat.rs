//! The answer of `chat`.

use exai_engine::{AnswerStatus, Call, chat::ChatOutcome};
use rmcp::model::CallToolResponse;
use serde_json::json;

use super::{
    Answer, continuation_offer,
    metadata::{self, Asked},
};

/// A conversation's answer, in the form of pal-mcp-server.
pub(crate) fn chat(outcome: &ChatOutcome, notes: &[String], call: &Call) -> CallToolResponse {
    answer("chat", outcome, notes, call).success()
}

/// The same answer for another tool that converses.
pub(super) fn answer(tool: &str, outcome: &ChatOutcome, notes: &[String], call: &Call) -> Answer {
    let offer = continuation_offer(outcome.thread, outcome.remaining_turns);
    let mut answer = Answer::default();
    match &outcome.files_required {
        Some(request) => {
            answer
                .put("status", "files_required_to_continue")
                .put("content", request.to_string())
                .put("content_type", "json");
            answer.put("next_steps", "Call chat again with this continuation_id and the files it asks for, or with add_files: true to let the server add \
                 those that lie under the allowed folders.");
        }
        None => {
            let status = match outcome.status {
                AnswerStatus::Complete if offer.is_some() => "continuation_available",
                AnswerStatus::Complete => "success",
                unwanted => unwanted.as_str(),
            };
            answer.put("status", status);
            answer
                .put("content", outcome.delivery.completion.reply.text.as_str())
                .put("content_type", "markdown");
        }
    }
    if !outcome.mentions.is_empty() {
        answer.put("citations", json!(outcome.mentions));
    }
    answer.put("continuation_id", outcome.thread.to_string()).put_some("continuation_offer", offer);
    let mut metadata = metadata::base(tool, notes, call);
    metadata.insert("conversation_ready".to_owned(), json!(true));
    metadata::add_asked(
        &mut metadata,
        &Asked {
            delivery: &outcome.delivery,
            first: outcome.first.as_ref(),
            without_web: outcome.without_web,
            provenance: &outcome.provenance,
            passed_over: &outcome.passed_over,
            dropped_turns: outcome.dropped_turns,
            files: &outcome.files,
            call,
        },
    );
    metadata::add_persisted(&mut metadata, outcome.persisted);
    answer.put("metadata", metadata);
    answer
}
