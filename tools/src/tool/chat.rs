//! `chat`: a second opinion from a model, in a thread that lasts.

use std::sync::{Arc, LazyLock};

use exai_core::chat::Thinking;
use exai_engine::{Call, chat::ChatInput};
use rmcp::{
    handler::server::common::Extension,
    model::{CallToolResponse, JsonObject},
    tool, tool_router,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    args::schema::portable,
    args::workflow::ThinkingMode,
    args::{Args, ToolArgs},
    reply,
    server::ExaiServer,
};

/// Arguments of `chat`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("required" = ["prompt"]))]
pub(crate) struct ChatArgs {
    /// The question, with the context it needs.
    prompt: String,
    /// Files or folders to read; path:10-40 for a range.
    absolute_file_paths: Vec<String>,
    /// Model name; default: the server's choice.
    model: Option<String>,
    /// Sent only when set.
    #[schemars(range(min = 0.0, max = 2.0))]
    temperature: Option<f32>,
    /// Thinking effort.
    thinking_mode: Option<ThinkingMode>,
    /// Thread to continue, of any tool.
    continuation_id: Option<String>,
    /// Pictures: paths or data: URLs.
    images: Vec<String>,
    /// true: may search the web, where the vendor offers it.
    use_websearch: bool,
    /// When the model asks for files, add those under the allowed folders and ask once more.
    add_files: bool,
    /// Ask again although the same answer is cached.
    fresh: bool,
    /// If no model is available: the stored answer to the same question, however old.
    allow_stale: bool,
}

impl ToolArgs for ChatArgs {
    const ALIASES: &'static [(&'static str, &'static str)] =
        &[("files", "absolute_file_paths"), ("relevant_files", "absolute_file_paths")];
    const HIDDEN: &'static [&'static [&'static str]] = &[&["add_files", "fresh", "allow_stale"]];
    const WITHOUT_EFFECT: &'static [(&'static str, &'static str)] = &[
        ("working_directory_absolute_path", "this tool writes no files"),
        ("stream", "progress is reported by notifications"),
    ];

    fn schema() -> Arc<JsonObject> {
        static SCHEMA: LazyLock<Arc<JsonObject>> = LazyLock::new(portable::<ChatArgs>);
        Arc::clone(&SCHEMA)
    }
}

impl From<ChatArgs> for ChatInput {
    fn from(args: ChatArgs) -> Self {
        Self {
            prompt: args.prompt,
            files: args.absolute_file_paths,
            continuation_id: args.continuation_id,
            model: args.model,
            temperature: args.temperature,
            thinking: args.thinking_mode.map(Thinking::from),
            images: args.images,
            web_search: args.use_websearch,
            add_files: args.add_files,
            fresh: args.fresh,
            allow_stale: args.allow_stale,
        }
    }
}

#[tool_router(router = chat_router, vis = "pub(crate)")]
impl ExaiServer {
    #[tool(
        description = "Ask another model: a second opinion, an explanation, a discussion. Reads the files you name; never writes.",
        input_schema = ChatArgs::published(),
        annotations(title = "Chat", read_only_hint = true, open_world_hint = true)
    )]
    async fn chat(&self, args: Args<ChatArgs>, Extension(call): Extension<Call>) -> CallToolResponse {
        let notes = args.notes;
        let input = match args.value {
            Ok(value) => ChatInput::from(value),
            Err(problems) => return reply::bad_arguments("chat", &problems, &notes, &call),
        };
        match self.engine().chat(input, &call).await {
            Ok(outcome) => reply::chat(&outcome, &notes, &call),
            Err(error) => reply::error("chat", &error, &notes, &call),
        }
    }
}
