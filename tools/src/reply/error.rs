//! Failures in one form: what happened, whether a retry helps, what to do, and where the work is kept.

use exai_core::{Kind, RequestId};
use exai_engine::{Call, EngineError};
use metrics::counter;
use rmcp::model::CallToolResponse;
use serde_json::{Map, Value, json};

use super::{Answer, metadata};

/// A failure of the engine.
pub(crate) fn error(tool: &str, failure: &EngineError, notes: &[String], call: &Call) -> CallToolResponse {
    let kind = failure.kind();
    if kind.is_our_fault() {
        tracing::error!(tool, error = failure as &dyn std::error::Error, "the call failed: {failure}");
    } else {
        tracing::info!(tool, code = kind.code(), "the call failed: {failure}");
    }
    let mut answer = envelope(kind, &failure.to_string(), failure.hint().unwrap_or(hint(kind)));
    if let Some(wait) = failure.retry_after() {
        answer.put("retry_after_ms", u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
    }
    with_thread(&mut answer, call);
    answer.put("metadata", metadata::base(tool, notes, call));
    answer.failure()
}

/// Arguments that cannot be understood.
pub(crate) fn bad_arguments(
    tool: &str,
    problems: &[String],
    notes: &[String],
    call: &Call,
) -> CallToolResponse {
    let mut answer =
        envelope(Kind::InvalidInput, &problems.join("; "), "Correct the named fields and call again.");
    answer.put("metadata", metadata::base(tool, notes, call));
    answer.failure()
}

/// There is no such part of an answer.
pub(crate) fn no_part(tool: &str, message: &str, call: &Call) -> CallToolResponse {
    let hint = "Make the call that the answer's rest.call names, or ask your question again without part.";
    let mut answer = envelope(Kind::NotFound, message, hint);
    answer.put("metadata", metadata::base(tool, &[], call));
    answer.failure()
}

/// All places for calls in flight are taken.
pub(crate) fn too_many_calls(limit: usize, request_id: &RequestId) -> CallToolResponse {
    let message = format!(
        "{limit} calls that ask models may be under way at once, and this one has waited too long for its turn"
    );
    let mut answer = envelope(Kind::OverCapacity, &message, hint(Kind::OverCapacity));
    answer.put("retry_after_ms", 1_000).put("metadata", only_request(request_id));
    answer.failure()
}

/// The server is about to end.
pub(crate) fn interrupted(tool: &str, call: &Call) -> CallToolResponse {
    let message = "interrupted: the connection was closed or the server is shutting down";
    ended(tool, Kind::Cancelled, message, "Call again with the same arguments once the server runs.", call)
}

/// The caller gave up. Most transports drop this answer, because no request waits for it.
pub(crate) fn cancelled(tool: &str, call: &Call) -> CallToolResponse {
    ended(tool, Kind::Cancelled, "the call was cancelled", hint(Kind::Cancelled), call)
}

/// The call did not end in time, not even with an error of its own.
pub(crate) fn late(tool: &str, call: &Call) -> CallToolResponse {
    let phase = call.progress.borrow().phase.as_str();
    tracing::error!(tool, request_id = %call.request_id, phase, "a call did not end by its deadline; it is given up");
    let message = format!("no answer within {:?}: the call was {phase}, and that did not end", call.limit);
    let hint = "Repeat the call without files on a drive or network share that may not answer, or with fewer files. If it \
                happens again, restart the server.";
    ended(tool, Kind::Timeout, &message, hint, call)
}

/// A tool panicked.
pub(crate) fn panicked(tool: &str, call: &Call) -> CallToolResponse {
    ended(
        tool,
        Kind::Internal,
        "internal error: the tool broke down; the server goes on",
        hint(Kind::Internal),
        call,
    )
}

fn ended(tool: &str, kind: Kind, message: &str, hint: &str, call: &Call) -> CallToolResponse {
    let mut answer = envelope(kind, message, hint);
    with_thread(&mut answer, call);
    answer.put("metadata", metadata::base(tool, &[], call));
    answer.failure()
}

fn envelope(kind: Kind, message: &str, hint: &str) -> Answer {
    counter!("exai_errors_total", "type" => kind.code()).increment(1);
    let mut answer = Answer::default();
    answer
        .put("status", "error")
        .put("code", kind.code())
        .put("message", message)
        .put("retryable", kind.is_retryable())
        .put("hint", hint);
    answer
}

/// The thread keeps what the caller sent, even though the call failed.
fn with_thread(answer: &mut Answer, call: &Call) {
    if let Some(thread) = call.thread.get() {
        answer.put("continuation_id", thread.to_string());
        answer.put("next_steps", "What you sent is kept: repeat the call with this continuation_id.");
    }
}

fn only_request(request_id: &RequestId) -> Map<String, Value> {
    [("request_id".to_owned(), json!(request_id.as_str()))].into_iter().collect()
}

/// What to do; the documentation and every answer use these words.
fn hint(kind: Kind) -> &'static str {
    match kind {
        Kind::InvalidInput => "Correct the named field and call again.",
        Kind::NotFound => "Start a new thread by leaving continuation_id out.",
        Kind::FileNotFound => "Correct the name, or leave the file out, and call again.",
        Kind::Forbidden => "Use files below the project folder, or add a root in the configuration.",
        Kind::ModelNotFound => "Call listmodels, or leave `model` out to use the default.",
        Kind::NotOffered => "Configure a vendor that offers it, as the message says; or do without.",
        Kind::NoModelConfigured => {
            "analyze, codereview, debug, precommit, refactor, secaudit and testgen inspect files without a model; for the others \
             configure one. `exai-mcp config check` says what is wrong with what is set."
        }
        Kind::Auth => "Check the key of this vendor in the server's environment, then restart the server.",
        Kind::Quota => {
            "The vendor's balance or plan is used up: top it up, or name a model of another vendor."
        }
        Kind::RateLimited => {
            "The vendor asks to slow down: wait, then repeat the call; or name another model."
        }
        Kind::Unavailable => "The vendor has trouble: repeat the call in a moment, or name another model.",
        Kind::Unreachable => {
            "Check the network and the endpoint's URL (`exai-mcp config show`), then repeat the call."
        }
        Kind::Timeout => "Repeat the call, give fewer files, or name a faster model.",
        Kind::Cancelled => "Repeat the call when you want the answer.",
        Kind::ContextTooLong => {
            "Give fewer or smaller files, start a new thread, or name a model with a larger window."
        }
        Kind::ContentFiltered => "Rephrase the request, or name a model of another vendor.",
        Kind::UpstreamRejected => {
            "The vendor refuses this request as it is: see the message, change it or name another model."
        }
        Kind::Protocol => "The vendor's answer was unusable: repeat the call, or name another model.",
        Kind::BudgetExceeded => {
            "Name a cheaper model, give fewer files, or ask the user to raise the budget."
        }
        Kind::OverCapacity => "Repeat the call in a moment, with fewer calls at once.",
        Kind::StoreUnavailable => {
            "Check the database file and its folder (`exai-mcp config path`), then repeat the call."
        }
        Kind::Conflict => "Another call continued the same thread: repeat the call.",
        Kind::Internal => "The server's log has the cause under the request_id.",
    }
}

/// The table of error codes as Markdown: code, whether the same call may succeed later, meaning, hint.
#[must_use]
pub fn error_reference() -> String {
    let mut text = String::from("| Code | Retryable | What it means | Hint |\n|---|---|---|---|\n");
    for kind in Kind::ALL {
        let (meaning, hint) = (kind.meaning(), hint(kind));
        let retryable = if kind.is_retryable() { "yes" } else { "no" };
        text.push_str(&format!("| `{}` | {retryable} | {meaning} | {hint} |\n", kind.code()));
    }
    text
}
