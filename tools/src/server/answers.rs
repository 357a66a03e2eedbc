//! Answers that are kept for a client to fetch later: of tasks, of clients that have left, and of clients that can show only a part.

use exai_core::{AnswerId, answer::AnswerState};
use exai_engine::{Call, answers::NewAnswer};
use rmcp::model::{CallToolResponse, CallToolResult};

use super::state::ExaiServer;

/// The text of an answer, and whether it reports a failure.
pub(super) struct AnswerText {
    pub text: String,
    pub is_error: bool,
}

impl AnswerText {
    /// `None` for an answer that is a task or a question to the user.
    pub(super) fn of(answer: &CallToolResponse) -> Option<Self> {
        let CallToolResponse::Complete(result) = answer else { return None };
        Some(Self::of_result(result))
    }

    pub(super) fn of_result(result: &CallToolResult) -> Self {
        let blocks = result.content.iter().filter_map(|block| block.as_text());
        Self {
            text: blocks.map(|text| text.text.as_str()).collect(),
            is_error: result.is_error.unwrap_or(false),
        }
    }
}

impl ExaiServer {
    /// Keeps a whole answer.
    pub(super) fn keep_text(&self, id: AnswerId, tool: &str, said: AnswerText, call: &Call) {
        let AnswerText { text, is_error } = said;
        let new = NewAnswer { id, tool: tool.to_owned(), state: AnswerState::Done, text, is_error };
        self.engine().keep_answer(new, call);
    }
}
