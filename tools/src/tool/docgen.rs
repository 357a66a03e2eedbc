//! `docgen`: documentation that the agent writes, one file in each step. Asks no model.

use std::sync::{Arc, LazyLock};

use exai_engine::{
    Call,
    workflow::{StepInput, spec::DOCGEN},
};
use rmcp::{
    handler::server::common::Extension,
    model::{CallToolResponse, JsonObject},
    tool, tool_router,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    args::schema::portable,
    args::workflow::own_fields,
    args::{Args, ToolArgs},
    server::ExaiServer,
};

/// Arguments of `docgen`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("required" = ["step"]))]
pub(crate) struct DocgenArgs {
    /// What this step does. Step 1 only lists and counts the files.
    step: String,
    /// From 1; counted when left out.
    #[schemars(range(min = 1))]
    step_number: Option<u32>,
    /// Estimate; may change.
    #[schemars(range(min = 1))]
    total_steps: Option<u32>,
    /// false: every file is documented.
    next_step_required: Option<bool>,
    /// What was documented; defects seen, not mended.
    findings: String,
    /// Files of this step.
    relevant_files: Vec<String>,
    /// Functions and types that were documented.
    relevant_context: Vec<String>,
    /// Files done so far.
    #[schemars(range(min = 0))]
    num_files_documented: Option<u32>,
    /// Files to do in all.
    #[schemars(range(min = 0))]
    total_files_to_document: Option<u32>,
    /// Say how costly the code is. Default true.
    document_complexity: Option<bool>,
    /// Say who calls what. Default true.
    document_flow: Option<bool>,
    /// Correct comments that are there. Default true.
    update_existing: Option<bool>,
    /// Comment difficult lines. Default true.
    comments_on_complex_logic: Option<bool>,
    /// Drops the steps from this one on; the work goes on from the step before it.
    #[schemars(range(min = 1))]
    backtrack_from_step: Option<u32>,
    /// Thread to continue, of any tool.
    continuation_id: Option<String>,
}

impl ToolArgs for DocgenArgs {
    const ALIASES: &'static [(&'static str, &'static str)] =
        &[("prompt", "step"), ("files", "relevant_files"), ("absolute_file_paths", "relevant_files")];
    const HIDDEN: &'static [&'static [&'static str]] = &[&["relevant_context", "backtrack_from_step"]];
    const WITHOUT_EFFECT: &'static [(&'static str, &'static str)] = &[
        ("model", "docgen asks no model"),
        ("use_assistant_model", "docgen asks no model"),
        ("temperature", "docgen asks no model"),
        ("thinking_mode", "docgen asks no model"),
        ("issues_found", "defects belong into findings"),
    ];

    fn schema() -> Arc<JsonObject> {
        static SCHEMA: LazyLock<Arc<JsonObject>> = LazyLock::new(portable::<DocgenArgs>);
        Arc::clone(&SCHEMA)
    }
}

impl DocgenArgs {
    fn into_input(self) -> StepInput {
        let extra = own_fields([
            ("document_complexity", self.document_complexity.map(Into::into)),
            ("document_flow", self.document_flow.map(Into::into)),
            ("update_existing", self.update_existing.map(Into::into)),
            ("comments_on_complex_logic", self.comments_on_complex_logic.map(Into::into)),
            ("num_files_documented", self.num_files_documented.map(Into::into)),
            ("total_files_to_document", self.total_files_to_document.map(Into::into)),
            ("backtrack_from_step", self.backtrack_from_step.map(Into::into)),
        ]);
        StepInput {
            step: self.step,
            step_number: self.step_number,
            total_steps: self.total_steps,
            next_step_required: self.next_step_required,
            findings: self.findings,
            relevant_files: self.relevant_files,
            relevant_context: self.relevant_context,
            extra,
            continuation_id: self.continuation_id,
            ..StepInput::default()
        }
    }
}

#[tool_router(router = docgen_router, vis = "pub(crate)")]
impl ExaiServer {
    #[tool(
        description = "Document code file by file: step 1 counts the files, each further step documents one. You write; asks no model.",
        input_schema = DocgenArgs::published(),
        annotations(title = "Documentation", read_only_hint = true, open_world_hint = false)
    )]
    async fn docgen(&self, args: Args<DocgenArgs>, Extension(call): Extension<Call>) -> CallToolResponse {
        self.take_step(&DOCGEN, args, call, DocgenArgs::into_input).await
    }
}
