//! `activity`: the latest runs, of those under way too. Asks no model.

use std::sync::{Arc, LazyLock};

use exai_core::{ThreadId, Timestamp, run::RunState, store::RunFilter};
use exai_engine::{Call, EngineError, activity::ActivityQuery};
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
    args::time_arg,
    args::{Args, ToolArgs},
    reply::{self, Answer},
    server::{
        ExaiServer,
        aliases::canonical,
        profile::{is_tool, unknown_tool},
    },
};

/// Runs in an answer when the call names no limit, and the most of them.
const LISTED: u32 = 20;
const MAX_LISTED: u32 = 500;

/// Arguments of `activity`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct ActivityArgs {
    tool: Option<String>,
    #[schemars(extend("enum" = ["running", "done", "failed", "cancelled", "interrupted"]))]
    state: Option<String>,
    /// Part of provider/model.
    model: Option<String>,
    continuation_id: Option<String>,
    /// A date, or a span such as 24h or 7d.
    since: Option<String>,
    #[schemars(range(min = 1))]
    limit: Option<u32>,
}

impl ToolArgs for ActivityArgs {
    const ALIASES: &'static [(&'static str, &'static str)] =
        &[("lines", "limit"), ("n", "limit"), ("filter", "model"), ("thread", "continuation_id")];
    const WITHOUT_EFFECT: &'static [(&'static str, &'static str)] = &[
        ("source", "the calls come from the database"),
        ("structured", "the answer is JSON always"),
        ("path", "the calls come from the database"),
    ];

    fn schema() -> Arc<JsonObject> {
        static SCHEMA: LazyLock<Arc<JsonObject>> = LazyLock::new(portable::<ActivityArgs>);
        Arc::clone(&SCHEMA)
    }
}

impl ActivityArgs {
    fn filter(&self, now: Timestamp) -> Result<RunFilter, EngineError> {
        let thread = self.continuation_id.as_deref().map(|text| {
            text.parse::<ThreadId>()
                .map_err(|_| EngineError::UnknownThread { thread: text.chars().take(80).collect() })
        });
        let tool = self.tool.as_deref().map(canonical);
        if let Some(tool) = tool.filter(|tool| !is_tool(tool)) {
            return Err(unknown_tool("tool", tool));
        }
        Ok(RunFilter {
            tool: tool.map(str::to_owned),
            state: self.state.as_deref().and_then(RunState::parse),
            thread: thread.transpose()?,
            model: self.model.clone(),
            source: None,
            since: self.since.as_deref().map(|text| time_arg::since("since", text, now)).transpose()?,
        })
    }
}

#[tool_router(router = activity_router, vis = "pub(crate)")]
impl ExaiServer {
    #[tool(
        description = "Consultations of late, newest first: tool, model, state, tokens, cost, time, error.",
        input_schema = ActivityArgs::published(),
        annotations(title = "Activity", read_only_hint = true, open_world_hint = false)
    )]
    async fn activity(&self, args: Args<ActivityArgs>, Extension(call): Extension<Call>) -> CallToolResponse {
        reply::looked_up("activity", args, &call, |wanted| self.activity_answer(wanted, &call)).await
    }
}

impl ExaiServer {
    async fn activity_answer(&self, wanted: ActivityArgs, call: &Call) -> Result<Answer, EngineError> {
        let filter = wanted.filter(self.engine().clock().now())?;
        let query = ActivityQuery { filter, limit: wanted.limit.unwrap_or(LISTED).min(MAX_LISTED) };
        let found = self.engine().activity(&call.principal.identity, &query).await?;
        let rows: Vec<Value> = found
            .runs
            .iter()
            .map(|run| {
                let outcome = run.outcome.as_ref();
                json!({
                    "at": run.started_at.to_rfc3339(), "tool": run.tool, "model": format!("{}/{}", run.provider, run.model),
                    "state": run.state.as_str(), "continuation_id": run.thread.map(|thread| thread.to_string()), "run_id": run.id.to_string(),
                    "tokens": outcome.map(|outcome| json!({ "input": outcome.usage.input_tokens, "output": outcome.usage.output_tokens })),
                    "cost_usd": outcome.and_then(|outcome| outcome.cost_usd),
                    "duration_ms": outcome.map(|outcome| outcome.duration_ms),
                    "attempts": outcome.map(|outcome| outcome.attempts),
                    "error": outcome.and_then(|outcome| outcome.error.as_deref()),
                })
            })
            .collect();
        let mut answer = Answer::default();
        let summary = match rows.len() {
            0 => "No consultation matches.".to_owned(),
            1 => "The latest consultation that matches.".to_owned(),
            count => format!("The latest {count} consultations that match."),
        };
        answer.put("status", "success").put("summary", summary).put("calls", json!(rows));
        Ok(answer)
    }
}
