//! The one place where results and errors become answers of the protocol.
//!
//! An answer is one JSON text with the keys that matter first. A failure that the caller can act on is an answer with `isError`,
//! because clients show protocol errors without their details.

mod chat;
mod consensus;
mod error;
mod file_query;
mod metadata;
pub(crate) mod part_call;
mod step;
mod tool_chat;

use std::time::Duration;

use exai_clients::fit::{MAX_RESULT_CHARS, MAX_RESULT_KEY, PartCall};
use exai_engine::{Call, EngineError};
use rmcp::model::{CallToolResponse, CallToolResult, ContentBlock, MetaObject};
use serde_json::{Map, Value, json};

pub(crate) use chat::chat;
pub(crate) use consensus::consensus;
pub use error::error_reference;
pub(crate) use error::{
    bad_arguments, cancelled, error, interrupted, late, no_part, panicked, too_many_calls,
};
pub use exai_clients::fit::OWN_CLIENT;
pub(crate) use file_query::file_query;
pub(crate) use step::step;
pub(crate) use tool_chat::tool_chat;

use crate::args::Args;

/// An answer under construction; keys keep the order in which they are put.
#[derive(Default)]
pub(crate) struct Answer(Map<String, Value>);

impl Answer {
    /// Puts a key.
    pub(crate) fn put(&mut self, key: &str, value: impl Into<Value>) -> &mut Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    /// Puts a key when there is a value for it.
    pub(crate) fn put_some(&mut self, key: &str, value: Option<impl Into<Value>>) -> &mut Self {
        if let Some(value) = value {
            self.put(key, value);
        }
        self
    }

    pub(crate) fn success(self) -> CallToolResponse {
        let mut result = CallToolResult::success(vec![self.block()]);
        result.meta = Some(long_answer_meta());
        result.into()
    }

    pub(crate) fn failure(self) -> CallToolResponse {
        CallToolResult::error(vec![self.block()]).into()
    }

    fn block(self) -> ContentBlock {
        ContentBlock::text(Value::Object(self.0).to_string())
    }
}

/// The work goes on, and this is how to get its answer. For clients that would give up the call.
pub(crate) fn running(
    again: PartCall<'_>,
    phase: Option<&str>,
    wait: Duration,
    call: &Call,
) -> CallToolResponse {
    let wait = exai_core::humanize::span(wait);
    let PartCall { tool, id, .. } = again;
    let next = format!(
        "Call {tool} again with the arguments in `call`, as they stand. That call waits up to {wait} for the answer and asks no model. Do \
         not ask your question again."
    );
    let mut answer = Answer::default();
    answer
        .put("status", "running")
        .put("message", "The answer is not there yet. The work goes on, and its answer is kept for you.")
        .put("next_steps", next)
        .put("call", again.to(1))
        .put("continuation_id", id)
        .put_some("phase", phase);
    without_model(tool, answer, &[], call)
}

/// Says how long the answers of this server may be.
pub(crate) fn long_answer_meta() -> MetaObject {
    let meta: Map<String, Value> =
        [(MAX_RESULT_KEY.to_owned(), json!(MAX_RESULT_CHARS))].into_iter().collect();
    MetaObject::from(meta)
}

/// The answer of a tool that only reports something.
pub(crate) fn text(
    tool: &str,
    content_type: &str,
    content: &str,
    more: Value,
    notes: &[String],
    call: &Call,
) -> CallToolResponse {
    let mut metadata = metadata::base(tool, notes, call);
    if let Value::Object(more) = more {
        metadata.extend(more);
    }
    let mut answer = Answer::default();
    answer
        .put("status", "success")
        .put("content", content)
        .put("content_type", content_type)
        .put("metadata", metadata);
    answer.success()
}

/// An answer with more metadata than the usual.
pub(crate) fn with_metadata(
    tool: &str,
    mut answer: Answer,
    more: Value,
    notes: &[String],
    call: &Call,
) -> CallToolResponse {
    let mut metadata = metadata::base(tool, notes, call);
    if let Value::Object(more) = more {
        metadata.extend(more);
    }
    answer.put("metadata", metadata);
    answer.success()
}

/// The answer of a tool that asks no model, with the metadata of every answer.
pub(crate) fn without_model(
    tool: &str,
    mut answer: Answer,
    notes: &[String],
    call: &Call,
) -> CallToolResponse {
    answer.put("metadata", metadata::base(tool, notes, call));
    answer.success()
}

/// A whole tool that asks no model: it decodes the arguments, looks something up, and answers.
pub(crate) async fn looked_up<T, F>(
    tool: &str,
    args: Args<T>,
    call: &Call,
    find: impl FnOnce(T) -> F,
) -> CallToolResponse
where
    F: Future<Output = Result<Answer, EngineError>>,
{
    let notes = args.notes;
    match args.value {
        Err(problems) => bad_arguments(tool, &problems, &notes, call),
        Ok(wanted) => match find(wanted).await {
            Ok(answer) => without_model(tool, answer, &notes, call),
            Err(failure) => error(tool, &failure, &notes, call),
        },
    }
}

/// How a thread can be continued, in the form of pal-mcp-server.
pub(crate) fn continuation_offer(thread: exai_core::ThreadId, remaining: u32) -> Option<Value> {
    (remaining > 0).then(|| {
        json!({
            "continuation_id": thread.to_string(),
            "note": "Pass this continuation_id to any tool to continue the thread; it survives restarts.",
            "remaining_turns": remaining,
        })
    })
}
