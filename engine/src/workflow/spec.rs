//! What differs between the workflow tools, as data. The machine that runs them is one, in [`crate::workflow`].

use exai_prompts::{Prompt, actions};

/// A workflow tool.
#[derive(Debug)]
pub struct Spec {
    /// The tool's name on the wire.
    pub name: &'static str,
    /// Its words on the wire.
    pub words: Words,
    /// Whether step 1 must name files.
    pub first_step_needs_files: bool,
    /// What the agent has to do before the next step, by step number and confidence.
    pub actions: fn(u32, Option<&str>) -> &'static [String],
    /// What kind of thing it is.
    pub flow: Flow,
    /// What its counters tell beyond the common ones.
    pub counts: &'static [Count],
    /// The wire names of its own fields, kept in [`exai_core::thread::Step::extra`].
    pub own_fields: &'static [&'static str],
    /// What the agent should do with the final answer.
    pub after: &'static str,
}

/// A counter that only some tools show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// The agent's issues by severity.
    IssuesBySeverity,
    /// Theories that were held.
    Hypotheses,
    /// Steps of the plan, and its branches.
    Plan,
}

/// Words that agents match on; the same as those of pal-mcp-server 9.8.
#[derive(Debug)]
pub struct Words {
    /// Status of a pausing step.
    pub pause: &'static str,
    /// Key of the counters.
    pub status_key: &'static str,
    /// Key that says that the agent has to go on.
    pub required_key: &'static str,
    /// Keys that are true at the end.
    pub complete_keys: &'static [&'static str],
    /// Key of the summary at the end.
    pub complete_object: &'static str,
    /// Status when the expert is skipped by the tool's own rule.
    pub skipped: &'static str,
    /// `expert_analysis.status` when the expert is skipped.
    pub skipped_expert: &'static str,
}

/// What happens at the end of an investigation.
#[derive(Debug)]
pub enum Flow {
    /// An expert is consulted.
    Expert(ExpertRule),
    /// The agent's own planning: no model, branches and revisions.
    Planning,
}

/// When and how the expert is consulted.
#[derive(Debug)]
pub struct ExpertRule {
    /// The system prompt.
    pub prompt: Prompt,
    /// When the tool does without.
    pub skip: SkipRule,
    /// The least evidence: files, issues, or this many steps with findings.
    pub min_findings: usize,
    /// Statuses of the expert that become the answer's status.
    pub promoted: &'static [&'static str],
}

/// When an expert is not consulted although the investigation has ended.
#[derive(Debug)]
pub enum SkipRule {
    /// At this confidence.
    Confidence(&'static str),
    /// When this field has this value.
    Field {
        /// The field.
        name: &'static str,
        /// The value.
        value: &'static str,
    },
}

/// The expert asks for files; common to all tools.
const FILES_REQUIRED: &str = "files_required_to_continue";

/// Review of code.
pub static CODEREVIEW: Spec = Spec {
    name: "codereview",
    words: Words {
        pause: "pause_for_code_review",
        status_key: "code_review_status",
        required_key: "codereview_required",
        complete_keys: &["code_review_complete"],
        complete_object: "complete_code_review",
        skipped: "code_review_complete_ready_for_implementation",
        skipped_expert: "skipped_due_to_internal_analysis_type",
    },
    first_step_needs_files: true,
    actions: actions::codereview,
    flow: Flow::Expert(ExpertRule {
        prompt: Prompt::CodeReview,
        skip: SkipRule::Field { name: "review_validation_type", value: "internal" },
        min_findings: 2,
        promoted: &[FILES_REQUIRED, "focused_review_required"],
    }),
    counts: &[Count::IssuesBySeverity],
    own_fields: &["review_validation_type", "review_type", "focus_on", "standards", "severity_filter"],
    after: "Check each finding against the code before you act: those with verified true cite a line that was given to the \
            expert. Fix critical and high ones first; say which you reject and why.",
};

/// Search for the cause of a defect.
pub static DEBUG: Spec = Spec {
    name: "debug",
    words: Words {
        pause: "pause_for_investigation",
        status_key: "investigation_status",
        required_key: "investigation_required",
        complete_keys: &["investigation_complete"],
        complete_object: "complete_investigation",
        skipped: "certain_confidence_proceed_with_fix",
        skipped_expert: "skipped_due_to_certain_confidence",
    },
    first_step_needs_files: false,
    actions: actions::debug,
    flow: Flow::Expert(ExpertRule {
        prompt: Prompt::Debug,
        skip: SkipRule::Confidence("certain"),
        min_findings: 2,
        promoted: &[FILES_REQUIRED, "no_bug_found", "investigation_paused"],
    }),
    counts: &[Count::Hypotheses, Count::IssuesBySeverity],
    own_fields: &[],
    after: "Try the most likely hypothesis first: reproduce, make the smallest fix, run the regression check. If it does not \
            hold, continue with the same continuation_id and say what you saw.",
};

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

/// Every workflow tool.
pub static ALL: &[&Spec] = &[&CODEREVIEW, &DEBUG, &PLANNER];
