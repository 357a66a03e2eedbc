//! `clink`: another agent on this machine as a sub-agent, read-only unless the user has configured otherwise.

use std::sync::{Arc, LazyLock};

use exai_engine::{
    Call,
    clink::{ClinkInput, ClinkOutcome},
};
use rmcp::{
    handler::server::common::Extension,
    model::{CallToolResponse, JsonObject},
    tool, tool_router,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::{
    args::schema::portable,
    args::{Args, ToolArgs},
    reply::{self, Answer},
    server::ExaiServer,
};

/// Arguments of `clink`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("required" = ["prompt"]))]
pub(crate) struct ClinkArgs {
    /// What the agent shall do.
    prompt: String,
    /// codex, claude, gemini, opencode, qwen or a configured one; default: the first installed.
    cli_name: Option<String>,
    /// default, planner, codereviewer or a configured one.
    role: Option<String>,
    /// Files it should look at.
    absolute_file_paths: Vec<String>,
    /// Thread to continue, of any tool.
    continuation_id: Option<String>,
}

impl ToolArgs for ClinkArgs {
    const ALIASES: &'static [(&'static str, &'static str)] = &[
        ("files", "absolute_file_paths"),
        ("relevant_files", "absolute_file_paths"),
        ("cli", "cli_name"),
        ("agent", "cli_name"),
    ];
    const WITHOUT_EFFECT: &'static [(&'static str, &'static str)] =
        &[("images", "name pictures in absolute_file_paths"), ("model", "the agent chooses its own model")];

    fn schema() -> Arc<JsonObject> {
        static SCHEMA: LazyLock<Arc<JsonObject>> = LazyLock::new(portable::<ClinkArgs>);
        Arc::clone(&SCHEMA)
    }
}

#[tool_router(router = clink_router, vis = "pub(crate)")]
impl ExaiServer {
    #[tool(
        description = "Ask another agent CLI on this machine; it works in the project, read-only unless the user configured otherwise.",
        input_schema = ClinkArgs::published(),
        annotations(title = "Agent CLI", read_only_hint = true, open_world_hint = true)
    )]
    async fn clink(&self, args: Args<ClinkArgs>, Extension(call): Extension<Call>) -> CallToolResponse {
        let notes = args.notes;
        let input = match args.value {
            Ok(value) => ClinkInput {
                prompt: value.prompt,
                cli_name: value.cli_name,
                role: value.role,
                files: value.absolute_file_paths,
                continuation_id: value.continuation_id,
            },
            Err(problems) => return reply::bad_arguments("clink", &problems, &notes, &call),
        };
        match Box::pin(self.engine().clink(input, &call)).await {
            Ok(outcome) => answered(&outcome, &notes, &call),
            Err(error) => reply::error("clink", &error, &notes, &call),
        }
    }
}

fn answered(outcome: &ClinkOutcome, notes: &[String], call: &Call) -> CallToolResponse {
    let offer = reply::continuation_offer(outcome.thread, outcome.remaining_turns);
    let mut answer = Answer::default();
    answer.put("status", if offer.is_some() { "continuation_available" } else { "success" });
    answer.put("content", outcome.text.as_str()).put("content_type", "markdown");
    answer.put("continuation_id", outcome.thread.to_string()).put_some("continuation_offer", offer);
    let agent = &outcome.agent;
    // As the agent reports them; an agent without such a report leaves both unknown.
    let tokens = outcome.usage.as_ref().map(|usage| {
        json!({ "input": usage.input_tokens, "output": usage.output_tokens, "cached_input": usage.cached_input_tokens,
            "reasoning": usage.reasoning_tokens, "estimated": false })
    });
    let more = json!({
        "answered_by": format!("clink/{}", agent.name), "cli_name": agent.name, "command": agent.command, "role": outcome.role,
        "read_only": !agent.allow_edits, "latency_ms": u64::try_from(outcome.duration.as_millis()).unwrap_or(u64::MAX),
        "return_code": outcome.exit_code, "stderr": outcome.stderr, "parser": agent.parser.as_str(),
        "output_understood": outcome.parsed, "output_cut": outcome.cut, "persisted": outcome.persisted,
        "tokens": tokens, "cost_usd": outcome.cost_usd,
    });
    reply::with_metadata("clink", answer, more, notes, call)
}
