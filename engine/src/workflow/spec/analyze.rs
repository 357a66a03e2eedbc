//! `analyze`: an expert looks at the whole: architecture, fit, risks.

use exai_prompts::{FILES_REQUIRED, Prompt, actions};

use super::{Count, ExpertRule, Flow, SkipRule, Spec, Words, asks};

/// Assessment of code as a whole.
pub static ANALYZE: Spec = Spec {
    name: "analyze",
    words: Words {
        pause: "pause_for_analysis",
        status_key: "analysis_status",
        required_key: "analyze_required",
        complete_keys: &["analysis_complete"],
        complete_object: "complete_analysis",
        skipped: "analysis_complete_ready_for_implementation",
        skipped_expert: "",
    },
    first_step_needs_files: true,
    actions: actions::analyze,
    flow: Flow::Expert(ExpertRule {
        prompt: Prompt::Analyze,
        skip: SkipRule::Never,
        min_findings: 1,
        inspects: true,
        promoted: &[asks(FILES_REQUIRED), asks("full_codereview_required")],
    }),
    counts: &[Count::Severities("insights_by_severity"), Count::Confidence("analysis_confidence")],
    own_fields: &["analysis_type", "output_format"],
    after: "Weigh each insight against what you know of the project before you act; start with the quick wins, and say which you leave.",
};
