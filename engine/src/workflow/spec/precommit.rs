//! `precommit`: an expert checks a change before it is committed.

use exai_prompts::{FILES_REQUIRED, Prompt, actions};

use super::{Count, ExpertRule, Flow, SkipRule, Spec, Words, asks};

/// Check of a change set.
pub static PRECOMMIT: Spec = Spec {
    name: "precommit",
    words: Words {
        pause: "pause_for_validation",
        status_key: "validation_status",
        required_key: "precommit_required",
        complete_keys: &["validation_complete"],
        complete_object: "complete_validation",
        skipped: "validation_complete_ready_for_commit",
        skipped_expert: "skipped_due_to_internal_analysis_type",
    },
    first_step_needs_files: false,
    actions: actions::precommit,
    flow: Flow::Expert(ExpertRule {
        prompt: Prompt::Precommit,
        skip: SkipRule::Field { name: "precommit_type", value: "internal" },
        min_findings: 2,
        inspects: true,
        promoted: &[asks(FILES_REQUIRED), asks("focused_review_required")],
    }),
    counts: &[
        Count::Issues("issues_identified"),
        Count::Severities("issues_by_severity"),
        Count::Field("precommit_type", "external"),
    ],
    own_fields: &[
        "path",
        "compare_to",
        "include_staged",
        "include_unstaged",
        "precommit_type",
        "focus_on",
        "severity_filter",
    ],
    after: "Mend what is critical or high before the commit, then check again with this continuation_id; say which findings you reject and why.",
};
