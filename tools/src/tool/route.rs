//! `route`: which model would answer, and why. Asks at most the selector, where one is configured.

use std::sync::{Arc, LazyLock};

use exai_engine::{Call, EngineError, route::RouteInput, routing::Candidate};
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
    args::workflow::ThinkingMode,
    args::{Args, ToolArgs},
    reply::{self, Answer},
    server::ExaiServer,
    server::profile::{asks_models, is_tool, unknown_tool},
};

/// Arguments of `route`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct RouteArgs {
    /// The question, for an estimate of the price.
    prompt: String,
    /// The tool that would be called; default chat.
    tool: Option<String>,
    /// Model name, when one would be named.
    model: Option<String>,
    /// Pictures that would be shown.
    images: Vec<String>,
    /// Files that would be named.
    #[serde(alias = "relevant_files", alias = "absolute_file_paths")]
    files: Vec<String>,
    use_websearch: bool,
    /// Thinking effort.
    thinking_mode: Option<ThinkingMode>,
    /// More words for the estimate.
    context: Option<String>,
}

impl ToolArgs for RouteArgs {
    const HIDDEN: &'static [&'static [&'static str]] = &[&["context", "thinking_mode", "files"]];

    fn schema() -> Arc<JsonObject> {
        static SCHEMA: LazyLock<Arc<JsonObject>> = LazyLock::new(portable::<RouteArgs>);
        Arc::clone(&SCHEMA)
    }
}

#[tool_router(router = route_router, vis = "pub(crate)")]
impl ExaiServer {
    #[tool(
        description = "Which model would answer a call, who after it, and why. Answers nothing itself.",
        input_schema = RouteArgs::published(),
        annotations(title = "Route", read_only_hint = true, open_world_hint = false)
    )]
    async fn route(&self, args: Args<RouteArgs>, Extension(call): Extension<Call>) -> CallToolResponse {
        reply::looked_up("route", args, &call, async |wanted| self.route_answer(&wanted, &call).await).await
    }
}

impl ExaiServer {
    async fn route_answer(&self, wanted: &RouteArgs, call: &Call) -> Result<Answer, EngineError> {
        let tool = wanted.tool.as_deref().map_or("chat", crate::server::aliases::canonical);
        if !is_tool(tool) {
            return Err(unknown_tool("tool", tool));
        }
        if !asks_models(tool) {
            let mut answer = Answer::default();
            answer.put("status", "success").put("summary", format!("{tool} asks no model."));
            answer.put("candidates", json!([]));
            return Ok(answer);
        }
        let query = RouteInput {
            tool: tool.to_owned(),
            model: wanted.model.clone(),
            prompt: format!("{}{}", wanted.prompt, wanted.context.as_deref().unwrap_or_default()),
            with_images: !wanted.images.is_empty(),
            web_search: wanted.use_websearch,
            thinking: wanted.thinking_mode.map(Into::into),
            files: wanted.files.clone(),
        };
        let route = self.engine().route(&query, call).await?;
        let first = route.candidates.first();
        let (provider, model) = first.and_then(|first| first.model.split_once('/')).unwrap_or_default();
        let mut answer = Answer::default();
        answer.put("status", "success");
        answer.put(
            "summary",
            match first {
                Some(first) => format!("{} would answer: {}.", first.model, route.rule),
                None => format!("{}.", route.rule),
            },
        );
        answer.put("recommended_provider", provider).put("recommended_model", model);
        answer.put("needs_websearch", wanted.use_websearch);
        answer.put("candidates", json!(route.candidates.iter().map(row).collect::<Vec<_>>()));
        Ok(answer)
    }
}

fn row(candidate: &Candidate) -> Value {
    json!({
        "model": candidate.model,
        "reasons": candidate.reasons,
        "estimate_usd": candidate.estimate_usd,
        "window": candidate.window,
    })
}
