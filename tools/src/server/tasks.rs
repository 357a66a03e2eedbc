//! The tasks extension (SEP-2663): a slow call becomes a task, whose answer waits in the database.

use exai_core::{
    AnswerId, Identity,
    answer::{AnswerState, KeptAnswer},
};
use exai_engine::answers::AnswerQuery;
use rmcp::{
    ErrorData,
    model::{
        CallToolResponse, CreateTaskResult, DetailedTask, GetTaskResult, JsonObject, Task, TaskPayload,
        TaskStatus,
    },
};
use serde_json::{Value, json};

use super::state::ExaiServer;

/// How often a client should ask, in milliseconds: the answers take seconds to minutes.
const POLL_MS: u64 = 1_000;

/// The first answer to a call that has become a task.
pub(crate) fn handed_out(kept: &KeptAnswer) -> CallToolResponse {
    CallToolResponse::Task(CreateTaskResult::new(described(kept, TaskStatus::Working, None)))
}

fn described(kept: &KeptAnswer, status: TaskStatus, message: Option<String>) -> Task {
    let task =
        Task::new(kept.id.to_string(), status, kept.created_at.to_rfc3339(), kept.updated_at.to_rfc3339())
            .with_ttl_ms(kept.expires_at.millis_since(kept.created_at))
            .with_poll_interval_ms(POLL_MS);
    match message {
        Some(message) => task.with_status_message(message),
        None => task,
    }
}

impl ExaiServer {
    /// The state of a task, with its answer once there is one.
    pub(crate) async fn task(&self, id: &str, who: &Identity) -> Result<GetTaskResult, ErrorData> {
        let kept = self.task_row(id, who).await?;
        let (payload, message) = match kept.state {
            AnswerState::Working => (TaskPayload::Working, self.progress_of(kept.id)),
            AnswerState::Cancelled => (TaskPayload::Cancelled, Some("cancelled".to_owned())),
            AnswerState::Interrupted => {
                let message =
                    "the server ended before the answer; call the tool again with the same arguments";
                (TaskPayload::Failed { error: failure(message) }, Some(message.to_owned()))
            }
            AnswerState::Done => (TaskPayload::Completed { result: result(&kept) }, None),
        };
        let task = described(&kept, payload.status(), message);
        Ok(GetTaskResult::new(DetailedTask::new(task, payload)))
    }

    /// Cancels a task. One that has ended stays as it is.
    pub(crate) async fn cancel_work(&self, id: &str, who: &Identity) -> Result<(), ErrorData> {
        let kept = self.task_row(id, who).await?;
        if kept.state != AnswerState::Working {
            return Ok(());
        }
        if let Some(work) = self.detached.get(kept.id) {
            work.cancel.cancel();
        }
        self.engine().cancel_answer(who, kept);
        Ok(())
    }

    async fn task_row(&self, id: &str, who: &Identity) -> Result<KeptAnswer, ErrorData> {
        let shown: String = id.chars().take(80).collect();
        let unknown = || {
            let message =
                format!("there is no task `{shown}`: it is unknown, expired, or belongs to someone else");
            ErrorData::invalid_params(message, Some(json!({ "taskId": shown })))
        };
        let parsed: AnswerId = id.parse().map_err(|_| unknown())?;
        let query = AnswerQuery { id: parsed, wait: self.engine().settings().commit_wait };
        let kept = self.engine().find_answer(who, query).await;
        kept.map_err(|error| {
            ErrorData::internal_error(format!("the database cannot be read: {error}"), None)
        })?
        .ok_or_else(unknown)
    }

    fn progress_of(&self, id: AnswerId) -> Option<String> {
        let event = self.detached.get(id)?.progress.borrow().clone();
        let model = event.model.map(|model| format!(" · {model}")).unwrap_or_default();
        let tokens =
            if event.tokens > 0 { format!(" · about {} tokens", event.tokens) } else { String::new() };
        Some(format!("{}{model}{tokens}", event.phase.as_str()))
    }
}

/// The result that a call without a task would have had.
fn result(kept: &KeptAnswer) -> JsonObject {
    object(json!({
        "content": [{ "type": "text", "text": kept.text }], "isError": kept.is_error, "resultType": "complete",
    }))
}

fn failure(message: &str) -> JsonObject {
    object(json!({ "code": -32603, "message": message }))
}

fn object(value: Value) -> JsonObject {
    match value {
        Value::Object(object) => object,
        _ => JsonObject::new(),
    }
}
