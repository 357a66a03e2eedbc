//! `threads`: stored conversations; lists, finds, shows, resumes and exports them. Deletes nothing.

use std::sync::{Arc, LazyLock};

use exai_core::{ThreadId, answer::KeptAnswer, run::Run, thread::Thread};
use exai_engine::{
    Call, EngineError,
    threads::{NextCall, ThreadQuery, ThreadView, ThreadViewQuery},
    transcript,
};
use rmcp::{
    handler::server::common::Extension,
    model::{CallToolResponse, JsonObject},
    tool, tool_router,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    args::schema::portable,
    args::{Args, ToolArgs},
    reply::{self, Answer},
    server::ExaiServer,
};

/// Threads in a list when the call names no limit.
const LISTED: u32 = 20;
/// The most threads in a list.
const MAX_LISTED: u32 = 200;
/// The most turns that are shown, and how much of each but the latest.
const SHOWN_TURNS: usize = 50;
const SHOWN_CHARS: usize = 600;

/// Arguments of `threads`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct ThreadsArgs {
    /// resume: what is needed to go on, with an answer that came late. export: all of it as Markdown.
    #[schemars(extend("enum" = ["list", "search", "show", "resume", "export"]))]
    action: Option<String>,
    /// Words to search for.
    query: Option<String>,
    /// The thread to show, resume or export.
    continuation_id: Option<String>,
    /// How many to list.
    #[schemars(range(min = 1))]
    limit: Option<u32>,
}

impl ToolArgs for ThreadsArgs {
    const ALIASES: &'static [(&'static str, &'static str)] =
        &[("thread_id", "continuation_id"), ("thread", "continuation_id"), ("id", "continuation_id")];

    fn schema() -> Arc<JsonObject> {
        static SCHEMA: LazyLock<Arc<JsonObject>> = LazyLock::new(portable::<ThreadsArgs>);
        Arc::clone(&SCHEMA)
    }
}

impl ThreadsArgs {
    /// The action, or the one that the other fields imply.
    fn action(&self) -> &str {
        match (&self.action, &self.continuation_id, &self.query) {
            (Some(action), ..) => action,
            (None, Some(_), _) => "show",
            (None, None, Some(_)) => "search",
            (None, None, None) => "list",
        }
    }
}

#[tool_router(router = threads_router, vis = "pub(crate)")]
impl ExaiServer {
    #[tool(
        description = "Stored conversations: list, search, show, resume after a break, export. Asks no model, deletes nothing.",
        input_schema = ThreadsArgs::published(),
        annotations(title = "Threads", read_only_hint = true, open_world_hint = false)
    )]
    async fn threads(&self, args: Args<ThreadsArgs>, Extension(call): Extension<Call>) -> CallToolResponse {
        reply::looked_up("threads", args, &call, |wanted| self.threads_answer(wanted, &call)).await
    }
}

impl ExaiServer {
    async fn threads_answer(&self, wanted: ThreadsArgs, call: &Call) -> Result<Answer, EngineError> {
        let limit = wanted.limit.unwrap_or(LISTED).min(MAX_LISTED);
        match wanted.action() {
            "list" => self.list_threads(None, limit, call).await,
            "search" => {
                let words = wanted.query.as_deref().map(str::trim).filter(|words| !words.is_empty());
                let words =
                    words.ok_or_else(|| EngineError::invalid("query", "say which words to look for"))?;
                self.list_threads(Some(words), limit, call).await
            }
            action => {
                let most_answers = match action {
                    "export" => 0,
                    "resume" => 1,
                    _ => MAX_LISTED,
                };
                let view = self.named_thread(wanted.continuation_id.as_deref(), most_answers, call).await?;
                Ok(match action {
                    "export" => exported(&view),
                    "resume" => resumed(&view),
                    _ => shown(&view),
                })
            }
        }
    }

    async fn list_threads(
        &self,
        words: Option<&str>,
        limit: u32,
        call: &Call,
    ) -> Result<Answer, EngineError> {
        let query = ThreadQuery { words: words.map(str::to_owned), limit };
        let found = self.engine().list_threads(&call.principal.identity, &query).await?;
        let rows: Vec<Value> = found
            .threads
            .iter()
            .map(|thread| {
                json!({
                    "continuation_id": thread.id.to_string(), "title": thread.title, "tool": thread.tool,
                    "turns": thread.turns, "updated_at": thread.updated_at.to_rfc3339(),
                })
            })
            .collect();
        let summary = match (words, rows.len()) {
            (Some(words), 0) => format!("No thread contains `{words}`."),
            (None, 0) => "No thread is stored yet.".to_owned(),
            (Some(words), 1) => format!("1 thread contains `{words}`."),
            (None, 1) => "One thread is stored.".to_owned(),
            (Some(words), count) => format!("{count} threads contain `{words}`, latest first."),
            (None, count) => format!("The latest {count} threads."),
        };
        let mut answer = Answer::default();
        answer.put("status", "success").put("summary", summary).put("threads", json!(rows));
        answer.put(
            "next_steps",
            "Pass a continuation_id to any tool to go on, or here with action show, resume or export.",
        );
        Ok(answer)
    }

    async fn named_thread(
        &self,
        id: Option<&str>,
        most_answers: u32,
        call: &Call,
    ) -> Result<ThreadView, EngineError> {
        let missing = || EngineError::invalid("continuation_id", "say which thread; action list shows them");
        let text = id.map(str::trim).filter(|id| !id.is_empty()).ok_or_else(missing)?;
        let unknown = || EngineError::UnknownThread { thread: text.chars().take(80).collect() };
        let id: ThreadId = text.parse().map_err(|_| unknown())?;
        let query = ThreadViewQuery { id, answers: most_answers };
        self.engine().view_thread(&call.principal.identity, query).await?.ok_or_else(unknown)
    }
}

