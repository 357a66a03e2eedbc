//! `file_manage`: lists and removes the files that were uploaded to providers.

use std::sync::{Arc, LazyLock};

use exai_engine::{
    Call, EngineError,
    vendor_files::{FileRow, ManageInput, Managed, Operation},
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

/// The most files when the call names no limit.
const USUAL_LIMIT: u32 = 100;

/// Arguments of `file_manage`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct FileManageArgs {
    #[schemars(extend("enum" = ["list", "delete", "cleanup_expired", "cleanup_orphaned", "cleanup_all"]))]
    operation: Option<String>,
    /// For delete.
    file_id: Option<String>,
    /// kimi or openai; default both.
    provider: Option<String>,
    #[schemars(range(min = 1))]
    limit: Option<u32>,
    /// A cleanup only says what it would remove unless this is false.
    dry_run: Option<bool>,
}

impl ToolArgs for FileManageArgs {
    const HIDDEN: &'static [&'static [&'static str]] = &[&["limit"]];

    fn schema() -> Arc<JsonObject> {
        static SCHEMA: LazyLock<Arc<JsonObject>> = LazyLock::new(portable::<FileManageArgs>);
        Arc::clone(&SCHEMA)
    }
}

#[tool_router(router = file_manage_router, vis = "pub(crate)")]
impl ExaiServer {
    #[tool(
        description = "The files that file_query uploaded for you: list, delete, clean up. Nobody else's are shown or touched.",
        input_schema = FileManageArgs::published(),
        annotations(title = "File manage", read_only_hint = false, destructive_hint = true, idempotent_hint = true, open_world_hint = true)
    )]
    async fn file_manage(
        &self,
        args: Args<FileManageArgs>,
        Extension(call): Extension<Call>,
    ) -> CallToolResponse {
        reply::looked_up("file_manage", args, &call, |wanted| self.manage_answer(wanted, &call)).await
    }
}

impl ExaiServer {
    async fn manage_answer(&self, wanted: FileManageArgs, call: &Call) -> Result<Answer, EngineError> {
        let operation = match wanted.operation.as_deref() {
            Some("delete") => Operation::Delete,
            Some("cleanup_all") => Operation::CleanupAll,
            Some("cleanup_orphaned") => Operation::CleanupOrphaned,
            Some("cleanup_expired") => Operation::CleanupExpired,
            _ => Operation::List,
        };
        let is_cleanup = !matches!(operation, Operation::List | Operation::Delete);
        let input = ManageInput {
            operation,
            file_id: wanted.file_id,
            provider: wanted.provider,
            limit: usize::try_from(wanted.limit.unwrap_or(USUAL_LIMIT)).unwrap_or(usize::MAX),
            dry_run: wanted.dry_run.unwrap_or(is_cleanup),
        };
        let managed = self.engine().manage_files(&input, call).await?;
        let mut answer = Answer::default();
        answer.put("status", if managed.failed.is_empty() { "success" } else { "partial_success" });
        answer.put("summary", summary(&input, &managed));
        answer.put("files", json!(managed.files.iter().map(row).collect::<Vec<_>>()));
        if !managed.failed.is_empty() {
            let failed = |(file, why): &(FileRow, String)| json!({ "file_id": file.id, "message": why });
            answer.put("failed", json!(managed.failed.iter().map(failed).collect::<Vec<_>>()));
        }
        if !managed.silent.is_empty() {
            let silent = |(provider, why): &(String, String)| json!({ "provider": provider, "message": why });
            answer.put("not_asked", json!(managed.silent.iter().map(silent).collect::<Vec<_>>()));
        }
        if managed.others > 0 {
            answer.put("files_of_others", managed.others);
        }
        if is_cleanup && input.dry_run && !managed.files.is_empty() {
            answer.put("next_steps", "Nothing was removed. Call again with dry_run: false to remove these.");
        }
        Ok(answer)
    }
}

fn summary(input: &ManageInput, managed: &Managed) -> String {
    let count = managed.files.len();
    let files = if count == 1 { "1 file".to_owned() } else { format!("{count} files") };
    let done = match (input.operation, input.dry_run) {
        (Operation::List, _) => "at vendors",
        (_, true) => "would be removed",
        (_, false) => "removed",
    };
    let more = if managed.is_cut { "; there are more than `limit`" } else { "" };
    let failed = match managed.failed.len() {
        0 => String::new(),
        failed => format!("; {failed} could not be removed"),
    };
    format!("{files} {done}{failed}{more}.")
}

fn row(file: &FileRow) -> Value {
    json!({
        "file_id": file.id, "provider": file.provider, "name": file.name, "bytes": file.bytes,
        "uploaded_at": file.uploaded_at.map(exai_core::Timestamp::to_rfc3339), "at_vendor": file.is_there,
    })
}
