//! `debug`: an expert ranks causes of a defect.

use exai_prompts::{FILES_REQUIRED, Prompt, actions};

use super::{Count, ExpertRule, Flow, SkipRule, Spec, Words, answers, asks};

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
        inspects: true,
        promoted: &[asks(FILES_REQUIRED), answers("no_bug_found"), asks("investigation_paused")],
    }),
    counts: &[Count::Hypotheses, Count::Severities("issues_by_severity")],
    own_fields: &[],
    after: "Try the most likely hypothesis first: reproduce, make the smallest fix, run the regression check. If it does not \
            hold, continue with the same continuation_id and say what you saw.",
};
