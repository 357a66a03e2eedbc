//! `planner`: a plan in steps, with branches and revisions. Asks no model.

use std::sync::{Arc, LazyLock};

use exai_engine::{
    Call,
    workflow::{StepInput, spec::PLANNER},
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

/// Arguments of `planner`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct PlannerArgs {
    /// This step of the plan; step 1 states the task.
    step: String,
    /// From 1; counted when left out.
    #[schemars(range(min = 1))]
    step_number: Option<u32>,
    /// Estimate; may change.
    #[schemars(range(min = 1))]
    total_steps: Option<u32>,
    /// false completes the plan.
    next_step_required: Option<bool>,
    /// This step replaces an earlier one.
    is_step_revision: Option<bool>,
    /// The step that is replaced.
    #[schemars(range(min = 1))]
    revises_step_number: Option<u32>,
    /// An alternative begins here.
    is_branch_point: Option<bool>,
    /// The step it begins after.
    #[schemars(range(min = 1))]
    branch_from_step: Option<u32>,
    /// Name of the alternative.
    branch_id: Option<String>,
    /// More steps than estimated.
    more_steps_needed: Option<bool>,
    /// Drops the steps from this one on; the work goes on from the step before it.
    #[schemars(range(min = 1))]
    backtrack_from_step: Option<u32>,
    /// Thread to continue, of any tool.
    continuation_id: Option<String>,
}

impl ToolArgs for PlannerArgs {
    const ALIASES: &'static [(&'static str, &'static str)] = &[("prompt", "step"), ("task", "step")];
    const HIDDEN: &'static [&'static [&'static str]] = &[&["backtrack_from_step"]];
    const WITHOUT_EFFECT: &'static [(&'static str, &'static str)] = &[
        ("model", "planner asks no model"),
        ("use_assistant_model", "planner asks no model"),
        ("temperature", "planner asks no model"),
        ("thinking_mode", "planner asks no model"),
    ];

    fn schema() -> Arc<JsonObject> {
        static SCHEMA: LazyLock<Arc<JsonObject>> = LazyLock::new(portable::<PlannerArgs>);
        Arc::clone(&SCHEMA)
    }
}

impl PlannerArgs {
    fn into_input(self) -> StepInput {
        let extra = own_fields([
            ("is_step_revision", self.is_step_revision.map(Into::into)),
            ("revises_step_number", self.revises_step_number.map(Into::into)),
            ("is_branch_point", self.is_branch_point.map(Into::into)),
            ("branch_from_step", self.branch_from_step.map(Into::into)),
            ("branch_id", self.branch_id.map(Into::into)),
            ("backtrack_from_step", self.backtrack_from_step.map(Into::into)),
            ("more_steps_needed", self.more_steps_needed.map(Into::into)),
        ]);
        StepInput {
            step: self.step,
            step_number: self.step_number,
            total_steps: self.total_steps,
            next_step_required: self.next_step_required,
            extra,
            continuation_id: self.continuation_id,
            ..StepInput::default()
        }
    }
}

#[tool_router(router = planner_router, vis = "pub(crate)")]
impl ExaiServer {
    #[tool(
        description = "Plan a large task step by step, with revisions and branches, in a thread. Asks no model.",
        input_schema = PlannerArgs::published(),
        annotations(title = "Planner", read_only_hint = true, open_world_hint = false)
    )]
    async fn planner(&self, args: Args<PlannerArgs>, Extension(call): Extension<Call>) -> CallToolResponse {
        self.take_step(&PLANNER, args, call, PlannerArgs::into_input).await
    }
}
