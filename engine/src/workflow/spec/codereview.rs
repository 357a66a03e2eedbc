//! `codereview`: a review by an expert.

use exai_prompts::{FILES_REQUIRED, Prompt, actions};

use super::{Count, ExpertRule, Flow, SkipRule, Spec, Words, asks};

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
        inspects: true,
        promoted: &[asks(FILES_REQUIRED), asks("focused_review_required")],
    }),
    counts: &[Count::Severities("issues_by_severity"), Count::Field("review_validation_type", "external")],
    own_fields: &[
        "review_validation_type",
        "review_type",
        "focus_on",
        "standards",
        "severity_filter",
        "diff",
        "compare_to",
    ],
    after: "Check each finding against the code before you act: citation says whether its quote was found, not whether it is \
            true. Fix critical and high ones first; say which you reject and why.",
};
