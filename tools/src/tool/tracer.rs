//! `tracer`: a call flow or dependencies, traced by the agent in steps. Asks no model.

use std::sync::{Arc, LazyLock};

use exai_engine::{
    Call,
    workflow::{StepInput, spec::TRACER},
};
use rmcp::{
    RoleServer,
    handler::server::{common::Extension, tool::InputResponses},
    model::{CallToolResponse, JsonObject},
    service::RequestContext,
    tool, tool_router,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    args::schema::portable,
    args::workflow::own_fields,
    args::{Args, ToolArgs},
    server::ExaiServer,
    server::ask_user::{Asked, Choice},
};

/// What the user is asked when the call does not name the mode.
static WHICH_TRACE: Choice = Choice {
    key: "trace_mode",
    question: "Which trace is wanted: the path of execution through functions (precision), or what uses what (dependencies)?",
    options: &["precision", "dependencies"],
};

/// Arguments of `tracer`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("required" = ["step"]))]
pub(crate) struct TracerArgs {
    /// What this step does; step 1 states the task.
    step: String,
    /// From 1; counted when left out.
    #[schemars(range(min = 1))]
    step_number: Option<u32>,
    /// Estimate; may change.
    #[schemars(range(min = 1))]
    total_steps: Option<u32>,
    /// false: the trace is complete.
    next_step_required: Option<bool>,
    /// precision: path of execution; dependencies: what uses what; ask: let the user choose.
    #[schemars(extend("enum" = ["precision", "dependencies", "ask"]))]
    trace_mode: Option<String>,
    /// What is traced, and why.
    target_description: Option<String>,
    /// What this step found, with file:line.
    findings: String,
    /// Files looked at.
    files_checked: Vec<String>,
    /// Files on the trace.
    relevant_files: Vec<String>,
    /// Functions and types on the trace.
    relevant_context: Vec<String>,
    /// How sure you are.
    #[schemars(extend("enum" = ["exploring", "low", "medium", "high", "very_high", "almost_certain", "certain"]))]
    confidence: Option<String>,
    /// Drops the steps from this one on; the work goes on from the step before it.
    #[schemars(range(min = 1))]
    backtrack_from_step: Option<u32>,
    /// Thread to continue, of any tool.
    continuation_id: Option<String>,
}

impl ToolArgs for TracerArgs {
    const ALIASES: &'static [(&'static str, &'static str)] =
        &[("prompt", "step"), ("files", "relevant_files"), ("absolute_file_paths", "relevant_files")];
    const HIDDEN: &'static [&'static [&'static str]] =
        &[&["files_checked", "relevant_context", "confidence", "backtrack_from_step"]];
    const WITHOUT_EFFECT: &'static [(&'static str, &'static str)] = &[
        ("model", "tracer asks no model"),
        ("use_assistant_model", "tracer asks no model"),
        ("temperature", "tracer asks no model"),
        ("thinking_mode", "tracer asks no model"),
        ("images", "tracer asks no model"),
    ];

    fn schema() -> Arc<JsonObject> {
        static SCHEMA: LazyLock<Arc<JsonObject>> = LazyLock::new(portable::<TracerArgs>);
        Arc::clone(&SCHEMA)
    }
}

impl TracerArgs {
    /// Whether this call begins a trace and leaves its mode to the user.
    fn leaves_mode_open(&self) -> bool {
        let first = self.step_number.unwrap_or(1) == 1 && self.continuation_id.is_none();
        match self.trace_mode.as_deref() {
            Some("ask") => true,
            None => first,
            Some(_) => false,
        }
    }

    fn into_input(self) -> StepInput {
        let extra = own_fields([
            ("trace_mode", self.trace_mode.filter(|mode| mode != "ask").map(Into::into)),
            ("target_description", self.target_description.map(Into::into)),
            ("backtrack_from_step", self.backtrack_from_step.map(Into::into)),
        ]);
        StepInput {
            step: self.step,
            step_number: self.step_number,
            total_steps: self.total_steps,
            next_step_required: self.next_step_required,
            findings: self.findings,
            files_checked: self.files_checked,
            relevant_files: self.relevant_files,
            relevant_context: self.relevant_context,
            confidence: self.confidence,
            extra,
            continuation_id: self.continuation_id,
            ..StepInput::default()
        }
    }
}

#[tool_router(router = tracer_router, vis = "pub(crate)")]
impl ExaiServer {
    #[tool(
        description = "Trace a call flow (precision) or dependencies in steps; ends with instructions for the picture. Asks no model.",
        input_schema = TracerArgs::published(),
        annotations(title = "Tracer", read_only_hint = true, open_world_hint = false)
    )]
    async fn tracer(
        &self,
        mut args: Args<TracerArgs>,
        Extension(call): Extension<Call>,
        InputResponses(given): InputResponses,
        context: RequestContext<RoleServer>,
    ) -> CallToolResponse {
        if let Ok(wanted) = &mut args.value
            && wanted.leaves_mode_open()
        {
            match WHICH_TRACE.ask(given, &context, self.parts.user_limit).await {
                Asked::Chosen(mode) => wanted.trace_mode = Some(mode),
                Asked::InputRequired(question) => return *question,
                Asked::Nothing => {}
            }
        }
        self.take_step(&TRACER, args, call, TracerArgs::into_input).await
    }
}
