//! `refactor`: an expert names what to restructure, and how.

use exai_prompts::{FILES_REQUIRED, Prompt, actions};

use super::{Count, ExpertRule, Flow, SkipRule, Spec, Words, answers, asks};

/// Opportunities to restructure.
pub static REFACTOR: Spec = Spec {
    name: "refactor",
    words: Words {
        pause: "pause_for_refactoring_analysis",
        status_key: "refactoring_status",
        required_key: "refactor_required",
        complete_keys: &["refactoring_complete"],
        complete_object: "complete_refactoring",
        skipped: "refactoring_analysis_complete_ready_for_implementation",
        skipped_expert: "skipped_due_to_complete_refactoring_confidence",
    },
    first_step_needs_files: true,
    actions: actions::refactor,
    flow: Flow::Expert(ExpertRule {
        prompt: Prompt::Refactor,
        skip: SkipRule::Confidence("complete"),
        min_findings: 2,
        inspects: true,
        promoted: &[
            asks(FILES_REQUIRED),
            asks("focused_review_required"),
            asks("refactoring_paused"),
            answers("more_refactor_required"),
        ],
    }),
    counts: &[Count::Types("opportunities_by_type"), Count::Confidence("refactor_confidence")],
    own_fields: &["refactor_type", "focus_areas", "style_guide_examples"],
    after: "Make one change at a time, in the order given, and run the tests after each; stop where the gain no longer pays for the risk.",
};