/// Latest turn first and whole, the others shortened.
fn shown(view: &ThreadView) -> Answer {
    let thread = &view.thread;
    let mut answer = Answer::default();
    answer.put("status", "success").put("summary", outline(thread));
    let turns: Vec<Value> = thread
        .turns
        .iter()
        .rev()
        .take(SHOWN_TURNS)
        .enumerate()
        .map(|(index, turn)| {
            let text = transcript::words(&turn.body);
            let text = if index == 0 { text } else { shortened(&text) };
            json!({ "turn": turn.seq + 1, "tool": turn.tool, "who": transcript::speaker(&turn.body),
                "at": turn.created_at.to_rfc3339(), "text": text })
        })
        .collect();
    answer.put("turns", json!(turns));
    if thread.turns.len() > SHOWN_TURNS {
        answer.put("earlier_turns", thread.turns.len() - SHOWN_TURNS);
    }
    answer.put("runs", json!(view.runs.iter().map(run_row).collect::<Vec<_>>()));
    if !view.answers.is_empty() {
        answer.put("kept_answers", json!(view.answers.iter().map(answer_row).collect::<Vec<_>>()));
    }
    answer.put("continuation_id", thread.id.to_string());
    answer
}

/// What a caller needs to go on, and the answers that came after it had left.
fn resumed(view: &ThreadView) -> Answer {
    let mut answer = Answer::default();
    answer.put("status", "success").put("summary", outline(&view.thread));
    if let Some(run) = view.late_run() {
        let text = run.outcome.as_ref().map(|outcome| outcome.text.as_str()).unwrap_or_default();
        answer.put(
            "late_answer",
            json!({ "answered_by": format!("{}/{}", run.provider, run.model), "tool": run.tool,
            "run_id": run.id.to_string(), "text": text }),
        );
    }
    if let Some(kept) = view.answers.first().filter(|kept| !kept.text.is_empty()) {
        answer.put(
            "kept_answer",
            serde_json::from_str::<Value>(&kept.text).unwrap_or_else(|_| json!(kept.text)),
        );
    }
    if let Some(last) = view.last_request() {
        answer.put("last_request", json!({ "tool": last.tool, "text": transcript::words(&last.body) }));
    }
    if let Some(last) = view.last_answer() {
        answer.put("last_answer", json!({ "tool": last.tool, "text": transcript::words(&last.body) }));
    }
    answer.put("next_steps", next_steps(&view.next_call()));
    answer.put("continuation_id", view.thread.id.to_string());
    answer
}

fn outline(thread: &Thread) -> String {
    format!(
        "Begun {} with {}, last continued {}, {} turns, kept until {}.",
        thread.created_at.to_rfc3339(),
        thread.tool,
        thread.updated_at.to_rfc3339(),
        thread.turns.len(),
        thread.expires_at.to_rfc3339()
    )
}

fn next_steps(next: &NextCall) -> String {
    match next {
        NextCall::Begin => "The thread is empty; begin anew.".to_owned(),
        NextCall::ReadLateAnswer { tool } => {
            format!("The answer that was missed is in late_answer. Go on with {tool} and this continuation_id.")
        }
        NextCall::Wait => "The last question is still being answered; ask again with action resume in a moment.".to_owned(),
        NextCall::TakeStep { tool, step } => format!("Call {tool} with step_number {step} and this continuation_id."),
        NextCall::RepeatStep { tool, step } => {
            format!("The last step was not answered. Send it again: {tool} with step_number {step} and this continuation_id.")
        }
        NextCall::CompleteConsensus => "The consensus is not complete. Call consensus with next_step_required: false and this continuation_id.".to_owned(),
        NextCall::RepeatQuestion { tool } => {
            format!("The last question was not answered. Send it again with {tool} and this continuation_id.")
        }
        NextCall::GoOn => "Everything was answered. Go on with any tool and this continuation_id.".to_owned(),
    }
}

fn answer_row(kept: &KeptAnswer) -> Value {
    json!({ "resource": format!("exai://answer/{}", kept.id), "tool": kept.tool, "state": kept.state.as_str(),
        "bytes": kept.text.len() })
}

fn run_row(run: &Run) -> Value {
    let outcome = run.outcome.as_ref();
    json!({
        "run_id": run.id.to_string(), "tool": run.tool, "model": format!("{}/{}", run.provider, run.model),
        "state": run.state.as_str(), "started_at": run.started_at.to_rfc3339(),
        "tokens": outcome.map(|outcome| json!({ "input": outcome.usage.input_tokens, "output": outcome.usage.output_tokens })),
        "cost_usd": outcome.and_then(|outcome| outcome.cost_usd),
        "duration_ms": outcome.map(|outcome| outcome.duration_ms),
        "error": outcome.and_then(|outcome| outcome.error.as_deref()),
    })
}

fn exported(view: &ThreadView) -> Answer {
    let mut answer = Answer::default();
    answer.put("status", "success").put("content", view.markdown()).put("content_type", "markdown");
    answer.put("continuation_id", view.thread.id.to_string());
    answer
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= SHOWN_CHARS {
        return text.to_owned();
    }
    format!("{}…", text.chars().take(SHOWN_CHARS).collect::<String>())
}
