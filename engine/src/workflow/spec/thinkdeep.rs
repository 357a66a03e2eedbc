//! `thinkdeep`: an expert deepens and checks a line of thought.

use exai_prompts::{FILES_REQUIRED, Prompt, actions};

use super::{Count, ExpertRule, Flow, SkipRule, Spec, Words, asks};

/// Reasoning in steps, checked by an expert.
pub static THINKDEEP: Spec = Spec {
    name: "thinkdeep",
    words: Words {
        pause: "pause_for_thinkdeep",
        status_key: "thinkdeep_status",
        required_key: "thinkdeep_required",
        complete_keys: &["thinkdeep_complete", "thinking_complete"],
        complete_object: "complete_thinkdeep",
        skipped: "deep_thinking_complete_ready_for_implementation",
        skipped_expert: "skipped_due_to_certain_thinking_confidence",
    },
    first_step_needs_files: false,
    actions: actions::thinkdeep,
    flow: Flow::Expert(ExpertRule {
        prompt: Prompt::ThinkDeep,
        skip: SkipRule::Confidence("certain"),
        min_findings: 0,
        inspects: false,
        promoted: &[asks(FILES_REQUIRED)],
    }),
    counts: &[Count::Thinking],
    own_fields: &["problem_context", "focus_areas"],
    after: "Say what changed your mind and what did not; act on what holds, and name what stays open.",
};
