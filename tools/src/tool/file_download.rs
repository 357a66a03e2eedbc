//! `file_download`: fetches back a file that was uploaded to a provider.

use std::sync::{Arc, LazyLock};

use exai_engine::{Call, EngineError, vendor_files::DownloadInput};
use rmcp::{
    handler::server::common::Extension,
    model::{CallToolResponse, JsonObject},
    tool, tool_router,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    args::schema::portable,
    args::{Args, ToolArgs},
    reply::{self, Answer},
    server::ExaiServer,
};

/// Arguments of `file_download`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("required" = ["file_id"]))]
pub(crate) struct FileDownloadArgs {
    /// From file_manage or file_query.
    file_id: String,
    /// File or folder under the allowed folders; default: the project folder.
    destination: String,
}

impl ToolArgs for FileDownloadArgs {
    const ALIASES: &'static [(&'static str, &'static str)] = &[("path", "destination")];

    fn schema() -> Arc<JsonObject> {
        static SCHEMA: LazyLock<Arc<JsonObject>> = LazyLock::new(portable::<FileDownloadArgs>);
        Arc::clone(&SCHEMA)
    }
}

#[tool_router(router = file_download_router, vis = "pub(crate)")]
impl ExaiServer {
    #[tool(
        description = "Fetch back a file uploaded by file_query: from Kimi its text, elsewhere the file. Overwrites nothing.",
        input_schema = FileDownloadArgs::published(),
        annotations(title = "File download", read_only_hint = false, destructive_hint = false, idempotent_hint = true, open_world_hint = true)
    )]
    async fn file_download(
        &self,
        args: Args<FileDownloadArgs>,
        Extension(call): Extension<Call>,
    ) -> CallToolResponse {
        reply::looked_up("file_download", args, &call, |wanted| self.download_answer(wanted, &call)).await
    }
}

impl ExaiServer {
    async fn download_answer(&self, wanted: FileDownloadArgs, call: &Call) -> Result<Answer, EngineError> {
        let input = DownloadInput { file_id: wanted.file_id, destination: wanted.destination };
        let got = self.engine().download(&input, call).await?;
        let what = if got.is_text { "the text that the vendor made of it" } else { "the file" };
        let done = if got.was_there { "lay there already" } else { "was written" };
        let mut answer = Answer::default();
        answer.put("status", "success");
        answer.put("summary", format!("{}: {what} {done}: {}", got.file.name, got.path.display()));
        answer.put("path", got.path.display().to_string()).put("bytes", got.bytes);
        answer.put("blake3", got.hash).put("content", if got.is_text { "extracted_text" } else { "file" });
        answer.put("file_id", got.file.id).put("provider", got.file.provider.as_str());
        Ok(answer)
    }
}
