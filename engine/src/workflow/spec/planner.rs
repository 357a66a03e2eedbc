//! `planner`: a plan in steps, with branches and revisions.

use exai_prompts::actions;

use super::{Count, Flow, Spec, Words};

/// Planning in steps.
pub static PLANNER: Spec = Spec {
    name: "planner",
    words: Words {
        pause: "pause_for_planning",
        status_key: "planner_status",
        required_key: "planner_required",
        complete_keys: &["planner_complete", "planning_complete"],
        complete_object: "plan_summary",
        skipped: "planner_complete",
        skipped_expert: "",
    },
    first_step_needs_files: false,
    actions: actions::planner,
    flow: Flow::Planning,
    counts: &[Count::Plan],
    own_fields: &[
        "is_step_revision",
        "revises_step_number",
        "is_branch_point",
        "branch_from_step",
        "branch_id",
        "more_steps_needed",
    ],
    after: "Present the plan to the user: numbered steps with what each one changes, what it depends on and how it is checked; \
            name open questions. No time or cost estimates.",
};
