//! `file_query`: a question about one file, whatever its format.

use std::sync::{Arc, LazyLock};

use exai_core::chat::Thinking;
use exai_engine::{Call, vendor_files::FileQueryInput};
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

/// Arguments of `file_query`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("required" = ["file_path", "question"]))]
pub(crate) struct FileQueryArgs {
    /// The file, under the allowed folders.
    file_path: String,
    question: String,
    /// Who reads a file that is no text: kimi or openai.
    provider: Option<String>,
    model: Option<String>,
    /// Thinking effort.
    thinking_mode: Option<ThinkingMode>,
    /// Ask again although the same answer is cached.
    fresh: bool,
}

impl ToolArgs for FileQueryArgs {
    const ALIASES: &'static [(&'static str, &'static str)] =
        &[("path", "file_path"), ("prompt", "question"), ("absolute_file_paths", "file_path")];
    const HIDDEN: &'static [&'static [&'static str]] = &[&["thinking_mode", "fresh"]];

    fn schema() -> Arc<JsonObject> {
        static SCHEMA: LazyLock<Arc<JsonObject>> = LazyLock::new(portable::<FileQueryArgs>);
        Arc::clone(&SCHEMA)
    }
}

#[tool_router(router = file_query_router, vis = "pub(crate)")]
impl ExaiServer {
    #[tool(
        description = "Ask about one file of any format. Text is read here; a PDF or office file is uploaded to Kimi or OpenAI, once.",
        input_schema = FileQueryArgs::published(),
        annotations(title = "File query", read_only_hint = true, open_world_hint = true)
    )]
    async fn file_query(
        &self,
        args: Args<FileQueryArgs>,
        Extension(call): Extension<Call>,
    ) -> CallToolResponse {
        let (tool, notes) = ("file_query", args.notes);
        let wanted = match args.value {
            Ok(value) => value,
            Err(problems) => return reply::bad_arguments(tool, &problems, &notes, &call),
        };
        let input = FileQueryInput {
            file_path: wanted.file_path,
            question: wanted.question,
            provider: wanted.provider,
            model: wanted.model,
            thinking: wanted.thinking_mode.map(Thinking::from),
            fresh: wanted.fresh,
        };
        match self.engine().file_query(input, &call).await {
            Ok(outcome) => reply::file_query(&outcome, &notes, &call),
            Err(error) => reply::error(tool, &error, &notes, &call),
        }
    }
}
